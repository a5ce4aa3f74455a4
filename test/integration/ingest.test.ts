/** Ingest against a real server and real sockets: what is refused, what is captured, and that the bytes stay as they came. */
import { createHmac } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Registry } from 'prom-client';
import { parseCaptureHeaders } from '../../runtime/contract/capture-headers.ts';
import type { CaptureMeta } from '../../runtime/contract/capture-headers.ts';
import { captureStream, captureSubjects } from '../../runtime/contract/names.ts';
import { createShopifySource } from '../../runtime/connectors/shopify/source.ts';
import { startIngest } from '../../runtime/ingest/ingest.ts';
import type { Ingest } from '../../runtime/ingest/ingest.ts';
import { connectNats } from '../../runtime/jetstream/connection.ts';
import type { Nats } from '../../runtime/jetstream/connection.ts';
import { Publisher } from '../../runtime/jetstream/publisher.ts';
import { scan } from '../../runtime/jetstream/stream-reader.ts';
import { createLogger } from '../../runtime/logger.ts';
import { createSecretReader } from '../../runtime/secrets/read-secret.ts';
import { startNats } from '../support/nats-server.ts';
import type { TestNats } from '../support/nats-server.ts';
import { createPipeline } from '../support/pipeline-on-nats.ts';
import { testConnectors, testPipeline } from '../support/test-pipeline.ts';

const { signal } = new AbortController();
const maxBytes = 24 * 1024 * 1024;

let server: TestNats;
let nats: Nats;
let publisher: Publisher;
let ingest: Ingest;
let folder: string;

beforeAll(async () => {
  server = await startNats(signal);
  nats = await connectNats({ url: server.url, name: 'test' }, signal);
  publisher = new Publisher(nats.connection);
  await createPipeline(nats, testPipeline(), { maxBytes, signal });
  folder = await mkdtemp(join(tmpdir(), 'peppasync-ingest-'));
  await mkdir(join(folder, 'secrets/shopify'), { recursive: true });
  await writeFile(join(folder, 'secrets/shopify/client-secret'), 'first\n');
  await writeFile(join(folder, 'secrets/shopify/next-secret'), 'second');
  ingest = await startTestIngest();
}, 900_000);

