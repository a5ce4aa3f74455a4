import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ParkedMeta } from '../contract/parked-headers.ts';
import { Outbox } from './outbox.ts';
import type { Group } from './outbox.ts';
import { parkedUnit } from './unit.ts';
import type { ParkedPlace } from './unit.ts';

function place(seq: number): ParkedPlace {
  const meta: ParkedMeta = {
    v: 1,
    state: 'failed',
    kind: 'Record',
    key: String(seq),
    seq,
    unit: '_',
    topic: 'orders/create',
    sourceID: 'w',
    capturedAt: '2026-11-27T05:00:00.000Z',
    revision: 0,
    attempt: 0,
    parkedAt: 0,
    generation: 1,
  };
  return { keyHash: 'h', order: String(seq), unit: '_', seq: 0, meta };
}

function group(name: number, { at, bytes, changes = 1 }: { at?: ParkedPlace; bytes?: number; changes?: number } = {}): Group {
  return {
    changes: Array.from({ length: changes }, () => ({ kind: 'read', seq: name }) as const),
    ...(at === undefined
      ? {}
      : {
          write: {
            unit: parkedUnit(at),
            place: at,
            ...(bytes === undefined ? {} : { content: { meta: at.meta, body: new Uint8Array(bytes) } }),
          },
        }),
  };
}

function takenAll(outbox: Outbox): Group[][] {
  const commits: Group[][] = [];
  while (!outbox.isEmpty) commits.push(outbox.take());
  return commits;
}

function outboxOf(groups: readonly Group[]): Outbox {
  const outbox = new Outbox();
  for (const each of groups) outbox.add(each);
  return outbox;
}

test('all that waits rides in one commit, in order', () => {
  const groups = [group(1), group(2, { at: place(2), bytes: 10 }), group(3)];
  const outbox = outboxOf(groups);
  expect(outbox.take()).toEqual(groups);
  expect([outbox.isEmpty, outbox.bytes, outbox.take()]).toEqual([true, 0, []]);
});

test('a parked unit is written at most once in a commit: what comes second, and all behind it, waits for the next', () => {
  const [p, q] = [place(1), place(2)];
  const groups = [group(1, { at: p }), group(2, { at: q }), group(3, { at: p }), group(4)];
  expect(takenAll(outboxOf(groups))).toEqual([groups.slice(0, 2), groups.slice(2)]);
});

test('a commit has at most 500 messages, the journal’s included', () => {
  const groups = Array.from({ length: 1_100 }, (_, index) => group(index, { at: place(index) }));
  const commits = takenAll(outboxOf(groups));
  expect(commits.flat()).toEqual(groups);
  expect(Math.max(...commits.map((commit) => commit.length))).toBeLessThanOrEqual(499);
});

test('a group that alone is larger than a commit still goes, alone', () => {
  const groups = [group(1), group(2, { at: place(2), bytes: 5_000_000 }), group(3)];
  expect(takenAll(outboxOf(groups))).toEqual([groups.slice(0, 1), groups.slice(1, 2), groups.slice(2)]);
});

const places = [1, 2, 3, 4].map(place);
const anyGroup: fc.Arbitrary<Group> = fc
  .record({
    name: fc.nat(1_000),
    changes: fc.integer({ min: 1, max: 5 }),
    at: fc.option(fc.nat(40), { nil: undefined }),
    bytes: fc.option(fc.constantFrom(0, 100, 100_000, 300_000, 600_000), { nil: undefined }),
  })
  .map(({ name, changes, at, bytes }) => {
    const where = at === undefined ? undefined : (places[at] ?? place(at));
    return group(name, { changes, ...(where === undefined ? {} : { at: where }), ...(bytes === undefined ? {} : { bytes }) });
  });

function sizeOf({ changes, write }: Group): number {
  return changes.length * 100 + (write === undefined ? 0 : 1_000 + (write.content?.body.length ?? 0));
}

function fits(commit: readonly Group[]): boolean {
  const written = commit.flatMap((each) => each.write?.place ?? []);
  const bytes = commit.reduce((sum, each) => sum + sizeOf(each), 0);
  return new Set(written).size === written.length && written.length <= 499 && bytes <= 512 * 1024;
}

test('order is kept, no group is split or lost, no limit of a commit is passed, and none is cut short without need', () => {
  fc.assert(
    fc.property(fc.array(anyGroup, { maxLength: 40 }), (groups) => {
      const outbox = outboxOf(groups);
      expect(outbox.bytes).toBe(groups.reduce((sum, each) => sum + sizeOf(each), 0));
      const commits = takenAll(outbox);
      expect(commits.flat()).toEqual(groups);
      expect(outbox.bytes).toBe(0);
      commits.forEach((commit, index) => {
        if (commit.length > 1) expect(fits(commit)).toBe(true);
        const [next] = commits[index + 1] ?? [];
        if (next !== undefined) expect(fits([...commit, next])).toBe(false);
      });
    }),
    { numRuns: 300 },
  );
});
