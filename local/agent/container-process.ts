/**
 * One run of a container as a local process.
 *
 * 1. It leads a process group of its own; when it ends, what is left of the group is killed, as the end of PID 1 ends a container.
 * 2. SIGTERM goes to the process alone, as a container runtime sends it; SIGKILL goes to the group.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { writeLog } from './log-file.ts';
import type { Mount } from './mount-paths.ts';

export interface Launch {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  /** For commands that run beside it, such as those of probes. */
  readonly mounts: readonly Mount[];
}

export interface ProcessEnd {
  readonly exitCode: number;
  readonly reason: 'Completed' | 'Error' | 'StartError';
  readonly message: string;
  readonly finishedAt: Date;
}

export interface ContainerProcess {
  readonly pid: number | undefined;
  readonly startedAt: Date;
  /** Resolves when the process is gone and its output is in the log. */
  readonly end: Promise<ProcessEnd>;
  readonly signal: (name: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT') => void;
}

/** A process in a session of its own may hold the output open for longer; its words are then lost. */
const outputLimitMs = 1_000;
const startErrorCode = 128;

const signalGroup = (pid: number, name: NodeJS.Signals): void => {
  try {
    process.kill(-pid, name);
  } catch {
    // nobody is left in the group
  }
};

const describeEnd = (code: number | null, signal: NodeJS.Signals | null): Omit<ProcessEnd, 'finishedAt'> => {
  const exitCode = code ?? startErrorCode + (signal === null ? 0 : constants.signals[signal]);
  return { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', message: '' };
};

const awaitEnd = (child: ChildProcess): Promise<ProcessEnd> =>
  new Promise((resolve) => {
    child.once('error', (error) =>
      resolve({ exitCode: startErrorCode, reason: 'StartError', message: error.message, finishedAt: new Date() }),
    );
    child.once('exit', (code, signal) => resolve({ ...describeEnd(code, signal), finishedAt: new Date() }));
  });

export const startContainerProcess = (launch: Launch, logFile: string): ContainerProcess => {
  const [file = '', ...args] = launch.command;
  const child = spawn(file, args, { cwd: launch.folder, env: launch.env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  // A full disk costs the log, not the container.
  const logged = writeLog(logFile, { stdout: child.stdout, stderr: child.stderr }, () => new Date()).catch(() => undefined);
  const finish = async (): Promise<ProcessEnd> => {
    const end = await awaitEnd(child);
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
    const limit = new AbortController();
    await Promise.race([logged, delay(outputLimitMs, undefined, { signal: limit.signal, ref: false })]);
    limit.abort();
    return end;
  };
  return {
    pid: child.pid,
    startedAt: new Date(),
    end: finish(),
    signal: (name) => {
      if (name === 'SIGTERM') child.kill(name);
      else if (child.pid !== undefined) signalGroup(child.pid, name);
    },
  };
};
