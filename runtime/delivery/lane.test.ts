/** Single rules of the lane's step, each in the smallest history that shows it. The rest is in lane-simulation.test.ts. */
import { expect, test } from 'vitest';
import { netSuite } from '../connectors/net-suite/definition.ts';
import type { Outcome } from '../connectors/connector.ts';
import type { PipelineConfig } from '../contract/config.ts';
import { firstJournalMessage } from '../contract/journal.ts';
import type { JournalMessage } from '../contract/journal.ts';
import { hash128 } from '../expressions/environment.ts';
import { KeyMemory } from './key-memory.ts';
import { Lane } from './lane.ts';
import type { LaneEffect, LaneInput } from './lane-io.ts';
import { compileMapping } from './mapping.ts';
import type { CapturedRecord } from './record.ts';

interface Change {
  readonly filter?: string;
  readonly cancel?: string;
  readonly forMs?: number;
  readonly onUnknown?: 'Retry' | 'Bin';
}

function mappingOf({ filter, cancel, forMs = 30_000, onUnknown = 'Retry' }: Change) {
  const target = { record: 'salesOrder', operation: 'Upsert', externalID: '${record.id}' };
  const pipeline: PipelineConfig = {
    generation: 1,
    namespace: 'shop',
    name: 'orders',
    source: {
      connector: 'shopify',
      topics: ['t'],
      key: 'record.id',
      ...(filter === undefined ? {} : { filter }),
      ...(cancel === undefined ? {} : { cancel }),
    },
    lanes: 1,
    destinations: [
      {
        name: 'erp',
        connector: 'netsuite',
        suspended: false,
        validations: [],
        operations: [{ name: 'upsert', takes: ['Record', 'Cancel'], member: 'netSuite', target, body: { memo: '${json(record)}' } }],
        retry: { forMs, onUnknown },
      },
    ],
  };
  const [destination = expect.fail()] = pipeline.destinations;
  return compileMapping(pipeline, destination, netSuite.sink);
}

function recordOf(seq: number, body: string, key = '5'): CapturedRecord {
  return {
    seq,
    key,
    keyHash: hash128(key),
    topic: 't',
    sourceID: `s${seq}`,
    capturedAt: new Date(seq).toISOString(),
    body: new TextEncoder().encode(body),
  };
}

/** A lane whose commits are acknowledged at once, and whose wishes for slots are granted at once. */
class Driven {
  now = 1_000;
  readonly journal: JournalMessage[] = [];
  readonly calls: string[] = [];
  readonly kept: number[] = [];
  readonly #lane: Lane;
  #seq = 1;

  constructor(change: Change, last: JournalMessage = firstJournalMessage({ cursor: 0, at: 0, generation: 1 }), before: Change = change) {
    this.#lane = new Lane({
      last,
      owner: 'a',
      mappings: [mappingOf(change), { ...mappingOf(before), generation: 0 }],
      memory: new KeyMemory(),
      parked: [],
      lastOrder: '0',
      lostCallHoldMs: 1_000,
    });
    this.#lane.claim(this.now);
  }

  give(input: LaneInput): void {
    this.#perform(this.#lane.step(input, this.now));
  }

  answer(id: string, outcome: Outcome): void {
    this.give({ kind: 'answered', id, outcome, counted: true, random: 0.5 });
  }

  get last(): JournalMessage {
    return this.journal.at(-1) ?? expect.fail();
  }

  get nextWakeAt(): number {
    return this.#lane.nextWakeAt;
  }

  get room(): number {
    return this.#lane.room;
  }

  #perform(effects: readonly LaneEffect[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'commit': {
          this.journal.push(effect.message);
          const firstSeq = this.#seq;
          this.#seq += effect.writes.length + 1;
          this.give({ kind: 'committed', firstSeq });
          break;
        }
        case 'acquire':
          this.give({ kind: 'granted', id: effect.id });
          break;
        case 'call':
          this.calls.push(effect.id);
          break;
        case 'keep slot':
          this.kept.push(effect.until);
          break;
        case 'release':
        case 'drop':
        case 'load':
          break;
      }
    }
  }
}

test.each([
  ['source.filter', { filter: 'record.zz == 1' }],
  ['source.cancel', { cancel: 'record.zz == 1' }],
])('X1: a %s that fails is not taken for false: the record is binned and no call is made', (field, change) => {
  const lane = new Driven(change);
  lane.give({ kind: 'record', record: recordOf(1, '{"id":5}') });
  expect(lane.calls).toEqual([]);
  expect(lane.last.counters).toMatchObject({ passed: 1, failed: 1, failedBy: { [`ExpressionError|${field}`]: 1 } });
});

test('D2: the call is made only when its intent is durable', () => {
  const lane = new Driven({});
  lane.give({ kind: 'record', record: recordOf(1, '{"id":5}') });
  expect(lane.journal.at(-1)?.intents.map(({ seq, attempt }) => ({ seq, attempt }))).toEqual([{ seq: 1, attempt: 1 }]);
  expect(lane.calls).toEqual(['1._']);
});

