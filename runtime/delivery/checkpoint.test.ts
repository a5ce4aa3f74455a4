import fc from 'fast-check';
import { expect, test } from 'vitest';
import { emptyCounters, filterReason, firstJournalMessage, journalMessage } from '../contract/journal.ts';
import type { Counters, FilterReason, Intent, JournalMessage } from '../contract/journal.ts';
import { checkpointFrom, takeCommit, unitID } from './checkpoint.ts';
import type { Change, Checkpoint, ParkedLabel } from './checkpoint.ts';

const owner = { name: 'pod-1', generation: 4 };
const first = firstJournalMessage({ cursor: 10, at: 0, generation: 1 });

function fresh(last: JournalMessage = first): Checkpoint {
  return checkpointFrom(last, owner);
}

function intent(seq: number, attempt = 1): Intent {
  return { seq, keyHash: 'h', unit: '_', attempt, callKey: `c${seq}`, at: 5, generation: 4 };
}

function reads(...seqs: number[]): Change[] {
  return seqs.map((seq) => ({ kind: 'read', seq }));
}

function filtered(seq: number): Change[] {
  return [
    { kind: 'passed', seq },
    { kind: 'filtered', reason: 'Stale' },
  ];
}

test('a new owner goes on from the last message, one epoch later, and changes nothing else', () => {
  const last: JournalMessage = {
    ...first,
    epoch: 6,
    ordinal: 17,
    cursor: 20,
    done: [2, 5],
    window: 3,
    intents: [intent(21)],
    counters: { ...emptyCounters(), passed: 2, filtered: { Stale: 2 }, calls: 9 },
    events: [{ kind: 'filtered', seq: 22, keyHash: 'h', unit: '_', at: 1, reason: 'Stale' }],
  };
  expect(takeCommit(fresh(last), [], 99)).toStrictEqual({
    ...last,
    epoch: 7,
    owner: 'pod-1',
    ordinal: 18,
    at: 99,
    generation: 4,
    window: 0,
    events: [],
  });
});

test('D1: the cursor stops before the first record that has not passed; what passed above it is done', () => {
  const checkpoint = fresh();
  const one = takeCommit(checkpoint, [...reads(12, 15, 16, 30), ...filtered(15), ...filtered(30)], 1);
  expect([one.cursor, one.done, one.window]).toEqual([10, [5, 20], 2]);
  const two = takeCommit(checkpoint, filtered(12), 2);
  expect([two.cursor, two.done, two.window]).toEqual([15, [15], 1]);
  const three = takeCommit(checkpoint, filtered(16), 3);
  expect([three.cursor, three.done, three.window]).toEqual([30, [], 0]);
});

test('D1: a record that passed before it is read again by the next owner is not passed twice', () => {
  const before = fresh();
  const last = takeCommit(before, [...reads(11, 12, 13), ...filtered(12)], 1);
  const next = fresh(last);
  const message = takeCommit(next, [...reads(11, 12, 13), ...filtered(11)], 2);
  expect([message.cursor, message.done, message.window, message.counters.passed]).toEqual([12, [], 1, 2]);
});

test('events are those of this commit alone, in the order they were decided', () => {
  const checkpoint = fresh();
  const event = (seq: number) => ({ kind: 'filtered', seq, keyHash: 'h', unit: '_', at: 1, reason: 'Stale' }) as const;
  const one = takeCommit(
    checkpoint,
    [
      { kind: 'event', event: event(12) },
      { kind: 'event', event: event(11) },
    ],
    1,
  );
  expect(one.events).toEqual([event(12), event(11)]);
  expect(takeCommit(checkpoint, [], 2).events).toEqual([]);
});

