import { expect, test } from 'vitest';
import type { ConnectorLive } from '../../runtime/contract/config.ts';
import { syncPipelineStatus } from '../../crds/schema/sync-pipeline.ts';
import type { SyncPipelineStatus } from '../../crds/schema/sync-pipeline.ts';
import { findCondition } from '../engine/conditions.ts';
import { statusWrite } from '../engine/status-pace.ts';
import type { PodFacts } from '../data-plane/pod-trouble.ts';
import { decide } from './decide.ts';
import { failedEvent, pipelineEvents } from './events.ts';
import { figuresOf, keepSamples, perMinute } from './figures.ts';
import { buffer, captured, config, deployments, file, lane, observed, pipelineResource, spec, stream } from './pipeline-example.ts';
import type { ObservedBuffer } from './pipeline-example.ts';
import type { Observed } from './plan.ts';
import { pipelineStatus, statusPace } from './status.ts';

const now = Date.parse('2026-11-27T06:00:00.700Z');
const report: ConnectorLive = { v: 1, at: now, pod: 'a', inUse: 3, limit: 15, circuit: 'Closed', credentials: 'Accepted' };
const closed = new Map([['netsuite', [report]]]);
const open = new Map([['netsuite', [{ ...report, circuit: 'Open' as const, circuitReason: 'HTTP503' }]]]);

/** The status of the example with one thing changed. */
function statusOf(
  more: Partial<Observed> = {},
  live: ReadonlyMap<string, readonly ConnectorLive[]> = closed,
  failure?: { reason: string; message: string },
) {
  const seen = observed(more);
  const plan = decide(seen);
  const figures = seen.buffer.kind === 'observed' && plan.file !== undefined ? figuresOf(plan.file.running, seen.buffer) : undefined;
  const status = pipelineStatus({ observed: seen, plan, failure, figures, live, now, deliveredPerMinute: undefined });
  syncPipelineStatus.parse(status);
  return status;
}

function condition(status: SyncPipelineStatus, type: string): string {
  const found = findCondition(status.conditions ?? [], type);
  return `${found?.status} ${found?.reason}`;
}

const busy: Partial<ObservedBuffer> = {
  capture: stream('capture', { counts: captured(30, 40), lastSequence: 70, bytes: 1000 }),
  lanes: [
    {
      ...lane(0, {
        counts: {
          passed: 25,
          delivered: 20,
          filtered: { Stale: 2, Unchanged: 1 },
          failed: 1,
          blocked: 1,
          failedBy: { 'InvalidAddress|a': 1 },
        },
      }),
      oldestPendingAt: '2026-11-27T05:59:58.000Z',
    },
    { ...lane(1, { counts: { passed: 33, delivered: 30, retrying: 3 } }), oldestPendingAt: '2026-11-27T05:59:57.000Z' },
  ],
};

test('the figures of a running pipeline are those of its journals', () => {
  expect(statusOf({ buffer: buffer(busy) })).toMatchObject({
    observedGeneration: 1,
    runningGeneration: 1,
    phase: 'Running',
    observedAt: '2026-11-27T06:00:00Z',
    captured: 70,
    lag: 12,
    oldestPendingTime: '2026-11-27T05:59:57.000Z',
    held: 0,
    failed: 1,
    destinations: [
      {
        name: 'erp',
        state: 'Delivering',
        lag: 12,
        held: 0,
        failed: 1,
        blocked: 1,
        waiting: 0,
        retrying: 3,
        delivered: 50,
        filtered: 3,
        oldestPendingTime: '2026-11-27T05:59:57.000Z',
      },
    ],
    summary: { destinations: '1/1' },
  });
});

test.each<[string, Partial<ObservedBuffer>]>([
  ['a journal cannot be read', { ...busy, lanes: [{ ...lane(0), journal: undefined }, lane(1)] }],
  ['a journal is missing', { ...busy, lanes: [lane(0)] }],
  ['it is not known where a lane began', { ...busy, lanes: [{ ...lane(0), skipped: undefined }, lane(1)] }],
  ['the books do not balance', { ...busy, lanes: [lane(0, { counts: { passed: 31 } }), lane(1)] }],
  ['there is no capture stream', { ...busy, capture: undefined }],
])('B1: when %s, the lag is absent and not zero', (_name, more) => {
  const status = statusOf({ buffer: buffer(more) });
  expect(status).not.toHaveProperty('lag');
  expect(status.destinations?.[0]).not.toHaveProperty('lag');
});

