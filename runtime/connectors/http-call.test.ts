import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import * as x509 from '@peculiar/x509';
import { afterEach, expect, test } from 'vitest';
import { createHttpCaller } from './http-call.ts';
import type { HttpCaller, HttpCallerOptions, HttpRequest } from './http-call.ts';

const never = new AbortController().signal;
const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

async function listen(server: Server): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => {
    // An end by reset is part of what is tested.
    socket.on('error', () => undefined);
    sockets.push(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  stops.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { port: address.port, sockets };
}

function callerOf(origin: string, options: Partial<HttpCallerOptions> = {}): HttpCaller {
  const caller = createHttpCaller({ origin, timeoutMs: 20_000, ...options });
  stops.push(() => caller.close());
  return caller;
}

async function withServer(listener: RequestListener, options: Partial<HttpCallerOptions> = {}) {
  const { port, sockets } = await listen(createHttpServer(listener));
  return { sockets, http: callerOf(`http://127.0.0.1:${port}`, options) };
}

const put: HttpRequest = { method: 'PUT', path: '/a', headers: {}, body: '{}' };
const yes = () => true;

/** Two turns of the event loop: a connection is free again, and what its other end did has been noticed. */
async function settleConnections(): Promise<void> {
  await nextTurn();
  await nextTurn();
}

test('the request arrives to the letter and the whole answer is reported', async () => {
  const seen: unknown[] = [];
  const { http } = await withServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push([request.method, request.url, request.headers['x-one'], Buffer.concat(chunks).toString()]);
      response.writeHead(201, { 'X-Two': 'b', location: '/c' });
      response.end('ü🧥');
    });
  });
  const body = '{"id":820982911946154508,"name":"ü🧥"}';
  const result = await http.call({ method: 'PATCH', path: '/a%2Fb?c=d', headers: { 'x-one': 'a' }, body }, yes, never);
  expect(seen).toEqual([['PATCH', '/a%2Fb?c=d', 'a', body]]);
  expect(result).toMatchObject({ kind: 'response', status: 201, headers: { 'x-two': 'b', location: '/c' }, body: 'ü🧥' });
});

test('a redirect is a response and nobody follows it; an early hint is none', async () => {
  const seen: unknown[] = [];
  const { http } = await withServer((request, response) => {
    seen.push(request.url);
    response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    response.writeHead(307, { location: '/b' });
    response.end();
  });
  expect(await http.call(put, yes, never)).toMatchObject({ kind: 'response', status: 307, headers: { location: '/b' } });
  expect(seen).toEqual(['/a']);
});

test('as many calls as are made run at once, and connections are used again', async () => {
  const waiting: (() => void)[] = [];
  const { http, sockets } = await withServer((_request, response) => {
    waiting.push(() => response.end());
    if (waiting.length === 40) for (const answer of waiting) answer();
    else if (waiting.length > 40) response.end();
  });
  const results = await Promise.all(Array.from({ length: 40 }, () => http.call(put, yes, never)));
  expect(results.map(({ kind }) => kind)).toEqual(Array.from({ length: 40 }, () => 'response'));
  await settleConnections();
  expect(await http.call(put, yes, never)).toMatchObject({ kind: 'response' });
  expect(sockets).toHaveLength(40);
});

async function certificateFor(host: string): Promise<{ cert: string; key: string }> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=test',
      keys,
      signingAlgorithm: algorithm,
      extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: host }])],
    },
    webcrypto,
  );
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return { cert: certificate.toString('pem'), key: `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n` };
}

/** Takes connections and hands them to TLS when `release` is called, after the client has begun its handshake. */
async function slowTls(): Promise<{
  origin: string;
  cert: string;
  events: string[];
  greeted: Promise<void>;
  closed: Promise<void>;
  release: () => void;
}> {
  const certificate = await certificateFor('127.0.0.1');
  const events: string[] = [];
  const greeted = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const held: Socket[] = [];
  const tls = createTlsServer(certificate, (socket) => {
    socket.once('data', () => {
      events.push('request');
      socket.end('HTTP/1.1 204 No Content\r\n\r\n');
    });
  });
  const tcp = createTcpServer((socket) => {
    socket.once('readable', () => {
      events.push('handshake');
      held.push(socket);
      greeted.resolve();
      socket.once('close', () => closed.resolve());
    });
  });
  const { port } = await listen(tcp);
  const release = () => {
    for (const socket of held.splice(0)) tls.emit('connection', socket);
  };
  return { origin: `https://127.0.0.1:${port}`, cert: certificate.cert, events, greeted: greeted.promise, closed: closed.promise, release };
}

function trust(cert: string): void {
  const before = getCACertificates('default');
  setDefaultCACertificates([...before, cert]);
  stops.push(async () => setDefaultCACertificates(before));
}

test('beforeWrite is asked once, when TLS is done and nothing is written yet', async () => {
  const { origin, cert, events, greeted, release } = await slowTls();
  trust(cert);
  const ask = () => {
    events.push('asked');
    return true;
  };
  const result = callerOf(origin).call(put, ask, never);
  await greeted;
  expect(events).toEqual(['handshake']);
  release();
  expect(await result).toMatchObject({ kind: 'response', status: 204 });
  expect(events).toEqual(['handshake', 'asked', 'request']);
});

test.each([
  ['the timeout comes', { timeoutMs: 100 }, 'ConnectionFailed'],
  ['the signal aborts', {}, 'NotSent'],
] as const)('when %s during the TLS handshake, nobody is asked, and nothing is sent later either', async (_when, options, reason) => {
  const { origin, cert, events, greeted, closed, release } = await slowTls();
  trust(cert);
  const stop = new AbortController();
  const http = callerOf(origin, options);
  const result = http.call(put, () => events.push('asked') > 0, stop.signal);
  await greeted;
  if (reason === 'NotSent') stop.abort();
  expect(await result).toEqual({ kind: 'not sent', reason });
  release();
  await closed;
  expect(events).toEqual(['handshake']);
});