test('D2: an intent stays until it is closed, and says when its end is unknown', () => {
  const checkpoint = fresh();
  const begun = takeCommit(
    checkpoint,
    [
      { kind: 'intent', intent: intent(11) },
      { kind: 'intent', intent: intent(12) },
    ],
    1,
  );
  expect([begun.intents, begun.counters.calls]).toEqual([[intent(11), intent(12)], 2]);
  const unknown = takeCommit(checkpoint, [{ kind: 'intent unknown', id: unitID({ seq: 11, unit: '_' }) }], 2);
  expect(unknown.intents).toEqual([{ ...intent(11), unknown: true }, intent(12)]);
  const closed = takeCommit(checkpoint, [{ kind: 'intent closed', id: '12._', throttled: true }], 3);
  expect([closed.intents, closed.counters.throttled]).toEqual([[{ ...intent(11), unknown: true }], 1]);
  const again = takeCommit(checkpoint, [{ kind: 'intent', intent: intent(11, 2) }], 4);
  expect([again.intents, again.counters.calls]).toEqual([[intent(11, 2)], 3]);
  const ended = takeCommit(checkpoint, [{ kind: 'intent closed', id: '11._', throttled: false }], 5);
  expect([ended.intents, ended.counters.throttled]).toEqual([[], 1]);
  expect(takeCommit(checkpoint, [{ kind: 'intent unknown', id: '11._' }], 6).intents).toEqual([]);
});

test('a message is not changed by what comes after it', () => {
  const checkpoint = fresh();
  const one = takeCommit(checkpoint, [...reads(11), { kind: 'parked', to: { state: 'failed', reason: 'X' } }], 1);
  const copy = structuredClone(one);
  takeCommit(
    checkpoint,
    [...filtered(11), { kind: 'parked', to: { state: 'failed', reason: 'Y' }, from: { state: 'failed', reason: 'X' } }],
    2,
  );
  expect(one).toStrictEqual(copy);
});

test('failures are counted by reason and field, and a reason that is gone is not shown', () => {
  const checkpoint = fresh();
  const failed = (reason: string, field?: string): ParkedLabel => ({ state: 'failed', reason, ...(field === undefined ? {} : { field }) });
  const park = (to: ParkedLabel): Change => ({ kind: 'parked', to });
  const one = takeCommit(
    checkpoint,
    [park(failed('Invalid', 'addr1')), park(failed('Invalid', 'addr1')), park(failed('Invalid')), park({ state: 'blocked' })],
    1,
  );
  expect([one.counters.failed, one.counters.blocked, one.counters.failedBy]).toEqual([3, 1, { 'Invalid|addr1': 2, Invalid: 1 }]);
  const two = takeCommit(
    checkpoint,
    [
      { kind: 'unparked', from: failed('Invalid') },
      { kind: 'parked', from: { state: 'blocked' }, to: { state: 'retrying', reason: 'X' } },
    ],
    2,
  );
  expect([two.counters.failed, two.counters.blocked, two.counters.retrying, two.counters.failedBy]).toEqual([
    2,
    0,
    1,
    { 'Invalid|addr1': 2 },
  ]);
});

test.each<[string, (labels: number[]) => number[]]>([
  ['the shown ones first', (labels) => labels],
  ['the others first', (labels) => labels.toReversed()],
])('the 50 first reasons are shown, the rest as Other, and none goes below zero when they go, %s', (_, inOrder) => {
  const checkpoint = fresh();
  const label = (index: number): ParkedLabel => ({ state: 'failed', reason: `R${index}` });
  const all = Array.from({ length: 60 }, (__, index) => index);
  const parked = all.map((index): Change => ({ kind: 'parked', to: label(index) }));
  const { failedBy } = takeCommit(checkpoint, parked, 1).counters;
  expect([Object.keys(failedBy).length, failedBy['R49'], failedBy['R50'], failedBy['Other']]).toEqual([51, 1, undefined, 10]);
  inOrder(all).forEach((index, gone) => {
    const { counters } = takeCommit(checkpoint, [{ kind: 'unparked', from: label(index) }], 2);
    expect(counters.failed).toBe(59 - gone);
    expect(sum(Object.values(counters.failedBy))).toBe(59 - gone);
    expect(Object.values(counters.failedBy).every((count) => count > 0)).toBe(true);
  });
});

const reasons: readonly FilterReason[] = filterReason.options;
type End = 'delivered' | 'cancelled' | 'discarded' | FilterReason;
type State = 'failed' | 'blocked' | 'retrying';

