import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Outcome } from '../connectors/connector.ts';
import type { RecordKind } from '../contract/config.ts';
import { resolveUnknown, settle } from './settle.ts';
import type { RetryPolicy, Settlement, Tries } from './settle.ts';

const at = 1_000_000;
const policy: RetryPolicy = { forMs: 60_000, onUnknown: 'Retry' };
const none: Tries = { failed: 0, throttled: 0 };
const some: Tries = { failed: 3, firstFailedAt: at - 20_000, throttled: 2 };
const response = { status: 200 };

interface Situation {
  readonly tries?: Tries;
  readonly counted?: boolean;
  readonly recordKind?: RecordKind;
  readonly random?: number;
  readonly at?: number;
  readonly policy?: RetryPolicy;
}

function settled(outcome: Outcome, situation: Situation = {}): Settlement {
  const { tries = none, counted = true, recordKind = 'Record', random = 1 } = situation;
  return settle({ outcome, recordKind, counted, random, at: situation.at ?? at }, tries, situation.policy ?? policy);
}

const both = [true, false];

test.each(both)('D1: what was delivered is done, counted or not (%s)', (counted) => {
  for (const recordKind of ['Record', 'Cancel'] as const) {
    expect(settled({ kind: 'delivered', response }, { counted, recordKind, tries: some })).toEqual({ kind: 'done', duplicate: false });
    expect(settled({ kind: 'duplicate', response }, { counted, recordKind, tries: some })).toEqual({ kind: 'done', duplicate: true });
  }
});

test.each<[Outcome, RecordKind, Settlement]>([
  [{ kind: 'rejected', reason: 'InvalidContent' }, 'Record', { kind: 'failed', failure: { reason: 'InvalidContent' } }],
  [
    { kind: 'rejected', reason: 'InvalidContent', field: 'addr1', message: 'too long' },
    'Record',
    { kind: 'failed', failure: { reason: 'InvalidContent', field: 'addr1', message: 'too long' } },
  ],
  [{ kind: 'rejected', reason: 'InvalidContent' }, 'Cancel', { kind: 'failed', failure: { reason: 'InvalidContent' } }],
  [{ kind: 'rejected', reason: 'NotFound' }, 'Record', { kind: 'failed', failure: { reason: 'NotFound' } }],
  [{ kind: 'rejected', reason: 'NotFound' }, 'Cancel', { kind: 'done', duplicate: true }],
])('D1: %j of a %s is final', (outcome, recordKind, expected) => {
  for (const counted of both) expect(settled(outcome, { counted, recordKind, tries: some })).toEqual(expected);
});

test.each<[Outcome, Situation, Settlement]>([
  [{ kind: 'throttled', afterMs: 700 }, {}, { kind: 'again', delayMs: 700, tries: { failed: 0, throttled: 1 }, reason: 'Throttled' }],
  [
    { kind: 'throttled', afterMs: 60_000 },
    { tries: some },
    { kind: 'retry', delayMs: 60_000, tries: { ...some, throttled: 3 }, reason: 'Throttled' },
  ],
  [{ kind: 'throttled' }, {}, { kind: 'again', delayMs: 500, tries: { failed: 0, throttled: 1 }, reason: 'Throttled' }],
  [{ kind: 'throttled' }, { random: 0 }, { kind: 'again', delayMs: 250, tries: { failed: 0, throttled: 1 }, reason: 'Throttled' }],
  [{ kind: 'throttled' }, { tries: some }, { kind: 'again', delayMs: 2_000, tries: { ...some, throttled: 3 }, reason: 'Throttled' }],
  [
    { kind: 'throttled' },
    { tries: { failed: 0, throttled: 40 } },
    { kind: 'retry', delayMs: 32_000, tries: { failed: 0, throttled: 41 }, reason: 'Throttled' },
  ],
])('a call too many, %j with %j, is no try and goes again after a pause', (outcome, situation, expected) => {
  for (const counted of both) expect(settled(outcome, { ...situation, counted })).toEqual(expected);
  // However long it has been refused: the account's limit is no fault of the record.
  expect(settled(outcome, { ...situation, policy: { forMs: 0, onUnknown: 'Bin' } })).toEqual(expected);
});

