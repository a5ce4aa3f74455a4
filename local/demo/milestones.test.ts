import { expect, test } from 'vitest';
import { isDue, killTargets, type Milestone, type Progress } from './milestones.ts';

const all: readonly Milestone[] = [...killTargets.map((target) => ({ kind: 'kill', target }) as const), { kind: 'outage' }];
const nothing: Progress = {
  webhooks: 0,
  acknowledged: 0,
  webhooksOpen: 0,
  delivered: 0,
  toDeliver: 100,
  callsInFlight: 15,
  isTargetUp: true,
};

test.each<[Partial<Progress>, string[]]>([
  [{}, []],
  [{ webhooks: 100, acknowledged: 29 }, []],
  [{ webhooks: 100, acknowledged: 30 }, ['ingest']],
  [{ delivered: 30 }, ['deliver']],
  [{ delivered: 30, callsInFlight: 9 }, []],
  [{ delivered: 40 }, ['deliver', 'outage']],
  [{ delivered: 50 }, ['deliver', 'nats', 'outage']],
  [{ delivered: 60 }, ['deliver', 'operator', 'nats', 'apiserver', 'outage']],
  [{ delivered: 60, toDeliver: 0 }, []],
])('at %j what is due is %j', (progress, due) => {
  const found = all.filter((milestone) => isDue(milestone, { ...nothing, ...progress }));
  expect(found.map((milestone) => (milestone.kind === 'kill' ? milestone.target : milestone.kind))).toEqual(due);
});
