/**
 * One long-running program of the control plane.
 *
 * 1. It leads a process group of its own and writes to a log file.
 * 2. An end while the cluster starts is a failure with the last lines of its log; an end later is followed by a restart with the same
 *    arguments: at once if it had run a while, else after a growing pause.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { LocalError } from '../local-error.ts';

export interface Program {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly logFile: string;
  readonly env: NodeJS.ProcessEnv;
}

const steadyMs = 5_000;
const firstPauseMs = 100;
const longestPauseMs = 5_000;
const shownLogLines = 15;

const lastLines = (file: string): string => readFileSync(file, 'utf8').trimEnd().split('\n').slice(-shownLogLines).join('\n');

export class SupervisedProcess {
  readonly #program: Program;
  #child: ChildProcess | undefined;
  #ended: Promise<string> = Promise.resolve('not started');

  constructor(program: Program) {
    this.#program = program;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    const log = openSync(this.#program.logFile, 'a');
    const child = spawn(this.#program.file, this.#program.args, { detached: true, stdio: ['ignore', log, log], env: this.#program.env });
    closeSync(log);
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code ?? 'unknown'}` : signal));
    });
  }

  /** Rejects when the program ends; for the time in which nobody restarts it. */
  async failWhenEnded(): Promise<never> {
    const how = await this.#ended;
    throw new LocalError(`${this.#program.name} ended (${how}). The end of its log:\n${lastLines(this.#program.logFile)}`);
  }

  /** Restarts it for ever, until `signal` aborts. */
  async keepRunning(onEnd: (how: string) => void, signal: AbortSignal): Promise<void> {
    let pauseMs = firstPauseMs;
    while (!signal.aborted) {
      const startedMs = performance.now();
      const how = await this.#ended;
      if (signal.aborted) return;
      onEnd(how);
      pauseMs = performance.now() - startedMs > steadyMs ? firstPauseMs : Math.min(pauseMs * 2, longestPauseMs);
      await delay(pauseMs, undefined, { signal }).catch(() => undefined); // aborted: seen below
      if (!signal.aborted) this.start();
    }
  }

  /** Signals the whole group; resolves when a killed program is gone. */
  async kill(): Promise<number | undefined> {
    const pid = this.#child?.pid;
    const isOver = this.#child?.exitCode !== null || this.#child.signalCode !== null;
    if (pid === undefined || isOver) return undefined;
    const ended = this.#ended;
    process.kill(-pid, 'SIGKILL');
    await ended;
    return pid;
  }
}
