import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fnv1a32, laneOfKey } from './lane-of-key.ts';

// Of the reference implementation's test vectors (isthe.com/chongo/tech/comp/fnv, test_fnv.c).
test.each([
  ['', 0x811c9dc5],
  ['a', 0xe40c292c],
  ['b', 0xe70c2de5],
  ['c', 0xe60c2c52],
  ['d', 0xe10c2473],
  ['e', 0xe00c22e0],
  ['f', 0xe30c2799],
  ['fo', 0x6222e842],
  ['foo', 0xa9f37ed7],
  ['foob', 0x3f5076ef],
  ['fooba', 0x39aaa18a],
  ['foobar', 0xbf9cf968],
  ['chongo was here!\n', 0xd49930d5],
])('FNV-1a of %j is the reference’s', (text, hash) => {
  expect(fnv1a32(text)).toBe(hash);
});

test.each([
  ['450789469', 13, 61],
  ['gid://shopify/Order/9007199254740993', 15, 15],
  ['raw:b54557e4', 10, 42],
  ['Größe 😀', 15, 63],
])('D2: the lane of %s stays what it was: records in flight are ordered by it', (key, of16, of64) => {
  expect([laneOfKey(key, 1), laneOfKey(key, 16), laneOfKey(key, 64)]).toEqual([0, of16, of64]);
});

test('D2: every key has exactly one lane, within bounds', () => {
  const anyKey = fc.array(fc.integer({ min: 0, max: 0x10ffff })).map((points) => String.fromCodePoint(...points));
  fc.assert(
    fc.property(anyKey, fc.integer({ min: 1, max: 256 }), (key, lanes) => {
      const lane = laneOfKey(key, lanes);
      expect(Number.isInteger(lane) && lane >= 0 && lane < lanes).toBe(true);
      expect(laneOfKey(key, lanes)).toBe(lane);
    }),
  );
});

test('keys spread over the lanes: of 16,000 ids none of 16 lanes has less than half of its share', () => {
  const sizes = new Map<number, number>();
  for (let id = 0; id < 16_000; id += 1) {
    const lane = laneOfKey(String(5_000_000_000_000 + id), 16);
    sizes.set(lane, (sizes.get(lane) ?? 0) + 1);
  }
  expect(sizes.size).toBe(16);
  expect(Math.min(...sizes.values())).toBeGreaterThan(500);
});
