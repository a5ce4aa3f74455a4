import fc from 'fast-check';
import { expect, test } from 'vitest';
import { laneEvent } from '../contract/journal.ts';
import { parkedMeta } from '../contract/parked-headers.ts';
import { Parking } from './parking.ts';
import type { CapturedRecord } from './record.ts';
import { parkedUnit, windowUnit } from './unit.ts';
import type { Unit } from './unit.ts';

const body = Buffer.from('{"id":5}');

function record(seq: number, more: Partial<CapturedRecord> = {}): CapturedRecord {
  return {
    key: '5',
    topic: 'orders/create',
    sourceID: `w-${seq}`,
    capturedAt: '2026-11-27T05:00:00.000Z',
    seq,
    keyHash: 'abc',
    body,
    ...more,
  };
}

function park(parking: Parking, unit: Unit, order: Parameters<Parking['park']>[1], at = 77) {
  return parking.park(unit, order, { at, changes: [{ kind: 'intent closed', id: unit.id, throttled: false }] });
}

test('D1: a record is parked in one group: it passes, its copy is written, and the books and events say so', () => {
  const unit = windowUnit(record(42, { version: '7', problem: { reason: 'Unreadable', message: 'the body is empty' } }), 'Record');
  unit.attempt = 2;
  unit.tries = { failed: 2, firstFailedAt: 50, throttled: 0 };
  const order = { state: 'failed', reason: 'InvalidContent', field: 'addr1', message: 'too long', generation: 3 } as const;
  const group = park(new Parking(), unit, order);
  const meta = {
    v: 1,
    state: 'failed',
    kind: 'Record',
    key: '5',
    seq: 42,
    unit: '_',
    topic: 'orders/create',
    sourceID: 'w-42',
    version: '7',
    capturedAt: '2026-11-27T05:00:00.000Z',
    problem: { reason: 'Unreadable', message: 'the body is empty' },
    revision: 0,
    attempt: 2,
    parkedAt: 77,
    firstFailedAt: 50,
    generation: 3,
    reason: 'InvalidContent',
    field: 'addr1',
    message: 'too long',
  };
  const event = {
    kind: 'parked',
    seq: 42,
    keyHash: 'abc',
    unit: '_',
    at: 77,
    state: 'failed',
    attempt: 2,
    reason: 'InvalidContent',
    field: 'addr1',
  };
  expect(group?.changes).toStrictEqual([
    { kind: 'passed', seq: 42 },
    { kind: 'intent closed', id: '42._', throttled: false },
    { kind: 'parked', to: { state: 'failed', reason: 'InvalidContent', field: 'addr1' } },
    { kind: 'event', event },
  ]);
  const place = { keyHash: 'abc', order: '00000000000000042000', unit: '_', seq: 0, meta };
  expect(group?.write).toStrictEqual({ unit, place, content: { meta, body } });
  expect(group?.write?.place).toBe(unit.parked);
  expect(parkedMeta.parse(JSON.parse(JSON.stringify(meta)))).toEqual(meta);
  expect(laneEvent.parse(event)).toEqual(event);
});

test('a parked unit that changes its state stays where it lies and does not pass again', () => {
  const parking = new Parking();
  const unit = windowUnit(record(42), 'Cancel');
  park(parking, unit, { state: 'retrying', reason: 'ServerError', notBefore: 9_000, generation: 3 });
  const { parked: place } = unit;
  if (place === undefined) throw new Error('it is not parked');
  place.seq = 1_234;
  const group = park(parking, unit, { state: 'failed', reason: 'RetriesExhausted', generation: 3 }, 99);
  expect(group?.changes).toMatchObject([
    { kind: 'intent closed' },
    { kind: 'parked', to: { state: 'failed', reason: 'RetriesExhausted' }, from: { state: 'retrying', reason: 'ServerError' } },
    { kind: 'event', event: { state: 'failed', at: 99 } },
  ]);
  expect(group?.write?.place).toBe(place);
  expect([place.order, place.seq, place.meta.state, place.meta.kind, place.meta.notBefore]).toEqual([
    '00000000000000042000',
    1_234,
    'failed',
    'Cancel',
    undefined,
  ]);
});

test('D1: a unit whose payload is not in memory is not parked without it', () => {
  const unit = windowUnit(record(1), 'Record');
  park(new Parking(), unit, { state: 'failed' });
  if (unit.parked === undefined) throw new Error('it is not parked');
  expect(park(new Parking(), parkedUnit(unit.parked), { state: 'failed' })).toBeUndefined();
});

test('a unit that is withdrawn leaves a tombstone, and the books say from which state', () => {
  const parking = new Parking();
  const unit = windowUnit(record(42), 'Record');
  park(parking, unit, { state: 'failed', reason: 'InvalidContent', field: 'addr1' });
  const counted = { kind: 'counted', as: 'delivered', count: 1 } as const;
  expect(parking.withdraw(unit, [counted])).toStrictEqual({
    changes: [{ kind: 'unparked', from: { state: 'failed', reason: 'InvalidContent', field: 'addr1' } }, counted],
    write: { unit, place: unit.parked },
  });
  expect(parking.withdraw(windowUnit(record(43), 'Record'), [counted])).toStrictEqual({ changes: [counted] });
});

test('D3: places sort by the time of parking, after a takeover too', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(10_000), { minLength: 2, maxLength: 30 }), fc.nat(29), (seqs, takeoverAt) => {
      let parking = new Parking();
      const orders: string[] = [];
      seqs.forEach((seq, index) => {
        if (index === takeoverAt) {
          parking = new Parking();
          for (const order of orders) parking.sawOrder(order);
        }
        const unit = windowUnit(record(seq), 'Record');
        park(parking, unit, { state: 'blocked' });
        orders.push(unit.parked?.order ?? '');
      });
      expect(orders.toSorted()).toEqual(orders);
      expect(new Set(orders).size).toBe(orders.length);
      expect(orders.every((order) => /^[0-9]{20}$/.test(order))).toBe(true);
    }),
  );
});