type Op =
  | { readonly kind: 'read'; readonly gap: number }
  | { readonly kind: 'finish'; readonly pick: number; readonly as: End }
  | { readonly kind: 'park'; readonly pick: number; readonly state: State; readonly reason: number }
  | { readonly kind: 'repark'; readonly pick: number; readonly state: State; readonly reason: number }
  | { readonly kind: 'unpark'; readonly pick: number; readonly as: End }
  | { readonly kind: 'call'; readonly pick: number }
  | { readonly kind: 'answer'; readonly pick: number; readonly how: 'closed' | 'throttled' | 'unknown' }
  | { readonly kind: 'commit' }
  | { readonly kind: 'takeover' };

const pick = fc.nat(30);
const end = fc.constantFrom<End>('delivered', 'cancelled', 'discarded', ...reasons);
const state = fc.constantFrom<State>('failed', 'failed', 'blocked', 'retrying');
const reason = fc.nat(120);
const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('read' as const), gap: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('finish' as const), pick, as: end }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('park' as const), pick, state, reason }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('repark' as const), pick, state, reason }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('unpark' as const), pick, as: end }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('call' as const), pick }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      pick,
      how: fc.constantFrom('closed' as const, 'throttled' as const, 'unknown' as const),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ kind: 'commit' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'takeover' as const }) },
);

/** What a lane did, kept as plain lists, and what of it is durable. */
interface Books {
  /** All records read, ascending. */
  read: number[];
  passed: number[];
  ends: End[];
  parked: { seq: number; label: ParkedLabel }[];
  open: { seq: number; unknown: boolean }[];
  calls: number;
  throttled: number;
}

function labelOf(wanted: State, number: number): ParkedLabel {
  if (wanted === 'blocked') return { state: wanted };
  return { state: wanted, reason: `R${number}`, ...(number % 3 === 0 ? { field: 'f' } : {}) };
}

function changesOf(as: End): Change {
  return as === 'delivered' || as === 'cancelled' || as === 'discarded'
    ? { kind: 'counted', as, count: 1 }
    : { kind: 'filtered', reason: as };
}

class Owner {
  books: Books = { read: [], passed: [], ends: [], parked: [], open: [], calls: 0, throttled: 0 };
  checkpoint: Checkpoint = fresh();
  #durable: Books = structuredClone(this.books);
  #last: JournalMessage = first;
  #changes: Change[] = [];
  #highest = first.cursor;

  perform(each: Op): void {
    switch (each.kind) {
      case 'read':
        this.#highest += each.gap;
        this.books.read.push(this.#highest);
        this.#changes.push({ kind: 'read', seq: this.#highest });
        return;
      case 'finish':
      case 'park':
        this.#pass(each);
        return;
      case 'repark':
      case 'unpark':
        this.#changeParked(each);
        return;
      case 'call':
      case 'answer':
        this.#call(each);
        return;
      case 'commit':
        this.#commit();
        return;
      case 'takeover':
        this.#takeOver();
    }
  }

  #pass(each: Extract<Op, { kind: 'finish' | 'park' }>): void {
    const window = this.books.read.filter((seq) => !this.books.passed.includes(seq));
    const seq = window[each.pick % Math.max(1, window.length)];
    if (seq === undefined) return;
    this.books.passed.push(seq);
    this.#changes.push({ kind: 'passed', seq });
    if (each.kind === 'finish') {
      this.books.ends.push(each.as);
      this.#changes.push(changesOf(each.as));
      return;
    }
    const label = labelOf(each.state, each.reason);
    this.books.parked.push({ seq, label });
    this.#changes.push({ kind: 'parked', to: label });
  }

