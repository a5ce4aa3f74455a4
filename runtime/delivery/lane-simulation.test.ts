/**
 * One seeded history of a lane: records arrive, owners crash and take over, targets answer, fail and fall silent, commits
 * are acknowledged late, lost or refused. The lane's own step runs against models of the journal, of the parked units and
 * of an upsert target. What the target saw and what the journal says is then judged by the invariants.
 */
import { expect, test } from 'vitest';
import type { Outcome } from '../connectors/connector.ts';
import type { PipelineConfig } from '../contract/config.ts';
import { firstJournalMessage } from '../contract/journal.ts';
import type { JournalMessage } from '../contract/journal.ts';
import type { ParkedMeta } from '../contract/parked-headers.ts';
import { hash128 } from '../expressions/environment.ts';
import { KeyMemory } from './key-memory.ts';
import { Lane } from './lane.ts';
import type { LaneEffect, LaneInput } from './lane-io.ts';
import type { Mapping } from './mapping.ts';
import type { ParkedWrite } from './outbox.ts';
import type { CapturedRecord } from './record.ts';
import { recallEvents } from './takeover.ts';
import type { ParkedPlace } from './unit.ts';
import { compileMapping } from './mapping.ts';
import { netSuite } from '../connectors/net-suite/definition.ts';

interface HistoryOptions {
  readonly seed: number;
  readonly records: readonly CapturedRecord[];
  readonly mappings: readonly [Mapping, ...Mapping[]];
  readonly limit: number;
  readonly lostCallHoldMs: number;
  /** How long a call may go on at the target at most, in ms. */
  readonly maxCallMs: number;
}

interface TargetCall {
  readonly keyHash: string;
  readonly seq: number;
  readonly startedAt: number;
  /** When the target is done with it, whether its caller lives or not. */
  readonly endsAt: number;
}

interface History {
  readonly journal: readonly JournalMessage[];
  readonly parked: ReadonlyMap<string, ParkedMeta>;
  readonly calls: readonly TargetCall[];
  readonly crashes: number;
  readonly mostInFlight: number;
}

interface RunningCall extends TargetCall {
  readonly id: string;
  readonly owner: number;
}

interface StoredParked {
  readonly place: ParkedPlace;
  readonly meta: ParkedMeta;
  readonly body: Uint8Array;
}

type CommitEffect = Extract<LaneEffect, { kind: 'commit' }>;

