import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileExpression, evaluateBoolean, ExpressionError, position, typeName } from './compile.ts';
import { environmentFor } from './environment.ts';

const environment = environmentFor(['record']);

function problemOf(text: string, record: unknown): string {
  try {
    return `none: ${evaluateBoolean(compileExpression(text, environment), { record })}`;
  } catch (error) {
    if (error instanceof ExpressionError) return error.message;
    throw error;
  }
}

test.each([
  ['true', true],
  ['1 > 2', false],
  ['record.n > 1', true],
])('%s says %s', (text, value) => {
  expect(evaluateBoolean(compileExpression(text, environment), { record: { n: 5n } })).toBe(value);
});

test.each([
  ['record.n', 'must be true or false, but is an int', 1],
  ['record.none', 'must be true or false, but is null', 1],
  ['record.s', 'must be true or false, but is a text', 1],
  ['record.d', 'must be true or false, but is a double', 1],
  ['record.l', 'must be true or false, but is a list', 1],
  ['record.m', 'must be true or false, but is a map', 1],
  ['record.?zz', 'must be true or false, but is absent', 1],
  ["timestamp('2026-01-01T00:00:00Z')", 'must be true or false, but is a timestamp', 1],
  ['record.zz', 'No such key: zz', 8],
  ['record.zz == 1', 'No such key: zz', 8],
  ['record.none.x == 1', 'No such key: x', 13],
])('X1: %s is not false: it is an ExpressionError', (text, message, column) => {
  const record = { n: 5n, none: null, s: 'x', d: 1.5, l: [], m: {} };
  expect(() => evaluateBoolean(compileExpression(text, environment), { record })).toThrow(
    new ExpressionError({ message, line: 1, column }),
  );
});

test('X1: a fault behind a short cut does not count, one before it does', () => {
  const record = { n: 5n };
  expect(evaluateBoolean(compileExpression('record.n == 5 || record.zz == 1', environment), { record })).toBe(true);
  expect(() => evaluateBoolean(compileExpression('record.n == 5 && record.zz == 1', environment), { record })).toThrow(ExpressionError);
});

test('an ExpressionError says its position in its message and keeps its cause', () => {
  const cause = new Error('inner');
  const error = new ExpressionError({ message: 'No such key: a', line: 2, column: 3 }, { cause });
  expect([error.message, error.cause]).toEqual(['No such key: a (line 2, column 3)', cause]);
});

test.each([
  ['record.m[record.secret] == 1', 'a key that a record names'],
  ["dateText(timestamp('2026-01-01T00:00:00Z'), 'yyyy', record.secret) == ''", 'a zone that a record names'],
  ['int(record.secret) == 1', 'a text that is no int'],
  ["timestamp(record.secret) == timestamp('2026-01-01T00:00:00Z')", 'a text that is no timestamp'],
  ["decimalAdd(record.secret, '1') == ''", 'a text that is no decimal'],
  ['record.secret + 1 == 1', 'a sum of a text and an int'],
  ['record.secret', 'a text that should be a boolean'],
])('a problem quotes names, never values of a record: %s', (text) => {
  const record = { secret: 'Jane Doe', m: {} };
  expect(problemOf(text, record)).toMatch(/\(line 1, column [0-9]+\)$/);
  expect(problemOf(text, record)).not.toContain('Jane');
});

test.each<[unknown, string]>([
  [null, 'null'],
  [undefined, 'null'],
  [1n, 'an int'],
  [1, 'a double'],
  ['', 'a text'],
  [false, 'a boolean'],
  [[], 'a list'],
  [new Date(0), 'a timestamp'],
  [{}, 'a map'],
  [new Map(), 'a map'],
])('CEL calls %s %s', (value, name) => {
  expect(typeName(value)).toBe(name);
});

test('a position counts lines and columns from 1', () => {
  const cases = [0, 1, 2, 3, 4, 5].map((offset) => position('ab\n\nc', offset));
  expect(cases).toEqual([
    { line: 1, column: 1 },
    { line: 1, column: 2 },
    { line: 1, column: 3 },
    { line: 2, column: 1 },
    { line: 3, column: 1 },
    { line: 3, column: 2 },
  ]);
  fc.assert(
    fc.property(fc.array(fc.constantFrom('a', '\n')), fc.nat(30), (characters, at) => {
      const text = characters.join('');
      const offset = Math.min(at, text.length);
      const { line, column } = position(text, offset);
      const before = text
        .split('\n')
        .slice(0, line - 1)
        .map((each) => each.length + 1);
      expect(before.reduce((sum, length) => sum + length, 0) + column - 1).toBe(offset);
    }),
  );
});
