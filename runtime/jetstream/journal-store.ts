/**
 * Reads and writes one lane's journal and its parked units. The fence (D2): every write carries the head it was made
 * after, and the server refuses it when there is a newer one. One commit at a time.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamManager } from '@nats-io/jetstream';
import { nuid } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { journalMessage } from '../contract/journal.ts';
import type { JournalMessage } from '../contract/journal.ts';
import { journalSubject, parkedSubject, stateStream } from '../contract/names.ts';
import type { LaneName } from '../contract/names.ts';
import { parkedHeader } from '../contract/parked-headers.ts';
import type { ParkedWrite } from '../delivery/outbox.ts';
import { NoAnswerError, RefusedError, refusalCodes } from './publisher.ts';
import type { Publication, Publisher } from './publisher.ts';

export interface JournalHead {
  readonly seq: number;
  readonly message: JournalMessage;
}

/** The server goes on refusing a commit that no other owner has overtaken. */
class CommitRefusedError extends Error {
  constructor(subject: string, cause: RefusedError) {
    super(`a commit to ${subject} is refused again and again (${cause.code})`, { cause });
  }
}

export type CommitResult = { readonly kind: 'committed'; readonly headSeq: number; readonly firstSeq: number } | { readonly kind: 'lost' };

/** The lane has no journal yet, or one of a version this build does not know. */
export class JournalUnreadableError extends Error {}

const expectedSequence = 'Nats-Expected-Last-Subject-Sequence';
const tombstoneTTL = '1h';
const attemptTimeoutMs = 2_000;
const empty = new Uint8Array();
const encoder = new TextEncoder();

export class JournalStore {
  readonly #lane: LaneName;
  readonly #publisher: Publisher;
  readonly #manager: JetStreamManager;
  readonly #stream: string;
  readonly #subject: string;

  static async open(lane: LaneName, connection: NatsConnection, publisher: Publisher): Promise<JournalStore> {
    return new JournalStore(lane, publisher, await jetstreamManager(connection, { checkAPI: false, timeout: attemptTimeoutMs }));
  }

  private constructor(lane: LaneName, publisher: Publisher, manager: JetStreamManager) {
    this.#lane = lane;
    this.#publisher = publisher;
    this.#manager = manager;
    this.#stream = stateStream(lane.pipeline);
    this.#subject = journalSubject(lane);
  }

  /** The newest journal message, from the stream's leader. @throws JournalUnreadableError, or what the client throws while NATS is away */
  async readHead(): Promise<JournalHead> {
    const stored = await this.#manager.streams.getMessage(this.#stream, { last_by_subj: this.#subject });
    if (stored === null) throw new JournalUnreadableError(`the lane ${this.#subject} has no journal`);
    const parsed = journalMessage.safeParse(stored.json());
    if (!parsed.success) {
      throw new JournalUnreadableError(`the journal of ${this.#subject} was written by a newer version`, { cause: parsed.error });
    }
    return { seq: stored.seq, message: parsed.data };
  }

  /**
   * Writes the journal message after `headSeq`, with the parked units it speaks of, all or nothing. Goes on through
   * losses of connection until it knows the result. `lost`: another owner has written; nothing of this commit is stored.
   */
  async commit(
    message: JournalMessage,
    writes: readonly ParkedWrite[],
    { headSeq, signal }: { headSeq: number; signal: AbortSignal },
  ): Promise<CommitResult> {
    for (let attempt = 0; ; attempt += 1) {
      signal.throwIfAborted();
      try {
        const ack = await this.#write(message, writes, headSeq);
        return { kind: 'committed', headSeq: ack.seq, firstSeq: ack.seq - writes.length };
      } catch (error) {
        if (!(error instanceof NoAnswerError || error instanceof RefusedError)) throw error;
        const known = await this.#whatHappened(message, headSeq, signal);
        if (known.kind === 'lost') return known;
        if (known.kind === 'committed') return { ...known, firstSeq: known.headSeq - writes.length };
        // Refused although the head is still the one it was made after: a parked unit is not where the lane thinks it is.
        if (error instanceof RefusedError && error.code === refusalCodes.wrongLastSequence && attempt >= 5) return { kind: 'lost' };
        if (error instanceof RefusedError && attempt >= 20) throw new CommitRefusedError(this.#subject, error);
        await delay(Math.min(50 * 2 ** attempt, 1_000), undefined, { signal });
      }
    }
  }

  async #whatHappened(
    message: JournalMessage,
    headSeq: number,
    signal: AbortSignal,
  ): Promise<{ kind: 'committed'; headSeq: number } | { kind: 'lost' } | { kind: 'not written' }> {
    const head = await this.#readHeadPatiently(signal);
    if (head.seq === headSeq) return { kind: 'not written' };
    const { epoch, owner, ordinal } = head.message;
    const isOurs = epoch === message.epoch && owner === message.owner && ordinal === message.ordinal;
    return isOurs ? { kind: 'committed', headSeq: head.seq } : { kind: 'lost' };
  }

  async #readHeadPatiently(signal: AbortSignal): Promise<JournalHead> {
    for (;;) {
      signal.throwIfAborted();
      try {
        return await this.readHead();
      } catch (error) {
        if (error instanceof JournalUnreadableError) throw error;
        await delay(250, undefined, { signal }); // NATS is away: the answer is worth waiting for
      }
    }
  }

  #write(message: JournalMessage, writes: readonly ParkedWrite[], headSeq: number): Promise<{ seq: number }> {
    const journal: Publication = {
      subject: this.#subject,
      payload: encoder.encode(JSON.stringify(message)),
      headers: [[expectedSequence, String(headSeq)]],
    };
    if (writes.length === 0) return this.#publisher.publish(journal, attemptTimeoutMs);
    const batch = nuid.next();
    const messages = [...writes.map((write) => this.#parked(write)), journal].map((publication, index, all) => ({
      ...publication,
      headers: [
        ...publication.headers,
        ['Nats-Batch-Id', batch],
        ['Nats-Batch-Sequence', String(index + 1)],
        ...(index === all.length - 1 ? [['Nats-Batch-Commit', '1'] as const] : []),
      ] as const,
    }));
    const last = messages.pop();
    if (last === undefined) return Promise.reject(new NoAnswerError('an empty batch'));
    for (const publication of messages) this.#publisher.send(publication);
    return this.#publisher.publish(last, attemptTimeoutMs);
  }

  #parked({ place, content }: ParkedWrite): Publication {
    const subject = parkedSubject(this.#lane, place);
    const expected = [expectedSequence, String(place.seq)] as const;
    const rollup = place.seq === 0 ? [] : [['Nats-Rollup', 'sub'] as const];
    if (content === undefined) return { subject, payload: empty, headers: [expected, ...rollup, ['Nats-TTL', tombstoneTTL]] };
    return { subject, payload: content.body, headers: [expected, ...rollup, [parkedHeader, JSON.stringify(content.meta)]] };
  }
}
