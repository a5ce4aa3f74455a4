/**
 * The operator on a real API server and a real NATS: what it makes of resources, what it leaves alone, what it tells, and
 * that it comes to the same result whatever is killed under it (O2).
 */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { connectorLive, pipelineFile } from '../../runtime/contract/config.ts';
import type { ConnectorLive } from '../../runtime/contract/config.ts';
import { captureHeaders } from '../../runtime/contract/capture-headers.ts';
import { emptyCounters, journalMessage } from '../../runtime/contract/journal.ts';
import type { JournalMessage } from '../../runtime/contract/journal.ts';
import {
  captureStream,
  captureSubject,
  connectorLiveKey,
  journalSubject,
  liveBucket,
  stateStream,
  stateSubjects,
} from '../../runtime/contract/names.ts';
import { headers } from '@nats-io/transport-node';
import { destination, netSuite, pipeline, secret, shopify } from './operator-objects.ts';
import { conditionOf, OperatorRig } from './operator-rig.ts';

const signal = AbortSignal.timeout(400_000);
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

let rig: OperatorRig;

beforeAll(async () => {
  rig = await OperatorRig.start(signal);
  rig.startOperator();
  await rig.apply(secret('shopify', 'client-secret'), secret('netsuite', 'private-key'), shopify(), netSuite());
}, 900_000);

afterAll(async () => {
  await rig?.stop();
});

function ref(name: string) {
  return { namespace: 'shop', name };
}

async function ready(name: string, generation = 1) {
  return rig.until(async () => {
    const view = await rig.pipeline(name);
    expect([conditionOf(view, 'Ready'), view.status.runningGeneration]).toEqual(['True InPlace', generation]);
    return view;
  });
}

async function head(name: string, destinationName: string, lane: number): Promise<JournalMessage> {
  const subject = journalSubject({ pipeline: ref(name), destination: destinationName, lane });
  const message = await rig.jsm.streams.getMessage(stateStream(ref(name)), { last_by_subj: subject });
  return journalMessage.parse(message?.json());
}

async function configOf(name: string) {
  const object = await rig.get(`core/v1/configmaps/pp-pipeline-${name}`);
  const { data } = z.object({ data: z.object({ 'pipeline.json': z.string() }) }).parse(object);
  return pipelineFile.parse(JSON.parse(data['pipeline.json']));
}

/** What the owner of a lane would write next. */
async function commit(
  name: string,
  lane: number,
  next: Partial<Omit<JournalMessage, 'counters'>> & { counters: Partial<JournalMessage['counters']> },
) {
  const subject = journalSubject({ pipeline: ref(name), destination: 'erp', lane });
  const before = await head(name, 'erp', lane);
  const counters = { ...emptyCounters(), ...next.counters };
  await rig.js.publish(subject, JSON.stringify({ ...before, ordinal: before.ordinal + 1, ...next, counters }));
}

async function capture(name: string, lane: number, capturedAt: string): Promise<number> {
  const written = headers();
  const meta = { key: 'k', topic: 'orders/create', sourceID: capturedAt, capturedAt };
  for (const [header, value] of captureHeaders(meta)) written.set(header, value);
  return (await rig.js.publish(captureSubject(ref(name), lane), '{}', { headers: written })).seq;
}

