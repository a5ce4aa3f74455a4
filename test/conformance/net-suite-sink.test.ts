/** What is true of NetSuite's sink alone: its tokens, its addresses and its bodies. */
import { generateKeyPairSync } from 'node:crypto';
import { afterEach, expect, test } from 'vitest';
import type { Outcome, Sink } from '../../runtime/connectors/connector.ts';
import { createNetSuiteSink } from '../../runtime/connectors/net-suite/sink.ts';
import { createSecretReader } from '../../runtime/secrets/read-secret.ts';
import { tokenPath } from '../simulators/net-suite/token-request.ts';
import type { NetSuiteOptions, NetSuiteSimulator } from '../simulators/net-suite/net-suite.ts';
import { keyReference, keys, netSuiteAccountAt, netSuiteHarness, orderCall, startSimulator } from './net-suite.ts';
import { startScriptedServer } from './scripted-server.ts';
import type { Behaviour, Received, ScriptedServer } from './scripted-server.ts';
import { makeSecretFolder } from './secret-folder.ts';
import type { SecretFolder } from './secret-folder.ts';

const never = new AbortController().signal;
const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

const encodings = {
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
} as const;

interface OpenedSink {
  readonly sink: Sink;
  readonly folder: SecretFolder;
  /** Lets the reader of Secrets look again. */
  readonly aSecondLater: () => void;
  readonly send: (operation: 'Upsert' | 'Update', id: string, body: string) => Promise<Outcome>;
}

async function open(origin: string, { algorithm = 'PS256', key = keys.privateKey } = {}): Promise<OpenedSink> {
  const folder = await makeSecretFolder();
  stops.push(() => folder.remove());
  await folder.write(keyReference, key);
  let monotonicNow = 0;
  const account = netSuiteAccountAt(origin);
  const clientCredentials = { ...account.auth.clientCredentials, algorithm };
  const sink = createNetSuiteSink({
    account: { ...account, auth: { ...account.auth, clientCredentials } },
    readSecret: createSecretReader(folder.configDir, () => monotonicNow),
    timeoutMs: 20_000,
    now: Date.now,
  });
  stops.push(() => sink.close());
  const send: OpenedSink['send'] = (operation, id, body) => sink.send(orderCall(operation, id, body), { beforeWrite: () => true }, never);
  return { sink, folder, send, aSecondLater: () => (monotonicNow += 1_000) };
}

async function start(options?: Partial<NetSuiteOptions>): Promise<NetSuiteSimulator> {
  const netSuite = await startSimulator(options);
  stops.push(() => netSuite.close());
  return netSuite;
}

async function script(behave: (call: Received) => Behaviour, options: { readonly grants: boolean }): Promise<ScriptedServer> {
  const { sink } = netSuiteHarness;
  const server = await startScriptedServer({
    answerBeforehand: (request) => (options.grants ? sink?.answerBeforehand(request) : undefined),
    behave,
  });
  stops.push(() => server.close());
  return server;
}

const order = (memo = 'a') => JSON.stringify({ entity: { id: '4711' }, memo, item: { items: [{ item: { id: '1001' }, quantity: 1 }] } });
const delivered = (id: string) => ({ kind: 'delivered', response: { status: 204, id } });

test('calls at the same time share one token, and it is kept', async () => {
  const netSuite = await start();
  const { send } = await open(netSuite.url);
  const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
  const outcomes = await Promise.all(ids.map((id) => send('Upsert', id, order())));
  expect(outcomes.map(({ kind }) => kind)).toEqual(ids.map(() => 'delivered'));
  expect(await send('Upsert', 'a', order())).toEqual(delivered('1001'));
  expect(netSuite.book()).toMatchObject({ tokenCalls: { total: 1, byStatus: { 200: 1 } }, calls: { byStatus: { 204: 9 } } });
});

