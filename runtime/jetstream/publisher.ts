/**
 * A lean JetStream publisher: one inbox for all answers and one sweep for all timeouts, instead of a subscription and a
 * timer per message.
 * What is published in one turn of the event loop goes to the socket at once: a write for each message would cost more than all the
 * rest, since it wakes the server each time.
 * Guarantee: a resolved publish has its PubAck. A rejected one may or may not be stored, but for RefusedError: that is not.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { MsgHdrsImpl } from '@nats-io/nats-core/internal';
import { createInbox } from '@nats-io/transport-node';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { z } from 'zod';

export interface PubAck {
  readonly seq: number;
  readonly duplicate: boolean;
}

/** The server refused the message: it is not stored. `code` is JetStream's error code. */
export class RefusedError extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`JetStream refused the message (${code})`);
    this.code = code;
  }
}

/** No answer came: the message may or may not be stored. */
export class NoAnswerError extends Error {}

export const refusalCodes = {
  wrongLastSequence: 10071,
  wrongLastSequenceUnknown: 10164,
  /** A stream with `discard: new` is full. */
  maximumBytes: 10077,
} as const;

const answer = z.object({
  seq: z.number().optional(),
  duplicate: z.boolean().optional(),
  error: z.object({ err_code: z.number().optional(), code: z.number() }).optional(),
});

export interface Publication {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: readonly (readonly [string, string])[];
}

interface Pending {
  readonly resolve: (ack: PubAck) => void;
  readonly reject: (error: Error) => void;
  readonly deadline: number;
}

function oneLine(value: string): string {
  if (value.includes('\n') || value.includes('\r')) throw new RangeError('the value of a header has a line break');
  return value;
}

export class Publisher {
  readonly #connection: NatsConnection;
  readonly #prefix: string;
  readonly #subscription: Subscription;
  readonly #pending = new Map<string, Pending>();
  readonly #stop = new AbortController();
  #outbox: { readonly id: string; readonly publication: Publication }[] = [];
  #next = 0;
  #sweeping = false;

  constructor(connection: NatsConnection) {
    this.#connection = connection;
    this.#prefix = `${createInbox()}.`;
    this.#subscription = connection.subscribe(`${this.#prefix}*`, { callback: (error, message) => this.#answered(error, message) });
  }

  /** One try. @throws RefusedError, NoAnswerError */
  publish(publication: Publication, timeoutMs: number): Promise<PubAck> {
    const id = (this.#next++).toString(36);
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, deadline: performance.now() + timeoutMs });
      this.#sweepLater();
      this.#outbox.push({ id, publication });
      if (this.#outbox.length === 1) setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    const outbox = this.#outbox;
    this.#outbox = [];
    for (const { id, publication } of outbox) {
      const pending = this.#pending.get(id);
      if (pending === undefined) continue;
      try {
        this.send(publication, `${this.#prefix}${id}`);
      } catch (cause) {
        this.#pending.delete(id);
        pending.reject(new NoAnswerError('the message could not be sent', { cause }));
      }
    }
  }

  /** Sends without waiting for an answer, as all but the last message of an atomic batch are. */
  send({ subject, payload, headers }: Publication, reply?: string): void {
    const natsHeaders = new MsgHdrsImpl();
    // Not by `set`, which makes 2 KB of garbage for each header; what it checks is checked here.
    for (const [name, value] of headers) natsHeaders.headers.set(name, [oneLine(value)]);
    this.#connection.publish(subject, payload, reply === undefined ? { headers: natsHeaders } : { headers: natsHeaders, reply });
  }

  close(): void {
    this.#stop.abort();
    this.#subscription.unsubscribe();
    for (const { reject } of this.#pending.values()) reject(new NoAnswerError('the publisher was closed'));
    this.#pending.clear();
  }

  #answered(error: Error | null, message: Msg): void {
    const id = message.subject.slice(this.#prefix.length);
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    if (error !== null || message.data.length === 0) {
      pending.reject(new NoAnswerError('nobody answered for the stream', { cause: error }));
      return;
    }
    const parsed = answer.safeParse(message.json());
    if (!parsed.success) pending.reject(new NoAnswerError('the answer is no PubAck', { cause: parsed.error }));
    else if (parsed.data.error !== undefined) pending.reject(new RefusedError(parsed.data.error.err_code ?? parsed.data.error.code));
    else pending.resolve({ seq: parsed.data.seq ?? 0, duplicate: parsed.data.duplicate ?? false });
  }

  #sweepLater(): void {
    if (this.#sweeping) return;
    this.#sweeping = true;
    // It cannot fail: its wait is caught, and rejecting a publish does not throw.
    void this.#sweep();
  }

  async #sweep(): Promise<void> {
    while (this.#pending.size > 0 && !this.#stop.signal.aborted) {
      await delay(100, undefined, { signal: this.#stop.signal }).catch(() => undefined); // aborted: the loop ends
      this.#expire(performance.now());
    }
    this.#sweeping = false;
  }

  #expire(now: number): void {
    for (const [id, { deadline, reject }] of this.#pending) {
      if (deadline > now) continue;
      this.#pending.delete(id);
      reject(new NoAnswerError('no answer in time'));
    }
  }
}
