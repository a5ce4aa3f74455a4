/** What a lane holds in memory: units, each the head or a follower in the chain of its key. Types and their small makers. */
import type { Call, Idempotency } from '../connectors/connector.ts';
import type { RecordKind } from '../contract/config.ts';
import type { ParkedMeta } from '../contract/parked-headers.ts';
import { unitID } from './checkpoint.ts';
import type { Mapping } from './mapping.ts';
import type { CapturedRecord } from './record.ts';
import type { Tries } from './settle.ts';

/**
 * waiting: not its turn · loading: its payload is fetched · slot: wants permission for a call · intent: has it, and the
 * intent is being committed · calling · backoff: goes again later · quarantine: nobody saw how its call ended.
 */
type Phase = 'waiting' | 'loading' | 'slot' | 'intent' | 'calling' | 'backoff' | 'quarantine';

/** A unit among the parked ones: where it lies and what its headers say. */
export interface ParkedPlace {
  readonly keyHash: string;
  readonly order: string;
  readonly unit: string;
  /** Sequence of its message in the state stream; 0 until its first commit is acknowledged. */
  seq: number;
  meta: ParkedMeta;
}

export interface PreparedCall {
  readonly call: Call;
  readonly hash: string;
  readonly idempotency: Idempotency;
}

export interface Unit {
  readonly id: string;
  readonly seq: number;
  readonly keyHash: string;
  readonly kind: RecordKind;
  /** Epoch ms; the oldest record goes first. */
  readonly capturedAt: number;
  /** Absent while the unit is parked and its payload is not loaded. */
  record: CapturedRecord | undefined;
  parked: ParkedPlace | undefined;
  phase: Phase;
  /** Epoch ms at which a backoff, a quarantine or a retrying pause ends. */
  wakeAt: number | undefined;
  tries: Tries;
  /** Calls made, the running one included. */
  attempt: number;
  /** Generation that all tries of this unit use, once chosen. */
  mapping: Mapping | undefined;
  prepared: PreparedCall | undefined;
  /** Epoch ms of the open intent. */
  intentAt: number | undefined;
}

export interface Chain {
  readonly keyHash: string;
  /** In order: failed, blocked and retrying units. */
  readonly parked: Unit[];
  /** In order of capture: read and not passed. */
  readonly window: Unit[];
  /** The one unit of the key that is being worked on (D2). */
  active: Unit | undefined;
}

const noTries: Tries = { failed: 0, throttled: 0 };
/** The whole record; parts of one come with lines. */
const wholeRecord = '_';

export function windowUnit(record: CapturedRecord, kind: RecordKind): Unit {
  return {
    id: unitID({ seq: record.seq, unit: wholeRecord }),
    seq: record.seq,
    keyHash: record.keyHash,
    kind,
    capturedAt: Date.parse(record.capturedAt),
    record,
    parked: undefined,
    phase: 'waiting',
    wakeAt: undefined,
    tries: noTries,
    attempt: 0,
    mapping: undefined,
    prepared: undefined,
    intentAt: undefined,
  };
}

export function parkedUnit(place: ParkedPlace): Unit {
  const { meta } = place;
  return {
    id: unitID({ seq: meta.seq, unit: meta.unit }),
    seq: meta.seq,
    keyHash: place.keyHash,
    kind: meta.kind,
    capturedAt: Date.parse(meta.capturedAt),
    record: undefined,
    parked: place,
    phase: 'waiting',
    wakeAt: meta.state === 'retrying' ? meta.notBefore : undefined,
    tries: meta.firstFailedAt === undefined ? noTries : { failed: meta.attempt, firstFailedAt: meta.firstFailedAt, throttled: 0 },
    attempt: meta.attempt,
    mapping: undefined,
    prepared: undefined,
    intentAt: undefined,
  };
}
