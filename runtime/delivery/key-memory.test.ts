import fc from 'fast-check';
import { expect, test } from 'vitest';
import { captureHeaders, parseCaptureHeaders } from '../contract/capture-headers.ts';
import type { CaptureMeta } from '../contract/capture-headers.ts';
import { firstJournalMessage } from '../contract/journal.ts';
import type { LaneEvent } from '../contract/journal.ts';
import { hash128 } from '../expressions/environment.ts';
import { KeyMemory, memoryMs } from './key-memory.ts';
import type { SeenRecord } from './key-memory.ts';
import { recallEvents } from './takeover.ts';

function seen(sourceID: string, version?: string, keyHash = 'k'): SeenRecord {
  return { keyHash, sourceID, ...(version === undefined ? {} : { version }) };
}

function memoryOf(...records: SeenRecord[]): KeyMemory {
  const memory = new KeyMemory();
  for (const record of records) memory.saw(record, 0);
  return memory;
}

test.each<[string, SeenRecord[], SeenRecord, string | undefined]>([
  ['nothing is known of its key', [], seen('a', '1'), undefined],
  ['its event was seen', [seen('a', '1')], seen('a', '1'), 'Duplicate'],
  ['its event was seen, whatever its version says now', [seen('a', '1')], seen('a', '9'), 'Duplicate'],
  ['its event was seen before others', [seen('a', '1'), seen('b', '2'), seen('c', '3')], seen('a', '1'), 'Duplicate'],
  ['a newer version was seen', [seen('a', '2')], seen('b', '1'), 'Stale'],
  ['a newer version was seen, though not last', [seen('a', '3'), seen('b', '2')], seen('c', '2'), 'Stale'],
  ['the same version was seen', [seen('a', '2')], seen('b', '2'), undefined],
  ['only older versions were seen', [seen('a', '2')], seen('b', '3'), undefined],
  ['9 is older than 10', [seen('a', '10')], seen('b', '9'), 'Stale'],
  ['it has no version', [seen('a', '2')], seen('b'), undefined],
  ['none before it had a version', [seen('a')], seen('b', '1'), undefined],
  ['one without a version came between', [seen('a', '5'), seen('b')], seen('c', '4'), 'Stale'],
  ['another key has seen the event', [seen('a', '9', 'other')], seen('a', '1'), undefined],
  ['the mapping of versions has changed its kind', [seen('a', '2026-11-27T05:00:00.000Z')], seen('b', '5'), undefined],
])('C3: when %s', (_, before, record, refusal) => {
  expect(memoryOf(...before).refusal(record)).toBe(refusal);
});

test.each([
  ['2', '1', true],
  ['2', '2', true],
  ['2', '3', false],
  ['2', undefined, true],
  [undefined, '3', true],
  [undefined, undefined, true],
])('C3: after a cancel of version %s a record of version %s is refused: %s', (cancel, version, isRefused) => {
  const memory = memoryOf(seen('a', '1'));
  expect(memory.isAfterCancel('k', version)).toBe(false);
  memory.cancelled('k', cancel, 0);
  expect(memory.isAfterCancel('k', version)).toBe(isRefused);
  expect(memory.isAfterCancel('other', version)).toBe(false);
});

test('Unchanged: only the last delivered request counts, and only until the next call is made', () => {
  const memory = memoryOf(seen('a'));
  expect(memory.isUnchanged('k', 'h1')).toBe(false);
  memory.delivered('k', 'h1', 0);
  expect([memory.isUnchanged('k', 'h1'), memory.isUnchanged('k', 'h2'), memory.isUnchanged('other', 'h1')]).toEqual([true, false, false]);
  memory.delivered('k', 'h2', 0);
  expect([memory.isUnchanged('k', 'h1'), memory.isUnchanged('k', 'h2')]).toEqual([false, true]);
  memory.calling('k');
  expect(memory.isUnchanged('k', 'h2')).toBe(false);
});

test('what is remembered lasts six hours after the key was last heard of, and not much longer', () => {
  const memory = new KeyMemory();
  memory.saw(seen('a', '2'), 0);
  memory.saw(seen('x', '1', 'other'), memoryMs);
  expect(memory.refusal(seen('a', '2'))).toBe('Duplicate');
  memory.saw(seen('y', '1', 'other'), memoryMs + 60_001);
  expect(memory.refusal(seen('a', '2'))).toBeUndefined();
  expect(memory.refusal(seen('x', '1', 'other'))).toBe('Duplicate');
});

