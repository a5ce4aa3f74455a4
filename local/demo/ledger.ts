/** What the lanes wrote into JetStream: whether they have come to rest, and everything they say about each record. */
import { jetstreamManager, type JsMsg } from '@nats-io/jetstream';
import { captureHeader } from '../../runtime/contract/capture-headers.ts';
import { journalMessage, type JournalMessage } from '../../runtime/contract/journal.ts';
import {
  captureStream,
  captureSubject,
  captureSubjects,
  journalSubject,
  parkedSubjects,
  stateStream,
  type LaneName,
  type PipelineName,
} from '../../runtime/contract/names.ts';
import { parkedHeader, parkedMeta, type ParkedMeta } from '../../runtime/contract/parked-headers.ts';
import type { Nats } from '../../runtime/jetstream/connection.ts';
import { scan } from '../../runtime/jetstream/stream-reader.ts';
import type { CapturedFact, Ledger } from './report/evidence.ts';

export interface LedgerPlace {
  readonly nats: Nats;
  readonly pipeline: PipelineName;
  readonly lanes: number;
}

const callLimitMs = 3_000;

const lanesOf = ({ pipeline, lanes }: LedgerPlace, destination: string): LaneName[] =>
  Array.from({ length: lanes }, (_, lane) => ({ pipeline, destination, lane }));

/** Nothing is left to do for the records up to the last one of the lane; failed and blocked ones wait for people. */
export const isAtRest = ({ cursor, window, intents, counters }: JournalMessage, lastCaptured: number): boolean =>
  cursor >= lastCaptured && window === 0 && intents.length === 0 && counters.retrying + counters.waiting + counters.ready === 0;

/** @throws what the client throws while NATS is away */
export const readAtRest = async (place: LedgerPlace, destinations: readonly string[]): Promise<boolean> => {
  const manager = await jetstreamManager(place.nats.connection, { checkAPI: false, timeout: callLimitMs });
  for (const lane of destinations.flatMap((destination) => lanesOf(place, destination))) {
    const captured = await manager.streams.getMessage(captureStream(place.pipeline), {
      last_by_subj: captureSubject(place.pipeline, lane.lane),
    });
    const journal = await manager.streams.getMessage(stateStream(place.pipeline), { last_by_subj: journalSubject(lane) });
    if (journal === null || !isAtRest(journalMessage.parse(journal.json()), captured?.seq ?? 0)) return false;
  }
  return true;
};

const headerOf = (message: JsMsg, name: string): string => message.headers?.get(name) ?? '';

const textOf = (json: string): string => {
  const value: unknown = JSON.parse(json);
  if (typeof value !== 'string') throw new TypeError('a capture header holds no text');
  return value;
};

export const readCaptured = async ({ nats, pipeline }: LedgerPlace, signal: AbortSignal): Promise<CapturedFact[]> => {
  const place = { nats, stream: captureStream(pipeline), subject: captureSubjects(pipeline) };
  const captured: CapturedFact[] = [];
  for await (const message of scan(place, { headersOnly: true, signal })) {
    captured.push({ seq: message.seq, sourceID: textOf(headerOf(message, captureHeader.sourceID)) });
  }
  return captured;
};

const readJournal = async ({ nats, pipeline }: LedgerPlace, lane: LaneName, signal: AbortSignal): Promise<JournalMessage[]> => {
  const place = { nats, stream: stateStream(pipeline), subject: journalSubject(lane) };
  const messages: JournalMessage[] = [];
  for await (const message of scan(place, { signal })) messages.push(journalMessage.parse(message.json()));
  return messages;
};

const readParked = async ({ nats, pipeline }: LedgerPlace, lane: LaneName, signal: AbortSignal): Promise<ParkedMeta[]> => {
  const place = { nats, stream: stateStream(pipeline), subject: parkedSubjects(lane) };
  const parked: ParkedMeta[] = [];
  for await (const message of scan(place, { lastPerSubject: true, headersOnly: true, signal })) {
    const meta = headerOf(message, parkedHeader);
    // A unit that has left has a tombstone in its place, without this header.
    if (meta !== '') parked.push(parkedMeta.parse(JSON.parse(meta)));
  }
  return parked;
};

export const readLedger = async (place: LedgerPlace, destination: string, signal: AbortSignal): Promise<Ledger> => {
  const lanes = lanesOf(place, destination);
  const journals = [];
  const parked: ParkedMeta[] = [];
  for (const lane of lanes) {
    journals.push(await readJournal(place, lane, signal));
    parked.push(...(await readParked(place, lane, signal)));
  }
  return {
    counters: journals.flatMap((messages) => messages.at(-1)?.counters ?? []),
    events: journals.flatMap((messages) => messages.flatMap(({ events }) => events)),
    parked,
  };
};
