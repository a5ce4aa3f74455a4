/** What a new owner learns of its lane before it goes on: the memory of its keys and the units parked in it. */
import { jetstreamManager } from '@nats-io/jetstream';
import { parseCaptureHeaders } from '../contract/capture-headers.ts';
import { journalMessage } from '../contract/journal.ts';
import type { JournalMessage } from '../contract/journal.ts';
import { captureStream, captureSubject, journalSubject, parkedSubjects, stateStream } from '../contract/names.ts';
import type { LaneName } from '../contract/names.ts';
import { parkedHeader, parkedMeta } from '../contract/parked-headers.ts';
import { hash128 } from '../expressions/environment.ts';
import type { Nats } from '../jetstream/connection.ts';
import { scan } from '../jetstream/stream-reader.ts';
import { KeyMemory, memoryMs } from './key-memory.ts';
import type { ParkedPlace } from './unit.ts';

/** Versions and source ids from capture headers up to the cursor, the rest from the journal's events; both of the last six hours. */
export async function recallMemory(
  { nats, lane }: { nats: Nats; lane: LaneName },
  last: JournalMessage,
  { now, signal }: { now: number; signal: AbortSignal },
): Promise<KeyMemory> {
  const memory = new KeyMemory();
  const since = now - memoryMs;
  const captureSince = (await timeOfNext({ nats, lane }, last.cursor, now)) - memoryMs;
  const capture = { nats, stream: captureStream(lane.pipeline), subject: captureSubject(lane.pipeline, lane.lane) };
  for await (const message of scan(capture, { since: captureSince, headersOnly: true, signal })) {
    if (message.seq > last.cursor) break;
    const meta = parseCaptureHeaders((name) => message.headers?.get(name) ?? '');
    memory.saw({ ...meta, keyHash: hash128(meta.key) }, now);
  }
  const journal = { nats, stream: stateStream(lane.pipeline), subject: journalSubject(lane) };
  for await (const message of scan(journal, { since, signal })) recallEvents(memory, journalMessage.parse(message.json()));
  for (const { keyHash } of last.intents) memory.calling(keyHash);
  return memory;
}

/** When the first record above the cursor was stored; `now` when there is none. A lane that is behind remembers six hours back from there. */
async function timeOfNext({ nats, lane }: { nats: Nats; lane: LaneName }, cursor: number, now: number): Promise<number> {
  const manager = await jetstreamManager(nats.connection, { checkAPI: false, timeout: 3_000 });
  const query = { seq: cursor + 1, next_by_subj: captureSubject(lane.pipeline, lane.lane) };
  const next = await manager.streams.getMessage(captureStream(lane.pipeline), query);
  return next === null ? now : Math.min(now, next.time.getTime());
}

/** Exported for the simulation, which recalls from its own model of the streams. */
export function recallEvents(memory: KeyMemory, { events }: JournalMessage): void {
  for (const event of events) {
    if (event.kind === 'delivered') memory.delivered(event.keyHash, event.hash, event.at);
    // Calls were made and not answered with success: they may have had an effect all the same.
    if (event.kind === 'parked' && event.attempt > 0) memory.calling(event.keyHash);
    if (event.kind === 'cancelled') memory.cancelled(event.keyHash, event.version, event.at);
  }
}

export interface ParkedNow {
  readonly parked: readonly ParkedPlace[];
  readonly lastOrder: string;
}

/** The units parked in a lane, in the order they were parked, and the highest place, tombstones' included. Headers only. */
export async function readParked({ nats, lane }: { nats: Nats; lane: LaneName }, signal: AbortSignal): Promise<ParkedNow> {
  const place = { nats, stream: stateStream(lane.pipeline), subject: parkedSubjects(lane) };
  const parked: ParkedPlace[] = [];
  let lastOrder = '0';
  for await (const message of scan(place, { lastPerSubject: true, headersOnly: true, signal })) {
    const header = message.headers?.get(parkedHeader) ?? '';
    const [keyHash, order, unit] = message.subject.split('.').slice(-3);
    if (order !== undefined && Number(order) > Number(lastOrder)) lastOrder = order;
    // Without the header it is a tombstone.
    if (header === '' || keyHash === undefined || order === undefined || unit === undefined) continue;
    parked.push({ keyHash, order, unit, seq: message.seq, meta: parkedMeta.parse(JSON.parse(header)) });
  }
  return { parked: parked.toSorted((a, b) => (a.order < b.order ? -1 : 1)), lastOrder };
}
