import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Outcome } from '../connectors/connector.ts';
import { mayCall } from './circuit.ts';
import { SlotGovernor } from './slots.ts';

const policy = { failures: 2, openForMs: 100, maxOpenForMs: 400 };
const delivered: Outcome = { kind: 'delivered', response: { status: 204 } };
const transient: Outcome = { kind: 'transient', reason: 'ServerError' };
const unknown: Outcome = { kind: 'unknown', reason: 'Timeout' };

function governorWith(limit: number) {
  const granted: string[] = [];
  const governor = new SlotGovernor({ limit, policy });
  const ask = (id: string, capturedAt = 0, seq = 0) => governor.request({ id, capturedAt, seq, grant: () => granted.push(id) }, 0);
  return { governor, granted, ask };
}

test('L1: at most the limit is granted, and each release grants one', () => {
  const { governor, granted, ask } = governorWith(2);
  for (const id of ['a', 'b', 'c', 'd']) ask(id);
  expect([granted.join(), governor.inUse(0)]).toEqual(['a,b', 2]);
  governor.release('a', 0);
  expect([granted.join(), governor.inUse(0)]).toEqual(['a,b,c', 2]);
  governor.dropped('c', 0);
  expect([granted.join(), governor.inUse(0)]).toEqual(['a,b,c,d', 2]);
});

test('the oldest record goes first; of the same moment the lower sequence, then who asked first', () => {
  const { governor, granted, ask } = governorWith(1);
  ask('running');
  ask('late', 9, 1);
  ask('early', 5, 3);
  ask('earlier sequence', 5, 2);
  ask('early too', 5, 3);
  for (let count = 0; count < 4; count += 1) governor.release(granted.at(-1) ?? '', 0);
  expect(granted).toEqual(['running', 'earlier sequence', 'early', 'early too', 'late']);
});

test('L1: a call whose end nobody saw keeps its slot until its time', () => {
  const { governor, granted, ask } = governorWith(1);
  ask('a');
  ask('b');
  governor.keep('a', 1_000);
  governor.tick(999);
  expect([granted.join(), governor.inUse(999), governor.nextWakeAt()]).toEqual(['a', 1, 1_000]);
  governor.tick(1_000);
  expect([granted.join(), governor.inUse(1_000), governor.nextWakeAt()]).toEqual(['a,b', 1, Infinity]);
});

test('L1: open calls of an owner before us count from the start, and the longest time counts', () => {
  const { governor, granted, ask } = governorWith(2);
  governor.keep('x', 500);
  governor.keep('x', 300);
  governor.keep('y', 100);
  ask('a');
  expect([granted.join(), governor.inUse(0), governor.inUse(100), governor.inUse(499), governor.inUse(500)]).toEqual(['', 2, 1, 1, 0]);
  governor.tick(500);
  expect(granted).toEqual(['a']);
});

test('L2: with an open circuit one probe goes when it is due, and its answer lets the others go', () => {
  const { governor, granted, ask } = governorWith(3);
  ask('a');
  ask('b');
  expect(governor.report('a', transient, 0)).toEqual({ counted: true, closedAfterMs: undefined });
  governor.release('a', 0);
  expect(governor.report('b', transient, 10)).toEqual({ counted: false, closedAfterMs: undefined });
  governor.release('b', 10);
  for (const id of ['c', 'd', 'e']) ask(id);
  expect([granted.join(), governor.circuit.kind, governor.nextWakeAt()]).toEqual(['a,b', 'open', 110]);
  governor.tick(109);
  expect(granted.join()).toBe('a,b');
  governor.tick(110);
  expect([granted.join(), governor.circuit.kind]).toEqual(['a,b,c', 'probing']);
  expect(governor.report('c', delivered, 120)).toEqual({ counted: false, closedAfterMs: 110 });
  governor.release('c', 120);
  expect([granted.join(), governor.circuit.kind]).toEqual(['a,b,c,d,e', 'closed']);
});

test('L2: what fails while the circuit is open is no try, nor is the failure that opens it', () => {
  const { governor, ask } = governorWith(4);
  for (const id of ['a', 'b', 'c', 'd']) ask(id);
  const counted = ['a', 'b', 'c', 'd'].map((id) => governor.report(id, id === 'c' ? unknown : transient, 0).counted);
  expect(counted).toEqual([true, false, false, false]);
});

test('L2: a call that was not made is no try', () => {
  const { governor, ask } = governorWith(1);
  ask('a');
  expect(governor.report('a', { kind: 'transient', reason: 'NotSent' }, 0)).toEqual({ counted: false, closedAfterMs: undefined });
});

test('L2: a probe that was not made leaves the next request to be the probe at once', () => {
  const { governor, granted, ask } = governorWith(1);
  ask('a');
  governor.report('a', { kind: 'unauthorized', reason: 'x' }, 0);
  governor.release('a', 0);
  ask('b');
  ask('c');
  governor.tick(100);
  expect(granted).toEqual(['a', 'b']);
  governor.dropped('b', 105);
  expect([granted.join(), governor.circuit]).toMatchObject(['a,b,c', { kind: 'probing', probe: 'c' }]);
});

test('requests of a lane that is given up are taken back, those of others stay', () => {
  const { governor, granted, ask } = governorWith(1);
  ask('x/1');
  ask('x/2', 1);
  ask('y/1', 2);
  governor.forget((id) => id.startsWith('x/'));
  governor.release('x/1', 0);
  expect(granted).toEqual(['x/1', 'y/1']);
});

type Op =
  | { readonly kind: 'request'; readonly capturedAt: number }
  | { readonly kind: 'end'; readonly pick: number; readonly outcome: Outcome }
  | { readonly kind: 'drop'; readonly pick: number }
  | { readonly kind: 'forget'; readonly pick: number }
  | { readonly kind: 'time'; readonly ms: number };

