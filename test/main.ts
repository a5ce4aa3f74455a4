/** `npm test`: every check and every test, ending with a line `N passed, N failed`. `npm run verify`: those without servers. */
import { terminalProgress } from '../local/progress.ts';
import { ensureTools } from '../local/tools.ts';
import { runStep } from './run-step.ts';
import type { Step, StepResult } from './run-step.ts';
import { serverSteps, verifySteps } from './steps.ts';

const help = `Usage: npm test             every check and every test (builds the local cluster's programs first, once)
       npm run verify       the checks and tests that need no servers
`;

function show({ step, passed, failed, seconds }: StepResult): void {
  const counts = step.hasTests ? `  ${passed} passed${failed === 0 ? '' : `, ${failed} failed`}` : '';
  console.log(`  ${failed === 0 ? '✓' : '✗'} ${step.name.padEnd(28)}${seconds.toFixed(1).padStart(6)} s${counts}`);
}

/** All of them, whatever fails; `width` at a time. */
async function runAll(steps: readonly Step[], width: number, signal: AbortSignal): Promise<StepResult[]> {
  const results: StepResult[] = [];
  const waiting = [...steps];
  const work = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined && !signal.aborted; step = waiting.shift()) {
      const result = await runStep(step, signal);
      show(result);
      results.push(result);
    }
  };
  await Promise.all(Array.from({ length: width }, work));
  return steps.flatMap((step) => results.filter((result) => result.step === step));
}

/** The first failure in full; the others by the command that shows them. */
function explain(results: readonly StepResult[]): void {
  const [first, ...others] = results.filter(({ failed }) => failed > 0);
  if (first === undefined) return;
  console.log(`\n${first.step.name} failed: ${first.step.command.join(' ')}\n\n${first.output}`);
  for (const { step } of others) console.log(`also failed: ${step.name} (npx ${step.command.join(' ')})`);
}

async function runServerSteps(signal: AbortSignal): Promise<StepResult[]> {
  await ensureTools(terminalProgress(process.stderr), signal);
  return runAll(serverSteps, 1, signal);
}

async function run(what: string | undefined, signal: AbortSignal): Promise<boolean> {
  const startedMs = performance.now();
  const verified = await runAll(verifySteps, 2, signal);
  explain(verified);
  const results = what === 'verify' ? verified : [...verified, ...(await runServerSteps(signal))];
  if (what !== 'verify') {
    console.log();
    for (const result of results) show(result);
  }
  const total = (counted: 'passed' | 'failed') => results.reduce((sum, result) => sum + result[counted], 0);
  const isGood = total('failed') === 0 && total('passed') > 0 && !signal.aborted;
  console.log(`\n${((performance.now() - startedMs) / 1_000).toFixed(0)} s\n${total('passed')} passed, ${total('failed')} failed`);
  return isGood;
}

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());

const [what, ...rest] = process.argv.slice(2);
if (rest.length > 0 || (what !== undefined && what !== 'verify')) {
  process.stdout.write(help);
  process.exitCode = what === '--help' ? 0 : 2;
} else {
  process.exitCode = (await run(what, stop.signal)) ? 0 : 1;
}