test('L1: a target that says "too many" and names no pause, or a pause of nothing, is left alone for a while', () => {
  for (const outcome of [{ kind: 'throttled' }, { kind: 'throttled', afterMs: 0 }] satisfies Outcome[]) {
    const settlement = settled(outcome, { random: 0, tries: { failed: 0, throttled: 5 } });
    expect('delayMs' in settlement ? settlement.delayMs : 0).toBeGreaterThanOrEqual(250);
  }
});

test.each(both)('L2: refused credentials are no try; the circuit says when it goes again (counted %s)', (counted) => {
  const outcome: Outcome = { kind: 'unauthorized', reason: 'TokenRefused' };
  const late = { forMs: 1, onUnknown: 'Bin' } as const;
  expect(settled(outcome, { counted, tries: some, policy: late, random: 1 })).toEqual({
    kind: 'again',
    delayMs: 1_000 * 2 ** Math.min(some.throttled, 5),
    tries: { ...some, throttled: some.throttled + 1 },
    reason: 'TokenRefused',
  });
});

test.each<[Outcome, Situation, Settlement]>([
  [
    { kind: 'transient', reason: 'ServerError' },
    {},
    { kind: 'again', delayMs: 250, tries: { failed: 1, firstFailedAt: at, throttled: 0 }, reason: 'ServerError' },
  ],
  [
    { kind: 'transient', reason: 'ServerError' },
    { random: 0 },
    { kind: 'again', delayMs: 125, tries: { failed: 1, firstFailedAt: at, throttled: 0 }, reason: 'ServerError' },
  ],
  [
    { kind: 'transient', reason: 'ServerError' },
    { tries: some },
    { kind: 'again', delayMs: 2_000, tries: { failed: 4, firstFailedAt: at - 20_000, throttled: 0 }, reason: 'ServerError' },
  ],
  [
    { kind: 'transient', reason: 'ServerError' },
    { tries: { ...some, failed: 5 } },
    { kind: 'retry', delayMs: 8_000, tries: { failed: 6, firstFailedAt: at - 20_000, throttled: 0 }, reason: 'ServerError' },
  ],
  [
    { kind: 'transient', reason: 'Maintenance', afterMs: 5_000 },
    {},
    { kind: 'again', delayMs: 5_000, tries: { failed: 1, firstFailedAt: at, throttled: 0 }, reason: 'Maintenance' },
  ],
  [
    { kind: 'transient', reason: 'Maintenance', afterMs: 5_001 },
    {},
    { kind: 'retry', delayMs: 5_001, tries: { failed: 1, firstFailedAt: at, throttled: 0 }, reason: 'Maintenance' },
  ],
])('a passing failure, %j with %j, goes again later, in process only while that is soon', (outcome, situation, expected) => {
  expect(settled(outcome, situation)).toEqual(expected);
});

test('L2: a passing failure that does not count changes no tries and fails nothing, however late', () => {
  const late: Situation = { counted: false, tries: some, policy: { forMs: 1, onUnknown: 'Bin' } };
  expect(settled({ kind: 'transient', reason: 'ServerError' }, late)).toEqual({
    kind: 'again',
    delayMs: 0,
    tries: some,
    reason: 'ServerError',
  });
  expect(settled({ kind: 'transient', reason: 'ServerError', afterMs: 900 }, late)).toEqual({
    kind: 'again',
    delayMs: 900,
    tries: some,
    reason: 'ServerError',
  });
});

test('a record is not kept in memory for a long pause, whether the failure counts or not', () => {
  for (const counted of both) {
    expect(settled({ kind: 'transient', reason: 'Maintenance', afterMs: 3_600_000 }, { counted })).toMatchObject({
      kind: 'retry',
      delayMs: 3_600_000,
    });
  }
});

