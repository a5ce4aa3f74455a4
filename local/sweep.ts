/**
 * Ends whatever belongs to a cluster and removes its data, without asking anything that may itself be dead.
 *
 * Every process of a cluster carries the cluster's data folder in its environment. That mark is inherited, so a child that a Pod's
 * program put into a session of its own is found as well. Everything here is synchronous: it also runs while a process is dying.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const markVariable = 'PEPPASYNC_CLUSTER';

const longestWaitMs = 5_000;

const hasMark = (pid: number, mark: string): boolean => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark);
  } catch {
    return false; // gone in the meantime, or another user's
  }
};

const findMarked = (dataFolder: string): readonly number[] => {
  const mark = `${markVariable}=${dataFolder}\0`;
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => Number.isInteger(pid) && pid > 1 && pid !== process.pid && hasMark(pid, mark));
};

const killQuietly = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone in the meantime
  }
};

const sleepSync = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

/** Killed processes may still be at their last instruction, so it looks again until none is left. Returns what withstood. */
export const killMarked = (dataFolder: string): readonly number[] => {
  const giveUpMs = performance.now() + longestWaitMs;
  for (;;) {
    const left = findMarked(dataFolder);
    if (left.length === 0 || performance.now() > giveUpMs) return left;
    left.forEach(killQuietly);
    sleepSync(10);
  }
};

export const removeData = (dataFolder: string): void => rmSync(dataFolder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });

const folderPrefix = 'peppasync-cluster-';
const ownerFile = (dataFolder: string): string => join(dataFolder, 'supervisor.pid');

export const newDataFolder = (id: string): string => join(tmpdir(), `${folderPrefix}${id}`);

/** Says whose the folder is. A folder that was kept on purpose has no owner any more. */
export const writeOwner = (dataFolder: string): void => writeFileSync(ownerFile(dataFolder), String(process.pid));
export const disown = (dataFolder: string): void => rmSync(ownerFile(dataFolder), { force: true });

const readOwner = (dataFolder: string): number => {
  try {
    return Number(readFileSync(ownerFile(dataFolder), 'utf8'));
  } catch {
    return 0; // nobody's, another user's, or just being removed
  }
};

/** Clears away clusters whose supervisor was killed together with the process that could have noticed. */
export const sweepAbandoned = (): void => {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(folderPrefix)) continue;
    const dataFolder = join(tmpdir(), name);
    const owner = readOwner(dataFolder);
    if (owner === 0 || hasMark(owner, `${markVariable}=${dataFolder}\0`)) continue;
    killMarked(dataFolder);
    removeData(dataFolder);
  }
};
