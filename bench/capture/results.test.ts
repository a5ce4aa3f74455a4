import { expect, test } from 'vitest';
import { faultsOf, judge, ratiosOf, spreadOf } from './results.ts';
import type { PhaseResult, SideName, SideRun } from './results.ts';

const phase = (perSecond: number, totalMs: number): PhaseResult => ({
  good: 100,
  bad: 0,
  totalMs,
  perSecond,
  p50Ms: 1,
  p99Ms: 2,
  maxMs: 3,
  appCpuPer1000: 0.1,
  storeCpuPer1000: 0,
});

const runOf = (side: SideName, round: number, [perSecond, burstMs]: readonly [number, number]): SideRun => ({
  side,
  round,
  warmUp: { good: 10, bad: 0 },
  burst: phase(0, burstMs),
  sustained: phase(perSecond, 10_000),
  appPeakMB: 100,
  stored: 210,
});

test.each([
  [[3, 1, 2], { median: 2, min: 1, max: 3 }],
  [[4, 1, 2, 3], { median: 2.5, min: 1, max: 4 }],
  [[5], { median: 5, min: 5, max: 5 }],
])('the spread of %j', (values, expected) => {
  expect(spreadOf(values)).toEqual(expected);
});

test('a ratio is taken within a round, whatever the order of the runs', () => {
  const runs = [runOf('lean', 2, [50, 1]), runOf('ours', 1, [80, 1]), runOf('ours', 2, [40, 1]), runOf('lean', 1, [100, 1])];
  expect(ratiosOf(runs, { over: 'ours', under: 'lean' }, ({ sustained }) => sustained.perSecond)).toEqual([0.8, 0.8]);
});

test('aims are met at their bound against JetStream, and beyond it against BullMQ', () => {
  const runs = [runOf('lean', 1, [1000, 100]), runOf('ours', 1, [600, 160]), runOf('bullmq', 1, [600, 160])];
  expect(judge(runs).map(({ verdict }) => verdict)).toEqual(['met', 'met', 'missed', 'missed']);
  const slower = [runOf('lean', 1, [1000, 100]), runOf('ours', 1, [599, 161]), runOf('bullmq', 1, [598, 162])];
  expect(judge(slower).map(({ verdict }) => verdict)).toEqual(['missed', 'missed', 'met', 'met']);
});

test('a peer that did not run is absent, not met', () => {
  const runs = [runOf('lean', 1, [1000, 100]), runOf('ours', 1, [900, 100])];
  expect(judge(runs).map(({ name, verdict }) => ({ name, verdict }))).toEqual([
    { name: 'sustained rate, ours / lean', verdict: 'met' },
    { name: 'time of the burst, ours / lean', verdict: 'met' },
    { name: 'sustained rate, ours / BullMQ', verdict: 'absent' },
    { name: 'time of the burst, ours / BullMQ', verdict: 'absent' },
  ]);
});

test('P1: a webhook that was answered 200 and is not stored makes the run no measurement, and so does a bad answer', () => {
  const good = runOf('ours', 2, [1, 1]);
  expect(faultsOf(good)).toEqual([]);
  expect(faultsOf({ ...good, stored: 209 })).toEqual(['ours, round 2: 210 were answered 200, 209 are stored']);
  expect(faultsOf({ ...good, warmUp: { good: 10, bad: 3 } })).toEqual(['ours, round 2: 3 webhooks were not answered 200']);
});