test('a key that is heard of again is remembered on', () => {
  const memory = new KeyMemory();
  memory.saw(seen('a', '2'), 0);
  memory.delivered('k', 'h', memoryMs - 1);
  memory.saw(seen('x', '1', 'other'), memoryMs + 120_000);
  expect([memory.refusal(seen('a', '2')), memory.isUnchanged('k', 'h')]).toEqual(['Duplicate', true]);
  memory.saw(seen('y', '1', 'other'), 2 * memoryMs + 120_000);
  expect([memory.refusal(seen('a', '2')), memory.isUnchanged('k', 'h')]).toEqual([undefined, false]);
});

test('a clock that goes back forgets nothing', () => {
  const memory = new KeyMemory();
  memory.saw(seen('a', '2'), memoryMs * 3);
  memory.saw(seen('b', '3'), 5);
  memory.saw(seen('x', '1', 'other'), memoryMs * 3 + 60_001);
  expect(memory.refusal(seen('a', '2'))).toBe('Duplicate');
});

interface Arrival {
  readonly meta: CaptureMeta;
  readonly isCancel: boolean;
  readonly fails: boolean;
}

const keys = ['5', 'k\ud800', 'k\nb'];
const version = fc.option(fc.constantFrom('1', '2', '3', '10'), { nil: undefined });
const arrival: fc.Arbitrary<Arrival> = fc
  .record({
    key: fc.constantFrom(...keys),
    sourceID: fc.constantFrom('a', 'b', 'c', 'd\r\n', 'e', 'f'),
    version,
    minute: fc.nat(300),
    isCancel: fc.boolean(),
    fails: fc.boolean(),
  })
  .map(({ key, sourceID, version: of, minute, isCancel, fails }) => ({
    meta: {
      key,
      topic: isCancel ? 'orders/cancelled' : 'orders/updated',
      sourceID,
      capturedAt: new Date(minute * 60_000).toISOString(),
      ...(of === undefined ? {} : { version: of }),
    },
    isCancel,
    fails,
  }));

/** As a lane asks and tells its memory; gives the events it would write. */
function live(memory: KeyMemory, arrivals: readonly Arrival[]): LaneEvent[] {
  return arrivals.flatMap(({ meta, isCancel, fails }, index): LaneEvent[] => {
    const keyHash = hash128(meta.key);
    const record = { ...meta, keyHash };
    const at = Date.parse(meta.capturedAt);
    const of = { seq: index + 1, keyHash, unit: '_', at };
    const refusal = memory.refusal(record);
    memory.saw(record, at);
    if (refusal !== undefined) return [{ kind: 'filtered', ...of, reason: refusal }];
    if (!isCancel && memory.isAfterCancel(keyHash, meta.version)) return [{ kind: 'filtered', ...of, reason: 'AfterCancel' }];
    const events: LaneEvent[] = [];
    if (isCancel) {
      memory.cancelled(keyHash, meta.version, at);
      events.push({ kind: 'cancelled', ...of, withdrawn: 0, ...(meta.version === undefined ? {} : { version: meta.version }) });
    }
    memory.calling(keyHash);
    if (fails) return [...events, { kind: 'parked', ...of, state: 'failed', attempt: 1 }];
    memory.delivered(keyHash, `hash-${meta.version ?? ''}`, at);
    return [...events, { kind: 'delivered', ...of, attempt: 1, hash: `hash-${meta.version ?? ''}`, capturedAt: at }];
  });
}

test('C3: a memory that is rebuilt from headers and events refuses the same as the one that lived through it', () => {
  fc.assert(
    fc.property(fc.array(arrival, { maxLength: 30 }), arrival, (arrivals, next) => {
      const lived = new KeyMemory();
      const events = live(lived, arrivals);
      const rebuilt = new KeyMemory();
      for (const { meta } of arrivals) {
        const headers = new Map(captureHeaders(meta));
        const again = parseCaptureHeaders((name) => headers.get(name) ?? '');
        rebuilt.saw({ ...again, keyHash: hash128(again.key) }, Date.parse(again.capturedAt));
      }
      recallEvents(rebuilt, { ...firstJournalMessage({ cursor: 0, at: 0, generation: 1 }), events });
      for (const key of keys) {
        const keyHash = hash128(key);
        const record = { ...next.meta, keyHash };
        expect(rebuilt.refusal(record)).toBe(lived.refusal(record));
        expect(rebuilt.isAfterCancel(keyHash, next.meta.version)).toBe(lived.isAfterCancel(keyHash, next.meta.version));
        for (const hash of ['hash-', 'hash-1', 'hash-2', 'hash-3', 'hash-10'])
          expect(rebuilt.isUnchanged(keyHash, hash)).toBe(lived.isUnchanged(keyHash, hash));
      }
    }),
    { numRuns: 300 },
  );
});
