import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  byteQuantity,
  dnsLabel,
  duration,
  durationMs,
  expression,
  fieldFacts,
  quantityBytes,
  secretReference,
  template,
} from './schema-fields.ts';

test.each([
  ['90s', 90_000],
  ['1h30m', 5_400_000],
  ['30d', 2_592_000_000],
  ['250ms', 250],
  ['5m', 300_000],
  ['5ms', 5],
  ['1m5ms', 60_005],
  ['1d2h3m4s5ms', 93_784_005],
  ['0s', 0],
  ['9999d', 863_913_600_000],
])('the duration %s is %d ms', (text, ms) => {
  expect(duration().safeParse(text).success).toBe(true);
  expect(durationMs(text)).toBe(ms);
});

test.each(['', 's', '5', '1.5h', '-5s', '5s1h', '1h 30m', '1y', '5S', '5m5m', '10000d', '1e3s', '５s'])('%j is no duration', (text) => {
  expect(duration().safeParse(text).success).toBe(false);
  expect(() => durationMs(text)).toThrow(RangeError);
});

test('the length of a duration is the sum of its parts', () => {
  const parts = fc.tuple(fc.nat(9_999), fc.nat(99_999), fc.nat(999_999), fc.nat(99_999_999), fc.nat());
  fc.assert(
    fc.property(parts, ([d, h, m, s, ms]) => {
      expect(durationMs(`${d}d${h}h${m}m${s}s${ms}ms`)).toBe(d * 86_400_000 + h * 3_600_000 + m * 60_000 + s * 1_000 + ms);
    }),
  );
});

test.each<[string | number, number]>([
  [1, 1],
  [2_097_152, 2_097_152],
  ['2Mi', 2_097_152],
  ['10Gi', 10_737_418_240],
  ['1Ti', 1_099_511_627_776],
  ['64Ki', 65_536],
  ['1k', 1_000],
  ['2M', 2_000_000],
  ['3G', 3_000_000_000],
  ['4T', 4_000_000_000_000],
  ['512', 512],
  ['1.5Gi', 1_610_612_736],
  ['0.5k', 500],
  ['1.0001k', 1_000],
])('the quantity %s is %d bytes', (value, bytes) => {
  expect(byteQuantity().safeParse(value).success).toBe(true);
  expect(quantityBytes(value)).toBe(bytes);
});

test.each(['', 'Mi', '5mi', '5 Mi', '-1', '1e3', '5m', '.5k', '5.', '1Pi', 'x'])('%j is no quantity of bytes', (text) => {
  expect(byteQuantity().safeParse(text).success).toBe(false);
  expect(() => quantityBytes(text)).toThrow(RangeError);
});

test('a quantity with a fraction loses no byte', () => {
  const thousandths = Array.from({ length: 9_999 }, (_, index) => index + 1);
  const wrong = thousandths.filter(
    (bytes) => quantityBytes(`${Math.floor(bytes / 1_000)}.${String(bytes % 1_000).padStart(3, '0')}k`) !== bytes,
  );
  expect(wrong).toEqual([]);
});

test.each<[string, boolean]>([
  ['a', true],
  ['a-1', true],
  ['0', true],
  ['a'.repeat(52), true],
  ['a'.repeat(53), false],
  ['', false],
  ['-a', false],
  ['a-', false],
  ['A', false],
  ['a.b', false],
  ['a_b', false],
  ['a\n', false],
])('%j as a name: %s', (text, isAccepted) => {
  expect(dnsLabel().safeParse(text).success).toBe(isAccepted);
});

test('expressions have at most 4,096 characters and templates 8,192, and the schemas say which is which', () => {
  const lengths = (schema: ReturnType<typeof expression>) =>
    [0, 1, 4096, 4097, 8192, 8193].filter((n) => schema.safeParse('x'.repeat(n)).success);
  expect(lengths(expression())).toEqual([1, 4096]);
  expect(lengths(template())).toEqual([1, 4096, 4097, 8192]);
  expect([fieldFacts.get(expression()), fieldFacts.get(template())]).toEqual([{ text: 'expression' }, { text: 'template' }]);
});

test.each<[unknown, boolean]>([
  [{ name: 'shopify', key: 'webhook.secret' }, true],
  [{ name: 'a.b-c', key: '_K-1.' }, true],
  [{ name: '../a', key: 'k' }, false],
  [{ name: 'a', key: '../k' }, false],
  [{ name: 'a', key: 'a/b' }, false],
  [{ name: 'A', key: 'k' }, false],
  [{ name: 'a' }, false],
  [{ name: 'a', key: 'k', namespace: 'other' }, false],
])('the reference %j to a Secret: %s', (reference, isAccepted) => {
  expect(secretReference().safeParse(reference).success).toBe(isAccepted);
});
