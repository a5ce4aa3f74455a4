/**
 * The HTTP side of ingest: reads the raw bytes within the limit, has them judged and stored, and answers.
 * C1: 2xx only after storage · 401 for a bad signature · 413 over the limit · 503 when it cannot be stored.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Source } from '../connectors/connector.ts';
import { closeServer } from '../health-server.ts';
import type { Logger } from '../logger.ts';
import type { CaptureResult } from './capture.ts';
import type { WebhookFacts } from './capture-meta.ts';

export interface WebhookServerOptions {
  readonly host: string;
  readonly port: number;
  readonly maxBodyBytes: number;
  readonly source: Source;
  /** Undefined: no pipeline takes the topic. */
  readonly capture: (facts: WebhookFacts, body: Buffer) => Promise<CaptureResult> | undefined;
  readonly answered: (answer: { status: number; seconds: number; ignored: boolean }) => void;
  /** A sender was asked to try again. */
  readonly notStored: (cause: Error) => void;
  readonly logger: Logger;
}

export interface WebhookServer {
  readonly port: number;
  /** Takes no new connections, and resolves when every request has its answer. */
  readonly close: () => Promise<void>;
}

/** Thousands of senders may come at once; the system may cap it (net.core.somaxconn). */
const listenBacklog = 8_192;

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly ignored?: true;
}

export async function startWebhookServer(options: WebhookServerOptions, signal: AbortSignal): Promise<WebhookServer> {
  const server = createServer({ requestTimeout: 15_000, headersTimeout: 10_000, keepAliveTimeout: 65_000 }, (request, response) => {
    const began = performance.now();
    // `answer` turns every failure into an answer; what is left to fail is the socket, and then nobody listens.
    void answer(request, options, signal).then((result) => {
      send(response, result, signal.aborted);
      options.answered({ status: result.status, seconds: (performance.now() - began) / 1_000, ignored: result.ignored ?? false });
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen({ host: options.host, port: options.port, backlog: listenBacklog }, resolve);
  });
  return { port: portOf(server), close: () => drain(server) };
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function drain(server: Server): Promise<void> {
  const closed = closeServer(server);
  server.closeIdleConnections();
  await closed;
}

function send(response: ServerResponse, { status, text }: Answer, stopping: boolean): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    // Without it the answer is chunked, in three writes.
    'content-length': Buffer.byteLength(text) + 1,
    ...(status === 503 ? { 'retry-after': '5' } : {}),
    // After a refusal of a large body the rest of it is not worth reading.
    ...(stopping || status === 413 ? { connection: 'close' } : {}),
  });
  response.end(`${text}\n`);
}

async function answer(request: IncomingMessage, options: WebhookServerOptions, signal: AbortSignal): Promise<Answer> {
  if (request.url?.split('?')[0] !== '/') return { status: 404, text: 'webhooks are taken at /' };
  if (request.method !== 'POST') return { status: 405, text: 'webhooks are taken by POST' };
  try {
    const body = await readBody(request, options.maxBodyBytes);
    if (body === undefined) return { status: 413, text: `the body is longer than ${options.maxBodyBytes} bytes` };
    return await judge({ headers: request.headers, body }, options, signal);
  } catch (err) {
    options.logger.error({ err }, 'a webhook could not be taken');
    return { status: 503, text: 'not stored: try again' };
  }
}

async function judge(
  webhook: { headers: IncomingMessage['headers']; body: Buffer },
  options: WebhookServerOptions,
  signal: AbortSignal,
): Promise<Answer> {
  const verdict = await options.source.verify(webhook, signal);
  switch (verdict.kind) {
    case 'Refused':
      return { status: 401, text: verdict.reason };
    case 'Malformed':
      return { status: 400, text: verdict.reason };
    case 'Accepted': {
      const { topic, sourceID } = verdict;
      const captured = options.capture({ topic, sourceID, capturedAt: new Date().toISOString() }, webhook.body);
      if (captured === undefined) return { status: 200, text: 'no pipeline takes this topic', ignored: true };
      const result = await captured;
      if (result.kind === 'stored') return { status: 200, text: 'stored' };
      options.notStored(result.cause);
      return { status: 503, text: 'not stored: try again' };
    }
  }
}

/**
 * The raw bytes; undefined when there are more than allowed: the rest is then read and not kept. Rejects when the sender goes away.
 * With events and not `for await`, which costs a tenth of the whole capture.
 */
function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) return Promise.resolve(undefined);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) resolve(undefined);
      else chunks.push(chunk);
    });
    request.once('end', () => resolve(Buffer.concat(chunks, size)));
    request.once('error', reject);
  });
}
