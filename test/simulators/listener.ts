/**
 * A loopback HTTP listener of a simulator, and reading requests from it.
 * Invariants: only 127.0.0.0/8 is listened on; closing leaves no connection behind; a handler that throws is answered 500 and never lost.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

export interface Address {
  host: string;
  port: number;
}

export const anyLoopbackPort: Address = { host: '127.0.0.1', port: 0 };

/** `127.x.y.z:port`; port 0 takes a free one. */
export const parseAddress = (text: string): Address => {
  const match = /^(127(?:\.\d{1,3}){3}):(\d{1,5})$/.exec(text);
  const [, host, port] = match ?? [];
  if (host === undefined || port === undefined || Number(port) > 65_535) {
    throw new TypeError(`"${text}" is no loopback address of the form 127.x.y.z:port`);
  }
  return { host, port: Number(port) };
};

export interface Listener {
  url: string;
  /** Cuts every open connection without a word, as a host that goes away. */
  dropConnections(): void;
  close(): Promise<void>;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const bind = (server: Server, { host, port }: Address): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: 4096 }, () => {
      server.off('error', reject);
      const bound = server.address();
      if (bound === null || typeof bound === 'string') reject(new Error('the listener has no port'));
      else resolve(bound.port);
    });
  });

export const startListener = async (handle: Handler, address: Address): Promise<Listener> => {
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      process.emitWarning(error instanceof Error ? error : new Error('a handler failed', { cause: error }));
      if (response.headersSent) response.destroy();
      else sendText(response, { status: 500, text: 'simulator error' });
    });
  });
  // Callers keep connections for reuse; one that is closed under them would look like a lost call.
  server.keepAliveTimeout = 75_000;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  const port = await bind(server, address);
  const dropConnections = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  const close = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server.close((error) => (error === undefined ? resolve() : reject(error)));
      server.closeAllConnections();
    });
  return { url: `http://${address.host}:${port}`, dropConnections, close };
};

export interface TextAnswer {
  status: number;
  text?: string;
  headers?: Record<string, string>;
}

/** Nothing happens when the caller has gone. */
export const sendText = (response: ServerResponse, { status, text = '', headers = {} }: TextAnswer): void => {
  if (response.destroyed || response.socket?.destroyed === true) return;
  // A 204 has no body and must not name its length.
  response.writeHead(status, status === 204 ? headers : { 'content-length': Buffer.byteLength(text), ...headers });
  response.end(text);
};

export const sendJson = (response: ServerResponse, status: number, value: unknown): void =>
  sendText(response, { status, text: JSON.stringify(value), headers: { 'content-type': 'application/json' } });

export type ReadBody = { kind: 'complete'; bytes: Buffer } | { kind: 'tooLarge' } | { kind: 'aborted' };

/** Resolves once the whole body is here or cannot come any more; never rejects. */
export const readBody = (request: IncomingMessage, maxBytes: number): Promise<ReadBody> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) chunks.push(chunk);
      else resolve({ kind: 'tooLarge' });
    });
    request.once('end', () => resolve({ kind: 'complete', bytes: Buffer.concat(chunks) }));
    // A request that breaks off ends in 'error' and 'close'; after 'end' both change nothing.
    request.once('error', () => resolve({ kind: 'aborted' }));
    request.once('close', () => resolve({ kind: 'aborted' }));
  });

/** Milliseconds since 1970 that never run backwards, so that differences are durations and two processes can be compared. */
export const steadyNowMs = (): number => Math.round((performance.timeOrigin + performance.now()) * 100) / 100;