afterAll(async () => {
  await ingest.stop();
  publisher.close();
  await nats.connection.close();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

function startTestIngest(): Promise<Ingest> {
  const connector = testConnectors('http://127.0.0.1:1').shopify;
  return startIngest({
    connector,
    source: createShopifySource({ account: connector.account, readSecret: createSecretReader(folder) }),
    pipelines: [{ v: 1, running: testPipeline() }],
    publisher,
    host: '127.0.0.1',
    port: 0,
    metrics: new Registry(),
    logger: createLogger({ level: 'error', role: 'ingest' }),
  });
}

interface Sent {
  readonly body: Buffer;
  readonly id: string;
  readonly headers?: Record<string, string>;
  readonly secret?: string;
}

function post({ body, id, headers = {}, secret = 'first' }: Sent, port = ingest.port): Promise<number> {
  const signed = {
    'x-shopify-hmac-sha256': createHmac('sha256', secret).update(body).digest('base64'),
    'x-shopify-shop-domain': 'jackets.myshopify.com',
    'x-shopify-topic': 'orders/create',
    'x-shopify-webhook-id': id,
    ...headers,
  };
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method: 'POST', path: '/', headers: signed, agent: false }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

interface Stored {
  readonly meta: CaptureMeta;
  readonly body: Buffer;
  readonly subject: string;
}

async function stored(id: string): Promise<Stored[]> {
  const found: Stored[] = [];
  for await (const message of scan({ nats, stream: captureStream(testPipeline()), subject: captureSubjects(testPipeline()) }, { signal })) {
    const meta = parseCaptureHeaders((name) => message.headers?.get(name) ?? '');
    if (meta.sourceID === id) found.push({ meta, body: Buffer.from(message.data), subject: message.subject });
  }
  return found;
}

const order = (change = '') => Buffer.from(`{"id":820982911946154508,"updated_at":"2026-11-27T08:00:00-05:00","name":"#1"${change}}`);

test('C1, C2: a signed order is stored as the bytes that came, under its 64-bit key, before the 2xx', async () => {
  expect(await post({ body: order(), id: 'plain' })).toBe(200);
  const [first, ...others] = await stored('plain');
  expect(others).toEqual([]);
  expect(first?.body).toEqual(order());
  expect(first?.meta).toMatchObject({ key: '820982911946154508', topic: 'orders/create', version: '2026-11-27T13:00:00.000Z' });
});

test('C1: any of several secrets may have signed; another may not', async () => {
  expect(await post({ body: order(), id: 'rotated', secret: 'second' })).toBe(200);
  expect(await post({ body: order(), id: 'forged', secret: 'third' })).toBe(401);
  expect(await stored('forged')).toEqual([]);
});

test('C1: a secret that changes is read again without a restart', async () => {
  await writeFile(join(folder, 'secrets/shopify/next-secret'), 'rotated-in');
  await expect.poll(() => post({ body: order(), id: 'after-rotation', secret: 'rotated-in' }), { timeout: 10_000 }).toBe(200);
});

test('C3: the same webhook twice is answered 2xx twice and stored once', async () => {
  expect(await post({ body: order(), id: 'twice' })).toBe(200);
  expect(await post({ body: order(), id: 'twice' })).toBe(200);
  expect(await stored('twice')).toHaveLength(1);
});

test.each([
  ['no signature', { 'x-shopify-hmac-sha256': '' }, 401],
  ['a signature of the wrong length', { 'x-shopify-hmac-sha256': 'AAAA' }, 401],
  ['another shop', { 'x-shopify-shop-domain': 'other.myshopify.com' }, 401],
  ['no topic', { 'x-shopify-topic': '' }, 400],
  ['no webhook id', { 'x-shopify-webhook-id': '' }, 400],
  ['a topic that nobody takes', { 'x-shopify-topic': 'products/update' }, 200],
])('C1: a webhook with %s is answered and not stored', async (what, headers, status) => {
  expect(await post({ body: order(), id: what, headers })).toBe(status);
  expect(await stored(what)).toEqual([]);
});

test('C1: a body over the limit is a 413, declared or not', async () => {
  expect(await post({ body: Buffer.alloc(10 * 1024 * 1024, 0x20), id: 'large' })).toBe(413);
  const undeclared = await post({
    body: Buffer.alloc(3 * 1024 * 1024, 0x20),
    id: 'chunked',
    headers: { 'transfer-encoding': 'chunked' },
  }).catch(() => 413);
  expect(undeclared).toBe(413);
  expect(await stored('large')).toEqual([]);
});

const odd: [string, Buffer, Partial<CaptureMeta>][] = [
  ['an empty body', Buffer.alloc(0), { problem: { reason: 'Unreadable', message: 'the body is empty' } }],
  ['broken JSON', Buffer.from('{"id":1'), { problem: { reason: 'Unreadable', message: 'the body is not valid JSON' } }],
  [
    'invalid UTF-8',
    Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]),
    { problem: { reason: 'Unreadable', message: 'the body is not valid UTF-8' } },
  ],
  [
    '100,000 nested brackets',
    Buffer.from('['.repeat(100_000) + ']'.repeat(100_000)),
    { problem: { reason: 'Unreadable', message: 'the body nests deeper than 200 levels' } },
  ],
  ['random bytes', Buffer.from(Array.from({ length: 512 }, (_, index) => (index * 151) % 256)), { key: 'raw:random bytes' }],
  ['no id', Buffer.from('{"updated_at":"2026-11-27T08:00:00Z"}'), { key: 'raw:no id' }],
  ['a null id', Buffer.from('{"id":null,"updated_at":"2026-11-27T08:00:00Z"}'), { key: 'raw:a null id' }],
  ['an empty id', Buffer.from('{"id":"","updated_at":"2026-11-27T08:00:00Z"}'), { key: 'raw:an empty id' }],
  ['a date that is none', Buffer.from('{"id":7,"updated_at":"tomorrow"}'), { key: 'raw:a date that is none' }],
  ['emoji, right-to-left and combining text', order(',"note":"💸 \u200Fשלום\u200E e\u0301 𝔘"'), { key: '820982911946154508' }],
  ['control characters and lone surrogates', order(',"note":"\\u0000\\u001f \\ud83d \\udc00"'), { key: '820982911946154508' }],
  ['a key with odd characters', Buffer.from('{"id":"a\\nb \\ud83d é","updated_at":"2026-11-27T08:00:00Z"}'), { key: 'a\nb \ud83d é' }],
  [
    'a number beyond 64 bits',
    Buffer.from('{"id":99999999999999999999,"updated_at":"2026-11-27T08:00:00Z"}'),
    { key: '99999999999999999999' },
  ],
];

