/** Lanes' journals, read from the stream's leader, and the first message of each. */
import type { StoredMsg } from '@nats-io/jetstream';
import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import { z } from 'zod';
import { captureHeader } from '../../runtime/contract/capture-headers.ts';
import { firstJournalMessage, journalMessage } from '../../runtime/contract/journal.ts';
import type { JournalMessage } from '../../runtime/contract/journal.ts';
import { captureStream, captureSubject, journalSubject, stateStream } from '../../runtime/contract/names.ts';
import type { LaneName } from '../../runtime/contract/names.ts';
import type { JetStream } from './connection.ts';
import { jetStreamCall, JetStreamRefusedError } from './errors.ts';

const wrongLastSequence = 10071;

/** The newest message of a lane's journal; undefined when there is none or this build cannot read it. */
export async function readJournalHead(jetStream: JetStream, lane: LaneName, signal: AbortSignal): Promise<JournalMessage | undefined> {
  const message = await readerOf(jetStream, stateStream(lane.pipeline), signal)({ last_by_subj: journalSubject(lane) });
  return parseJournal(message);
}

/** With which cursor the lane began; undefined when its first message is gone. */
export async function readStartCursor(jetStream: JetStream, lane: LaneName, signal: AbortSignal): Promise<number | undefined> {
  const message = await readerOf(jetStream, stateStream(lane.pipeline), signal)({ seq: 1, next_by_subj: journalSubject(lane) });
  const first = parseJournal(message);
  return first?.ordinal === 0 ? first.cursor : undefined;
}

export interface LaneStart {
  readonly lane: LaneName;
  readonly cursor: number;
  readonly at: number;
  readonly generation: number;
}

/** Writes a lane's first journal message; one that is there already stays as it is. */
export async function writeFirstJournal({ js }: JetStream, start: LaneStart, signal: AbortSignal): Promise<void> {
  const subject = journalSubject(start.lane);
  const options = { expect: { streamName: stateStream(start.lane.pipeline), lastSubjectSequence: 0 } };
  const write = () => js.publish(subject, JSON.stringify(firstJournalMessage(start)), options);
  try {
    await jetStreamCall(`writing the first journal message of ${subject}`, write, signal);
  } catch (error) {
    if (!(error instanceof JetStreamRefusedError && error.code === wrongLastSequence)) throw error;
  }
}

/** When the first record of the lane above the cursor was captured, RFC 3339; undefined when there is none. */
export async function readOldestPending(
  jetStream: JetStream,
  { lane, cursor }: { lane: LaneName; cursor: number },
  signal: AbortSignal,
): Promise<string | undefined> {
  const query = { seq: cursor + 1, next_by_subj: captureSubject(lane.pipeline, lane.lane) };
  const message = await readerOf(jetStream, captureStream(lane.pipeline), signal)(query);
  return message === undefined ? undefined : readTime(message.header.get(captureHeader.capturedAt));
}

/** How many records of the lane lie above the cursor. Costs a consumer: not for every look. */
export async function countAbove(
  { jsm }: JetStream,
  { lane, cursor }: { lane: LaneName; cursor: number },
  signal: AbortSignal,
): Promise<number> {
  const stream = captureStream(lane.pipeline);
  const config = {
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: cursor + 1,
    filter_subject: captureSubject(lane.pipeline, lane.lane),
    ack_policy: AckPolicy.None,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: nanos(5_000),
  };
  const { name, num_pending: count } = await jetStreamCall(`counting in ${stream}`, () => jsm.consumers.add(stream, config), signal);
  await jetStreamCall(`counting in ${stream}`, () => jsm.consumers.delete(stream, name), signal);
  return count;
}

/** From the leader: a direct get may answer from a replica that is behind. */
function readerOf({ jsm }: JetStream, stream: string, signal: AbortSignal) {
  return async (query: { last_by_subj: string } | { seq: number; next_by_subj: string }): Promise<StoredMsg | undefined> =>
    (await jetStreamCall(`reading from stream ${stream}`, () => jsm.streams.getMessage(stream, query), signal)) ?? undefined;
}

function parseJournal(message: StoredMsg | undefined): JournalMessage | undefined {
  if (message === undefined) return undefined;
  try {
    return journalMessage.safeParse(message.json()).data;
  } catch {
    return undefined; // Not JSON: written by something else. The figure is then absent.
  }
}

function readTime(header: string): string | undefined {
  try {
    return z.iso.datetime().safeParse(JSON.parse(header)).data;
  } catch {
    return undefined; // No capture header of ours. The figure is then absent.
  }
}
