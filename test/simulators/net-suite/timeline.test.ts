import { expect, test } from 'vitest';
import { integrateInFlight, type Timeline } from './timeline.ts';

/** 1 in flight from 10, 2 from 20, 1 from 40, none from 50. */
const timeline: Timeline = { startedAtMs: 1000, atMs: [10, 20, 40, 50], inFlight: [1, 2, 1, 0] };

test.each([
  ['the whole', 1000, 2000, 10 + 40 + 10],
  ['up to a moment between changes', 1000, 1030, 10 + 20],
  ['from a moment between changes', 1030, 2000, 20 + 10],
  ['within one stretch', 1022, 1026, 8],
  ['before the first change', 900, 1010, 0],
  ['after the last one', 1050, 3000, 0],
  ['an empty interval', 1030, 1030, 0],
  ['an interval that ends before it begins', 1040, 1020, 0],
])('in flight is integrated over %s', (_interval, from, to, expected) => {
  expect(integrateInFlight(timeline, from, to)).toBe(expected);
});

test('what is in flight at the last change goes on', () => {
  expect(integrateInFlight({ startedAtMs: 0, atMs: [10], inFlight: [3] }, 0, 20)).toBe(30);
});
