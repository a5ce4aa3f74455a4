import { expect, test } from 'vitest';
import { subtract, totalMs, unite, type Interval } from './intervals.ts';

const of = (...pairs: readonly (readonly [number, number])[]): Interval[] => pairs.map(([fromMs, toMs]) => ({ fromMs, toMs }));

test.each([
  [of(), of()],
  [of([5, 5], [9, 7]), of()],
  [of([4, 6], [1, 3]), of([1, 3], [4, 6])],
  [of([1, 3], [3, 5]), of([1, 5])],
  [of([1, 9], [2, 3]), of([1, 9])],
])('%j unites to %j', (intervals, wanted) => {
  expect(unite(intervals)).toEqual(wanted);
});

test.each([
  [of([0, 10]), of(), of([0, 10])],
  [of([0, 10]), of([2, 3], [5, 6]), of([0, 2], [3, 5], [6, 10])],
  [of([0, 10]), of([-1, 4], [3, 12]), of()],
  [of([0, 4], [6, 10]), of([3, 7]), of([0, 3], [7, 10])],
  [of([0, 4]), of([4, 9]), of([0, 4])],
])('%j less %j is %j', (intervals, holes, wanted) => {
  expect(subtract(intervals, holes)).toEqual(wanted);
  expect(totalMs(wanted)).toBe(wanted.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0));
});