test.each(odd)('C2: %s is captured as the bytes that came', async (what, body, meta) => {
  expect(await post({ body, id: what })).toBe(200);
  const [first, ...others] = await stored(what);
  expect(others).toEqual([]);
  expect(first?.body).toEqual(body);
  expect(first?.meta).toMatchObject(meta);
});

test('C1: other paths and methods are refused', async () => {
  const { port } = ingest;
  expect((await fetch(`http://127.0.0.1:${port}/elsewhere`, { method: 'POST' })).status).toBe(404);
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(405);
});

test('C1: while NATS is away the answer is 503, and the same webhook is stored once when it is back', { timeout: 60_000 }, async () => {
  await server.kill();
  expect(await post({ body: order(), id: 'outage' })).toBe(503);
  await server.start();
  await expect.poll(() => post({ body: order(), id: 'outage' }), { timeout: 20_000 }).toBe(200);
  expect(await stored('outage')).toHaveLength(1);
});

test('C1: 2,000 senders with a connection each are all answered 2xx, and each order is stored', { timeout: 60_000 }, async () => {
  const ids = Array.from({ length: 2_000 }, (_, index) => `burst-${index}`);
  const statuses = await Promise.all(ids.map((id) => post({ body: order(), id })));
  expect(new Set(statuses)).toEqual(new Set([200]));
  const found = new Set<string>();
  for await (const message of scan(
    { nats, stream: captureStream(testPipeline()), subject: captureSubjects(testPipeline()) },
    { headersOnly: true, signal },
  )) {
    found.add(parseCaptureHeaders((name) => message.headers?.get(name) ?? '').sourceID);
  }
  expect(ids.filter((id) => !found.has(id))).toEqual([]);
});

test('C1: a pod that stops answers what it has taken', { timeout: 30_000 }, async () => {
  const second = await startTestIngest();
  const sending = Promise.all(Array.from({ length: 100 }, (_, index) => post({ body: order(), id: `farewell-${index}` }, second.port)));
  const stopped = second.stop();
  expect(new Set(await sending)).toEqual(new Set([200]));
  await stopped;
  await expect(post({ body: order(), id: 'too late' }, second.port)).rejects.toThrow('ECONNREFUSED');
});

test('C1: a full stream is a 503, and nothing is lost of what was acknowledged', { timeout: 60_000 }, async () => {
  const large = order(`,"note":"${'x'.repeat(1_500_000)}"`);
  const acknowledged: string[] = [];
  let status = 200;
  for (let index = 0; status === 200 && index < 40; index += 1) {
    status = await post({ body: large, id: `full-${index}` });
    if (status === 200) acknowledged.push(`full-${index}`);
  }
  expect(status).toBe(503);
  for (const id of acknowledged) expect(await stored(id)).toHaveLength(1);
});
