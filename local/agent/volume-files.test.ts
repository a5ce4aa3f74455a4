import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { equalFiles, writeVolumeFiles } from './volume-files.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'peppasync-volume-'));
});
afterAll(() => rm(root, { recursive: true }));

const filesOf = (entries: Readonly<Record<string, string>>) =>
  new Map(Object.entries(entries).map(([path, text]) => [path, { content: Buffer.from(text), mode: 0o600 }]));

test('a new version replaces all files of the old one at once, and leaves no trace of it', async () => {
  const folder = join(root, 'a');
  await writeVolumeFiles(folder, filesOf({ kept: 'one', gone: 'one', 'deep/er': 'one' }), 1);
  const before = await readFile(join(folder, 'gone'), 'utf8');
  await writeVolumeFiles(folder, filesOf({ kept: 'two', 'deep/er': 'two', fresh: 'two' }), 2);
  expect(before).toBe('one');
  expect((await readdir(folder)).toSorted()).toEqual(['..data', '..v2', 'deep', 'fresh', 'kept']);
  expect(await readFile(join(folder, 'kept'), 'utf8')).toBe('two');
  expect(await readFile(join(folder, 'deep/er'), 'utf8')).toBe('two');
  expect((await stat(join(folder, 'kept'))).mode & 0o777).toBe(0o600);
});

test('files are equal if their paths, contents and modes are', () => {
  expect(equalFiles(filesOf({ a: '1' }), filesOf({ a: '1' }))).toBe(true);
  expect(equalFiles(filesOf({ a: '1' }), filesOf({ a: '2' }))).toBe(false);
  expect(equalFiles(filesOf({ a: '1' }), filesOf({ b: '1' }))).toBe(false);
  expect(equalFiles(filesOf({ a: '1' }), new Map([['a', { content: Buffer.from('1'), mode: 0o644 }]]))).toBe(false);
});