test('records captured before a destination began are not its lag', () => {
  const lanes = [
    { ...lane(0, { cursor: 70, counts: { passed: 2 } }), skipped: 28 },
    { ...lane(1, { cursor: 70 }), skipped: 40 },
  ];
  expect(statusOf({ buffer: buffer({ ...busy, lanes }) })).toMatchObject({ captured: 70, lag: 0 });
});

test('a destination that was removed with work left is shown as Orphaned and is not part of the lag', () => {
  const gone = { ...lane(0, { counts: { passed: 5, failed: 2 } }), destination: 'old' };
  const done = { ...lane(0, { counts: { passed: 30 } }), destination: 'finished' };
  const status = statusOf({
    buffer: buffer({
      ...busy,
      lanes: [...(busy.lanes ?? []), gone, { ...gone, lane: 1 }, done, { ...lane(1, { counts: { passed: 40 } }), destination: 'finished' }],
    }),
  });
  expect(status.destinations?.map(({ name, state }) => `${name} ${state}`)).toEqual(['erp Delivering', 'old Orphaned']);
  expect(status).toMatchObject({ lag: 12, failed: 5, summary: { destinations: '1/2' } });
});

test('without NATS the figures are absent, the condition says so, and Ready does not flip', () => {
  const status = statusOf({ buffer: { kind: 'unreachable', message: 'There is no connection to NATS.' } }, new Map([['netsuite', []]]));
  for (const figure of ['captured', 'lag', 'failed', 'held', 'destinations', 'observedAt', 'deliveredPerMinute'])
    expect(status).not.toHaveProperty(figure);
  expect(['Ready', 'Reconciling', 'BufferAvailable', 'TargetReachable'].map((type) => condition(status, type))).toEqual([
    'True InPlace',
    'True NatsUnreachable',
    'Unknown NotObserved',
    'Unknown NotObserved',
  ]);
  expect(status).toMatchObject({ phase: 'Running', runningGeneration: 1, message: 'There is no connection to NATS.' });
});

const suspended = { ...spec, suspend: 'Deliveries' as const };
const full = stream('capture', { bytes: 2 ** 20 - 10 });
const refused = [{ reason: 'InvalidExpression', path: 'spec.source.key', message: 'no' }];
const never = pipelineResource();

test.each<[string, Partial<Observed>, ReadonlyMap<string, readonly ConnectorLive[]>, string]>([
  ['all is well', {}, closed, 'Running'],
  ['the circuit is open', {}, open, 'TargetDown'],
  ['the buffer is full and the circuit is open', { buffer: buffer({ capture: full }) }, open, 'BufferFull'],
  ['nothing has come up yet', { pipeline: never, deployments: deployments(file(), { rolledOut: false }) }, new Map(), 'Starting'],
  ['there are no pods yet', { pipeline: never, deployments: [] }, new Map(), 'Starting'],
  ['a Connector is missing from the start', { pipeline: never, connectors: new Map(), config: undefined }, new Map(), 'Starting'],
  ['the spec is refused', { expressionProblems: refused }, closed, 'Invalid'],
])('when %s the phase is %4$s', (_name, more, live, phase) => {
  expect(statusOf(more, live).phase).toBe(phase);
});

test('suspended deliveries: the phase and the destinations say so', () => {
  const pipeline = pipelineResource({ spec: suspended, status: { runningGeneration: 1 } });
  const running = {
    ...file().running,
    destinations: file().running.destinations.map((destination) => ({ ...destination, suspended: true })),
  };
  const content = { ...file(), running };
  const status = statusOf({ pipeline, config: config(content), deployments: deployments(content) });
  expect(status).toMatchObject({
    phase: 'Suspended',
    destinations: [{ name: 'erp', state: 'Suspended' }],
    summary: { destinations: '0/1' },
  });
});

const waitingPod: PodFacts = {
  connector: 'netsuite',
  role: 'deliver',
  createdAt: now - 20_000,
  isReady: false,
  waitingReason: 'ContainerCreating',
  waitingMessage: '',
  isUnschedulable: false,
  secrets: ['netsuite (private-key)'],
};

