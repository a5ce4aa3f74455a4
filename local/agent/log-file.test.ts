import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readLog, writeLog, type LogQuery } from './log-file.ts';

const signal = AbortSignal.timeout(20_000);
const everything: LogQuery = { follow: false, timestamps: false, tailLines: undefined, sinceMs: undefined };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peppasync-log-'));
});
afterAll(() => rm(folder, { recursive: true }));

const readAll = async (path: string, query: LogQuery): Promise<string> => {
  let text = '';
  for await (const piece of readLog({ path, query, isOver: () => true }, signal)) text += piece;
  return text;
};

const writeAll = async (name: string, chunks: readonly Buffer[]): Promise<string> => {
  const path = join(folder, name);
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  let minute = 0;
  const written = writeLog(path, { stdout, stderr }, () => new Date(Date.UTC(2026, 0, 1, 0, minute++)));
  for (const chunk of chunks) stdout.write(chunk);
  stdout.end();
  stderr.end();
  await written;
  return path;
};

test('lines cut anywhere, even inside a character, come back whole', async () => {
  const text = Buffer.from('grün\nzwei\n\nletzte');
  const path = await writeAll('cut', [text.subarray(0, 3), text.subarray(3, 4), text.subarray(4)]);
  expect(await readAll(path, everything)).toBe('grün\nzwei\n\nletzte\n');
});

test('a line longer than one entry comes back as one line', async () => {
  const long = 'x'.repeat(100_000);
  const path = await writeAll('long', [Buffer.from(`a\n${long}\nb\n`)]);
  expect(await readAll(path, everything)).toBe(`a\n${long}\nb\n`);
});

test.each([
  [{ tailLines: 2 }, 'two\nthree\n'],
  [{ tailLines: 0 }, ''],
  [{ tailLines: 1, timestamps: true }, '2026-01-01T00:02:00.000Z three\n'],
  [{ sinceMs: Date.UTC(2026, 0, 1, 0, 1) }, 'two\nthree\n'],
])('the query %j gives %j', async (query, expected) => {
  const path = await writeAll(`query-${JSON.stringify(query)}`, [Buffer.from('one\ntwo\nthree\n')]);
  expect(await readAll(path, { ...everything, ...query })).toBe(expected);
});

test('a followed log goes on with what is written later, and ends when it is over', async () => {
  const path = join(folder, 'followed');
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  let isOver = false;
  const written = writeLog(path, { stdout, stderr }, () => new Date()).then(() => (isOver = true));
  stdout.write('one\ntwo\n');
  let text = '';
  for (;;) {
    // The file appears a moment after the writing began.
    text = await readAll(path, everything).catch(() => '');
    if (text !== '') break;
    signal.throwIfAborted();
    await new Promise((resolve) => setImmediate(resolve));
  }
  text = '';
  for await (const piece of readLog({ path, query: { ...everything, follow: true, tailLines: 1 }, isOver: () => isOver }, signal)) {
    if (piece === 'two\n') {
      stdout.end('three\n');
      stderr.end('four\n');
    }
    text += piece;
  }
  await written;
  expect(text.split('\n').toSorted()).toEqual(['', 'four', 'three', 'two']);
});
