import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileExpression, ExpressionError } from './compile.ts';
import { environmentFor } from './environment.ts';
import { parseRecord } from './json.ts';
import { compareVersions, keyText, versionText } from './key-text.ts';

function keyOf(json: string, expression = 'record.id'): string {
  const parsed = parseRecord(Buffer.from(json));
  if (!parsed.ok) throw new Error(parsed.message);
  return keyText(compileExpression(expression, environmentFor(['record'])).evaluate({ record: parsed.value }));
}

test.each([
  ['{"id":5}', '5'],
  ['{"id":"5"}', '5'],
  ['{"id":-7}', '-7'],
  ['{"id":9007199254740993}', '9007199254740993'],
  ['{"id":"9007199254740993"}', '9007199254740993'],
  ['{"id":123456789012345678901234567890}', '123456789012345678901234567890'],
  ['{"id":"gid://shopify/Order/1"}', 'gid://shopify/Order/1'],
  ['{"id":" 5 "}', ' 5 '],
  ['{"id":"😀\\ud800\\u0000"}', '😀\ud800\u0000'],
])('the key of %s is %j: ints as their digits, text as it is', (json, key) => {
  expect(keyOf(json)).toBe(key);
});

test.each([
  ['{"id":null}', 'record.id', 'null'],
  ['{"id":""}', 'record.id', 'an empty text'],
  ['{"id":5.0}', 'record.id', 'a double'],
  ['{"id":1e3}', 'record.id', 'a double'],
  ['{"id":true}', 'record.id', 'a boolean'],
  ['{"id":[1]}', 'record.id', 'a list'],
  ['{"id":{}}', 'record.id', 'a map'],
  ['{}', 'record.?id', 'absent'],
  ['{}', 'timestamp("2026-01-01T00:00:00Z")', 'a timestamp'],
])('X1: the key of %s by %s is an ExpressionError', (json, expression, what) => {
  expect(() => keyOf(json, expression)).toThrow(
    new ExpressionError({ message: `a key must be a text or an int, but is ${what}`, line: 1, column: 1 }),
  );
});

test.each<[unknown, string]>([
  [7n, '7'],
  [2n ** 63n - 1n, '9223372036854775807'],
  [new Date('2026-11-27T06:00:00+01:00'), '2026-11-27T05:00:00.000Z'],
  [new Date('2026-11-27T05:00:00.007Z'), '2026-11-27T05:00:00.007Z'],
])('the version %s is written as %s', (value, text) => {
  expect(versionText(value)).toBe(text);
});

test.each<[unknown, string]>([
  ['2026-11-27T05:00:00Z', 'a text'],
  [1.5, 'a double'],
  [null, 'null'],
  [true, 'a boolean'],
  [[], 'a list'],
])('X1: the version %j is an ExpressionError', (value, what) => {
  expect(() => versionText(value)).toThrow(
    new ExpressionError({ message: `a version must be a timestamp or an int, but is ${what}`, line: 1, column: 1 }),
  );
});

test.each([
  ['1', '2', -1],
  ['2', '1', 1],
  ['2', '2', 0],
  ['9', '10', -1],
  ['-10', '-9', -1],
  ['9007199254740992', '9007199254740993', -1],
  ['2026-11-27T05:00:00.000Z', '2026-11-27T05:00:00.001Z', -1],
  ['2026-11-27T05:00:00.000Z', '2026-11-27T06:00:00+01:00', 0],
  ['2026-12-01T00:00:00.000Z', '2026-11-30T23:59:59.999Z', 1],
  ['5', '2026-11-27T05:00:00.000Z', 0],
  ['2026-11-27T05:00:00.000Z', '5', 0],
])('C3: the version %s compared with %s gives %i', (a, b, expected) => {
  expect(compareVersions(a, b)).toBe(expected);
});

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

test('C3: versions that are ints are in the order of the ints, beyond 2^53 too', () => {
  fc.assert(
    fc.property(int64, int64, (a, b) => {
      expect(compareVersions(versionText(a), versionText(b))).toBe(a < b ? -1 : Number(a > b));
    }),
  );
});

test('C3: versions that are timestamps are in the order of time', () => {
  const date = fc.date({ noInvalidDate: true });
  fc.assert(
    fc.property(date, date, (a, b) => {
      expect(compareVersions(versionText(a), versionText(b))).toBe(Math.sign(a.getTime() - b.getTime()));
    }),
  );
});
