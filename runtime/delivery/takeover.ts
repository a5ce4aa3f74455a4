/** What a new owner learns of its lane before it goes on: the memory of its keys and the units parked in it. */
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
  const capture = { nats, stream: captureStream(lane.pipeline), subject: captureSubject(lane.pipeline, lane.lane) };
  for await (const message of scan(capture, { since, headersOnly: true, signal })) {
    if (message.seq > last.cursor) break;
    const meta = parseCaptureHeaders((name) => message.headers?.get(name) ?? '');
    memory.saw({ ...meta, keyHash: hash128(meta.key) }, Date.parse(meta.capturedAt));
  }
  const journal = { nats, stream: stateStream(lane.pipeline), subject: journalSubject(lane) };
  for await (const message of scan(journal, { since, signal })) recallEvents(memory, journalMessage.parse(message.json()));
  for (const { keyHash } of last.intents) memory.calling(keyHash);
  return memory;
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

/** The units parked in a lane, in the order they were parked. Headers only. */
export async function readParked({ nats, lane }: { nats: Nats; lane: LaneName }, signal: AbortSignal): Promise<ParkedPlace[]> {
  const place = { nats, stream: stateStream(lane.pipeline), subject: parkedSubjects(lane) };
  const parked: ParkedPlace[] = [];
  for await (const message of scan(place, { lastPerSubject: true, headersOnly: true, signal })) {
    const header = message.headers?.get(parkedHeader) ?? '';
    const [keyHash, order, unit] = message.subject.split('.').slice(-3);
    // Without the header it is a tombstone.
    if (header === '' || keyHash === undefined || order === undefined || unit === undefined) continue;
    parked.push({ keyHash, order, unit, seq: message.seq, meta: parkedMeta.parse(JSON.parse(header)) });
  }
  return parked.toSorted((a, b) => (a.order < b.order ? -1 : 1));
}