test('P4: a unit whose every call ends unknown is binned when it has been tried for retry.for', () => {
  const lane = new Driven({ forMs: 5_000 });
  lane.give({ kind: 'record', record: recordOf(1, '{"id":5}') });
  while (lane.last.counters.passed === 0 && lane.calls.length < 20) {
    lane.answer('1._', { kind: 'unknown', reason: 'Timeout' });
    lane.now = lane.nextWakeAt;
    lane.give({ kind: 'tick' });
  }
  expect(lane.last.counters.failedBy).toEqual({ OutcomeUnknown: 1 });
  // One each 3 s (lostCallHold and the margin): at 0, 3 and 6 s after the first failure.
  expect(lane.calls).toEqual(['1._', '1._']);
});

test('D4: with onUnknown Bin a call of unknown outcome is binned after its quarantine, not sent again', () => {
  const lane = new Driven({ onUnknown: 'Bin' });
  lane.give({ kind: 'record', record: recordOf(1, '{"id":5}') });
  lane.answer('1._', { kind: 'unknown', reason: 'Timeout' });
  expect(lane.kept).toEqual([1_000 + 1_000 + 2_000]);
  expect(lane.last.counters.failed).toBe(0);
  lane.now = lane.nextWakeAt;
  lane.give({ kind: 'tick' });
  expect(lane.calls).toEqual(['1._']);
  expect(lane.last).toMatchObject({ intents: [], counters: { failedBy: { OutcomeUnknown: 1 } } });
});

test('P3: what waits after a failure goes at once when the circuit closes, and the time it was open counts for no try', () => {
  const lane = new Driven({ forMs: 1_000 });
  lane.give({ kind: 'record', record: recordOf(1, '{"id":5}') });
  lane.answer('1._', { kind: 'transient', reason: 'Busy' });
  lane.now += 60_000;
  lane.give({ kind: 'circuit closed', openMs: 60_000 });
  expect(lane.calls).toEqual(['1._', '1._']);
  lane.answer('1._', { kind: 'transient', reason: 'Busy' });
  expect(lane.last.counters.failed).toBe(0);
});

test('Unchanged: content that the target has is not sent again; other content is', () => {
  const lane = new Driven({ forMs: 0 });
  const delivered: Outcome = { kind: 'delivered', response: { status: 204 } };
  lane.give({ kind: 'record', record: recordOf(1, '{"id":5}') });
  lane.answer('1._', delivered);
  lane.give({ kind: 'record', record: recordOf(2, '{"id":5}') });
  expect(lane.last.counters.filtered).toEqual({ Unchanged: 1 });
  lane.give({ kind: 'record', record: recordOf(3, '{"id":5,"note":"x"}') });
  lane.answer('3._', { kind: 'rejected', reason: 'Wrong' });
  expect(lane.last.counters.failed).toBe(1);
  expect(lane.calls).toEqual(['1._', '3._']);
});

test('P4: time at which the circuit was closed counts for retry.for, so that a record that never works ends in the bin', () => {
  const lane = new Driven({ forMs: 10_000 });
  lane.give({ kind: 'record', record: recordOf(1, '{"id":5}') });
  while (lane.last.counters.failed === 0 && lane.calls.length < 30) {
    lane.answer('1._', { kind: 'transient', reason: 'ServerError' });
    lane.now += 2_000;
    // The circuit opens and closes again and again, by the calls of others.
    lane.give({ kind: 'circuit closed', openMs: 1_000 });
  }
  expect(lane.last.counters.failedBy).toEqual({ RetriesExhausted: 1 });
});

test('L2: a record that is refused for its credentials alone keeps its pause when the circuit closes', () => {
  const lane = new Driven({});
  lane.give({ kind: 'record', record: recordOf(1, '{"id":5}') });
  lane.answer('1._', { kind: 'unauthorized', reason: 'Forbidden' });
  lane.give({ kind: 'circuit closed', openMs: 1_000 });
  expect(lane.calls).toEqual(['1._']);
  lane.now = lane.nextWakeAt;
  lane.give({ kind: 'tick' });
  expect(lane.calls).toEqual(['1._', '1._']);
  expect(lane.last.counters.failed).toBe(0);
});

test('D4: a record with an open intent of the generation before is judged by that one, and its intent is closed', () => {
  const first = firstJournalMessage({ cursor: 0, at: 0, generation: 0 });
  const intent = { seq: 1, keyHash: hash128('5'), unit: '_', attempt: 1, callKey: 'x', at: 0, generation: 0 };
  const lane = new Driven({ filter: 'false' }, { ...first, intents: [intent] }, {});
  lane.give({ kind: 'record', record: recordOf(1, '{"id":5}') });
  lane.now = 10_000;
  lane.give({ kind: 'tick' });
  expect(lane.calls).toEqual(['1._']);
  lane.answer('1._', { kind: 'delivered', response: { status: 204 } });
  expect(lane.last).toMatchObject({ intents: [], cursor: 1, counters: { delivered: 1 } });
});

test('D1: reading stops before a journal message would have to name more settled records than it can hold', () => {
  const lane = new Driven({ filter: 'record.id == 5' });
  lane.give({ kind: 'record', record: recordOf(1, '{"id":5}') });
  for (let seq = 2; lane.room > 0 && seq < 20_000; seq += 1) lane.give({ kind: 'record', record: recordOf(seq, '{"id":6}', '6') });
  expect(lane.last.done.length).toBe(5_000);
  lane.answer('1._', { kind: 'delivered', response: { status: 204 } });
  expect(lane.last).toMatchObject({ cursor: 5_001, done: [] });
  expect(lane.room).toBeGreaterThan(0);
});
