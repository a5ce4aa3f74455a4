/**
 * The programs of the local cluster: built once from the Go module in `tools/`, kept in the user's cache folder.
 *
 * 1. The folder's name is a hash of everything that decides what the programs are, so a changed version builds anew and an old
 *    folder is never touched.
 * 2. A program appears under its name complete or not at all: it is built beside and renamed.
 * 3. Two runs never build at once. The lock is a socket, so it ends with the process that holds it.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { LocalError } from './local-error.ts';
import type { Progress } from './progress.ts';
import { runCommand } from './run-command.ts';

interface ToolPaths {
  readonly etcd: string;
  readonly kubeApiserver: string;
  readonly kubeControllerManager: string;
  readonly kubeScheduler: string;
  readonly kubectl: string;
  readonly natsServer: string;
}

const moduleFolder = join(import.meta.dirname, 'tools');

/** The API server comes first among the big ones: the others then find most of their packages compiled. */
const programs = [
  { name: 'nats-server', source: 'github.com/nats-io/nats-server/v2' },
  { name: 'etcd', source: 'go.etcd.io/etcd/server/v3' },
  { name: 'kube-apiserver', source: 'k8s.io/kubernetes/cmd/kube-apiserver' },
  { name: 'kube-controller-manager', source: 'k8s.io/kubernetes/cmd/kube-controller-manager' },
  { name: 'kube-scheduler', source: 'k8s.io/kubernetes/cmd/kube-scheduler' },
  { name: 'kubectl', source: 'k8s.io/kubernetes/cmd/kubectl' },
] as const;

const wayOut =
  'Install Go from https://go.dev/dl/ and put it in PATH, or set PEPPASYNC_TOOLS to a folder that holds ready programs: ' +
  programs.map((program) => program.name).join(', ');

const pathsIn = (folder: string): ToolPaths => ({
  etcd: join(folder, 'etcd'),
  kubeApiserver: join(folder, 'kube-apiserver'),
  kubeControllerManager: join(folder, 'kube-controller-manager'),
  kubeScheduler: join(folder, 'kube-scheduler'),
  kubectl: join(folder, 'kubectl'),
  natsServer: join(folder, 'nats-server'),
});

const isExecutable = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

const missingIn = async (folder: string): Promise<readonly (typeof programs)[number][]> => {
  const present = await Promise.all(programs.map((program) => isExecutable(join(folder, program.name))));
  return programs.filter((_program, index) => present[index] !== true);
};

const firstMatch = (text: string, pattern: RegExp, what: string): string => {
  const found = pattern.exec(text)?.[1];
  if (found === undefined) throw new LocalError(`local/tools/go.mod names no ${what}`);
  return found;
};

/** Without these every component calls itself v0.0.0-master, and kubectl warns about the skew. */
const linkFlags = (kubernetesVersion: string): string => {
  const [major, minor] = kubernetesVersion.slice(1).split('.');
  const version = 'k8s.io/component-base/version';
  return `-s -w -X ${version}.gitVersion=${kubernetesVersion} -X ${version}.gitMajor=${major ?? ''} -X ${version}.gitMinor=${minor ?? ''}`;
};

interface Recipe {
  readonly kubernetesVersion: string;
  readonly flags: string;
  readonly goVersion: string;
  readonly folder: string;
}

const readRecipe = async (): Promise<Recipe> => {
  const [goMod, goSum] = await Promise.all([
    readFile(join(moduleFolder, 'go.mod'), 'utf8'),
    readFile(join(moduleFolder, 'go.sum'), 'utf8'),
  ]);
  const kubernetesVersion = firstMatch(goMod, /^\s*k8s\.io\/kubernetes (v\S+)/mu, 'version of k8s.io/kubernetes');
  const flags = linkFlags(kubernetesVersion);
  const hash = createHash('sha256').update([goMod, goSum, flags, process.arch].join('\0')).digest('hex').slice(0, 16);
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return {
    kubernetesVersion,
    flags,
    goVersion: firstMatch(goMod, /^go (\d+\.\d+)/mu, 'version of Go'),
    folder: join(cache, 'peppasync', 'tools', hash),
  };
};