test('a connection that is refused, and a certificate that nobody trusts', async () => {
  const { port } = await listen(createTcpServer());
  await stops.pop()?.();
  expect(await callerOf(`http://127.0.0.1:${port}`).call(put, yes, never)).toEqual({ kind: 'not sent', reason: 'ConnectionFailed' });
  const { origin, greeted, release } = await slowTls();
  const result = callerOf(origin).call(put, yes, never);
  await greeted;
  release();
  expect(await result).toEqual({ kind: 'not sent', reason: 'ConnectionFailed' });
});

test('when beforeWrite says no, or the signal had aborted, not a byte is sent', async () => {
  const seen: string[] = [];
  const { http } = await withServer((request, response) => {
    seen.push(String(request.url));
    response.end();
  });
  expect(await http.call(put, () => false, never)).toEqual({ kind: 'not sent', reason: 'NotSent' });
  expect(await http.call(put, yes, AbortSignal.abort())).toEqual({ kind: 'not sent', reason: 'NotSent' });
  expect(await http.call({ ...put, path: '/last' }, yes, never)).toMatchObject({ kind: 'response' });
  expect(seen).toEqual(['/last']);
});

const verbs = ['GET', 'PUT', 'POST', 'PATCH', 'DELETE'] as const;

test.each(verbs)('%s: a reset after the write is lost, and the request is not sent again', async (method) => {
  const seen: string[] = [];
  const { http, sockets } = await withServer((request) => {
    seen.push(String(request.method));
    request.socket.resetAndDestroy();
  });
  const { body, ...bare } = put;
  const request = method === 'GET' ? { ...bare, method } : { ...bare, method, body: body ?? '' };
  expect(await http.call(request, yes, never)).toEqual({ kind: 'lost', reason: 'ConnectionLost' });
  expect([seen, sockets.length]).toEqual([[method], 1]);
});

test.each(verbs)('%s: a kept connection that is gone at the moment of the write is lost, and nothing is sent again', async (method) => {
  let served = 0;
  const { http, sockets } = await withServer((_request, response) => {
    served += 1;
    response.end();
  });
  await http.call(put, yes, never);
  await settleConnections();
  const goesAway = () => {
    sockets[0]?.resetAndDestroy();
    return true;
  };
  expect(await http.call({ method, path: '/a', headers: {} }, goesAway, never)).toEqual({ kind: 'lost', reason: 'ConnectionLost' });
  expect([served, sockets.length]).toEqual([1, 1]);
});

test.each(['end', 'reset'] as const)('a kept connection that the server closed earlier (%s) is replaced before the write', async (how) => {
  const { http, sockets } = await withServer((_request, response) => response.end());
  await http.call(put, yes, never);
  const [first] = sockets;
  if (first === undefined) throw new Error('there was no connection');
  await settleConnections();
  if (how === 'end') first.end();
  else first.resetAndDestroy();
  await once(first, how === 'end' ? 'finish' : 'close');
  await settleConnections();
  const asked: string[] = [];
  const ask = () => asked.push('asked') > 0;
  expect(await http.call(put, ask, never)).toMatchObject({ kind: 'response', status: 200 });
  expect([asked, sockets.length]).toEqual([['asked'], 2]);
});

test.each([
  ['nothing', ''],
  ['half a head', 'HTTP/1.1 204 No'],
  ['half a body', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'],
  ['no HTTP', 'SSH-2.0-OpenSSH_9.9\r\n'],
])('an answer of %s is lost', async (_what, answer) => {
  const { port } = await listen(createTcpServer((socket) => socket.once('data', () => socket.end(answer))));
  expect(await callerOf(`http://127.0.0.1:${port}`).call(put, yes, never)).toEqual({ kind: 'lost', reason: 'ConnectionLost' });
});

test.each(['Timeout', 'Aborted', 'AnswerTooLarge'] as const)('%s after the write: lost, and the socket is destroyed', async (reason) => {
  const closed = Promise.withResolvers<void>();
  const stop = new AbortController();
  const options = { timeoutMs: reason === 'Timeout' ? 200 : 20_000, maxAnswerBytes: 1_000 };
  const { http } = await withServer((request, response) => {
    request.socket.once('close', () => closed.resolve());
    if (reason === 'Aborted') stop.abort();
    if (reason === 'AnswerTooLarge') response.write('x'.repeat(1_001));
  }, options);
  expect(await http.call(put, yes, stop.signal)).toEqual({ kind: 'lost', reason });
  await closed.promise;
});

test('an answer of just the limit is whole', async () => {
  const { http } = await withServer((_request, response) => response.end('x'.repeat(1_000)), { maxAnswerBytes: 1_000 });
  expect(await http.call(put, yes, never)).toMatchObject({ kind: 'response', body: 'x'.repeat(1_000) });
});

test('closing ends the calls that are open', async () => {
  const arrived = Promise.withResolvers<void>();
  const { http } = await withServer(() => arrived.resolve());
  const result = http.call(put, yes, never);
  await arrived.promise;
  await http.close();
  expect(await result).toEqual({ kind: 'lost', reason: 'ConnectionLost' });
});

test('a request that is no HTTP, and a question that fails, are errors and no results', async () => {
  const { http } = await withServer((_request, response) => response.end());
  await expect(http.call({ ...put, path: '/a b' }, yes, never)).rejects.toThrow('invalid request path');
  const failing = () => {
    throw new RangeError('no answer');
  };
  await expect(http.call(put, failing, never)).rejects.toThrow('no answer');
});