test.each<[string, Partial<Observed>, string, string]>([
  ['in place', {}, 'True InPlace', 'False None'],
  ['being rolled out', { pipeline: never, deployments: deployments(file(), { rolledOut: false }) }, 'False RollingOut', 'True RollingOut'],
  ['without pods', { pipeline: never, deployments: [] }, 'False DeploymentsMissing', 'True DeploymentsMissing'],
  ['rolled by a neighbour', { deployments: deployments(file(), { rolledOut: false }) }, 'True InPlace', 'False None'],
  [
    'waiting for a Secret',
    { pipeline: never, deployments: deployments(file(), { rolledOut: false }), pods: [waitingPod] },
    'False WaitingForSecret',
    'True WaitingForSecret',
  ],
  ['a pod lost its Secret while it runs', { pods: [waitingPod] }, 'True InPlace', 'True WaitingForSecret'],
  ['a pod has just been made', { pods: [{ ...waitingPod, createdAt: now - 1_000 }] }, 'True InPlace', 'False None'],
  ['a Connector vanished', { connectors: new Map() }, 'False ConnectorNotFound', 'True ConnectorNotFound'],
  ['refused', { expressionProblems: refused }, 'False InvalidExpression', 'False None'],
])('%s: Ready and Reconciling', (_name, more, ready, reconciling) => {
  const status = statusOf(more);
  expect([condition(status, 'Ready'), condition(status, 'Reconciling')]).toEqual([ready, reconciling]);
});

test('a missing Secret is named with its keys', () => {
  const status = statusOf({ pods: [waitingPod] });
  expect(status.message).toBe(
    'A pod of role deliver waits for what it mounts: check that Secret netsuite (private-key) exists, with the keys in brackets.',
  );
});

test('a refused spec: Stalled, and what ran runs on', () => {
  const pipeline = pipelineResource({ generation: 2, status: { runningGeneration: 1 } });
  const status = statusOf({ pipeline, expressionProblems: refused });
  expect(status).toMatchObject({ observedGeneration: 2, runningGeneration: 1, phase: 'Invalid', message: 'spec.source.key: no' });
  expect([condition(status, 'Stalled'), condition(status, 'ConfigValid')]).toEqual(['True InvalidExpression', 'False InvalidExpression']);
  expect(status.destinations).toHaveLength(1);
});

test('an action that failed is told', () => {
  const status = statusOf({ pipeline: never, config: undefined, deployments: [] }, new Map(), {
    reason: 'StreamsNotInPlace',
    message: 'no room',
  });
  expect([condition(status, 'Ready'), status.message]).toEqual(['False StreamsNotInPlace', 'no room']);
});

test.each([
  [0.5, 'Available', 'True Available'],
  [0.69, 'Available', 'True Available'],
  [0.7, 'Available', 'True FillingUp'],
  [0.66, 'FillingUp', 'True FillingUp'],
  [0.64, 'FillingUp', 'True Available'],
  [0.995, 'FillingUp', 'False Full'],
  [0.9, 'Full', 'True FillingUp'],
])('with %d of the buffer used after %s it is %s', (used, before, expected) => {
  const was = { type: 'BufferAvailable', status: 'True' as const, reason: before, message: '', lastTransitionTime: '2026-01-01T00:00:00Z' };
  const pipeline = pipelineResource({ status: { runningGeneration: 1, conditions: [was] } });
  const status = statusOf({
    pipeline,
    buffer: buffer({ ...busy, capture: stream('capture', { bytes: used * 2 ** 20, counts: captured(30, 40) }) }),
  });
  expect(condition(status, 'BufferAvailable')).toBe(expected);
});

test.each([
  [3, undefined, 'True Replicated'],
  [1, 'always', 'True SyncedOnAcknowledge'],
  [1, '2m', 'False OneUnsyncedCopy'],
  [1, undefined, 'Unknown SyncIntervalUnknown'],
])('durability with %i replicas and sync interval %s', (streamReplicas, natsSyncInterval, expected) => {
  const status = statusOf({ install: { install: 'test', streamReplicas, natsSyncInterval }, buffer: { kind: 'unreachable', message: '' } });
  expect(condition(status, 'BufferDurable')).toBe(expected);
});

