/**
 * What a commit makes durable, as a fold: changes in, the next journal message out. Pure but for the state it owns.
 * D1: a record passes only in the commit that holds its outcome. B1: the counters are a consistent cut by construction.
 */
import type { Counters, FilterReason, Intent, JournalMessage, LaneEvent } from '../contract/journal.ts';
import type { ParkedMeta } from '../contract/parked-headers.ts';

export type ParkedState = ParkedMeta['state'];

/** What a unit is known by within its lane. */
export function unitID({ seq, unit }: { seq: number; unit: string }): string {
  return `${seq}.${unit}`;
}

export type Change =
  /** A record was read from capture, in order. */
  | { readonly kind: 'read'; readonly seq: number }
  /** A record passes: everything it became is in this and the following changes. */
  | { readonly kind: 'passed'; readonly seq: number }
  | { readonly kind: 'intent'; readonly intent: Intent }
  | { readonly kind: 'intent closed'; readonly id: string; readonly throttled: boolean }
  | { readonly kind: 'intent unknown'; readonly id: string }
  | { readonly kind: 'counted'; readonly as: 'delivered' | 'cancelled' | 'discarded'; readonly count: number }
  | { readonly kind: 'filtered'; readonly reason: FilterReason }
  /** A unit is put among the parked ones, or changes its state there. */
  | { readonly kind: 'parked'; readonly to: ParkedLabel; readonly from?: ParkedLabel }
  | { readonly kind: 'unparked'; readonly from: ParkedLabel }
  | { readonly kind: 'event'; readonly event: LaneEvent };

export interface ParkedLabel {
  readonly state: ParkedState;
  readonly reason?: string;
  readonly field?: string;
}

export interface Checkpoint {
  epoch: number;
  owner: string;
  ordinal: number;
  generation: number;
  cursor: number;
  /** Sequences read and above the cursor, ascending. */
  reads: number[];
  /** Those of `reads` that have passed. */
  readonly passed: Set<number>;
  /** By `unitID`. */
  readonly intents: Map<string, Intent>;
  counters: Counters;
}

/** The checkpoint a new owner goes on from: the last journal message, one epoch later. */
export function checkpointFrom(last: JournalMessage, owner: { name: string; generation: number }): Checkpoint {
  const done = last.done.map((distance) => last.cursor + distance);
  return {
    epoch: last.epoch + 1,
    owner: owner.name,
    ordinal: last.ordinal,
    generation: owner.generation,
    cursor: last.cursor,
    reads: [],
    passed: new Set(done),
    intents: new Map(last.intents.map((intent) => [unitID(intent), intent])),
    counters: structuredClone(last.counters),
  };
}

/** Folds changes into the checkpoint and gives the journal message that says so. */
export function takeCommit(checkpoint: Checkpoint, changes: readonly Change[], at: number): JournalMessage {
  const events: LaneEvent[] = [];
  for (const change of changes) fold(checkpoint, change, events);
  advanceCursor(checkpoint);
  checkpoint.ordinal += 1;
  const { epoch, owner, ordinal, generation, cursor, reads, passed, intents, counters } = checkpoint;
  const done = [...passed].map((seq) => seq - cursor).toSorted((a, b) => a - b);
  return {
    v: 1,
    epoch,
    owner,
    ordinal,
    at,
    generation,
    cursor,
    done,
    window: reads.filter((seq) => !passed.has(seq)).length,
    intents: [...intents.values()],
    counters: structuredClone(counters),
    events,
  };
}

function advanceCursor(checkpoint: Checkpoint): void {
  const { reads, passed } = checkpoint;
  let count = 0;
  for (const seq of reads) {
    if (!passed.delete(seq)) break;
    checkpoint.cursor = seq;
    count += 1;
  }
  checkpoint.reads = reads.slice(count);
}

function fold(checkpoint: Checkpoint, change: Change, events: LaneEvent[]): void {
  const { counters } = checkpoint;
  switch (change.kind) {
    case 'read':
      checkpoint.reads.push(change.seq);
      return;
    case 'passed':
      checkpoint.passed.add(change.seq);
      counters.passed += 1;
      return;
    case 'filtered':
      counters.filtered[change.reason] = 1 + (counters.filtered[change.reason] ?? 0);
      return;
    case 'counted':
      counters[change.as] += change.count;
      return;
    case 'parked':
    case 'unparked':
      foldParked(counters, change);
      return;
    case 'event':
      events.push(change.event);
      return;
    case 'intent':
    case 'intent closed':
    case 'intent unknown':
      foldIntent(checkpoint, change);
  }
}

function foldParked(counters: Counters, change: Extract<Change, { kind: 'parked' | 'unparked' }>): void {
  if (change.from !== undefined) count(counters, change.from, -1);
  if (change.kind === 'parked') count(counters, change.to, 1);
}

function foldIntent(checkpoint: Checkpoint, change: Extract<Change, { kind: `intent${string}` }>): void {
  const { intents, counters } = checkpoint;
  switch (change.kind) {
    case 'intent':
      intents.set(unitID(change.intent), change.intent);
      counters.calls += 1;
      return;
    case 'intent closed':
      intents.delete(change.id);
      if (change.throttled) counters.throttled += 1;
      return;
    case 'intent unknown': {
      const open = intents.get(change.id);
      if (open !== undefined) intents.set(change.id, { ...open, unknown: true });
    }
  }
}

const mostFailureLabels = 50;

function count(counters: Counters, label: ParkedLabel, by: 1 | -1): void {
  counters[label.state] += by;
  if (label.state !== 'failed') return;
  const name = label.field === undefined ? (label.reason ?? 'Other') : `${label.reason ?? 'Other'}|${label.field}`;
  const isKnown = counters.failedBy[name] !== undefined;
  const bucket = isKnown || (by === 1 && Object.keys(counters.failedBy).length < mostFailureLabels) ? name : 'Other';
  const next = (counters.failedBy[bucket] ?? 0) + by;
  if (next === 0) delete counters.failedBy[bucket];
  else counters.failedBy[bucket] = next;
}
