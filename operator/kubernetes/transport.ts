/** One HTTP call to the API server: time limit, size limit, and every failure as a class. */
import { request } from 'undici';
import type { Dispatcher } from 'undici';
import { RetryableError, TerminalError } from '../engine/errors.ts';
import type { KubernetesConnection } from './connection.ts';
import { errorOf } from './errors.ts';

export interface Call {
  /** For messages: what is being done. */
  readonly doing: string;
  readonly method: Dispatcher.HttpMethod;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly contentType?: string;
}

const callTimeoutMs = 15_000;
const maxAnswerBytes = 64 * 2 ** 20;
const maxLineBytes = 8 * 2 ** 20;

/** JSON of a successful answer. @throws the classes of errors.ts */
export async function send(connection: KubernetesConnection, call: Call, signal: AbortSignal): Promise<unknown> {
  const answer = await open(connection, call, AbortSignal.any([signal, AbortSignal.timeout(callTimeoutMs)]));
  return readJSON(call, answer.body);
}

/** Lines of JSON of a successful answer, as they come; ends when the server ends it. @throws the classes of errors.ts */
export async function* stream(connection: KubernetesConnection, call: Call, signal: AbortSignal): AsyncGenerator<unknown> {
  const { body } = await open(connection, call, signal);
  const utf8 = new TextDecoder();
  let pending = '';
  try {
    for await (const chunk of bytesOf(body)) {
      pending += utf8.decode(chunk, { stream: true });
      const lines = pending.split('\n');
      pending = lines.pop() ?? '';
      if (pending.length > maxLineBytes) throw new RetryableError(`${call.doing}: a line is longer than ${maxLineBytes} bytes`);
      yield* lines.filter((line) => line !== '').map((line) => parseJSON(call, line));
    }
  } catch (error) {
    throw asOurs(call, error);
  } finally {
    body.destroy();
  }
}

async function open(connection: KubernetesConnection, call: Call, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
  const response = await connect(connection, call, signal);
  if (response.statusCode < 300) return response;
  // What a proxy answers need not be JSON, and the status alone says enough.
  const body = await readJSON(call, response.body).catch(() => undefined);
  throw errorOf(call.doing, { status: response.statusCode, body, retryAfterMs: retryAfterMs(response.headers['retry-after']) });
}

async function connect(connection: KubernetesConnection, call: Call, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
  try {
    const { headers, dispatcher } = await connection.credentials();
    const query = new URLSearchParams(call.query).toString();
    return await request(`${connection.baseURL}${call.path}${query === '' ? '' : `?${query}`}`, {
      method: call.method,
      dispatcher,
      signal,
      headers: {
        ...headers,
        accept: 'application/json',
        'user-agent': 'peppasync-operator',
        ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
  } catch (error) {
    throw asOurs(call, error);
  }
}

async function readJSON(call: Call, body: Dispatcher.ResponseData['body']): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of bytesOf(body)) {
      size += chunk.length;
      if (size > maxAnswerBytes) throw new RetryableError(`${call.doing}: the answer is larger than ${maxAnswerBytes} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw asOurs(call, error);
  } finally {
    body.destroy();
  }
  return parseJSON(call, Buffer.concat(chunks).toString('utf8'));
}

function parseJSON(call: Call, text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    // The parser's message quotes the text.
    throw new RetryableError(`${call.doing}: the answer is no JSON`);
  }
}

async function* bytesOf(body: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const chunk of body) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('an answer came as something else than bytes');
    yield chunk;
  }
}

/** What the network throws may name headers: only its code is kept in the message. */
function asOurs(call: Call, error: unknown): RetryableError | TerminalError {
  if (error instanceof RetryableError || error instanceof TerminalError) return error;
  return new RetryableError(`${call.doing}: ${networkCode(error)}`, { cause: error });
}

function networkCode(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return error instanceof Error ? error.name : 'failed';
}

function retryAfterMs(header: string | string[] | undefined): number | undefined {
  return typeof header === 'string' && /^[0-9]{1,4}$/.test(header) ? Number(header) * 1000 : undefined;
}
