import { expect, test } from 'vitest';
import type { ParkedMeta } from '../contract/parked-headers.ts';
import type { CapturedRecord } from './record.ts';
import { parkedUnit, windowUnit } from './unit.ts';

const record: CapturedRecord = {
  key: '5',
  topic: 'orders/create',
  sourceID: 'w-1',
  capturedAt: '2026-11-27T05:00:00.123Z',
  seq: 42,
  keyHash: 'abc',
  body: Buffer.from('{}'),
};
const idle = { phase: 'waiting', mapping: undefined, prepared: undefined, intentAt: undefined };
const noTries = { failed: 0, throttled: 0 };

test.each(['Record', 'Cancel'] as const)('a %s that was read waits for its turn with its record in memory', (kind) => {
  expect(windowUnit(record, kind)).toStrictEqual({
    ...idle,
    id: '42._',
    seq: 42,
    keyHash: 'abc',
    kind,
    capturedAt: Date.UTC(2026, 10, 27, 5, 0, 0, 123),
    record,
    parked: undefined,
    wakeAt: undefined,
    tries: noTries,
    attempt: 0,
  });
});

const meta: ParkedMeta = {
  v: 1,
  state: 'retrying',
  kind: 'Cancel',
  key: '5',
  seq: 42,
  unit: '_',
  topic: 'orders/cancelled',
  sourceID: 'w-1',
  capturedAt: '2026-11-27T05:00:00.123Z',
  revision: 0,
  attempt: 4,
  parkedAt: 2_000,
  firstFailedAt: 1_000,
  notBefore: 9_000,
  generation: 3,
  reason: 'ServerError',
};

test('a parked unit is known again from its headers alone: order, tries, and when it goes again', () => {
  const place = { keyHash: 'abc', order: '00000000000000042000', unit: '_', seq: 77, meta };
  expect(parkedUnit(place)).toStrictEqual({
    ...idle,
    id: '42._',
    seq: 42,
    keyHash: 'abc',
    kind: 'Cancel',
    capturedAt: Date.UTC(2026, 10, 27, 5, 0, 0, 123),
    record: undefined,
    parked: place,
    wakeAt: 9_000,
    tries: { failed: 4, firstFailedAt: 1_000, throttled: 0 },
    attempt: 4,
  });
});

test.each(['failed', 'blocked'] as const)('D3: a %s unit waits for no time', (state) => {
  const { notBefore: _, firstFailedAt: __, ...rest } = meta;
  const unit = parkedUnit({ keyHash: 'abc', order: '1', unit: '_', seq: 1, meta: { ...rest, state, attempt: 0 } });
  expect([unit.wakeAt, unit.tries]).toEqual([undefined, noTries]);
});