test('a refused token is replaced within the same call, once for all that meet it', async () => {
  const netSuite = await start();
  const { send } = await open(netSuite.url);
  await send('Upsert', 'a', order());
  expect(netSuite.revokeTokens()).toBe(1);
  expect(await Promise.all([send('Upsert', 'b', order()), send('Upsert', 'c', order())])).toMatchObject([
    { kind: 'delivered' },
    { kind: 'delivered' },
  ]);
  expect(netSuite.book()).toMatchObject({ tokenCalls: { total: 2 }, calls: { byStatus: { 204: 3, 401: 2 } } });
});

test('a fresh token that is refused is unauthorized, and so is the second of a call', async () => {
  let isAccepted = true;
  const server = await script(() => ({ kind: 'answer', answer: isAccepted ? { status: 204 } : { status: 401 } }), { grants: true });
  const { send } = await open(server.origin);
  await send('Upsert', 'a', order());
  isAccepted = false;
  expect(await send('Upsert', 'b', order())).toEqual({ kind: 'unauthorized', reason: 'Unauthorized' });
  expect(server.calls).toHaveLength(3);
  expect(await send('Upsert', 'c', order())).toEqual({ kind: 'unauthorized', reason: 'Unauthorized' });
  expect(server.calls).toHaveLength(4);
});

test('a changed private key counts from the next request for a token on', async () => {
  const other = generateKeyPairSync('rsa', { modulusLength: 2048, ...encodings });
  const netSuite = await start({ publicKey: other.publicKey });
  const { send, folder, aSecondLater } = await open(netSuite.url);
  expect(await send('Upsert', 'a', order())).toEqual({ kind: 'unauthorized', reason: 'InvalidGrant' });
  await folder.write(keyReference, other.privateKey);
  aSecondLater();
  expect(await send('Upsert', 'a', order())).toEqual(delivered('1001'));
});

test('ES256 signs with a key on P-256', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256', ...encodings });
  const netSuite = await start({ publicKey });
  const { send } = await open(netSuite.url, { algorithm: 'ES256', key: privateKey });
  expect(await send('Upsert', 'a', order())).toEqual(delivered('1001'));
});

test.each([
  ['ES256', 'an RSA key', keys.privateKey],
  ['ES256', 'a key on another curve', generateKeyPairSync('ec', { namedCurve: 'P-384', ...encodings }).privateKey],
  ['PS256', 'a key on a curve', generateKeyPairSync('ec', { namedCurve: 'P-256', ...encodings }).privateKey],
  ['PS256', 'too short a key', generateKeyPairSync('rsa', { modulusLength: 1024, ...encodings }).privateKey],
  ['PS256', 'the public key', keys.publicKey],
  ['PS256', 'nothing', ''],
])('%s with %s is told before anything is sent', async (algorithm, _what, key) => {
  const netSuite = await start();
  const { send } = await open(netSuite.url, { algorithm, key });
  expect(await send('Upsert', 'a', order())).toEqual({ kind: 'unauthorized', reason: 'PrivateKeyInvalid' });
  expect(netSuite.book().tokenCalls.total).toBe(0);
});

test('a missing key is told by its name, and heals', async () => {
  const netSuite = await start();
  const { send, folder } = await open(netSuite.url);
  await folder.remove();
  expect(await send('Upsert', 'a', order())).toEqual({ kind: 'unauthorized', reason: 'SecretMissing' });
  await folder.write(keyReference, keys.privateKey);
  expect(await send('Upsert', 'a', order())).toEqual(delivered('1001'));
});

test('whatever becomes of a request for a token, the call can go again', async () => {
  const ends: Behaviour[] = [
    { kind: 'reset' },
    { kind: 'half answer' },
    { kind: 'answer', answer: { status: 503, headers: { 'retry-after': '4' } } },
    { kind: 'answer', answer: { status: 429, headers: { 'retry-after': '5' } } },
    { kind: 'answer', answer: { status: 400, body: '{"error":"invalid_client"}' } },
    { kind: 'answer', answer: { status: 200, body: '{}' } },
  ];
  const server = await script(() => ends[server.calls.length] ?? { kind: 'silence' }, { grants: false });
  const { send } = await open(server.origin);
  const outcomes: Outcome[] = [];
  for (const _end of ends) outcomes.push(await send('Upsert', 'a', order()));
  expect(outcomes).toEqual([
    { kind: 'transient', reason: 'ConnectionLost' },
    { kind: 'transient', reason: 'ConnectionLost' },
    { kind: 'transient', reason: 'ServerError', afterMs: 4_000 },
    { kind: 'throttled', afterMs: 5_000 },
    { kind: 'unauthorized', reason: 'InvalidClient' },
    { kind: 'transient', reason: 'TokenUnreadable' },
  ]);
  expect(server.calls.map(({ method, url }) => `${method} ${url}`)).toEqual(ends.map(() => `POST ${tokenPath}`));
});

