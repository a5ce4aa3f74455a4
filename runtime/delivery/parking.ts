/** Puts units among the parked ones and takes them out again: places, headers, and the changes that go with the write. */
import type { ParkedMeta } from '../contract/parked-headers.ts';
import type { Change, ParkedLabel } from './checkpoint.ts';
import type { Group } from './outbox.ts';
import type { Failure } from './plan-unit.ts';
import type { CapturedRecord } from './record.ts';
import type { ParkedPlace, Unit } from './unit.ts';

export interface ParkingOrder extends Partial<Failure> {
  readonly state: ParkedMeta['state'];
  /** Epoch ms. */
  readonly notBefore?: number;
  readonly generation?: number;
}

/** For people to read; headers have room for no more. */
const maxMessageLength = 1_000;

export class Parking {
  /** Places of one key sort by the time of parking: 20 digits. */
  #lastOrder = 0;

  sawOrder(order: string): void {
    this.#lastOrder = Math.max(this.#lastOrder, Number(order));
  }

  /** The group that parks a unit, or changes what it says where it lies. Undefined when the payload is not in memory and would be needed. */
  park(unit: Unit, order: ParkingOrder, { at, changes }: { at: number; changes: readonly Change[] }): Group | undefined {
    const { record } = unit;
    if (record === undefined) return undefined;
    const before = unit.parked?.meta;
    const meta = metaOf(unit, record, { order, at, before });
    const place: ParkedPlace = unit.parked ?? { keyHash: unit.keyHash, order: this.#nextOrder(unit.seq), unit: '_', seq: 0, meta };
    place.meta = meta;
    unit.parked = place;
    const event: Change = { kind: 'event', event: parkedEvent(unit, meta, at) };
    const to = labelOf(meta);
    return {
      changes: [
        ...(before === undefined ? [{ kind: 'passed', seq: unit.seq } as const] : []),
        ...changes,
        before === undefined ? { kind: 'parked', to } : { kind: 'parked', to, from: labelOf(before) },
        event,
      ],
      write: { unit, place, content: { meta, body: record.body } },
    };
  }

  /** The group that removes a parked unit: a tombstone, and the changes that say why. */
  withdraw(unit: Unit, changes: readonly Change[]): Group {
    const place = unit.parked;
    if (place === undefined) return { changes };
    return { changes: [{ kind: 'unparked', from: labelOf(place.meta) }, ...changes], write: { unit, place } };
  }

  /** Never below the highest sequence read, and always above the last place given. */
  #nextOrder(seq: number): string {
    this.#lastOrder = Math.max(this.#lastOrder + 1, seq * 1_000);
    return String(this.#lastOrder).padStart(20, '0');
  }
}

function labelOf({ state, reason, field }: ParkedMeta): ParkedLabel {
  return { state, ...(reason === undefined ? {} : { reason }), ...(field === undefined ? {} : { field }) };
}

function metaOf(
  unit: Unit,
  record: CapturedRecord,
  { order, at, before }: { order: ParkingOrder; at: number; before: ParkedMeta | undefined },
): ParkedMeta {
  const { reason, field, message, notBefore, generation = 0, state } = order;
  return {
    v: 1,
    state,
    kind: unit.kind,
    key: record.key,
    seq: unit.seq,
    unit: '_',
    topic: record.topic,
    sourceID: record.sourceID,
    ...(record.version === undefined ? {} : { version: record.version }),
    capturedAt: record.capturedAt,
    ...(record.problem === undefined ? {} : { problem: record.problem }),
    revision: before?.revision ?? 0,
    attempt: unit.attempt,
    parkedAt: at,
    ...(unit.tries.firstFailedAt === undefined ? {} : { firstFailedAt: unit.tries.firstFailedAt }),
    ...(notBefore === undefined ? {} : { notBefore }),
    generation,
    ...(reason === undefined ? {} : { reason }),
    ...(field === undefined ? {} : { field }),
    ...(message === undefined ? {} : { message: message.slice(0, maxMessageLength) }),
  };
}

function parkedEvent(unit: Unit, { state, reason, field }: ParkedMeta, at: number) {
  return {
    kind: 'parked',
    seq: unit.seq,
    keyHash: unit.keyHash,
    unit: '_',
    at,
    state,
    attempt: unit.attempt,
    ...(reason === undefined ? {} : { reason }),
    ...(field === undefined ? {} : { field }),
  } as const;
}