test.each<[boolean, Tries, Tries]>([
  [true, none, { failed: 1, firstFailedAt: at, throttled: 0 }],
  [true, some, { failed: 4, firstFailedAt: at - 20_000, throttled: 0 }],
  [false, none, none],
  [false, some, some],
])('D2: a call whose end nobody saw is in quarantine, a try or not (counted %s, %j)', (counted, tries, after) => {
  for (const onUnknown of ['Retry', 'Bin'] as const) {
    for (const forMs of [0, 60_000]) {
      expect(settled({ kind: 'unknown', reason: 'Timeout' }, { counted, tries, policy: { forMs, onUnknown } })).toEqual({
        kind: 'quarantine',
        tries: after,
        reason: 'Timeout',
      });
    }
  }
});

test.each([
  ['Key', 'Retry', 'send again'],
  ['Key', 'Bin', 'bin'],
  ['Upsert', 'Retry', 'send again'],
  ['Upsert', 'Bin', 'bin'],
  ['None', 'Retry', 'bin'],
  ['None', 'Bin', 'bin'],
] as const)('D4: a call of unknown end at a target with %s and onUnknown %s: %s', (idempotency, onUnknown, expected) => {
  expect(resolveUnknown(idempotency, onUnknown)).toBe(expected);
});

test.each([
  [59_999, false],
  [60_000, true],
  [60_001, true],
])('retries are exhausted exactly at retry.for: %d ms after the first failure: %s', (age, isExhausted) => {
  const settlement = settled({ kind: 'transient', reason: 'ServerError' }, { tries: { failed: 9, firstFailedAt: at - age, throttled: 0 } });
  const failed: Settlement = { kind: 'failed', failure: { reason: 'RetriesExhausted', message: 'still failing: ServerError' } };
  expect(settlement.kind === 'failed').toBe(isExhausted);
  if (isExhausted) expect(settlement).toEqual(failed);
});

test('with no time to retry the first counted failure is the last', () => {
  expect(settled({ kind: 'transient', reason: 'ServerError' }, { policy: { forMs: 0, onUnknown: 'Retry' } })).toMatchObject({
    kind: 'failed',
  });
});

const random = fc.double({ min: 0, max: 1, noNaN: true });

test('pauses after counted failures grow, jittered, and have a longest', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000 }), random, (failed, luck) => {
      const after = (count: number) => {
        const settlement = settled(
          { kind: 'transient', reason: 'X' },
          { tries: { failed: count, firstFailedAt: at, throttled: 0 }, random: luck },
        );
        return 'delayMs' in settlement ? settlement.delayMs : Number.NaN;
      };
      const full = 250 * 2 ** Math.min(failed, 10);
      expect(after(failed)).toBeGreaterThanOrEqual(Math.floor(full / 2));
      expect(after(failed)).toBeLessThanOrEqual(full);
      expect(after(failed + 1)).toBeGreaterThanOrEqual(after(failed));
      expect(after(failed)).toBeLessThanOrEqual(256_000);
    }),
  );
});

test('D1: a unit that keeps failing for a passing reason ends in the bin, by retry.for and one pause at the latest', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3_600_000 }), random, (forMs, luck) => {
      let tries = none;
      let now = at;
      for (;;) {
        const settlement = settled(
          { kind: 'transient', reason: 'X' },
          { tries, random: luck, at: now, policy: { forMs, onUnknown: 'Retry' } },
        );
        if (settlement.kind === 'failed') break;
        if (settlement.kind !== 'again' && settlement.kind !== 'retry') throw new Error(settlement.kind);
        tries = settlement.tries;
        now += settlement.delayMs;
      }
      expect(now - at).toBeGreaterThanOrEqual(forMs);
      expect(now - at).toBeLessThanOrEqual(forMs + 256_000);
    }),
  );
});
