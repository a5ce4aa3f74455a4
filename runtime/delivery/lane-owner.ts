/**
 * The shell around a lane's step: it claims the lane, reads capture, and performs the effects. It knows no rules.
 * Whoever owns a lane finds out by a refused commit that somebody else does: then everything here stops (D2).
 */
import { setImmediate, setTimeout as delay } from 'node:timers/promises';
import { parseCaptureHeaders } from '../contract/capture-headers.ts';
import { captureStream, captureSubject } from '../contract/names.ts';
import type { LaneName } from '../contract/names.ts';
import { hash128 } from '../expressions/environment.ts';
import type { SlotGovernor } from '../governor/slots.ts';
import type { Sink } from '../connectors/connector.ts';
import type { Nats } from '../jetstream/connection.ts';
import { JournalStore } from '../jetstream/journal-store.ts';
import type { JournalHead } from '../jetstream/journal-store.ts';
import type { ParkedPayloads } from '../jetstream/parked-payloads.ts';
import type { Publisher } from '../jetstream/publisher.ts';
import { readAfter } from '../jetstream/stream-reader.ts';
import { Lane } from './lane.ts';
import { openCalls } from './lane-io.ts';
import type { LaneEffect, LaneInput } from './lane-io.ts';
import type { Mapping } from './mapping.ts';
import { readParked, recallMemory } from './takeover.ts';

export interface LaneWorld {
  readonly nats: Nats;
  readonly publisher: Publisher;
  readonly payloads: ParkedPayloads;
  readonly governor: SlotGovernor;
  readonly sink: Sink;
  readonly lostCallHoldMs: number;
  readonly owner: string;
  /** Epoch ms. */
  readonly now: () => number;
  readonly random: () => number;
  /** A call must be on the wire within this time of its intent, in ms: later its quarantine might be over. */
  readonly startWithinMs: number;
  /** Told to all lanes of the account. */
  readonly circuitClosed: (openMs: number) => void;
}

/** Another owner has taken the lane. */
export class LaneLostError extends Error {}

/** What a unit's slot is known by within the pod. */
export function slotID({ pipeline, destination, lane }: LaneName, id: string): string {
  return `${pipeline.namespace}/${pipeline.name}/${destination}/${lane}/${id}`;
}

type Effect<K extends LaneEffect['kind']> = Extract<LaneEffect, { kind: K }>;

export class LaneOwner {
  readonly name: LaneName;
  readonly #world: LaneWorld;
  readonly #store: JournalStore;
  readonly #lane: Lane;
  readonly #stop = new AbortController();
  readonly #failed: PromiseWithResolvers<never> = Promise.withResolvers();
  readonly #calls = new Set<Promise<void>>();
  #headSeq: number;
  #reading = true;
  #roomAwaited: (() => void) | undefined;
  #committing: Promise<void> = Promise.resolve();

  /** Takes the lane: from here nothing of an earlier owner is accepted. @throws LaneLostError when somebody else was quicker */
  static async take(
    name: LaneName,
    mappings: readonly [Mapping, ...Mapping[]],
    { world, signal }: { world: LaneWorld; signal: AbortSignal },
  ): Promise<LaneOwner> {
    const store = await JournalStore.open(name, world.nats.connection, world.publisher);
    const head = await store.readHead();
    const place = { nats: world.nats, lane: name };
    const [memory, { parked, lastOrder }] = await Promise.all([
      recallMemory(place, head.message, { now: world.now(), signal }),
      readParked(place, signal),
    ]);
    const { lostCallHoldMs, owner } = world;
    const lane = new Lane({ last: head.message, owner, mappings, memory, parked, lastOrder, lostCallHoldMs });
    const claimed = await store.commit(lane.claim(world.now()), [], { headSeq: head.seq, signal });
    if (claimed.kind === 'lost') throw new LaneLostError(`somebody else has taken lane ${name.lane} of ${name.destination}`);
    return new LaneOwner(name, { world, store, lane, head: { seq: claimed.headSeq, message: head.message } });
  }

