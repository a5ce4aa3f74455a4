/** Processes of a benchmark: started on a core of their own where the machine allows it, measured through /proc, and stopped. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

/** Path of a program in PATH. */
export function findProgram(name: string): string | undefined {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // That is the answer.
    return false;
  }
}

const taskset = findProgram('taskset');
export const canPin = taskset !== undefined && availableParallelism() > 1;

export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly core: 0 | 1;
  /** Whether it is ours and answers in lines; the log of a store is not kept. */
  readonly answers: boolean;
}

export interface RunningProgram {
  readonly pid: number;
  /** The first line of standard output, of a program that answers. */
  readonly firstLine: () => Promise<string>;
  readonly stop: () => Promise<void>;
}

/** A program that reads its standard input to the end and then ends does not outlive a benchmark that was killed. */
export function startProgram({ file, args, core, answers }: Program): RunningProgram {
  const [command, commandArgs] =
    canPin && taskset !== undefined ? [taskset, ['--cpu-list', String(core), file, ...args]] : [file, [...args]];
  const child = spawn(command, commandArgs, { stdio: answers ? ['pipe', 'pipe', 'inherit'] : ['pipe', 'ignore', 'ignore'] });
  if (child.pid === undefined) throw new Error(`${file} could not be started`);
  return { pid: child.pid, firstLine: () => readFirstLine(child, file), stop: () => stopProgram(child) };
}

async function readFirstLine(child: ChildProcess, file: string): Promise<string> {
  if (child.stdout === null) throw new Error('the output is not piped');
  for await (const line of createInterface({ input: child.stdout })) {
    child.stdout.resume();
    return line;
  }
  throw new Error(`${file} ended without a word`);
}

async function stopProgram(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const hardEnd = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(hardEnd);
}

export async function untilListening(port: number, signal: AbortSignal): Promise<void> {
  const timeout = AbortSignal.any([signal, AbortSignal.timeout(20_000)]);
  while (!(await isOpen(port))) await delay(25, undefined, { signal: timeout });
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** The kernel counts in hundredths of a second for user space, whatever its own clock. */
const ticksPerSecond = 100;

/** Seconds of CPU that a process has used. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name of the program may hold spaces; the fields after it do not.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Most memory that a process has had, in MB. */
export function peakMegabytes(pid: number): number {
  const kilobytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) / 1024;
}
