/** What goes into a lane's step and what comes out of it. */
import type { Outcome } from '../connectors/connector.ts';
import type { JournalMessage } from '../contract/journal.ts';
import { unitID } from './checkpoint.ts';
import type { KeyMemory } from './key-memory.ts';
import type { Mapping } from './mapping.ts';
import type { ParkedWrite } from './outbox.ts';
import type { CapturedRecord } from './record.ts';
import type { ParkedPlace, PreparedCall } from './unit.ts';

export type LaneInput =
  | { readonly kind: 'record'; readonly record: CapturedRecord }
  /** The payload of a parked unit. */
  | { readonly kind: 'payload'; readonly id: string; readonly record: CapturedRecord }
  | { readonly kind: 'granted'; readonly id: string }
  | { readonly kind: 'answered'; readonly id: string; readonly outcome: Outcome; readonly counted: boolean; readonly random: number }
  /** The commit in flight is durable; `firstSeq` is the state-stream sequence of its first message. */
  | { readonly kind: 'committed'; readonly firstSeq: number }
  /** `openMs`: how long it was open; that time counts for no try. */
  | { readonly kind: 'circuit closed'; readonly openMs: number }
  /** Time has passed. */
  | { readonly kind: 'tick' };

export type LaneEffect =
  | { readonly kind: 'commit'; readonly message: JournalMessage; readonly writes: readonly ParkedWrite[] }
  | { readonly kind: 'acquire'; readonly id: string; readonly capturedAt: number; readonly seq: number }
  | { readonly kind: 'call'; readonly id: string; readonly prepared: PreparedCall; readonly intentAt: number }
  /** The call has ended: its slot is free. */
  | { readonly kind: 'release'; readonly id: string }
  /** The slot is not wanted any more; no call was made. */
  | { readonly kind: 'drop'; readonly id: string }
  /** Nobody saw the end of the call: its slot is taken until then (epoch ms). */
  | { readonly kind: 'keep slot'; readonly id: string; readonly until: number }
  | { readonly kind: 'load'; readonly id: string; readonly place: ParkedPlace };

export interface LaneSetup {
  readonly last: JournalMessage;
  readonly owner: string;
  /** The running mapping first; open intents and retries use the one they began with. */
  readonly mappings: readonly [Mapping, ...Mapping[]];
  /** What was learned from capture headers and journal events of the last six hours, up to the cursor. */
  readonly memory: KeyMemory;
  readonly parked: readonly ParkedPlace[];
  /** The highest place given so far, tombstones' included: a new one never takes the subject of an old one. */
  readonly lastOrder: string;
  /** How long after its intent a call may still run at the target, in ms. */
  readonly lostCallHoldMs: number;
}

/** Added to `lostCallHold` for clocks that differ (protocol §1). */
const quarantineMarginMs = 2_000;

/** Epoch ms until which a call of unknown end counts as running. */
export function quarantineEnd(intentAt: number, lostCallHoldMs: number): number {
  return intentAt + lostCallHoldMs + quarantineMarginMs;
}

/** The open intents of a journal message, for the slots they occupy: id and until when (epoch ms). */
export function openCalls(last: JournalMessage, lostCallHoldMs: number): { id: string; until: number }[] {
  return last.intents.map((intent) => ({ id: unitID(intent), until: quarantineEnd(intent.at, lostCallHoldMs) }));
}