  #changeParked(each: Extract<Op, { kind: 'repark' | 'unpark' }>): void {
    const unit = this.books.parked[each.pick % Math.max(1, this.books.parked.length)];
    if (unit === undefined) return;
    if (each.kind === 'unpark') {
      this.books.parked = this.books.parked.filter((other) => other !== unit);
      this.books.ends.push(each.as);
      this.#changes.push({ kind: 'unparked', from: unit.label }, changesOf(each.as));
      return;
    }
    const to = labelOf(each.state, each.reason);
    this.#changes.push({ kind: 'parked', to, from: unit.label });
    unit.label = to;
  }

  #call(each: Extract<Op, { kind: 'call' | 'answer' }>): void {
    const { books } = this;
    if (each.kind === 'call') {
      const seq = books.read[each.pick % Math.max(1, books.read.length)];
      if (seq === undefined || books.open.some((call) => call.seq === seq)) return;
      books.open.push({ seq, unknown: false });
      books.calls += 1;
      this.#changes.push({ kind: 'intent', intent: intent(seq) });
      return;
    }
    const call = books.open[each.pick % Math.max(1, books.open.length)];
    if (call === undefined) return;
    const id = unitID({ seq: call.seq, unit: '_' });
    if (each.how === 'unknown') {
      call.unknown = true;
      this.#changes.push({ kind: 'intent unknown', id });
      return;
    }
    books.open = books.open.filter((other) => other !== call);
    books.throttled += each.how === 'throttled' ? 1 : 0;
    this.#changes.push({ kind: 'intent closed', id, throttled: each.how === 'throttled' });
  }

  #commit(): void {
    const before = this.#last;
    this.#last = takeCommit(this.checkpoint, this.#changes, 1);
    this.#changes = [];
    this.#durable = structuredClone(this.books);
    expect(this.#last.ordinal).toBe(before.ordinal + 1);
    expect(this.#last.cursor).toBeGreaterThanOrEqual(before.cursor);
    checkAgainst(this.#last, this.books);
  }

  /** What was not committed never happened; the records above the cursor are read again. */
  #takeOver(): void {
    this.checkpoint = fresh(this.#last);
    this.books = structuredClone(this.#durable);
    this.#changes = [];
    for (const seq of this.books.read) {
      if (seq > this.#last.cursor) this.#changes.push({ kind: 'read', seq });
    }
    this.#highest = Math.max(first.cursor, ...this.books.read);
    this.#commit();
  }
}

function sum(numbers: Iterable<number | undefined>): number {
  return [...numbers].reduce<number>((total, each) => total + (each ?? 0), 0);
}

function checkAgainst(message: JournalMessage, books: Books): void {
  journalMessage.parse(message);
  const passed = new Set(books.passed);
  const firstOpen = books.read.findIndex((seq) => !passed.has(seq));
  const prefix = firstOpen === -1 ? books.read : books.read.slice(0, firstOpen);
  expect(message.cursor).toBe(prefix.at(-1) ?? first.cursor);
  expect(message.done).toEqual(books.read.filter((seq) => passed.has(seq) && seq > message.cursor).map((seq) => seq - message.cursor));
  expect(message.window).toBe(books.read.length - passed.size);
  expect(message.intents).toEqual(books.open.map((call) => ({ ...intent(call.seq), ...(call.unknown ? { unknown: true } : {}) })));
  const { counters } = message;
  expect(counters.passed).toBe(passed.size);
  expect(unitsOf(counters)).toBe(passed.size);
  for (const as of ['delivered', 'cancelled', 'discarded'] as const)
    expect(counters[as]).toBe(books.ends.filter((each) => each === as).length);
  for (const as of reasons) expect(counters.filtered[as] ?? 0).toBe(books.ends.filter((each) => each === as).length);
  for (const as of ['failed', 'blocked', 'retrying'] as const)
    expect(counters[as]).toBe(books.parked.filter(({ label }) => label.state === as).length);
  expect([counters.held, counters.waiting, counters.ready, counters.superseded]).toEqual([0, 0, 0, 0]);
  expect([counters.calls, counters.throttled]).toEqual([books.calls, books.throttled]);
  expect(sum(Object.values(counters.failedBy))).toBe(counters.failed);
  expect(Object.values(counters.failedBy).every((count) => count > 0)).toBe(true);
  expect(Object.keys(counters.failedBy).length).toBeLessThanOrEqual(51);
}

/** B1: the right side of the books. */
function unitsOf({
  filtered: by,
  delivered,
  cancelled,
  discarded,
  superseded,
  held,
  failed,
  blocked,
  waiting,
  retrying,
  ready,
}: Counters): number {
  return sum([...Object.values(by), delivered, cancelled, discarded, superseded, held, failed, blocked, waiting, retrying, ready]);
}

test('D1, B1: in every message, over takeovers, the cursor is the highest prefix, done is right and the books balance', () => {
  fc.assert(
    fc.property(fc.array(op, { maxLength: 150 }), (ops) => {
      const lane = new Owner();
      for (const each of ops) lane.perform(each);
      lane.perform({ kind: 'commit' });
    }),
    { numRuns: 300 },
  );
});