test('a pipeline is brought up: streams, journals, bucket, ConfigMaps, Deployments and Service', async () => {
  await rig.apply(pipeline('orders'));
  await ready('orders');
  const captured = await rig.jsm.streams.info(captureStream(ref('orders')));
  expect(captured.config).toMatchObject({
    subjects: ['pp.shop.orders.c.*'],
    retention: 'limits',
    discard: 'new',
    max_bytes: 10 * 2 ** 20,
    max_age: 0,
    num_replicas: 1,
    duplicate_window: 300e9,
    allow_direct: true,
    metadata: { install: 'peppasync', namespace: 'shop', pipeline: 'orders', lanes: '2' },
  });
  const state = await rig.jsm.streams.info(stateStream(ref('orders')));
  expect(state.config).toMatchObject({
    discard: 'new',
    max_bytes: -1,
    allow_atomic: true,
    allow_msg_ttl: true,
    allow_rollup_hdrs: true,
    allow_direct: true,
  });
  for (const lane of [0, 1]) {
    expect(await head('orders', 'erp', lane)).toMatchObject({ v: 1, epoch: 0, owner: 'operator', ordinal: 0, cursor: 0, generation: 1 });
  }
  const bucket = await rig.jsm.streams.info(`KV_${liveBucket('peppasync')}`);
  expect(bucket.config.max_age).toBe(60e9);
  expect(await configOf('orders')).toMatchObject({
    running: {
      generation: 1,
      lanes: 2,
      source: { connector: 'shopify', topics: ['orders/create'] },
      destinations: [{ name: 'erp', connector: 'netsuite' }],
    },
  });
  for (const path of ['apps/v1/deployments/pp-shopify-ingest', 'apps/v1/deployments/pp-netsuite-deliver', 'core/v1/services/pp-shopify']) {
    expect(await rig.find(path), path).toBeDefined();
  }
  expect(await rig.find('apps/v1/deployments/pp-netsuite-ingest')).toBeUndefined();
  expect(await rig.events('SyncPipeline', 'orders')).toEqual(['ConfigApplied: Generation 1 is accepted.']);
  expect(await rig.connector('shopify')).toMatchObject({
    status: { endpoint: 'http://pp-shopify.shop.svc:8080/', summary: { replicas: '1/1+0/0' } },
  });
});

test('O1: while nothing changes, nothing is written', async () => {
  await rig.until(async () => expect((await rig.pipeline('orders')).status.deliveredPerMinute).toBe(0));
  const versions = async () => {
    const lists = [
      'core/v1/configmaps',
      'apps/v1/deployments',
      'core/v1/services',
      'peppasync.io/v1alpha1/syncpipelines',
      'peppasync.io/v1alpha1/connectors',
    ];
    const objects = (await Promise.all(lists.map((path) => rig.list(path)))).flat();
    return objects.map(({ metadata }) => `${metadata.name} ${metadata.resourceVersion}`);
  };
  const streams = async () =>
    (await Promise.all([captureStream, stateStream].map((name) => rig.jsm.streams.info(name(ref('orders')))))).map(
      ({ state }) => state.last_seq,
    );
  const before = [await versions(), await streams()];
  const counts = async () => Promise.all([rig.reconciles('SyncPipeline'), rig.reconciles('Connector')]);
  const [pipelines, connectors] = await counts();
  // A pod that changes makes both kinds look again.
  const [pod] = await rig.list('core/v1/pods');
  for (let round = 1; round <= 3; round += 1) {
    await rig.kubectl(['annotate', 'pod', '-n', 'shop', pod?.metadata.name ?? '', `round=${round}`, '--overwrite']);
    await rig.until(async () => {
      const [nowPipelines, nowConnectors] = await counts();
      expect([nowPipelines >= pipelines + round, nowConnectors >= connectors + round]).toEqual([true, true]);
    });
  }
  expect([await versions(), await streams()]).toEqual(before);
});

test('the status shows what the journals say, and the events what changed', async () => {
  const sequences = [await capture('orders', 0, '2026-11-27T05:59:00.000Z'), await capture('orders', 0, '2026-11-27T06:00:00.000Z')];
  await capture('orders', 1, '2026-11-27T06:01:00.000Z');
  await commit('orders', 0, {
    cursor: sequences[0] ?? 0,
    counters: { passed: 1, failed: 1, failedBy: { 'InvalidAddress|shipping_address': 1 } },
  });
  const bucket = await rig.kvm.open(liveBucket('peppasync'));
  const say = async (more: Partial<ConnectorLive>) => {
    const report: ConnectorLive = {
      v: 1,
      at: Date.now(),
      pod: 'p',
      inUse: 4,
      limit: 15,
      circuit: 'Closed',
      credentials: 'Accepted',
      ...more,
    };
    await bucket.put(connectorLiveKey(ref('netsuite'), 'p'), JSON.stringify(connectorLive.parse(report)));
  };
  await say({});
  await rig.untilLooked(async () => {
    await say({});
    expect((await rig.pipeline('orders')).status).toMatchObject({
      captured: 3,
      lag: 2,
      failed: 1,
      oldestPendingTime: '2026-11-27T06:00:00.000Z',
      destinations: [{ name: 'erp', state: 'Delivering', lag: 2, failed: 1 }],
      summary: { destinations: '1/1' },
    });
    expect((await rig.connector('netsuite')).status).toMatchObject({ circuit: 'Closed', inUse: 4, limit: 15 });
  });
  await rig.untilLooked(async () => {
    await say({ circuit: 'Open', circuitReason: 'HTTP503' });
    expect((await rig.pipeline('orders')).status.phase).toBe('TargetDown');
  });
  await rig.untilLooked(async () => {
    await say({});
    expect((await rig.pipeline('orders')).status.phase).toBe('Running');
  });
  expect(await rig.events('SyncPipeline', 'orders')).toEqual([
    'ConfigApplied: Generation 1 is accepted.',
    'RecordsFailed: 1 record, InvalidAddress (shipping_address) at erp',
    expect.stringContaining('CircuitOpened: Calls have stopped but for probes: netsuite (HTTP503).'),
    'CircuitClosed: Calls go out.',
  ]);
  expect(conditionOf(await rig.pipeline('orders'), 'Ready')).toBe('True InPlace');
});

