/** Deliver as a real process against a real server and the strict NetSuite: effects, order, crashes, outages, credentials. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { journalMessage } from '../../runtime/contract/journal.ts';
import type { JournalMessage, LaneEvent } from '../../runtime/contract/journal.ts';
import { journalSubject, podPaths, stateStream } from '../../runtime/contract/names.ts';
import { parkedHeader, parkedMeta } from '../../runtime/contract/parked-headers.ts';
import type { ParkedMeta } from '../../runtime/contract/parked-headers.ts';
import { compileSource } from '../../runtime/ingest/capture-meta.ts';
import { capture } from '../../runtime/ingest/capture.ts';
import { connectNats } from '../../runtime/jetstream/connection.ts';
import type { Nats } from '../../runtime/jetstream/connection.ts';
import { Publisher } from '../../runtime/jetstream/publisher.ts';
import { scan } from '../../runtime/jetstream/stream-reader.ts';
import { startNetSuite } from '../simulators/net-suite/net-suite.ts';
import type { NetSuiteSimulator } from '../simulators/net-suite/net-suite.ts';
import { buildScenario } from '../simulators/shopify/scenario.ts';
import type { Scenario, WebhookEvent } from '../simulators/shopify/scenario.ts';
import { startNats } from '../support/nats-server.ts';
import type { TestNats } from '../support/nats-server.ts';
import { createPipeline } from '../support/pipeline-on-nats.ts';
import { testConnectors, testPipeline } from '../support/test-pipeline.ts';

const { signal } = new AbortController();
const pipeline = testPipeline();
const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const publicKey = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const privateKey = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
/** A pod's address is its own: health and metrics have fixed ports. */
const podAddress = `127.9.${(process.pid >> 8) & 0xff}.${process.pid & 0xff}`;

let server: TestNats;
let nats: Nats;
let publisher: Publisher;
let erp: NetSuiteSimulator;
let folder: string;
let pod: ChildProcess | undefined;

beforeEach(async () => {
  server = await startNats(signal);
  nats = await connectNats({ url: server.url, name: 'test' }, signal);
  publisher = new Publisher(nats.connection);
  await createPipeline(nats, pipeline, { maxBytes: 64 * 1024 * 1024, signal });
  erp = await startNetSuite({
    publicKey,
    clientId: 'client',
    certificateId: 'certificate',
    concurrency: 5,
    meanMs: 40,
    timeoutMs: 2_000,
    seed: 3,
  });
  folder = await mkdtemp(join(tmpdir(), 'peppasync-deliver-'));
  await write(podPaths.connectorFile, JSON.stringify(testConnectors(erp.url).netsuite));
  await write(podPaths.pipelineFile('orders'), JSON.stringify({ v: 1, running: pipeline }));
  await write(podPaths.secretFile({ name: 'netsuite', key: 'private-key' }), privateKey);
}, 900_000);

afterEach(async () => {
  await killPod();
  publisher.close();
  await nats.connection.close();
  await server.stop();
  await erp.close();
  await rm(folder, { recursive: true, force: true });
});

async function write(path: string, text: string): Promise<void> {
  await mkdir(join(folder, path, '..'), { recursive: true });
  await writeFile(join(folder, path), text);
}

