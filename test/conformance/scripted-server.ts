/** A small HTTP server that answers as it is told, for what a strict simulator never does. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Answer } from './harness.ts';

export type Behaviour =
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'reset' }
  | { readonly kind: 'half answer' }
  | { readonly kind: 'silence' }
  /** Takes no more connections once it has answered what precedes the call. */
  | { readonly kind: 'gone' };

export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface ScriptedServer {
  readonly origin: string;
  /** The calls themselves, without what preceded them. */
  readonly calls: readonly Received[];
  /** Resolves at the next call. */
  readonly called: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface Script {
  readonly answerBeforehand: (request: IncomingMessage) => Answer | undefined;
  readonly behave: (call: Received) => Behaviour;
}

export async function startScriptedServer({ answerBeforehand, behave }: Script): Promise<ScriptedServer> {
  const sockets = new Set<Socket>();
  const calls: Received[] = [];
  let called = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handle(request, response, Buffer.concat(chunks).toString('utf8')));
  });
  const handle = (request: IncomingMessage, response: ServerResponse, body: string): void => {
    const received = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body };
    const beforehand = answerBeforehand(request);
    const behaviour = behave(received);
    if (beforehand !== undefined) {
      if (behaviour.kind === 'gone') {
        server.close();
        response.setHeader('connection', 'close');
      }
      send(response, beforehand);
      return;
    }
    calls.push(received);
    called.resolve();
    called = Promise.withResolvers<void>();
    perform(request, response, behaviour);
  };
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  return { origin: `http://127.0.0.1:${address.port}`, calls, called: () => called.promise, close };
}

function send(response: ServerResponse, { status, headers = {}, body = '' }: Answer): void {
  response.writeHead(status, headers);
  response.end(body);
}

function perform(request: IncomingMessage, response: ServerResponse, behaviour: Behaviour): void {
  switch (behaviour.kind) {
    case 'answer':
      send(response, behaviour.answer);
      return;
    case 'reset':
      request.socket.resetAndDestroy();
      return;
    case 'half answer':
      request.socket.end('HTTP/1.1 204 No Con');
      return;
    case 'silence':
    case 'gone':
      return;
  }
}