test('a bad expression is told with its position; what ran runs on, and so do the neighbours', async () => {
  await rig.apply(pipeline('neighbour'));
  await ready('neighbour');
  const deployments = ['apps/v1/deployments/pp-shopify-ingest', 'apps/v1/deployments/pp-netsuite-deliver'];
  const generations = async () => Promise.all(deployments.map(async (path) => (await rig.get(path)).metadata.generation));
  const before = await generations();
  const bad = destination('erp', { filter: 'record.total >' });
  await rig.apply(pipeline('orders', { destinations: [bad] }));
  const view = await rig.until(async () => {
    const found = await rig.pipeline('orders');
    expect(conditionOf(found, 'Stalled')).toBe('True InvalidExpression');
    return found;
  });
  expect(view.status).toMatchObject({ phase: 'Invalid', observedGeneration: 2, runningGeneration: 1 });
  expect(view.status.message).toMatch(/^spec\.destinations\[erp\]\.filter: line 1, column 15: /);
  expect((await configOf('orders')).running.generation).toBe(1);
  expect(await generations()).toEqual(before);
  expect(conditionOf(await rig.pipeline('neighbour'), 'Ready')).toBe('True InPlace');
  await rig.apply(pipeline('orders', { destinations: [destination('erp', { filter: 'record.total > 1' })] }));
  await ready('orders', 3);
  expect(await configOf('orders')).toMatchObject({ running: { generation: 3 }, previous: { generation: 1 } });
  expect(
    (await rig.events('SyncPipeline', 'orders')).filter((event) => event.startsWith('Config')).map((event) => event.split(':')[0]),
  ).toEqual(['ConfigApplied', 'ConfigRejected', 'ConfigApplied']);
});

test('destinations added later begin where they say, and what came before is not their lag', async () => {
  const erp = destination('erp', { filter: 'record.total > 1' });
  await rig.apply(pipeline('orders', { destinations: [erp, destination('late'), destination('all', { startFrom: 'Earliest' })] }));
  await ready('orders', 4);
  expect((await head('orders', 'late', 0)).cursor).toBe(3);
  expect((await head('orders', 'late', 1)).cursor).toBe(3);
  expect((await head('orders', 'all', 1)).cursor).toBe(0);
  expect((await head('orders', 'erp', 0)).ordinal).toBe(1);
  await capture('orders', 1, '2026-11-27T06:02:00.000Z');
  await rig.untilLooked(async () => {
    const { destinations } = (await rig.pipeline('orders')).status;
    expect(destinations?.map(({ name, lag }) => [name, lag])).toEqual([
      ['erp', 3],
      ['late', 1],
      ['all', 4],
    ]);
  });
});

test('a missing Connector and a missing Secret are named, and heal', async () => {
  const source = { source: 'later' };
  await rig.apply(pipeline('waits', { ...source, destinations: [destination('erp', { connectorRef: { name: 'later-erp' } })] }));
  await rig.until(async () => {
    const view = await rig.pipeline('waits');
    expect([conditionOf(view, 'Reconciling'), conditionOf(view, 'Stalled')]).toEqual(['True ConnectorNotFound', 'False None']);
    expect(view.status.message).toContain('spec.source.connectorRef.name: there is no Connector later in this namespace');
  });
  await rig.apply(shopify('later'), netSuite('later-erp', { account: '7', secret: 'not-there' }));
  await rig.until(async () => {
    const view = await rig.pipeline('waits');
    expect(conditionOf(view, 'Reconciling')).toBe('True WaitingForSecret');
    expect(view.status.message).toContain('Secret not-there (private-key)');
  });
  await rig.apply(secret('not-there', 'private-key'));
  await ready('waits');
});

