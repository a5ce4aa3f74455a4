/**
 * The log of one run of one container: a line is `time stream tag text`, as container runtimes write it. Tag P marks a piece of a line
 * that goes on in the next entry, F its end.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { Transform, type Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';

const longestPiece = 16 * 1024;
const newline = 0x0a;

/** Cuts a program's output into entries; what stands before a missing newline waits for it, up to the longest piece. */
const toEntries = (stream: 'stdout' | 'stderr', now: () => Date): Transform => {
  let rest: Buffer = Buffer.alloc(0);
  const entry = (tag: 'P' | 'F', text: Buffer): Buffer =>
    Buffer.concat([Buffer.from(`${now().toISOString()} ${stream} ${tag} `), text, Buffer.from('\n')]);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const entries: Buffer[] = [];
      let data = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (;;) {
        const end = data.indexOf(newline);
        const isLong = end > longestPiece || (end < 0 && data.length > longestPiece);
        if (end < 0 && !isLong) break;
        entries.push(isLong ? entry('P', data.subarray(0, longestPiece)) : entry('F', data.subarray(0, end)));
        data = data.subarray(isLong ? longestPiece : end + 1);
      }
      rest = data;
      done(null, Buffer.concat(entries));
    },
    flush(done) {
      done(null, rest.length === 0 ? null : entry('F', rest));
    },
  });
};

/** Writes both outputs to `path`; the promise resolves when both have ended and everything is in the file. */
export const writeLog = async (path: string, outputs: { stdout: Readable; stderr: Readable }, now: () => Date): Promise<void> => {
  const file: WriteStream = createWriteStream(path, { flags: 'a', mode: 0o600 });
  const pipes = (['stdout', 'stderr'] as const).map((name) => {
    const entries = outputs[name].pipe(toEntries(name, now));
    entries.pipe(file, { end: false });
    return finished(entries, { writable: false });
  });
  await Promise.all(pipes);
  file.end();
  await finished(file);
};

export interface LogQuery {
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly tailLines: number | undefined;
  readonly sinceMs: number | undefined;
}

const followPauseMs = 100;

const formatEntry = (entry: string, query: LogQuery): string => {
  const [time = '', , tag = 'F'] = entry.split(' ', 3);
  const text = entry.slice(entry.indexOf(` ${tag} `) + 3);
  if (query.sinceMs !== undefined && Date.parse(time) < query.sinceMs) return '';
  return `${query.timestamps ? `${time} ` : ''}${text}${tag === 'F' ? '\n' : ''}`;
};

/** Whole entries, many at a time. An empty list says that everything there is has been read. */
async function* readEntries(path: string, isOver: () => boolean, signal: AbortSignal): AsyncGenerator<readonly string[]> {
  const file = await open(path, 'r');
  try {
    const buffer = Buffer.alloc(64 * 1024);
    let rest = Buffer.alloc(0);
    while (!signal.aborted) {
      // Asked before the read: what was written before the end is then read for certain.
      const wasOver = isOver();
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      const data = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
      const end = data.lastIndexOf(newline);
      rest = Buffer.from(data.subarray(end + 1));
      if (end >= 0) yield data.toString('utf8', 0, end).split('\n');
      if (bytesRead > 0) continue;
      yield [];
      if (wasOver) return;
      await delay(followPauseMs, undefined, { signal }).catch(() => undefined); // aborted: the loop's condition sees it
    }
  } finally {
    await file.close();
  }
}

interface LogReading {
  readonly path: string;
  readonly query: LogQuery;
  /** Whether nothing more will be written. */
  readonly isOver: () => boolean;
}

/** The log's text, piece by piece; with `follow` until it is over. */
export async function* readLog({ path, query, isOver }: LogReading, signal: AbortSignal): AsyncGenerator<string> {
  const { tailLines } = query;
  const format = (entries: readonly string[]): string => entries.map((entry) => formatEntry(entry, query)).join('');
  let tail: readonly string[] | undefined = tailLines === undefined ? undefined : [];
  for await (const entries of readEntries(path, query.follow ? isOver : () => true, signal)) {
    if (tail === undefined || tailLines === undefined) {
      yield format(entries);
    } else if (entries.length === 0) {
      yield format(tail);
      tail = undefined;
    } else {
      tail = tailLines === 0 ? [] : [...tail, ...entries].slice(-tailLines);
    }
  }
}