  private constructor(
    name: LaneName,
    { world, store, lane, head }: { world: LaneWorld; store: JournalStore; lane: Lane; head: JournalHead },
  ) {
    this.name = name;
    this.#world = world;
    this.#store = store;
    this.#lane = lane;
    this.#headSeq = head.seq;
    for (const { id, until } of openCalls(head.message, world.lostCallHoldMs)) world.governor.keep(this.#slotID(id), until);
  }

  /** Works until the signal aborts, then finishes the calls that run. @throws LaneLostError, or what made going on impossible */
  async run(signal: AbortSignal): Promise<void> {
    const reading = this.#read(AbortSignal.any([signal, this.#stop.signal]));
    const ticking = this.#tick();
    this.#perform(this.#lane.start(this.#world.now()));
    try {
      await Promise.race([reading, this.#failed.promise]);
      this.#world.governor.forget((id) => id.startsWith(this.#slotID('')));
      await Promise.race([this.#settleAll(), this.#failed.promise]);
    } finally {
      this.#reading = false;
      this.#stop.abort();
      this.#world.governor.forget((id) => id.startsWith(this.#slotID('')));
      await Promise.allSettled([reading, ticking, ...this.#calls]);
    }
  }

  /** The circuit of the account has closed. */
  circuitClosed(openMs: number): void {
    this.#step({ kind: 'circuit closed', openMs });
  }

  async #settleAll(): Promise<void> {
    this.#reading = false;
    // A commit may begin calls, and calls begin commits: done when neither has.
    for (let before: Promise<void> | undefined; before !== this.#committing || this.#calls.size > 0;) {
      before = this.#committing;
      await before;
      await Promise.allSettled(this.#calls);
    }
  }

  #step(input: LaneInput): void {
    if (this.#stop.signal.aborted) return;
    this.#perform(this.#lane.step(input, this.#world.now()));
    if (this.#lane.room > 0) {
      this.#roomAwaited?.();
      this.#roomAwaited = undefined;
    }
  }

  #perform(effects: readonly LaneEffect[]): void {
    for (const effect of effects) this.#performOne(effect);
  }

  #performOne(effect: LaneEffect): void {
    const { governor, now } = this.#world;
    switch (effect.kind) {
      case 'commit':
        this.#committing = this.#commit(effect).catch((error: unknown) => this.#failed.reject(error));
        return;
      case 'acquire':
        this.#acquire(effect);
        return;
      case 'call':
        this.#track(this.#call(effect));
        return;
      case 'release':
        governor.release(this.#slotID(effect.id), now());
        return;
      case 'drop':
        governor.dropped(this.#slotID(effect.id), now());
        return;
      case 'keep slot':
        governor.keep(this.#slotID(effect.id), effect.until);
        return;
      case 'load':
        this.#track(this.#load(effect));
    }
  }

  #track(work: Promise<void>): void {
    const tracked = work.catch((error: unknown) => this.#failed.reject(error));
    this.#calls.add(tracked);
    void tracked.finally(() => this.#calls.delete(tracked));
  }

  #slotID(id: string): string {
    return slotID(this.name, id);
  }

  async #commit({ message, writes }: Effect<'commit'>): Promise<void> {
    const result = await this.#store.commit(message, writes, { headSeq: this.#headSeq, signal: this.#stop.signal });
    if (result.kind === 'lost') throw new LaneLostError(`somebody else has taken lane ${this.name.lane} of ${this.name.destination}`);
    this.#headSeq = result.headSeq;
    this.#step({ kind: 'committed', firstSeq: result.firstSeq });
  }

  #acquire({ id, capturedAt, seq }: Effect<'acquire'>): void {
    // A pod that is stopping begins no call.
    if (!this.#reading) return;
    const { governor, now } = this.#world;
    // Granted on a later turn: a grant inside a step would be a step within a step.
    const grant = () => queueMicrotask(() => this.#granted(id));
    governor.request({ id: this.#slotID(id), capturedAt, seq, grant }, now());
  }

  #granted(id: string): void {
    if (this.#reading) this.#step({ kind: 'granted', id });
    else this.#world.governor.dropped(this.#slotID(id), this.#world.now());
  }

  async #call({ id, prepared, intentAt }: Effect<'call'>): Promise<void> {
    const { sink, governor, now, random } = this.#world;
    const outcome = await sink.send(prepared.call, { beforeWrite: this.#mayStill(intentAt) }, this.#stop.signal);
    const { counted, closedAfterMs } = governor.report(this.#slotID(id), outcome, now());
    this.#step({ kind: 'answered', id, outcome, counted, random: random() });
    if (closedAfterMs !== undefined) this.#world.circuitClosed(closedAfterMs);
  }

  /** Asked as the request goes to the socket: by the wall clock and by the monotonic one, which stands still while a VM is suspended. */
  #mayStill(intentAt: number): () => boolean {
    const { now, startWithinMs } = this.#world;
    const since = performance.now() - (now() - intentAt);
    return () => !this.#stop.signal.aborted && now() - intentAt < startWithinMs && performance.now() - since < startWithinMs;
  }

  async #load({ id, place }: Effect<'load'>): Promise<void> {
    const record = await this.#world.payloads.read(this.name, place, this.#stop.signal);
    this.#step({ kind: 'payload', id, record });
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { pipeline, lane } = this.name;
    const place = { nats: this.#world.nats, stream: captureStream(pipeline), subject: captureSubject(pipeline, lane) };
    for await (const message of readAfter(place, this.#lane.cursor, { want: () => this.#room(signal), signal })) {
      const meta = parseCaptureHeaders((name) => message.headers?.get(name) ?? '');
      this.#step({ kind: 'record', record: { ...meta, seq: message.seq, keyHash: hash128(meta.key), body: message.data } });
      // Answers, grants and acknowledgements come first: reading ahead is never urgent.
      await setImmediate();
    }
  }

  /** Waits until the lane takes more. */
  async #room(signal: AbortSignal): Promise<number> {
    while (this.#lane.room === 0 && !signal.aborted) {
      const awaited = Promise.withResolvers<void>();
      this.#roomAwaited = awaited.resolve;
      await Promise.race([awaited.promise, delay(1_000)]);
    }
    return Math.max(1, Math.min(this.#lane.room, 200));
  }

  async #tick(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const wait = Math.min(1_000, Math.max(10, this.#lane.nextWakeAt - this.#world.now()));
      await delay(wait, undefined, { signal: this.#stop.signal }).catch(() => undefined); // aborted: the loop ends
      if (this.#lane.nextWakeAt <= this.#world.now()) this.#step({ kind: 'tick' });
    }
  }
}