test('L1: two Connectors for one account both say so, and the younger is not started', async () => {
  await rig.apply(netSuite('twin'));
  await rig.until(async () => {
    expect(conditionOf(await rig.connector('twin'), 'Stalled')).toBe('True AccountNotExclusive');
    expect(conditionOf(await rig.connector('netsuite'), 'AccountExclusive')).toBe('False SharedAccount');
  });
  expect(conditionOf(await rig.connector('netsuite'), 'Ready')).toBe('True InPlace');
  expect(await rig.find('core/v1/configmaps/pp-connector-twin')).toBeUndefined();
  await rig.kubectl(['delete', 'connector', 'twin', '-n', 'shop']);
  await rig.until(async () => expect(conditionOf(await rig.connector('netsuite'), 'AccountExclusive')).toBe('True OneConnector'));
});

test('O1: a deleted pipeline leaves its streams, and a namesake takes them over; one with other lanes is refused', async () => {
  await rig.kubectl(['delete', 'syncpipeline', 'waits', '-n', 'shop']);
  await rig.until(async () => {
    expect(await rig.find('apps/v1/deployments/pp-later-ingest')).toBeUndefined();
    expect(await rig.find('core/v1/services/pp-later')).toBeUndefined();
    expect(await rig.find('core/v1/configmaps/pp-pipeline-waits')).toBeUndefined();
  });
  await commit('waits', 0, { cursor: 9, counters: { passed: 4 } });
  const waits = (lanes: number) =>
    pipeline('waits', { lanes, source: 'later', destinations: [destination('erp', { connectorRef: { name: 'later-erp' } })] });
  await rig.apply(waits(3));
  await rig.until(async () => {
    const view = await rig.pipeline('waits');
    expect(conditionOf(view, 'Stalled')).toBe('True StreamConflict');
    expect(view.status.message).toContain('was made with 2 lanes, not 3');
  });
  await rig.kubectl(['delete', 'syncpipeline', 'waits', '-n', 'shop']);
  await rig.apply(waits(2));
  await ready('waits');
  expect(await head('waits', 'erp', 0)).toMatchObject({ ordinal: 1, cursor: 9 });
  expect(await rig.events('SyncPipeline', 'waits')).toContain(
    'StreamAdopted: The streams of an earlier pipeline of this name are taken over, with what they hold.',
  );
});

test('a buffer may grow and never shrinks', async () => {
  await rig.apply(pipeline('neighbour', { maxBytes: '20Mi' }));
  await ready('neighbour', 2);
  expect((await rig.jsm.streams.info(captureStream(ref('neighbour')))).config.max_bytes).toBe(20 * 2 ** 20);
  await rig.apply(pipeline('neighbour', { maxBytes: '1Mi' }));
  await ready('neighbour', 3);
  expect((await rig.jsm.streams.info(captureStream(ref('neighbour')))).config.max_bytes).toBe(20 * 2 ** 20);
});

test('an object that somebody else made is left alone and named', async () => {
  const metadata = { name: 'pp-pipeline-foreign', namespace: 'shop' };
  await rig.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { 'pipeline.json': 'mine' } });
  await rig.apply(pipeline('foreign'));
  await rig.until(async () => {
    const view = await rig.pipeline('foreign');
    expect(conditionOf(view, 'Reconciling')).toBe('True ObjectNotOurs');
    expect(view.status.message).toBe('ConfigMap pp-pipeline-foreign was made by somebody else; rename or delete it.');
  });
  expect(await rig.get('core/v1/configmaps/pp-pipeline-foreign')).toMatchObject({ data: { 'pipeline.json': 'mine' } });
  await rig.kubectl(['delete', 'configmap', 'pp-pipeline-foreign', '-n', 'shop']);
  await ready('foreign');
});

test('the rights of the install are enough for all of this, and the log holds no Secret', () => {
  expect(rig.log).toContain('leading');
  expect(rig.log).not.toContain('forbidden');
  expect(rig.log).not.toContain('private-key');
});