function startPod(): void {
  const args = [
    '--role',
    'deliver',
    '--config-dir',
    folder,
    '--nats-url',
    server.url,
    '--install',
    'test',
    '--pod',
    'pod-1',
    '--host',
    podAddress,
  ];
  pod = spawn(process.execPath, [join(import.meta.dirname, '../../main.ts'), ...args, '--log-level', 'error'], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

async function killPod(how: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<number | null> {
  const running = pod;
  pod = undefined;
  if (running === undefined || running.exitCode !== null) return running?.exitCode ?? null;
  const gone = once(running, 'exit');
  running.kill(how);
  await gone;
  return running.exitCode;
}

async function captureAll(events: readonly WebhookEvent[]): Promise<void> {
  const mappings = [compileSource(pipeline)];
  for (const { topic, webhookId, body } of events) {
    const facts = { topic, sourceID: webhookId, capturedAt: new Date().toISOString() };
    expect(await capture(mappings, body, { facts, publisher })).toMatchObject({ kind: 'stored' });
  }
}

async function journals(): Promise<JournalMessage[][]> {
  return Promise.all(
    Array.from({ length: pipeline.lanes }, async (_, lane) => {
      const messages: JournalMessage[] = [];
      const place = { nats, stream: stateStream(pipeline), subject: journalSubject({ pipeline, destination: 'erp', lane }) };
      for await (const message of scan(place, { signal })) messages.push(journalMessage.parse(message.json()));
      return messages;
    }),
  );
}

async function parked(): Promise<ParkedMeta[]> {
  const found: ParkedMeta[] = [];
  for await (const message of scan(
    { nats, stream: stateStream(pipeline), subject: 'pp.shop.orders.p.>' },
    { lastPerSubject: true, headersOnly: true, signal },
  )) {
    const header = message.headers?.get(parkedHeader) ?? '';
    if (header !== '') found.push(parkedMeta.parse(JSON.parse(header)));
  }
  return found;
}

/** Waits until every captured record has passed and nothing is being tried. Gives the last message of each lane. */
async function settled(captured: number): Promise<JournalMessage[]> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const lasts = (await journals()).flatMap((messages) => messages.slice(-1));
    const passed = lasts.reduce((sum, { counters }) => sum + counters.passed, 0);
    if (passed === captured && lasts.every(({ intents, counters }) => intents.length === 0 && counters.retrying === 0)) return lasts;
    await delay(100);
  }
  throw new Error(`not settled: ${JSON.stringify((await journals()).map((messages) => messages.at(-1)))}`);
}

function total(lasts: readonly JournalMessage[], read: (message: JournalMessage) => number): number {
  return lasts.reduce((sum, message) => sum + read(message), 0);
}

/** What must hold at the target, however the pods fared. */
function expectKept({ summary }: Scenario): void {
  const book = erp.book();
  const good = summary.orderIds.filter((id) => !summary.badAddresses.some(({ orderId }) => orderId === id));
  const missing = good.filter((id) => book.records[`shopify-${id}`]?.objects !== 1 && !summary.cancelledOrderIds.includes(id));
  expect(missing).toEqual([]);
  for (const { overlaps, versions, objects } of Object.values(book.records)) {
    expect({ overlaps, objects: Math.min(objects, 1) }).toEqual({ overlaps: 0, objects });
    const sent = versions.map(({ version }) => version ?? '');
    expect(sent).toEqual(sent.toSorted());
  }
  expect(book.refused).toBe(0);
  expect(book.peakInFlight).toBeLessThanOrEqual(5);
}

test('D1, C3: orders, duplicates, updates, cancels and bad addresses each end where they belong', { timeout: 120_000 }, async () => {
  const scenario = buildScenario({ seed: 5, orders: 150, duplicates: 5, updates: 8, cancels: 6 });
  await captureAll(scenario.events);
  startPod();
  const stored = new Set(scenario.events.map(({ webhookId }) => webhookId)).size;
  const lasts = await settled(stored);
  expectKept(scenario);
  const bad = await parked();
  expect(bad.map(({ key }) => key).toSorted()).toEqual(scenario.summary.badAddresses.map(({ orderId }) => orderId).toSorted());
  expect(new Set(bad.map(({ state, reason, field }) => `${state} ${reason} ${field}`))).toEqual(
    new Set(['failed InvalidAddress shipping_address.address1']),
  );
  expect(total(lasts, ({ counters }) => counters.failed)).toBe(3);
  for (const id of scenario.summary.updatedOrderIds) {
    const events = scenario.events.filter(({ orderId }) => String(orderId) === id);
    const newest = events
      .map(({ updatedAt }) => new Date(updatedAt).toISOString())
      .toSorted()
      .at(-1);
    expect(erp.book().records[`shopify-${id}`]?.versions.at(-1)?.version).toBe(newest);
  }
  for (const id of scenario.summary.cancelledOrderIds) {
    const record = erp.record(`shopify-${id}`);
    if (record !== undefined) expect(JSON.parse(record)).toMatchObject({ orderStatus: 'C' });
  }
});

test('C2: texts arrive code point by code point and integers digit by digit', { timeout: 60_000 }, async () => {
  const note = 'e\u0301 💸 \u200Fשלום\u0001 "\\ \ud83d / & 漢字 \u2028';
  const line = { id: 1, sku: '1001', quantity: 9007199254740993n, price: '19.90' };
  const text = (value: unknown) => JSON.stringify(value);
  const body = Buffer.from(
    `{"id":9223372036854775807,"name":"#1","updated_at":"2026-11-27T08:00:00Z","note":${text(note)},` +
      `"shipping_address":{"address1":"Straße 1"},"line_items":[{"id":1,"sku":"1001","quantity":${line.quantity},"price":"19.90"}]}`,
  );
  await captureAll([
    { webhookId: 'w', eventId: 'e', topic: 'orders/create', orderId: 9223372036854775807n, updatedAt: '', triggeredAt: '', body },
  ]);
  startPod();
  await settled(1);
  const record = erp.record('shopify-9223372036854775807') ?? '';
  expect(JSON.parse(record)).toMatchObject({ memo: note, otherRefNum: '#1' });
  expect(record).toContain('9007199254740993');
});

test('D2, L1: kill -9 of the pod, again and again, costs nothing but time', { timeout: 180_000 }, async () => {
  const scenario = buildScenario({ seed: 9, orders: 200, duplicates: 4, updates: 10, cancels: 4 });
  await captureAll(scenario.events);
  startPod();
  for (const share of [0.15, 0.4, 0.7]) {
    await expect.poll(() => erp.progress().records, { timeout: 60_000, interval: 20 }).toBeGreaterThan(200 * share);
    expect(erp.progress().inFlight).toBeGreaterThan(0);
    await killPod();
    startPod();
  }
  const lasts = await settled(new Set(scenario.events.map(({ webhookId }) => webhookId)).size);
  expectKept(scenario);
  // One claim by the test's pod at each start, on each lane.
  expect(lasts.map(({ epoch }) => epoch)).toEqual([4, 4, 4, 4]);
});

test(
  'P3, L2: while the target is away only probes are made, nothing is binned, and the rest follows when it is back',
  { timeout: 120_000 },
  async () => {
    const scenario = buildScenario({ seed: 11, orders: 120 });
    await captureAll(scenario.events);
    startPod();
    await expect.poll(() => erp.progress().records, { timeout: 30_000, interval: 20 }).toBeGreaterThan(30);
    // Longer than the slots of the calls that were cut off stay taken: then there are slots for probes.
    erp.offline(8_000);
    const lasts = await settled(new Set(scenario.events.map(({ webhookId }) => webhookId)).size);
    expectKept(scenario);
    expect(total(lasts, ({ counters }) => counters.failed)).toBe(3);
    const [outage] = erp.book().outages;
    // Five failures open the circuit; with what was on its way that is at most the limit, and then a probe every 0.2 to 0.8 s.
    expect(outage?.calls).toBeLessThanOrEqual(5 + 8_000 / 200);
    expect(outage?.calls).toBeGreaterThan(0);
  },
);

test('L2: refused credentials open the circuit, bin nothing, and heal when the Secret changes', { timeout: 120_000 }, async () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  await write(podPaths.secretFile({ name: 'netsuite', key: 'private-key' }), other);
  const scenario = buildScenario({ seed: 13, orders: 30 });
  await captureAll(scenario.events);
  startPod();
  await expect.poll(() => erp.book().tokenCalls.total, { timeout: 30_000 }).toBeGreaterThan(3);
  expect((await parked()).filter(({ reason }) => reason !== 'InvalidAddress')).toEqual([]);
  await write(podPaths.secretFile({ name: 'netsuite', key: 'private-key' }), privateKey);
  await settled(new Set(scenario.events.map(({ webhookId }) => webhookId)).size);
  expectKept(scenario);
});