test('a request for a token is made within the call that needs it: never more than one call at a time', async () => {
  const netSuite = await start({ concurrency: 1, governTokens: true });
  const { send } = await open(netSuite.url);
  expect(await send('Upsert', 'a', order())).toEqual(delivered('1001'));
  netSuite.revokeTokens();
  expect(await send('Upsert', 'b', order())).toEqual(delivered('1002'));
  expect(netSuite.book()).toMatchObject({ peakInFlight: 1, refused: 0 });
});

test('N1: integers keep their digits, text its code points, external ids their characters', async () => {
  const netSuite = await start();
  const { send } = await open(netSuite.url);
  const id = 'a/b?ü &"🧥#%';
  const memo = 'lone \ud83d, \u0000, \u202e, 💸, é';
  const body = `{"entity":{"id":820982911946154508},"memo":${JSON.stringify(memo)},"item":{"items":[{"item":{"id":"1"},"quantity":1}]}}`;
  expect(await send('Upsert', id, body)).toEqual(delivered('1001'));
  const stored = netSuite.record(id) ?? '';
  expect(stored).toContain('"entity":{"id":820982911946154508}');
  expect(JSON.parse(stored)).toMatchObject({ externalId: id, memo });
});

test('U1: the same lines twice are there once, and an Update of a line leaves the others', async () => {
  const netSuite = await start();
  const { send } = await open(netSuite.url);
  const body = JSON.stringify({
    entity: { id: '1' },
    item: {
      items: [
        { item: { id: '1' }, quantity: 1 },
        { item: { id: '2' }, quantity: 1 },
      ],
    },
  });
  await send('Upsert', 'a', body);
  await send('Upsert', 'a', body);
  // Lines that were replaced have new numbers.
  const update = JSON.stringify({ item: { items: [{ line: 4, item: { id: '2' }, quantity: 9 }] } });
  await send('Update', 'a', update);
  await send('Update', 'a', update);
  expect(JSON.parse(netSuite.record('a') ?? '')).toMatchObject({
    item: {
      items: [
        { line: 3, item: { id: '1' }, quantity: 1 },
        { line: 4, item: { id: '2' }, quantity: 9 },
      ],
    },
  });
});

test('records that NetSuite refuses are rejected with its words', async () => {
  const netSuite = await start();
  const { send } = await open(netSuite.url);
  const withLongAddress = JSON.stringify({ ...JSON.parse(order()), shippingAddress: { addr1: 'x'.repeat(151) } });
  expect(await send('Upsert', 'a', withLongAddress)).toEqual({
    kind: 'rejected',
    reason: 'InvalidContent',
    field: 'shippingAddress.addr1',
    message: 'Error while accessing a resource. The field addr1 contained more than the maximum number ( 150 ) of characters allowed.',
  });
  expect(await send('Update', 'none', '{"orderStatus":"C"}')).toEqual({
    kind: 'rejected',
    reason: 'NotFound',
    message: 'The record instance does not exist. Provide a valid record instance ID.',
  });
});

test.each([
  ['', 'OperationInvalid'],
  ['x'.repeat(8_193), 'OperationInvalid'],
  ['half \ud83d', 'ExternalIDInvalid'],
])('an external id that cannot be sent is rejected without a call', async (id, reason) => {
  const netSuite = await start();
  const { send } = await open(netSuite.url);
  expect(await send('Upsert', id, order())).toMatchObject({ kind: 'rejected', reason, field: 'externalID' });
  expect(netSuite.book()).toMatchObject({ calls: { total: 0 }, tokenCalls: { total: 0 } });
});
