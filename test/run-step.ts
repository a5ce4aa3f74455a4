/**
 * Runs one step of the project's checks as a process and says how it ended, with its tests counted from vitest's own report.
 *
 * 1. A step counts at least once: a test run that found no test, broke off or left a test out has failed.
 * 2. A step ends in time, or is stopped and has failed.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

export interface Step {
  readonly name: string;
  /** How a person runs it alone. */
  readonly command: readonly [file: string, ...args: string[]];
  /** A run of vitest, whose tests are counted. */
  readonly hasTests: boolean;
  readonly timeoutMs: number;
  /** Its output is shown while it runs; else it is kept. */
  readonly isShown: boolean;
}

export interface StepResult {
  readonly step: Step;
  readonly passed: number;
  readonly failed: number;
  readonly seconds: number;
  /** Empty for a step that was shown. */
  readonly output: string;
}

interface Ending {
  readonly isGood: boolean;
  readonly output: string;
}

const report = z.object({ numPassedTests: z.number(), numFailedTests: z.number(), numPendingTests: z.number(), numTodoTests: z.number() });

/** How long a step has for stopping what it started. */
const graceMs = 20_000;

async function runProcess(step: Step, args: readonly string[], signal: AbortSignal): Promise<Ending> {
  const output = step.isShown ? 'inherit' : 'pipe';
  const child = spawn(step.command[0], args, { stdio: ['ignore', output, output] });
  const stop = (): void => {
    child.kill('SIGTERM');
    setTimeout(() => child.kill('SIGKILL'), graceMs).unref();
  };
  signal.addEventListener('abort', stop, { once: true });
  const ended = new Promise<Ending>((resolve) => {
    child.once('error', (error) => resolve({ isGood: false, output: `${error.message}\n` }));
    child.once('close', (code) => resolve({ isGood: code === 0, output: '' }));
  });
  const streams = [child.stdout, child.stderr].map((stream) => (stream === null ? '' : text(stream)));
  const [ending, ...texts] = await Promise.all([ended, ...streams]);
  signal.removeEventListener('abort', stop);
  return { isGood: ending.isGood, output: texts.join('') + ending.output };
}

async function countTests(reportFile: string): Promise<{ passed: number; failed: number }> {
  const json = await readFile(reportFile, 'utf8').catch(() => '{}'); // it broke off before its report, so nothing counts as passed
  const counts = report.safeParse(JSON.parse(json));
  if (!counts.success) return { passed: 0, failed: 0 };
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = counts.data;
  return { passed: numPassedTests, failed: numFailedTests + numPendingTests + numTodoTests };
}

export async function runStep(step: Step, signal: AbortSignal): Promise<StepResult> {
  const startedMs = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'peppasync-step-'));
  const reportFile = join(folder, 'report.json');
  const [, ...args] = step.command;
  const reporters = step.hasTests
    ? [`--reporter=${step.isShown ? 'default' : 'dot'}`, '--reporter=json', `--outputFile.json=${reportFile}`]
    : [];
  const timeout = AbortSignal.timeout(step.timeoutMs);
  try {
    const { isGood, output } = await runProcess(step, [...args, ...reporters], AbortSignal.any([signal, timeout]));
    const { passed, failed } = step.hasTests ? await countTests(reportFile) : { passed: isGood ? 1 : 0, failed: isGood ? 0 : 1 };
    const isWrong = !isGood || passed + failed === 0;
    return {
      step,
      passed,
      failed: failed === 0 && isWrong ? 1 : failed,
      seconds: (performance.now() - startedMs) / 1_000,
      output: timeout.aborted ? `${output}stopped: not done after ${step.timeoutMs / 1_000} s\n` : output,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
