/**
 * Reads a stream in order without acks: an in-memory, unreplicated reader, made here and dropped here. It is made anew
 * after the last message given whenever anything looks wrong, so it survives restarts of the server and leader changes.
 * Guarantee: every message of the subject above `after`, once and in order.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager, ReplayPolicy } from '@nats-io/jetstream';
import type { Consumer, ConsumerConfig, ConsumerMessages, JetStreamManager, JsMsg } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { Nats } from './connection.ts';

export interface StreamPlace {
  readonly nats: Nats;
  readonly stream: string;
  readonly subject: string;
}

/** A message came that is not the next one: the reader is made anew. */
class GapError extends Error {}

const idleMs = 5_000;

/** Messages above a sequence, for ever. `want` says how many may come next and waits until that is at least one. */
export async function* readAfter(
  place: StreamPlace,
  after: number,
  { want, signal }: { want: () => Promise<number>; signal: AbortSignal },
): AsyncGenerator<JsMsg> {
  let last = after;
  while (!signal.aborted) {
    try {
      for await (const message of readOnce(place, last, { want, signal })) {
        last = message.seq;
        yield message;
      }
    } catch {
      // Whatever it was (NATS away, reader gone, a gap): reading goes on after the last message given.
      await delay(250, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function* readOnce(
  place: StreamPlace,
  after: number,
  { want, signal }: { want: () => Promise<number>; signal: AbortSignal },
): AsyncGenerator<JsMsg> {
  const reader = await openReader(place, { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1 });
  const stopped = AbortSignal.any([signal, place.nats.bell.next]);
  const sequence = new DeliverySequence();
  try {
    while (!stopped.aborted) {
      const count = await want();
      const messages = await reader.consumer.fetch({ max_messages: count, expires: idleMs, idle_heartbeat: 1_000 });
      const stop = () => void messages.close();
      stopped.addEventListener('abort', stop, { once: true });
      const before = sequence.last;
      for await (const message of messages) {
        sequence.check(message);
        yield message;
      }
      stopped.removeEventListener('abort', stop);
      // Nothing came: is the reader still there?
      if (sequence.last === before && !stopped.aborted) await reader.consumer.info();
    }
  } finally {
    await reader.drop();
  }
}

class DeliverySequence {
  last = 0;

  check(message: JsMsg): void {
    if (message.info.deliverySequence !== this.last + 1) throw new GapError('a message of a reader did not arrive');
    this.last += 1;
  }
}

export interface ScanOptions {
  /** Only messages stored at this time (epoch ms) or later. */
  readonly since?: number;
  /** Only the newest message of each subject. */
  readonly lastPerSubject?: boolean;
  readonly headersOnly?: boolean;
  readonly signal: AbortSignal;
}

/** Messages that are in the stream now, in order, and then the end. @throws GapError when some went astray, or what the client throws while NATS is away */
export async function* scan(place: StreamPlace, { since, lastPerSubject, headersOnly, signal }: ScanOptions): AsyncGenerator<JsMsg> {
  const reader = await openReader(place, {
    ...startOf(since, lastPerSubject ?? false),
    ...(headersOnly === true ? { headers_only: true } : {}),
  });
  try {
    let left = reader.pending;
    const sequence = new DeliverySequence();
    while (left > 0) {
      signal.throwIfAborted();
      const messages: ConsumerMessages = await reader.consumer.fetch({
        max_messages: Math.min(left, 1_000),
        expires: idleMs,
        idle_heartbeat: 1_000,
      });
      const before = left;
      for await (const message of messages) {
        sequence.check(message);
        left -= 1;
        yield message;
      }
      if (left === before) left = await leftOf(reader, sequence.last);
    }
  } finally {
    await reader.drop();
  }
}

/** A message that expires between counting and reading never comes; one that was sent and did not arrive is a gap. */
async function leftOf(reader: Reader, received: number): Promise<number> {
  const { num_pending, delivered } = await reader.consumer.info();
  if (delivered.consumer_seq !== received) throw new GapError('messages of a reader did not arrive');
  return num_pending;
}

function startOf(since: number | undefined, lastPerSubject: boolean): Partial<ConsumerConfig> {
  if (lastPerSubject) return { deliver_policy: DeliverPolicy.LastPerSubject };
  if (since === undefined) return { deliver_policy: DeliverPolicy.All };
  return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: new Date(since).toISOString() };
}

interface Reader {
  readonly consumer: Consumer;
  readonly pending: number;
  readonly drop: () => Promise<void>;
}

async function openReader({ nats: { connection }, stream, subject }: StreamPlace, start: Partial<ConsumerConfig>): Promise<Reader> {
  const manager: JetStreamManager = await jetstreamManager(connection, { checkAPI: false, timeout: 3_000 });
  const info = await manager.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    replay_policy: ReplayPolicy.Instant,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: nanos(60_000),
    filter_subject: subject,
    ...start,
  });
  return {
    consumer: jetstream(connection, { timeout: 3_000 }).consumers.getConsumerFromInfo(info),
    pending: info.num_pending,
    drop: async () => {
      // Where it cannot be dropped now, the server drops it when nobody has read for a minute.
      await manager.consumers.delete(stream, info.name).catch(() => undefined);
    },
  };
}
