/** Peers that benchmarks are run against. They are no part of the project's packages: installed when they are first needed. */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, cp, mkdir, readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../local/run-command.ts';

const source = join(import.meta.dirname, 'peers');
const manifests = ['package.json', 'package-lock.json'];

/** Folder of their node_modules. */
export async function ensurePeers(signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for (const file of manifests) hash.update(await readFile(join(source, file)));
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  const folder = join(cache, 'peppasync', 'bench-peers', hash.digest('hex').slice(0, 16));
  const modules = join(folder, 'node_modules');
  // npm writes this file last.
  if (await exists(join(modules, '.package-lock.json'))) return modules;
  await mkdir(folder, { recursive: true });
  for (const file of manifests) await cp(join(source, file), join(folder, file));
  const args = ['ci', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund'];
  const { exitCode, stderr } = await runCommand({ file: 'npm', args, cwd: folder }, signal);
  if (exitCode !== 0) throw new Error(`the peers could not be installed:\n${stderr.slice(-2_000)}`);
  return modules;
}

function exists(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}