const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('request' as const), capturedAt: fc.nat(5) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      pick: fc.nat(20),
      outcome: fc.constantFrom<Outcome>(
        delivered,
        delivered,
        transient,
        unknown,
        { kind: 'throttled' },
        { kind: 'rejected', reason: 'X' },
        {
          kind: 'unauthorized',
          reason: 'X',
        },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), pick: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), pick: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.constantFrom(1, 50, 100, 250, 1_000) }) },
);

const lostCallHoldMs = 300;

/** Drives a governor as the lanes of a pod do, and keeps books of its own. */
class World {
  readonly governor: SlotGovernor;
  readonly limit: number;
  now = 0;
  waiting: { id: string; capturedAt: number; seq: number }[] = [];
  running: string[] = [];
  lost: { id: string; until: number }[] = [];
  probes: string[] = [];
  #seq = 0;

  constructor(limit: number) {
    this.limit = limit;
    this.governor = new SlotGovernor({ limit, policy });
  }

  perform(each: Op): void {
    switch (each.kind) {
      case 'request':
        this.#request(each.capturedAt);
        break;
      case 'end':
        this.#end(this.running[each.pick % Math.max(1, this.running.length)], each.outcome);
        break;
      case 'drop':
        this.#leave(this.running[each.pick % Math.max(1, this.running.length)], (id) => this.governor.dropped(id, this.now));
        break;
      case 'forget': {
        const gone = this.waiting[each.pick % Math.max(1, this.waiting.length)]?.id;
        this.waiting = this.waiting.filter(({ id }) => id !== gone);
        this.governor.forget((id) => id === gone);
        break;
      }
      case 'time':
        this.#pass(each.ms);
    }
  }

  /** What must hold after each thing that happened. */
  check(): void {
    const taken = this.running.length + this.lost.filter(({ until }) => until > this.now).length;
    expect(this.governor.inUse(this.now)).toBe(taken);
    expect(taken).toBeLessThanOrEqual(this.limit);
    const couldGo = this.waiting.length > 0 && taken < this.limit && mayCall(this.governor.circuit, this.now);
    expect(couldGo).toBe(false);
    expect(this.probes.length).toBeLessThanOrEqual(1);
    expect(this.governor.circuit.kind === 'probing').toBe(this.probes.length === 1);
  }

  #request(capturedAt: number): void {
    this.#seq += 1;
    const request = { id: `u${this.#seq}`, capturedAt, seq: this.#seq };
    this.waiting.push(request);
    this.governor.request({ ...request, grant: () => this.#granted(request.id) }, this.now);
  }

  #granted(id: string): void {
    const oldest = this.waiting.toSorted((a, b) => a.capturedAt - b.capturedAt || a.seq - b.seq)[0];
    expect(id).toBe(oldest?.id);
    this.waiting = this.waiting.filter((each) => each.id !== id);
    this.running.push(id);
    if (this.governor.circuit.kind !== 'closed') this.probes.push(id);
  }

  #end(id: string | undefined, outcome: Outcome): void {
    this.#leave(id, (ended) => {
      this.governor.report(ended, outcome, this.now);
      if (outcome.kind === 'unknown') {
        this.lost.push({ id: ended, until: this.now + lostCallHoldMs });
        this.governor.keep(ended, this.now + lostCallHoldMs);
      } else this.governor.release(ended, this.now);
    });
  }

  #leave(id: string | undefined, tell: (id: string) => void): void {
    if (id === undefined) return;
    this.running = this.running.filter((each) => each !== id);
    this.probes = this.probes.filter((each) => each !== id);
    tell(id);
  }

  /** Ticks only when the governor asked to be woken; every 10 ms where it asks for a moment that has passed. */
  #pass(ms: number): void {
    const target = this.now + ms;
    for (;;) {
      const wakeAt = Math.max(this.governor.nextWakeAt(), this.now);
      if (wakeAt > target) break;
      this.now = wakeAt;
      this.governor.tick(this.now);
      if (this.governor.nextWakeAt() <= this.now) {
        this.now = Math.min(target, this.now + 10);
        this.governor.tick(this.now);
      }
      if (this.now === target) break;
    }
    this.now = target;
  }
}

test('L1, L2: whatever is asked, ends, is lost and dropped: never above the limit, the oldest first, one probe, no lost wake-up', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(op, { maxLength: 120 }), (limit, ops) => {
      const world = new World(limit);
      for (const each of ops) {
        world.perform(each);
        world.check();
      }
    }),
    { numRuns: 500 },
  );
});

test('P4: a probe that fails does not probe again while another waits', () => {
  const governor = new SlotGovernor({ limit: 5, policy: { failures: 1, openForMs: 100, maxOpenForMs: 400 } });
  const granted: string[] = [];
  const ask = (id: string, seq: number, now: number) => governor.request({ id, capturedAt: 0, seq, grant: () => granted.push(id) }, now);
  const fails: Outcome = { kind: 'transient', reason: 'ServerError' };
  const failOnce = (id: string, seq: number, now: number) => {
    governor.report(id, fails, now);
    ask(id, seq, now);
    governor.release(id, now);
  };
  ask('oldest', 1, 0);
  failOnce('oldest', 1, 0);
  ask('other', 2, 0);
  governor.tick(100);
  failOnce('oldest', 1, 100);
  governor.tick(300);
  expect(granted).toEqual(['oldest', 'oldest', 'other']);
  expect(governor.report('other', { kind: 'delivered', response: { status: 204 } }, 310)).toEqual({ counted: false, closedAfterMs: 310 });
});