function eventsOf(before: SyncPipelineStatus, more: Partial<Observed>, live = closed): string[] {
  const pipeline = pipelineResource({ status: before });
  const status = statusOf({ ...more, pipeline }, live);
  return pipelineEvents(pipeline, decide(observed({ ...more, pipeline })), status).map(
    ({ reason, message, change }) => `${reason} [${change}] ${message}`,
  );
}

test('events come once for each change', () => {
  const first = statusOf();
  expect(eventsOf({}, {})).toEqual(['ConfigApplied [1] Generation 1 is accepted.']);
  expect(eventsOf(first, {})).toEqual([]);
  const down = 'Calls have stopped but for probes: netsuite (HTTP503). They go on by themselves when the target answers.';
  expect(eventsOf(first, {}, open)).toEqual([`CircuitOpened [True 2026-11-27T06:00:00Z] ${down}`]);
  const opened = statusOf({}, open);
  expect(eventsOf(opened, {}, open)).toEqual([]);
  expect(eventsOf(opened, {})).toEqual(['CircuitClosed [False 2026-11-27T06:00:00Z] Calls go out.']);
  expect(eventsOf(first, { expressionProblems: refused })).toEqual(['ConfigRejected [1 InvalidExpression] spec.source.key: no']);
  expect(eventsOf(first, { buffer: buffer({ capture: full }) })).toEqual([expect.stringMatching(/^BufferFillingUp \[Full .*answered 503/)]);
});

test('RecordsFailed tells what is new, at most once a minute, and not again after a restart', () => {
  const figures = (failedBy: Record<string, number>) =>
    figuresOf(file().running, buffer({ lanes: [lane(0, { counts: { failed: 1, failedBy } }), lane(1)] }));
  const start = failedEvent(undefined, figures({ 'InvalidAddress|a.b': 2 }), { before: {}, now });
  expect(start.event?.message).toBe('2 records, InvalidAddress (a.b) at erp');
  const soon = failedEvent(start.memory, figures({ 'InvalidAddress|a.b': 3, Other: 1 }), { before: {}, now: now + 1_000 });
  expect(soon.event).toBeUndefined();
  const later = failedEvent(soon.memory, figures({ 'InvalidAddress|a.b': 14, Other: 1 }), { before: {}, now: now + 60_000 });
  expect(later.event?.message).toBe('12 records, InvalidAddress (a.b) at erp; 1 record, Other at erp');
  expect(
    failedEvent(later.memory, figures({ 'InvalidAddress|a.b': 13, Other: 1 }), { before: {}, now: now + 130_000 }).event,
  ).toBeUndefined();
  expect(failedEvent(undefined, figures({ Other: 4 }), { before: { failed: 4 }, now }).event).toBeUndefined();
  expect(failedEvent(later.memory, undefined, { before: {}, now }).event).toBeUndefined();
});

test('the rate is that of the last minute, and unknown until there is something to compare', () => {
  const at = (second: number, delivered: number) => ({ at: second * 1000, delivered });
  expect(perMinute([])).toBeUndefined();
  expect(perMinute([at(0, 5)])).toBeUndefined();
  expect(perMinute([at(0, 5), at(5, 30)])).toBe(300);
  const kept = [at(0, 0), at(30, 100), at(61, 160)].reduce<{ at: number; delivered: number }[]>(keepSamples, []);
  expect(kept).toEqual([at(30, 100), at(61, 160)]);
  expect(keepSamples(kept, at(65, 3))).toEqual([at(65, 3)]);
});

test('figures are written every 5 s at most, everything else at once, and what says the same never', () => {
  const before = statusOf();
  const pace = { pace: statusPace, now: now + 2_000 };
  expect(statusWrite(before, { ...before, observedAt: '2026-11-27T06:00:09Z' }, pace)).toEqual({ kind: 'none' });
  expect(statusWrite(before, { ...before, captured: 1 }, pace)).toEqual({ kind: 'later', afterMs: 2_300 });
  expect(statusWrite(before, { ...before, captured: 1 }, { pace: statusPace, now: now + 5_000 })).toEqual({ kind: 'now' });
  expect(statusWrite(before, { ...before, phase: 'TargetDown' }, pace)).toEqual({ kind: 'now' });
  const { captured: _, ...without } = before;
  expect(statusWrite(before, without, pace)).toEqual({ kind: 'now' });
});
