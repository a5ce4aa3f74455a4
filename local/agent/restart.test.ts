import { expect, test } from 'vitest';
import { decideRestart } from './restart.ts';

const endOf = (exitCode: number) => ({ exitCode, reason: 'Error' as const, message: '', finishedAt: new Date(0) });

test.each([
  ['Never', 1, { kind: 'stop' }],
  ['OnFailure', 0, { kind: 'stop' }],
  ['OnFailure', 1, { kind: 'restart', pauseMs: 0 }],
  ['Always', 0, { kind: 'restart', pauseMs: 0 }],
] as const)('policy %s after exit code %i: %j', (policy, exitCode, expected) => {
  expect(decideRestart({ policy, end: endOf(exitCode), ranMs: 10, previousPauseMs: 0 }, false)).toEqual(expected);
});

test.each([
  [10, 0, 1_000],
  [10, 1_000, 2_000],
  [10, 40_000, 60_000],
  [10, 60_000, 60_000],
  [60_000, 32_000, 0],
])('a run of %i ms that began after a pause of %i ms is followed by a pause of %i ms', (ranMs, previousPauseMs, pauseMs) => {
  expect(decideRestart({ policy: 'Always', end: endOf(1), ranMs, previousPauseMs }, true)).toEqual({ kind: 'restart', pauseMs });
});
