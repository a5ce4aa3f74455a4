/** Runs a short-lived program to its end and hands back what it wrote. The program dies with `signal`. */
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';

export interface CommandResult {
  readonly stdout: string;
  readonly stderr: string;
  /** 128 plus the signal's number when a signal ended it, as a shell reports it. */
  readonly exitCode: number;
}

interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
}

const killedExitCode = 137;

export const runCommand = async (command: Command, signal: AbortSignal): Promise<CommandResult> => {
  const child = spawn(command.file, command.args, {
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    ...(command.env === undefined ? {} : { env: command.env }),
    stdio: ['pipe', 'pipe', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  });
  const exit = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? killedExitCode));
  });
  // The program may end without having read its input; its exit code tells, the broken pipe adds nothing.
  child.stdin.on('error', () => undefined);
  child.stdin.end(command.input ?? '');
  const [exitCode, stdout, stderr] = await Promise.all([exit, text(child.stdout), text(child.stderr)]);
  return { stdout, stderr, exitCode };
};
