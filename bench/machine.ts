/** What a benchmark ran on, for whoever compares figures. */
import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { canPin } from './processes.ts';

export interface Machine {
  readonly cores: number;
  readonly cpu: string;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  /** Whether each side had a core of its own, and the generator another. */
  readonly pinned: boolean;
}

export function describeMachine(): Machine {
  const all = cpus();
  return {
    cores: all.length,
    cpu: all[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    pinned: canPin,
  };
}

/** The first version number that a program names when asked. */
export function versionOf(file: string): string {
  const said = execFileSync(file, ['--version'], { encoding: 'utf8', timeout: 10_000 });
  return /\d+\.\d+\.\d+/.exec(said)?.[0] ?? said.trim();
}
