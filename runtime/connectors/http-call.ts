/**
 * One HTTP call to one origin.
 * 1. A call is written at most once: nothing here follows a redirect, pipelines or sends anything again.
 * 2. `beforeWrite` is asked when a connection is there, DNS and TLS done, and the next thing is the write.
 * 3. Until it has said yes the call is `not sent`: no byte of it left. From then on it is `lost` unless the whole answer
 *    came, whatever the verb, and also when the connection turns out to have been closed before.
 * 4. At the timeout, when the signal aborts and when an answer is too large, the socket is destroyed.
 */
import { errors, Pool } from 'undici';
import type { Dispatcher } from 'undici';
import type { HttpHeaders, HttpResult } from './http-result.ts';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Path and query, percent-encoded. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as UTF-8, to the letter. */
  readonly body?: string;
}

export interface HttpCaller {
  /** Never rejects for what a network or a server can do. @throws what undici says of a request that is no HTTP. */
  readonly call: (request: HttpRequest, beforeWrite: () => boolean, signal: AbortSignal) => Promise<HttpResult>;
  /** Ends the calls that are open. */
  readonly close: () => Promise<void>;
}

export interface HttpCallerOptions {
  /** Scheme, host and port. */
  readonly origin: string;
  /** Of a call, connecting included. */
  readonly timeoutMs: number;
  /** Default 1 MiB. */
  readonly maxAnswerBytes?: number;
}

export function createHttpCaller({ origin, timeoutMs, maxAnswerBytes = 2 ** 20 }: HttpCallerOptions): HttpCaller {
  const pool = new Pool(origin, {
    // As many connections as there are calls: slots bound those.
    connectTimeout: timeoutMs,
    pipelining: 1,
    // HTTP/2 sends refused streams again by itself.
    allowH2: false,
    // The timer of the call is the only one.
    headersTimeout: 0,
    bodyTimeout: 0,
  });

  async function call(request: HttpRequest, beforeWrite: () => boolean, signal: AbortSignal): Promise<HttpResult> {
    if (signal.aborted) return { kind: 'not sent', reason: 'NotSent' };
    const exchange = new Exchange(beforeWrite, maxAnswerBytes);
    const abort = () => exchange.stop('Aborted');
    const timer = setTimeout(() => exchange.stop('Timeout'), timeoutMs);
    signal.addEventListener('abort', abort, { once: true });
    try {
      pool.dispatch({ ...request }, exchange);
      return await exchange.result;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  return { call, close: () => pool.destroy() };
}

class CallEndedError extends Error {}

/** What undici tells of one request, as one result. The first end counts. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly result: Promise<HttpResult>;
  readonly #settle: { resolve: (result: HttpResult) => void; reject: (error: Error) => void };
  readonly #beforeWrite: () => boolean;
  readonly #maxAnswerBytes: number;
  readonly #chunks: Buffer[] = [];
  #controller: Dispatcher.DispatchController | undefined;
  #head: { status: number; headers: HttpHeaders } = { status: 0, headers: {} };
  #size = 0;
  #isOver = false;
  #isWritten = false;

  constructor(beforeWrite: () => boolean, maxAnswerBytes: number) {
    const { promise, resolve, reject } = Promise.withResolvers<HttpResult>();
    this.result = promise;
    this.#settle = { resolve, reject };
    this.#beforeWrite = beforeWrite;
    this.#maxAnswerBytes = maxAnswerBytes;
  }

  stop(reason: 'Timeout' | 'Aborted' | 'AnswerTooLarge'): void {
    if (this.#isWritten) this.#end({ kind: 'lost', reason });
    else this.#end({ kind: 'not sent', reason: reason === 'Timeout' ? 'ConnectionFailed' : 'NotSent' });
    this.#controller?.abort(new CallEndedError(reason));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // It may have ended while it was connecting. Were undici ever to write it a second time, its first end is not known.
    if (this.#isOver || this.#isWritten || !this.#beforeWrite()) this.stop('Aborted');
    else this.#isWritten = true;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: HttpHeaders): void {
    if (status >= 200) this.#head = { status, headers };
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length;
    if (this.#size > this.#maxAnswerBytes) this.stop('AnswerTooLarge');
    else this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#end({ kind: 'response', ...this.#head, body: Buffer.concat(this.#chunks).toString('utf8') });
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#isWritten) this.#end({ kind: 'lost', reason: 'ConnectionLost' });
    else if (isOfNetwork(error)) this.#end({ kind: 'not sent', reason: 'ConnectionFailed' });
    else this.#settle.reject(error);
  }

  #end(result: HttpResult): void {
    this.#isOver = true;
    this.#settle.resolve(result);
  }
}

/** Whatever fails in sockets, DNS or TLS has a code; a request that is wrong in itself has undici's own class. */
function isOfNetwork(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && !(error instanceof errors.InvalidArgumentError);
}
