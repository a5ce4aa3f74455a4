/**
 * A journal message: the whole checkpoint of one lane of one destination, written by its owner alone, each chained to the
 * last by compare-and-set. A takeover needs only the newest one. Keys appear as hashes: no personal data in journals.
 */
import { z } from 'zod';

/** A call about to be made, committed before it; it stays until its outcome is known. */
export const intent = z.strictObject({
  seq: z.number().int(),
  keyHash: z.string(),
  unit: z.string(),
  /** 1 for the first call of this unit. */
  attempt: z.number().int(),
  callKey: z.string(),
  /** Epoch ms at which the intent was made. */
  at: z.number(),
  /** Generation of the mapping that renders the call. */
  generation: z.number().int(),
  /** Set when the call ended without an answer that says what happened. */
  unknown: z.literal(true).optional(),
});
export type Intent = z.infer<typeof intent>;

export const filterReason = z.enum(['SourceFilter', 'DestinationFilter', 'NoOperation', 'Duplicate', 'Stale', 'AfterCancel', 'Unchanged']);
export type FilterReason = z.infer<typeof filterReason>;

const at = z.number();
const unitOf = { seq: z.number().int(), keyHash: z.string(), unit: z.string(), at };

/** What became of a unit, in the order it was decided. */
export const laneEvent = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('delivered'),
    ...unitOf,
    attempt: z.number().int(),
    /** Hash of the rendered request, for Unchanged. */
    hash: z.string(),
    /** Epoch ms at which the record was captured. */
    capturedAt: z.number(),
    /** The target said that it had this already. */
    duplicate: z.literal(true).optional(),
  }),
  z.strictObject({ kind: z.literal('filtered'), ...unitOf, reason: filterReason }),
  z.strictObject({
    kind: z.literal('parked'),
    ...unitOf,
    state: z.enum(['failed', 'blocked', 'retrying']),
    reason: z.string().optional(),
    field: z.string().optional(),
    attempt: z.number().int(),
  }),
  /** A cancel reached the key: what was parked for it is withdrawn. */
  z.strictObject({ kind: z.literal('cancelled'), ...unitOf, withdrawn: z.number().int(), version: z.string().optional() }),
]);
export type LaneEvent = z.infer<typeof laneEvent>;

/**
 * B1: of the passed records' units, how many are in which state. `delivered`, `filtered`, `cancelled`, `discarded` and
 * `superseded` only grow; the others say how many are there now.
 */
export const counters = z.strictObject({
  passed: z.number().int(),
  delivered: z.number().int(),
  filtered: z.partialRecord(filterReason, z.number().int()),
  cancelled: z.number().int(),
  discarded: z.number().int(),
  superseded: z.number().int(),
  held: z.number().int(),
  failed: z.number().int(),
  blocked: z.number().int(),
  waiting: z.number().int(),
  retrying: z.number().int(),
  ready: z.number().int(),
  /** Calls made, and calls that were refused for the account's limit. */
  calls: z.number().int(),
  throttled: z.number().int(),
  /** `failed` by `reason` or `reason|field`, the 50 most frequent; what is beyond counts as `Other`. */
  failedBy: z.record(z.string(), z.number().int()),
});
export type Counters = z.infer<typeof counters>;

export const journalMessage = z.strictObject({
  /** A newer version than known is refused by readers. */
  v: z.literal(1),
  epoch: z.number().int(),
  owner: z.string(),
  /** Counts this lane's messages over all epochs. */
  ordinal: z.number().int(),
  /** Epoch ms of the owner's clock. */
  at: z.number(),
  /** Generation of the mapping that the owner runs. */
  generation: z.number().int(),
  /** All records of the lane up to this sequence are settled or parked. */
  cursor: z.number().int(),
  /** Records above the cursor that are settled or parked, as distances from the cursor, ascending. */
  done: z.array(z.number().int()),
  /** Records read and not passed. */
  window: z.number().int(),
  intents: z.array(intent),
  counters,
  events: z.array(laneEvent),
});
export type JournalMessage = z.infer<typeof journalMessage>;

export function emptyCounters(): Counters {
  return {
    passed: 0,
    delivered: 0,
    filtered: {},
    cancelled: 0,
    discarded: 0,
    superseded: 0,
    held: 0,
    failed: 0,
    blocked: 0,
    waiting: 0,
    retrying: 0,
    ready: 0,
    calls: 0,
    throttled: 0,
    failedBy: {},
  };
}

/** The message the operator writes into a new lane (expect-0), before ingest learns of the pipeline. */
export function firstJournalMessage(start: { cursor: number; at: number; generation: number }): JournalMessage {
  return {
    v: 1,
    epoch: 0,
    owner: 'operator',
    ordinal: 0,
    at: start.at,
    generation: start.generation,
    cursor: start.cursor,
    done: [],
    window: 0,
    intents: [],
    counters: emptyCounters(),
    events: [],
  };
}