const isOlder = (version: string, wanted: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number);
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
};

/** Asked inside the module, so that a Go that fetches newer toolchains by itself counts as the one it would fetch. */
const requireGo = async (wanted: string, signal: AbortSignal): Promise<void> => {
  const answer = await runCommand({ file: 'go', args: ['env', 'GOVERSION'], cwd: moduleFolder }, signal).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw new LocalError(`Go ${wanted} or later is needed to build the local cluster, and there is no go in PATH. ${wayOut}`, { cause });
  });
  const version = /^go(\d+\.\d+)/u.exec(answer.stdout)?.[1];
  if (answer.exitCode !== 0 || version === undefined || isOlder(version, wanted)) {
    const found = answer.exitCode === 0 ? answer.stdout.trim() : answer.stderr.trim();
    throw new LocalError(`Go ${wanted} or later is needed to build the local cluster; the one in PATH says: ${found}. ${wayOut}`);
  }
};

const listen = (path: string): Promise<Server | undefined> =>
  new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)));
    server.listen({ path }, () => resolve(server.unref()));
  });

const takeLock = async (input: { folder: string; progress: Progress }, signal: AbortSignal): Promise<Server> => {
  const path = `\0peppasync-tools-${createHash('sha256').update(input.folder).digest('hex').slice(0, 32)}`;
  const first = await listen(path);
  if (first !== undefined) return first;
  return input.progress.step('another run is building the programs of the local cluster; waiting for it', async () => {
    for (;;) {
      await delay(500, undefined, { signal });
      const lock = await listen(path);
      if (lock !== undefined) return lock;
    }
  });
};

const build = async (input: { recipe: Recipe; program: (typeof programs)[number] }, signal: AbortSignal): Promise<void> => {
  const { recipe, program } = input;
  const unfinished = join(recipe.folder, `.${program.name}.${process.pid}`);
  const args = ['build', '-trimpath', '-ldflags', recipe.flags, '-o', unfinished, program.source];
  try {
    const answer = await runCommand({ file: 'go', args, cwd: moduleFolder }, signal);
    if (answer.exitCode !== 0) throw new LocalError(`building ${program.name} failed:\n${answer.stderr.slice(-2000)}`);
    await rename(unfinished, join(recipe.folder, program.name));
  } finally {
    await rm(unfinished, { force: true });
  }
};

/** What a build left that was killed; only under the lock, where nobody else builds. */
const removeUnfinished = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder)) if (name.startsWith('.')) await rm(join(folder, name), { force: true });
};

const givenTools = async (folder: string): Promise<ToolPaths> => {
  const missing = await missingIn(folder);
  if (missing.length > 0) {
    const names = missing.map((program) => program.name).join(', ');
    throw new LocalError(`PEPPASYNC_TOOLS=${folder} lacks ${names}. Put them there, or unset it to have them built.`);
  }
  return pathsIn(folder);
};

export const readKubernetesVersion = async (): Promise<string> => (await readRecipe()).kubernetesVersion;

/** Builds what is missing (some eight minutes on two cores, once) and returns where the programs lie. */
export const ensureTools = async (progress: Progress, signal: AbortSignal): Promise<ToolPaths> => {
  const given = process.env['PEPPASYNC_TOOLS'];
  if (given !== undefined && given !== '') return givenTools(given);
  const recipe = await readRecipe();
  const { folder } = recipe;
  if ((await missingIn(folder)).length === 0) return pathsIn(folder);
  await requireGo(recipe.goVersion, signal);
  await mkdir(folder, { recursive: true });
  const lock = await takeLock({ folder, progress }, signal);
  try {
    await removeUnfinished(folder);
    const missing = await missingIn(folder);
    if (missing.length > 0) progress.note(`building the programs of the local cluster into ${folder} (once, some 8 min on 2 cores)`);
    for (const [index, program] of missing.entries()) {
      await progress.step(`${index + 1}/${missing.length} ${program.name}`, () => build({ recipe, program }, signal));
    }
  } finally {
    lock.close();
  }
  return pathsIn(folder);
};
