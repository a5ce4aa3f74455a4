import { expect, test } from 'vitest';
import { mergeConditions, progressConditions } from './conditions.ts';
import type { Progress } from './conditions.ts';

const at = Date.parse('2026-11-27T06:00:00.900Z');
const earlier = '2026-01-01T00:00:00Z';

test('the time of a transition moves when the status does, and only then', () => {
  const current = [
    { type: 'A', status: 'True' as const, lastTransitionTime: earlier },
    { type: 'B', status: 'True' as const, lastTransitionTime: earlier },
    { type: 'Gone', status: 'True' as const, lastTransitionTime: earlier },
  ];
  const facts = [
    { type: 'A', status: 'True' as const, reason: 'Other', message: 'new' },
    { type: 'B', status: 'False' as const, reason: 'No', message: '' },
    { type: 'C', status: 'Unknown' as const, reason: 'New', message: '' },
  ];
  const merged = mergeConditions(current, facts, { generation: 7, now: at });
  expect(merged.map(({ type, lastTransitionTime }) => [type, lastTransitionTime])).toEqual([
    ['A', earlier],
    ['B', '2026-11-27T06:00:00Z'],
    ['C', '2026-11-27T06:00:00Z'],
  ]);
  expect(merged[0]).toEqual({ ...facts[0], observedGeneration: 7, lastTransitionTime: earlier });
});

const ready = { reason: 'InPlace', message: 'in place' };
const why = { reason: 'Why', message: 'because' };

test.each<[string, Progress, string[]]>([
  ['in place', { inPlace: true, ready }, ['True InPlace', 'False None', 'False None']],
  ['in place, and something heals', { inPlace: true, underway: why, ready }, ['True InPlace', 'True Why', 'False None']],
  ['not in place, and something heals', { inPlace: false, underway: why, ready }, ['False Why', 'True Why', 'False None']],
  ['not in place yet', { inPlace: false, ready }, ['False Progressing', 'True Progressing', 'False None']],
  ['stalled', { inPlace: false, stalled: why, ready }, ['False Why', 'False None', 'True Why']],
  ['stalled, whatever else', { inPlace: true, underway: ready, stalled: why, ready }, ['False Why', 'False None', 'True Why']],
])('%s: Ready, Reconciling and Stalled do not contradict each other', (_name, progress, expected) => {
  expect(progressConditions(progress).map(({ status, reason }) => `${status} ${reason}`)).toEqual(expected);
});
