/**
 * A small client of the Kubernetes API: requests, and list-and-watch that survives the API server's death.
 *
 * 1. A watch that ends in any way but by its own time limit is followed by a new list: no event is missed for good.
 * 2. A watch that is silent for longer than the server's bookmarks come is given up (a dead connection does not always say so).
 */
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { z } from 'zod';

export interface ApiAccess {
  readonly url: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly contentType?: string;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

const callTimeoutMs = 15_000;
const watchSeconds = 290;
/** Bookmarks come about once a minute. */
const silenceMs = 150_000;
const longestPauseMs = 2_000;

/** The API server refused a call whose refusal the caller has no plan for. */
class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

const statusSchema = z.object({ message: z.string().default('no message') });

export const apiErrorOf = (call: ApiCall, answer: ApiAnswer): ApiError => {
  const parsed = statusSchema.safeParse(answer.body);
  return new ApiError(`${call.method} ${call.path}: ${answer.status} ${parsed.success ? parsed.data.message : ''}`, answer.status);
};

/** Not node:readline, which ends quietly when its input breaks. */
async function* splitLines(body: Readable): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of body.setEncoding('utf8')) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

export class KubernetesClient {
  readonly #url: string;
  readonly #agent: Agent;

  constructor(access: ApiAccess) {
    this.#url = access.url;
    this.#agent = new Agent({
      connect: { ca: access.ca, cert: access.cert, key: access.key, timeout: 5_000 },
      headersTimeout: callTimeoutMs,
      bodyTimeout: silenceMs,
    });
  }

  async call(call: ApiCall, signal: AbortSignal): Promise<ApiAnswer> {
    const answer = await request(`${this.#url}${call.path}`, {
      method: call.method,
      dispatcher: this.#agent,
      signal: AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]),
      headers: {
        accept: 'application/json',
        ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
    const text = await answer.body.text();
    const isJson = String(answer.headers['content-type'] ?? '').startsWith('application/json');
    const body: unknown = isJson ? JSON.parse(text) : text;
    return { status: answer.statusCode, body };
  }

  /** As `call`, for callers who can do nothing with a refusal. */
  async require(call: ApiCall, signal: AbortSignal): Promise<unknown> {
    const answer = await this.call(call, signal);
    if (answer.status >= 300) throw apiErrorOf(call, answer);
    return answer.body;
  }

  /** The lines of a watch, each parsed as JSON. */
  async *lines(path: string, signal: AbortSignal): AsyncGenerator<unknown> {
    const answer = await request(`${this.#url}${path}`, { method: 'GET', dispatcher: this.#agent, signal });
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      throw new ApiError(`GET ${path}: ${answer.statusCode}`, answer.statusCode);
    }
    for await (const line of splitLines(answer.body)) {
      const event: unknown = JSON.parse(line);
      yield event;
    }
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }
}

const listSchema = z.object({ metadata: z.object({ resourceVersion: z.string() }), items: z.array(z.unknown()).nullable() });
const eventSchema = z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']), object: z.unknown() });
const bookmarkSchema = z.object({ metadata: z.object({ resourceVersion: z.string() }) });

interface Watching<T> {
  readonly client: KubernetesClient;
  readonly path: string;
  readonly schema: z.ZodType<T>;
  /** The whole state; comes first, and again after every interruption. */
  readonly onList: (items: readonly T[]) => void;
  readonly onChange: (type: 'set' | 'gone', item: T) => void;
  readonly onTrouble: (trouble: unknown) => void;
}

const withQuery = (path: string, query: string): string => `${path}${path.includes('?') ? '&' : '?'}${query}`;

const parseOrReport = <T>(watching: Watching<T>, value: unknown): readonly T[] => {
  const parsed = watching.schema.safeParse(value);
  if (parsed.success) return [parsed.data];
  watching.onTrouble(parsed.error);
  return [];
};

const list = async <T>(watching: Watching<T>, signal: AbortSignal): Promise<string> => {
  const found = listSchema.parse(await watching.client.require({ method: 'GET', path: watching.path }, signal));
  watching.onList((found.items ?? []).flatMap((item) => parseOrReport(watching, item)));
  return found.metadata.resourceVersion;
};

/** Follows from `version` until the server ends the watch at its time limit; returns where to go on, undefined for a new list. */
const follow = async <T>(watching: Watching<T>, version: string, signal: AbortSignal): Promise<string | undefined> => {
  let current = version;
  const query = `watch=1&allowWatchBookmarks=true&timeoutSeconds=${watchSeconds}&resourceVersion=${version}`;
  for await (const line of watching.client.lines(withQuery(watching.path, query), signal)) {
    const event = eventSchema.parse(line);
    if (event.type === 'ERROR') return undefined;
    current = bookmarkSchema.parse(event.object).metadata.resourceVersion;
    if (event.type === 'BOOKMARK') continue;
    for (const item of parseOrReport(watching, event.object)) watching.onChange(event.type === 'DELETED' ? 'gone' : 'set', item);
  }
  return current;
};

/** Runs until `signal` aborts; then returns. */
export const listAndWatch = async <T>(watching: Watching<T>, signal: AbortSignal): Promise<void> => {
  let pauseMs = 50;
  let version: string | undefined;
  while (!signal.aborted) {
    try {
      version ??= await list(watching, signal);
      pauseMs = 50;
      version = await follow(watching, version, signal);
    } catch (error) {
      version = undefined;
      if (!signal.aborted) watching.onTrouble(error);
      await delay(pauseMs, undefined, { signal }).catch(() => undefined); // aborted: the loop's condition sees it
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
    }
  }
};
