/** The bootstrap as a process: what a command of the project gets, and what a fresh clone does. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';

const manifest = z.object({ devDependencies: z.object({ node: z.string() }) });
const project = join(import.meta.dirname, '..');
const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function start(command: readonly string[], folder = project) {
  const child = spawn(process.execPath, [join(folder, 'local/bootstrap.mjs'), ...command], { stdio: 'pipe', cwd: tmpdir() });
  cleanUps.push(() => {
    child.kill('SIGKILL');
  });
  return child;
}

async function run(command: readonly string[], { folder = project, input = '' } = {}) {
  const child = start(command, folder);
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { stdout, stderr, code: child.exitCode };
}

/** Lines of a command as they come. */
function linesOf(child: ChildProcess) {
  if (child.stdout === null) throw new Error('the output is not piped');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return async () => String((await lines.next()).value);
}

/** Says its pid, then each signal it gets; three of them end it, or the end of a second. */
const signalTeller = `
  let left = 3;
  const tell = (name) => { console.log(name); if (--left === 0 || name === 'SIGTERM') process.exit(7); };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, tell);
  setTimeout(() => process.exit(9), 20_000);
  console.log(process.pid);
`;

describe('a command', () => {
  test('gets its arguments, standard input and the tools of the project, and gives its exit code', async () => {
    const program = `
      const { execFileSync } = require('node:child_process');
      const seen = { args: process.argv.slice(1), input: require('node:fs').readFileSync(0, 'utf8'), cwd: process.cwd() };
      console.log(JSON.stringify({ ...seen, node: execFileSync('node', ['--version'], { encoding: 'utf8' }).trim(), self: process.version }));
      process.exitCode = 5;
    `;
    const { stdout, code } = await run(['node', '-e', program, '--', '--orders', '5', 'a b'], { input: 'from above' });
    const { node: wanted } = manifest.parse(JSON.parse(await readFile(join(project, 'package.json'), 'utf8'))).devDependencies;
    expect(JSON.parse(stdout)).toEqual({
      args: ['--orders', '5', 'a b'],
      input: 'from above',
      cwd: project,
      node: `v${wanted}`,
      self: `v${wanted}`,
    });
    expect(code).toBe(5);
  });

  test('that a signal ended gives 128 and its number', async () => {
    const { code } = await run(['node', '-e', "process.kill(process.pid, 'SIGKILL'); setTimeout(() => {}, 10_000);"]);
    expect(code).toBe(137);
  });

  test('that does not exist is named', async () => {
    const { stderr, code } = await run(['no-such-program']);
    expect(stderr).toContain('no-such-program could not be started');
    expect(code).toBe(1);
  });

  test('gets a signal once when two senders pass it on, and its own exit code comes back', async () => {
    const child = start(['node', '-e', signalTeller]);
    const nextLine = linesOf(child);
    await nextLine();
    child.kill('SIGINT');
    child.kill('SIGINT');
    expect(await nextLine()).toBe('SIGINT');
    child.kill('SIGHUP');
    expect(await nextLine()).toBe('SIGHUP');
    child.kill('SIGTERM');
    expect(await nextLine()).toBe('SIGTERM');
    expect(await once(child, 'exit')).toEqual([7, null]);
  });

  test('is told to stop when the bootstrap is killed without warning', async () => {
    const child = start(['node', '-e', signalTeller]);
    const nextLine = linesOf(child);
    await nextLine();
    child.kill('SIGKILL');
    expect(await nextLine()).toBe('SIGTERM');
  });
});

/** A project of one package, `node`, which is a script here and comes from a folder instead of a registry. */
async function freshClone(version: string, bin: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'peppasync-clone-'));
  cleanUps.push(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'local'));
  await mkdir(join(folder, 'packed'));
  await cp(join(project, 'local/bootstrap.mjs'), join(folder, 'local/bootstrap.mjs'));
  await writeFile(join(folder, 'packed/node.sh'), `#!/bin/sh\nexec "${process.execPath}" "$@"\n`, { mode: 0o755 });
  await setVersion(folder, version, bin);
  return folder;
}

async function setVersion(folder: string, version: string, bin: Readonly<Record<string, string>>): Promise<void> {
  const dependencies = { node: 'file:packed' };
  const packages = {
    '': { name: 'clone', dependencies },
    'node_modules/node': { resolved: 'packed', link: true },
    packed: { name: 'node', version, bin },
  };
  await writeFile(join(folder, 'packed/package.json'), JSON.stringify({ name: 'node', version, bin }));
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'clone', dependencies }));
  await writeFile(join(folder, 'package-lock.json'), JSON.stringify({ name: 'clone', lockfileVersion: 3, requires: true, packages }));
}

describe('a fresh clone', () => {
  const bin = { node: 'node.sh' };
  const installed = /installed in \d+ s/;

  test(
    'is installed before the first command, not before the second, and again when the lock file changes',
    { timeout: 60_000 },
    async () => {
      const folder = await freshClone('1.0.0', bin);
      const command = ['node', '-e', 'console.log(6 * 7)'];
      const [first, atTheSameTime] = await Promise.all([run(command, { folder }), run(command, { folder })]);
      expect([first.stdout, atTheSameTime.stdout]).toEqual(['42\n', '42\n']);
      expect([first, atTheSameTime].filter(({ stderr }) => installed.test(stderr))).toHaveLength(1);
      expect((await run(command, { folder })).stderr).not.toMatch(installed);
      await setVersion(folder, '1.0.1', bin);
      expect((await run(command, { folder })).stderr).toMatch(installed);
    },
  );

  test('says what to do when the package "node" came without its program', { timeout: 60_000 }, async () => {
    const folder = await freshClone('1.0.0', {});
    const { stderr, code } = await run(['node', '--version'], { folder });
    expect(stderr).toContain('npm rebuild node --ignore-scripts=false');
    expect(code).toBe(1);
  });
});
