import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { text } from 'node:stream/consumers';
import pino from 'pino';
import { KubernetesClient } from '../kubernetes-client.ts';
import { EventRecorder } from './event-recorder.ts';
import { podSchema, serviceSchema } from './pod.ts';
import { planRoutes, ServiceForwarder } from './service-forwarder.ts';

const pod = (name: string, more: { labels?: object; status?: object; deletionTimestamp?: string } = {}) =>
  podSchema.parse({
    metadata: {
      name,
      namespace: 'shop',
      uid: name,
      labels: more.labels ?? { app: 'web' },
      ...(more.deletionTimestamp === undefined ? {} : { deletionTimestamp: more.deletionTimestamp }),
    },
    spec: { containers: [{ name: 'c', ports: [{ name: 'http', containerPort: 8080 }] }] },
    status: more.status ?? { phase: 'Running', podIP: `127.16.1.${name}`, conditions: [{ type: 'Ready', status: 'True' }] },
  });

const service = (spec: object) =>
  serviceSchema.parse({
    metadata: { name: 'web', namespace: 'shop', uid: 's' },
    spec: { clusterIP: '127.16.128.9', selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }], ...spec },
  });

const notReady = { phase: 'Running', podIP: '127.16.1.5', conditions: [{ type: 'Ready', status: 'False' }] };

test.each([
  ['ready Pods behind a named port', {}, [pod('1'), pod('2')], ['127.16.1.1:8080', '127.16.1.2:8080']],
  ['a numbered port', { ports: [{ port: 80, targetPort: 99 }] }, [pod('1')], ['127.16.1.1:99']],
  ['no target port', { ports: [{ port: 80 }] }, [pod('1')], ['127.16.1.1:80']],
  ['not a Pod that is not ready', {}, [pod('1'), pod('5', { status: notReady })], ['127.16.1.1:8080']],
  ['not a Pod that is being deleted', {}, [pod('1', { deletionTimestamp: '2026-01-01T00:00:00Z' }), pod('2')], ['127.16.1.2:8080']],
  ['not a Pod with other labels', {}, [pod('1', { labels: { app: 'db' } }), pod('2')], ['127.16.1.2:8080']],
  ['unready ones if the Service says so', { publishNotReadyAddresses: true }, [pod('5', { status: notReady })], ['127.16.1.5:8080']],
  ['nothing for a headless Service', { clusterIP: 'None' }, [pod('1')], []],
  ['nothing without a selector', { selector: {} }, [pod('1')], []],
  ['nothing without Pods', {}, [], []],
])('a route leads to %s', (_title, spec, pods, expected) => {
  const endpoints = planRoutes([service(spec)], pods).flatMap((route) => route.endpoints);
  expect(endpoints.map(({ host, port }) => `${host}:${port}`)).toEqual(expected);
});

const host = '127.250.200.1';
const open: (Server | Socket)[] = [];
const client = new KubernetesClient({ url: 'https://127.0.0.1:1', ca: '', cert: '', key: '' });
const log = pino({ enabled: false });
const forwarder = new ServiceForwarder({ log, events: new EventRecorder({ client, log, host }) });

afterEach(() => {
  forwarder.apply([]);
  for (const one of open.splice(0)) {
    if ('destroy' in one) one.destroy();
    else one.close();
  }
});

const listen = (onConnection: (socket: Socket) => void): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      open.push(socket);
      socket.on('error', () => undefined);
      onConnection(socket);
    });
    open.push(server);
    server.listen(0, host, () => {
      const address: AddressInfo | string | null = server.address();
      resolve(typeof address === 'object' ? (address?.port ?? 0) : 0);
    });
  });

const freePort = 28_431;
const route = (endpointPorts: readonly number[]) => ({
  key: 'k',
  host,
  port: freePort,
  service: service({}),
  endpoints: endpointPorts.map((port) => ({ host, port })),
});

const dial = (): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host, port: freePort, allowHalfOpen: true });
    open.push(socket);
    socket.once('error', reject);
    socket.once('connect', () => resolve(socket));
  });

const outcome = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    let data = '';
    socket.on('data', (chunk) => (data += chunk.toString()));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(`${data}${error.code ?? ''}`));
    socket.once('end', () => resolve(`${data}END`));
  });

test('connections go to the endpoints in turn, and an answer after the end of the question arrives', async () => {
  const answerWith = (name: string) => (socket: Socket) => {
    let question = '';
    socket.on('data', (chunk) => (question += chunk.toString()));
    socket.once('end', () => socket.end(`${name}:${question}`));
  };
  const portA = await listen(answerWith('a'));
  const portB = await listen(answerWith('b'));
  forwarder.apply([route([portA, portB])]);
  const answers: string[] = [];
  for (const question of ['1', '2', '3']) {
    const socket = await dial();
    socket.end(question);
    answers.push(await text(socket));
  }
  expect(answers).toEqual(['a:1', 'b:2', 'a:3']);
});

test('an endpoint that refuses resets its client', async () => {
  const port = await listen(() => undefined);
  const [last] = open.splice(-1);
  if (last !== undefined && 'listening' in last) await new Promise((resolve) => last.close(resolve));
  forwarder.apply([route([port])]);
  expect(await outcome(await dial())).toBe('ECONNRESET');
});

test('a server that dies in the middle of an answer resets its client', async () => {
  const port = await listen((socket) => socket.write('half', () => setImmediate(() => socket.resetAndDestroy())));
  forwarder.apply([route([port])]);
  expect(await outcome(await dial())).toMatch(/^(half)?ECONNRESET$/u);
});

test('without an endpoint its clients are refused, and served again when there is one', async () => {
  const port = await listen((socket) => socket.end('here'));
  forwarder.apply([route([port])]);
  expect(await text(await dial())).toBe('here');
  forwarder.apply([]);
  await expect(dial()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  forwarder.apply([route([port])]);
  expect(await text(await dial())).toBe('here');
});

test('a client that goes away ends its connection to the server', async () => {
  const gone = Promise.withResolvers<string>();
  const port = await listen((socket) => {
    socket.on('close', () => gone.resolve('closed'));
    socket.resume();
  });
  forwarder.apply([route([port])]);
  const socket = await dial();
  socket.resetAndDestroy();
  expect(await gone.promise).toBe('closed');
});