/** mulberry32: small, seeded, good enough to choose steps. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

class World {
  readonly options: HistoryOptions;
  readonly random: () => number;
  readonly journal: JournalMessage[] = [];
  readonly parked = new Map<string, StoredParked>();
  readonly calls: RunningCall[] = [];
  now = 1_000_000;
  crashes = 0;
  mostInFlight = 0;
  #stateSeq = 1;
  #lastOrder = '0';
  #owner = 0;
  #lane: Lane;
  #read = 0;
  #waiting: { id: string; seq: number }[] = [];
  #granted = new Set<string>();
  #kept = new Map<string, number>();
  #pendingCommit: CommitEffect | undefined;
  #loads: { id: string; place: ParkedPlace }[] = [];

  constructor(options: HistoryOptions) {
    this.options = options;
    this.random = randomFrom(options.seed);
    this.journal.push(firstJournalMessage({ cursor: 0, at: this.now, generation: 1 }));
    this.#lane = this.#takeOver();
    this.#perform(this.#lane.start(this.now));
  }

  get isSettled(): boolean {
    const last = this.journal.at(-1);
    const { records } = this.options;
    const isAtEnd = this.#read >= records.length && this.#pendingCommit === undefined;
    return (
      isAtEnd &&
      last?.window === 0 &&
      last.cursor === (records.at(-1)?.seq ?? 0) &&
      last.intents.length === 0 &&
      last.counters.retrying === 0
    );
  }

  /** One random step. `calm`: no more crashes and failures, so that the history ends. */
  turn(calm: boolean): void {
    const choice = this.random();
    if (!calm && choice < 0.01) this.#crash();
    else if (choice < 0.25) this.#readOne();
    else if (choice < 0.45) this.#endCommit(calm);
    else if (choice < 0.6) this.#grantOne();
    else if (choice < 0.85) this.#answerOne(calm);
    else if (choice < 0.9) this.#loadOne();
    else if (choice < 0.92) this.#step({ kind: 'circuit closed', openMs: Math.floor(this.random() * 1_000) });
    else this.#passTime();
  }

  #step(input: LaneInput): void {
    this.#perform(this.#lane.step(input, this.now));
  }

  #perform(effects: readonly LaneEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'commit':
          this.#pendingCommit = effect;
          break;
        case 'acquire':
          this.#waiting.push({ id: effect.id, seq: effect.seq });
          break;
        case 'call':
          this.#startCall(effect.id, effect.intentAt);
          break;
        case 'release':
        case 'drop':
          this.#granted.delete(effect.id);
          break;
        case 'keep slot':
          this.#granted.delete(effect.id);
          this.#kept.set(effect.id, effect.until);
          break;
        case 'load':
          this.#loads.push({ id: effect.id, place: effect.place });
          break;
      }
    }
  }

  #startCall(id: string, intentAt: number): void {
    if (this.now - intentAt >= this.options.lostCallHoldMs - this.options.maxCallMs) {
      // As the shell does: too late after its intent, so nothing is written to the socket.
      this.#tooLate.push(id);
      return;
    }
    const seq = Number(id.split('.')[0]);
    const record = this.options.records.find((each) => each.seq === seq);
    const length = 1 + Math.floor(this.random() * this.options.maxCallMs);
    this.calls.push({ id, seq, keyHash: record?.keyHash ?? '', startedAt: this.now, endsAt: this.now + length, owner: this.#owner });
    const running = this.calls.filter(({ endsAt }) => endsAt > this.now).length;
    this.mostInFlight = Math.max(this.mostInFlight, running);
  }

  /** Calls that were not made. */
  readonly #tooLate: string[] = [];

  #readOne(): void {
    const next = this.options.records[this.#read];
    if (next === undefined || this.#lane.room === 0) return;
    this.#read += 1;
    this.#step({ kind: 'record', record: next });
  }

  /** The commit in flight is stored; its acknowledgement may be lost with the owner. */
  #endCommit(calm: boolean): void {
    const commit = this.#pendingCommit;
    if (commit === undefined) return;
    const firstSeq = this.#store(commit);
    this.#pendingCommit = undefined;
    if (!calm && this.random() < 0.02) this.#crash();
    else this.#step({ kind: 'committed', firstSeq });
  }

  #store({ message, writes }: CommitEffect): number {
    const firstSeq = this.#stateSeq;
    for (const write of writes) this.#storeParked(write);
    this.journal.push(message);
    this.#stateSeq += 1;
    return firstSeq;
  }

  #storeParked({ place, content }: ParkedWrite): void {
    const name = `${place.keyHash}.${place.order}.${place.unit}`;
    const found = this.parked.get(name)?.place.seq ?? 0;
    if (found !== place.seq) throw new Error(`expected sequence ${place.seq} at ${name}, but it is ${found}`);
    if (place.order > this.#lastOrder) this.#lastOrder = place.order;
    if (content === undefined) this.parked.delete(name);
    else this.parked.set(name, { ...content, place: { ...place, seq: this.#stateSeq, meta: content.meta } });
    this.#stateSeq += 1;
  }

  #grantOne(): void {
    for (const [id, until] of this.#kept) if (until <= this.now) this.#kept.delete(id);
    if (this.#granted.size + this.#kept.size >= this.options.limit) return;
    const [next] = this.#waiting.toSorted((a, b) => a.seq - b.seq);
    if (next === undefined) return;
    this.#waiting = this.#waiting.filter((each) => each !== next);
    this.#granted.add(next.id);
    this.#step({ kind: 'granted', id: next.id });
  }

  #answerOne(calm: boolean): void {
    const late = this.#tooLate.shift();
    if (late !== undefined) {
      this.#step({ kind: 'answered', id: late, outcome: { kind: 'transient', reason: 'NotSent' }, counted: false, random: this.random() });
      return;
    }
    const ours = this.calls.filter((call) => !this.#answered.has(call) && call.owner === this.#owner && this.#granted.has(call.id));
    const call = ours[Math.floor(this.random() * ours.length)];
    if (call === undefined) return;
    const outcome = calm ? delivered : this.#outcome();
    // An answer comes when the target is done; silence (unknown) may come earlier.
    if (outcome.kind !== 'unknown') this.now = Math.max(this.now, call.endsAt);
    this.#answered.add(call);
    this.#step({ kind: 'answered', id: call.id, outcome, counted: this.random() < 0.7, random: this.random() });
  }

  readonly #answered = new Set<RunningCall>();

  #outcome(): Outcome {
    const choice = this.random();
    if (choice < 0.6) return delivered;
    if (choice < 0.7) return { kind: 'transient', reason: 'Busy' };
    if (choice < 0.75) return { kind: 'transient', reason: 'Busy', afterMs: 60_000 };
    if (choice < 0.8) return { kind: 'throttled', afterMs: 100 };
    if (choice < 0.85) return { kind: 'rejected', reason: 'Wrong' };
    if (choice < 0.9) return { kind: 'unauthorized', reason: 'Token' };
    return { kind: 'unknown', reason: 'Timeout' };
  }

  #loadOne(): void {
    const load = this.#loads.shift();
    if (load === undefined) return;
    const stored = [...this.parked.values()].find(({ place }) => place.seq === load.place.seq);
    const record = this.options.records.find(({ seq }) => seq === load.place.meta.seq);
    if (stored === undefined || record === undefined) throw new Error('a payload is asked for that is not there');
    this.#step({ kind: 'payload', id: load.id, record });
  }

  #passTime(): void {
    const next = this.#lane.nextWakeAt;
    this.now = Number.isFinite(next) && this.random() < 0.5 ? Math.max(this.now, next) : this.now + Math.floor(this.random() * 500);
    this.#step({ kind: 'tick' });
  }

  /** The owner dies with what it had in memory; a commit on its way is stored or not. */
  #crash(): void {
    this.crashes += 1;
    if (this.#pendingCommit !== undefined && this.random() < 0.5) this.#store(this.#pendingCommit);
    this.now += Math.floor(this.random() * 1_000);
    this.#lane = this.#takeOver();
    this.#perform(this.#lane.start(this.now));
  }

  #takeOver(): Lane {
    const last = this.journal.at(-1) ?? firstJournalMessage({ cursor: 0, at: this.now, generation: 1 });
    const memory = this.#recall(last);
    this.#owner += 1;
    this.#waiting = [];
    this.#granted.clear();
    this.#kept = new Map(last.intents.map((intent) => [`${intent.seq}.${intent.unit}`, intent.at + this.options.lostCallHoldMs + 2_000]));
    this.#loads = [];
    this.#tooLate.length = 0;
    this.#pendingCommit = undefined;
    const parked = [...this.parked.values()].map(({ place }) => ({ ...place })).toSorted((a, b) => (a.order < b.order ? -1 : 1));
    const { mappings, lostCallHoldMs, records } = this.options;
    const lane = new Lane({ lastOrder: this.#lastOrder, last, owner: `owner-${this.#owner}`, mappings, memory, parked, lostCallHoldMs });
    this.journal.push(lane.claim(this.now));
    this.#stateSeq += 1;
    this.#read = records.findIndex(({ seq }) => seq > last.cursor);
    if (this.#read === -1) this.#read = records.length;
    return lane;
  }

  #recall(last: JournalMessage): KeyMemory {
    const memory = new KeyMemory();
    for (const record of this.options.records.filter(({ seq }) => seq <= last.cursor)) {
      memory.saw(record, Date.parse(record.capturedAt));
    }
    for (const message of this.journal) recallEvents(memory, message);
    for (const { keyHash } of last.intents) memory.calling(keyHash);
    return memory;
  }
}

const delivered: Outcome = { kind: 'delivered', response: { status: 204 } };

/** Runs a history to its end. @throws Error when it does not come to an end, or the lane asks for the impossible */
function runHistory(options: HistoryOptions): History {
  const world = new World(options);
  const turns = options.records.length * 40;
  for (let turn = 0; turn < turns; turn += 1) world.turn(false);
  for (let turn = 0; !world.isSettled; turn += 1) {
    if (turn > turns * 50) throw new Error(`seed ${options.seed}: the history does not come to an end`);
    world.turn(true);
  }
  const parked = new Map([...world.parked].map(([name, { meta }]) => [name, meta]));
  return { journal: world.journal, parked, calls: world.calls, crashes: world.crashes, mostInFlight: world.mostInFlight };
}

/** A captured record of the simulation: key, version and content of its own. */
function simulatedRecord({ seq, key, version, cancelled, bad, sourceID }: SimulatedRecord): CapturedRecord {
  const body = JSON.stringify({ id: key, version, cancelled, bad, seq });
  return {
    seq,
    key,
    keyHash: hash128(key),
    topic: 'orders/updated',
    sourceID,
    version: String(version),
    capturedAt: new Date(1_000_000 + seq).toISOString(),
    body: new TextEncoder().encode(body),
  };
}

interface SimulatedRecord {
  readonly seq: number;
  readonly key: string;
  readonly version: number;
  readonly cancelled: boolean;
  readonly bad: boolean;
  readonly sourceID: string;
}

const pipeline = {
  generation: 1,
  namespace: 'shop',
  name: 'orders',
  source: { connector: 'shopify', topics: ['orders/updated'], key: 'record.id', version: 'record.version', cancel: 'record.cancelled' },
  lanes: 1,
  destinations: [
    {
      name: 'erp',
      connector: 'netsuite',
      suspended: false,
      validations: [{ name: 'good', rule: '!record.bad', reason: 'Bad', field: 'bad', message: 'is bad' }],
      operations: [
        {
          name: 'cancel',
          takes: ['Cancel'],
          member: 'netSuite',
          target: { record: 'salesOrder', operation: 'Update', externalID: '${record.id}' },
          body: { seq: '${record.seq}' },
        },
        {
          name: 'upsert',
          takes: ['Record'],
          member: 'netSuite',
          target: { record: 'salesOrder', operation: 'Upsert', externalID: '${record.id}' },
          body: { seq: '${record.seq}' },
        },
      ],
      retry: { forMs: 30_000, onUnknown: 'Retry' },
    },
  ],
} satisfies PipelineConfig;

function mapping(): Mapping {
  const [destination] = pipeline.destinations;
  return compileMapping(pipeline, destination ?? expect.fail(), netSuite.sink);
}

/** Records of a few keys: rising versions, now and then an older one, a duplicate, a bad one or a cancel. */
function randomRecords(seed: number, count: number): CapturedRecord[] {
  const random = randomFrom(seed * 7 + 1);
  const versions = new Map<string, number>();
  const records: { record: CapturedRecord; facts: SimulatedRecord }[] = [];
  for (let seq = 1; seq <= count; seq += 1) {
    const key = `k${Math.floor(random() * random() * 6)}`;
    const again = records.findLast(({ record }) => record.key === key);
    if (again !== undefined && random() < 0.1) {
      records.push({ facts: again.facts, record: { ...again.record, seq } });
      continue;
    }
    const newest = (versions.get(key) ?? 0) + 1;
    const version = random() < 0.1 ? Math.max(1, newest - 2) : newest;
    versions.set(key, Math.max(version, versions.get(key) ?? 0));
    const facts: SimulatedRecord = { seq, key, version, cancelled: random() < 0.08, bad: random() < 0.08, sourceID: `s${seq}` };
    records.push({ facts, record: simulatedRecord(facts) });
  }
  return records.map(({ record }) => record);
}

function unitsOf(message: JournalMessage): number {
  const { filtered, delivered: done, cancelled, discarded, superseded, held, failed, blocked, waiting, retrying, ready } = message.counters;
  const filteredUnits = Object.values(filtered).reduce((sum, each) => sum + each, 0);
  return done + filteredUnits + cancelled + discarded + superseded + held + failed + blocked + waiting + retrying + ready;
}

function judge(history: History, records: readonly CapturedRecord[], limit: number): string[] {
  const broken: string[] = [];
  for (const message of history.journal) {
    if (message.counters.passed !== unitsOf(message))
      broken.push(`B1: ${message.counters.passed} passed, ${unitsOf(message)} units at ordinal ${message.ordinal}`);
  }
  const last = history.journal.at(-1);
  if (last?.counters.passed !== records.length) broken.push(`D1: ${last?.counters.passed} of ${records.length} records passed`);
  if (history.mostInFlight > limit) broken.push(`L1: ${history.mostInFlight} calls in flight`);
  broken.push(
    ...endStates(history, records),
    ...Array.from(Map.groupBy(history.calls, ({ keyHash }) => keyHash).values()).flatMap(overlaps),
  );
  for (const keyHash of new Set(records.map((record) => record.keyHash))) broken.push(...versionsOf(keyHash, history, records));
  return broken;
}

function endStates({ journal, parked }: History, records: readonly CapturedRecord[]): string[] {
  const ends = new Map<number, string[]>();
  for (const event of journal.flatMap(({ events }) => events)) {
    if (event.kind === 'delivered' || event.kind === 'filtered') ends.set(event.seq, [...(ends.get(event.seq) ?? []), event.kind]);
  }
  for (const { seq, state } of parked.values()) ends.set(seq, [...(ends.get(seq) ?? []), state]);
  const twice = [...ends].filter(([, states]) => states.length > 1).map(([seq, states]) => `D1: ${seq} ended as ${states.join(' and ')}`);
  const without = records.filter(({ seq }) => !ends.has(seq)).length;
  const withdrawn = journal.at(-1)?.counters.cancelled ?? 0;
  return without === withdrawn ? twice : [...twice, `D1: ${without} records without an end, ${withdrawn} withdrawn`];
}

function overlaps(calls: readonly TargetCall[]): string[] {
  return calls
    .slice(1)
    .filter((call, index) => call.startedAt < (calls[index]?.endsAt ?? 0))
    .map((call) => `D2: a call for ${call.seq} began while another of its key was running`);
}

function versionsOf(keyHash: string, { calls, parked }: History, records: readonly CapturedRecord[]): string[] {
  const ofKey = records.filter((record) => record.keyHash === keyHash);
  const versionOf = (seq: number) => Number(ofKey.find((record) => record.seq === seq)?.version ?? 0);
  const made = calls.filter((call) => call.keyHash === keyHash);
  const backwards = made
    .slice(1)
    .filter((call, index) => versionOf(call.seq) < versionOf(made[index]?.seq ?? 0))
    .map((call) => `D2: ${call.seq} went after a newer version`);
  const isParked = [...parked.keys()].some((name) => name.startsWith(keyHash));
  const newest = Math.max(...ofKey.map(({ version }) => Number(version)));
  const lastCall = made.at(-1);
  const isBehind = !isParked && lastCall !== undefined && versionOf(lastCall.seq) < newest;
  return isBehind ? [...backwards, `C3: the target was left at version ${versionOf(lastCall.seq)} of ${newest}`] : backwards;
}

const histories = 150;

test('C3, D1, D2, B1, L1: hold in seeded histories of crashes, lost commits, silent targets and stale records', { timeout: 60_000 }, () => {
  let crashes = 0;
  for (let seed = 1; seed <= histories; seed += 1) {
    const records = randomRecords(seed, 60);
    const history = runHistory({ seed, records, mappings: [mapping()], limit: 5, lostCallHoldMs: 7_000, maxCallMs: 4_000 });
    expect(judge(history, records, 5), `seed ${seed}`).toEqual([]);
    crashes += history.crashes;
  }
  expect(crashes).toBeGreaterThan(histories);
});