test('D1: a pod that is asked to stop finishes its calls and leaves no open intent', { timeout: 60_000 }, async () => {
  const scenario = buildScenario({ seed: 15, orders: 60 });
  await captureAll(scenario.events);
  startPod();
  await expect.poll(() => erp.progress().inFlight, { timeout: 30_000, interval: 5 }).toBe(5);
  expect(await killPod('SIGTERM')).toBe(0);
  const lasts = (await journals()).flatMap((messages) => messages.slice(-1));
  expect(lasts.flatMap(({ intents }) => intents)).toEqual([]);
  expect(total(lasts, ({ counters }) => counters.delivered)).toBe(erp.progress().records);
  startPod();
  await settled(new Set(scenario.events.map(({ webhookId }) => webhookId)).size);
  expectKept(scenario);
});

test('D3: records behind a failed one of their key are blocked, others are not', { timeout: 60_000 }, async () => {
  const order = (id: number, at: string, address: string) =>
    Buffer.from(
      `{"id":${id},"name":"#${id}","updated_at":"2026-11-27T08:00:${at}Z","shipping_address":{"address1":"${address}"},` +
        `"line_items":[{"id":1,"sku":"1001","quantity":1,"price":"1.00"}]}`,
    );
  const event = (webhookId: string, body: Buffer) => ({
    webhookId,
    eventId: webhookId,
    topic: 'orders/updated' as const,
    orderId: 1n,
    updatedAt: '',
    triggeredAt: '',
    body,
  });
  await captureAll([event('a', order(1, '01', '')), event('b', order(1, '02', 'Street 1')), event('c', order(2, '01', 'Street 2'))]);
  startPod();
  await settled(3);
  expect((await parked()).map(({ key, seq, state, reason }) => ({ key, seq, state, reason })).toSorted((a, b) => a.seq - b.seq)).toEqual([
    { key: '1', seq: 1, state: 'failed', reason: 'InvalidAddress' },
    { key: '1', seq: 2, state: 'blocked', reason: undefined },
  ]);
  expect(erp.book().records['shopify-2']?.objects).toBe(1);
  expect(erp.book().records['shopify-1']).toBeUndefined();
  const events = (await journals()).flat().flatMap((message): LaneEvent[] => message.events);
  expect(events.map(({ kind }) => kind).toSorted()).toEqual(['delivered', 'parked', 'parked']);
});