/** How many messages each journal of a pipeline holds. */
async function journals(name: string): Promise<Record<string, number>> {
  const pipelineName = { namespace: 'shop', name };
  const { state } = await rig.jsm.streams.info(stateStream(pipelineName), { subjects_filter: stateSubjects(pipelineName)[0] ?? '' });
  return state.subjects ?? {};
}

/** A generator of numbers in [0, 1), the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

test('O2: killed again and again at random moments, the operator brings everything up once', async () => {
  await rig.killOperator('SIGKILL');
  const random = seeded(20_261_127);
  const names = ['one', 'two', 'three'];
  const destinations = [destination('erp'), destination('second')];
  await rig.apply(...names.map((name) => pipeline(name, { lanes: 4, destinations })));
  for (let round = 0; round < 6; round += 1) {
    rig.startOperator();
    // Which moment is hit is the point of the test. Loading takes most of a second: the kills fall into what comes after.
    await delay(600 + random() * 700);
    await rig.killOperator('SIGKILL');
  }
  rig.startOperator();
  for (const name of names) await ready(name);
  for (const name of names) {
    const subjects = ['erp', 'second'].flatMap((d) =>
      [0, 1, 2, 3].map((lane) => journalSubject({ pipeline: { namespace: 'shop', name }, destination: d, lane })),
    );
    expect(await journals(name)).toEqual(Object.fromEntries(subjects.map((subject) => [subject, 1])));
    expect(await rig.events('SyncPipeline', name)).toEqual(['ConfigApplied: Generation 1 is accepted.']);
  }
});

test('NATS killed: the figures go on afterwards, without a restart', async () => {
  await rig.cluster.kill('nats', signal);
  await rig.until(() => rig.js.publish(captureSubject({ namespace: 'shop', name: 'one' }, 0), '{}', { timeout: 500 }));
  await rig.until(async () => expect((await rig.pipeline('one')).status).toMatchObject({ captured: 1, lag: 1 }));
  await rig.apply(pipeline('after-nats'));
  await ready('after-nats');
});

test('the API server killed: it goes on afterwards, without a restart', async () => {
  await rig.cluster.kill('apiserver', signal);
  await rig.until(() => rig.apply(pipeline('after-apiserver')));
  await ready('after-apiserver');
  await rig.until(() => rig.apply(pipeline('after-apiserver', { destinations: [destination('erp', { filter: 'true' })] })));
  await ready('after-apiserver', 2);
});

test('etcd killed: it goes on afterwards, without a restart', async () => {
  await rig.cluster.kill('etcd', signal);
  await rig.until(() => rig.apply(pipeline('after-etcd')));
  await ready('after-etcd');
});

test('streams that somebody deleted are made again, and journals do not call new records passed', async () => {
  const one = { namespace: 'shop', name: 'one' };
  const subject = journalSubject({ pipeline: one, destination: 'erp', lane: 0 });
  const head = await rig.jsm.streams.getMessage(stateStream(one), { last_by_subj: subject });
  if (head === null) throw new Error('no journal');
  await rig.js.publish(subject, JSON.stringify({ ...head.json<object>(), ordinal: 1, cursor: 40 }));
  await rig.jsm.streams.delete(captureStream(one));
  await rig.untilLooked(async () => expect((await rig.jsm.streams.info(captureStream(one))).config.first_seq).toBe(41));
});

test('what somebody changed or deleted by hand is put back', async () => {
  await rig.kubectl(['scale', 'deployment', 'pp-netsuite-deliver', '-n', 'shop', '--replicas=3']);
  await rig.kubectl(['delete', 'service', 'pp-shopify', '-n', 'shop']);
  await rig.kubectl(['delete', 'configmap', 'pp-pipeline-one', 'pp-connector-shopify', '-n', 'shop']);
  await rig.until(async () => {
    expect(await rig.get('apps/v1/deployments/pp-netsuite-deliver')).toMatchObject({ spec: { replicas: 1 } });
    for (const path of ['core/v1/services/pp-shopify', 'core/v1/configmaps/pp-pipeline-one', 'core/v1/configmaps/pp-connector-shopify']) {
      expect(await rig.find(path), path).toBeDefined();
    }
  });
  await ready('one');
});

test('the operator ends when it is told to', async () => {
  expect(await rig.killOperator('SIGTERM')).toBe(0);
});
