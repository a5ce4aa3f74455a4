import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileExpression, ExpressionError } from './compile.ts';
import { environmentFor, hash128 } from './environment.ts';
import { parseRecord } from './json.ts';

function evaluate(expression: string, json = '{}'): unknown {
  const parsed = parseRecord(Buffer.from(json));
  if (!parsed.ok) throw new Error(parsed.message);
  return compileExpression(expression, environmentFor(['record'])).evaluate({ record: parsed.value });
}

function problemOf(expression: string, json = '{}'): unknown {
  try {
    return { value: evaluate(expression, json) };
  } catch (error) {
    return error instanceof ExpressionError ? error.problem : error;
  }
}

test.each([
  ['list(record.items)', '{"items":[1,2]}', [1n, 2n]],
  ['list(record.items)', '{"items":[]}', []],
  ['list(record.items)', '{"items":null}', []],
  ['list(record.?items)', '{"items":[1]}', [1n]],
  ['list(record.?items)', '{"items":null}', []],
  ['list(record.?items)', '{}', []],
  ['list(record.?a.b)', '{}', []],
  ['list(record.?items).map(i, i * 2)', '{"items":[2]}', [4n]],
  ['list(record.?items).size()', '{}', 0n],
  ["text(record.name, '-')", '{"name":"x"}', 'x'],
  ["text(record.name, '-')", '{"name":""}', ''],
  ["text(record.name, '-')", '{"name":null}', '-'],
  ["text(record.?name, '-')", '{"name":"x"}', 'x'],
  ["text(record.?name, '-')", '{"name":null}', '-'],
  ["text(record.?name, '-')", '{}', '-'],
  ["text(record.?a.b, '-')", '{}', '-'],
  ["text(record.id, '')", '{"id":9007199254740993}', '9007199254740993'],
  ["text(record.ok, '')", '{"ok":false}', 'false'],
  ["text(record.price, '')", '{"price":1.5}', '1.5'],
])('%s over %s', (expression, json, expected) => {
  expect(evaluate(expression, json)).toEqual(expected);
});

test.each([
  ['list(record.items)', '{"items":"x"}', 'list() takes a list, null or an absent value'],
  ['list(record.items)', '{"items":{}}', 'list() takes a list, null or an absent value'],
  ["text(record.a, '')", '{"a":[]}', 'text() takes a text, a number, a boolean, null or an absent value'],
  ["text(record.a, '')", '{"a":{}}', 'text() takes a text, a number, a boolean, null or an absent value'],
  ["decimalAdd('1,5', '1')", '{}', 'a decimal is written like 19.99, with at most 20 digits after the point'],
  ["dateText(timestamp('2026-01-01T00:00:00Z'), 'yyyy', 'Mars')", '{}', '"Mars" is no time zone: write for example Europe/Berlin'],
])('X1: %s over %s fails and says where', (expression, json, message) => {
  expect(problemOf(expression, json)).toEqual({ message, line: 1, column: 1 });
});

test('X1: list() of an absent field without ? fails at the field', () => {
  expect(problemOf('list(record.items)')).toEqual({ message: 'No such key: items', line: 1, column: 13 });
});

test.each([
  ["truncate('Straße 12', 5)", 'Straß'],
  ["truncate('ab', 5)", 'ab'],
  ["truncate('😀😀😀', 2)", '😀😀'],
  ["truncate('abc', 0)", ''],
  ["ascii('Größe café')", 'Grosse cafe'],
  ["ascii('a\\nb😀')", 'ab'],
  ["decimalMul('1.10', '3')", '3.30'],
  ["decimalRound('2.345', 2)", '2.35'],
  ["dateText(timestamp('2026-11-27T05:00:00Z'), 'dd.MM.yyyy HH:mm', 'Europe/Berlin')", '27.11.2026 06:00'],
])('%s is %s', (expression, expected) => {
  expect(evaluate(expression)).toBe(expected);
});

test('truncate() to less than nothing gives nothing', () => {
  expect(evaluate("truncate('abc', -1)")).toBe('');
});

test('json() writes what came, ints digit by digit', () => {
  const json = '{"id":9007199254740993,"price":1.10,"name":"é\\ud800","none":null}';
  expect(evaluate('json(record)', json)).toBe(json);
  expect(evaluate('json(record.none)', json)).toBe('null');
});

test('hash() is the first half of SHA-256 over the JSON text', () => {
  expect(hash128('abc')).toBe('ba7816bf8f01cfea414140de5dae2223');
  expect(evaluate('hash("x")')).toBe('ba2df4903a2c14e86dc3bcca58911b44');
  expect(evaluate('hash(record.?x)', '{"x":"x"}')).toBe('ba2df4903a2c14e86dc3bcca58911b44');
  expect(evaluate('hash(record.?x) == hash(record.?y)', '{"x":null}')).toBe(true);
});

test('lists and maps may mix types', () => {
  expect(
    evaluate("record.l.map(l, {'sku': l.sku, 'quantity': l.quantity, 'rate': l.price})", '{"l":[{"sku":"a","quantity":2,"price":"1.10"}]}'),
  ).toEqual([{ sku: 'a', quantity: 2n, rate: '1.10' }]);
});

test('64-bit integers are compared and added exactly, and beyond 64 bits the sum is an error', () => {
  expect(evaluate('record.id == 9007199254740993 && record.id != 9007199254740992', '{"id":9007199254740993}')).toBe(true);
  expect(evaluate('record.id + 1', '{"id":9007199254740993}')).toBe(9007199254740994n);
  expect(problemOf('record.id + 1', '{"id":9223372036854775807}')).toMatchObject({ line: 1, column: 1 });
});

test('C2: members named like those of every object are the record’s own or absent', () => {
  const own = '{"__proto__":{"x":1},"toString":"t","hasOwnProperty":2}';
  expect(evaluate('[record.__proto__.x, record.hasOwnProperty]', own)).toEqual([1n, 2n]);
  expect(evaluate('record.toString', own)).toBe('t');
  for (const name of ['__proto__', 'toString', 'constructor', 'hasOwnProperty']) {
    expect(problemOf(`record.${name}`)).toEqual({ message: `No such key: ${name}`, line: 1, column: 8 });
    expect(evaluate(`has(record.${name})`)).toBe(false);
  }
});

test('C2: a member named constructor makes no part of a record unreadable', () => {
  expect(problemOf('record.id', '{"constructor":"ACME","id":5}')).toEqual({ value: 5n });
  expect(problemOf('record.a.constructor', '{"a":{"constructor":"ACME"}}')).toEqual({ value: 'ACME' });
  expect(problemOf('json(record)', '{"constructor":1.10}')).toEqual({ value: '{"constructor":1.10}' });
  const lines = '{"constructor":1,"lines":[{"constructor":2,"sku":"a"}]}';
  expect(problemOf("has(record.lines) && !has(record.zz) && 'lines' in record && record.size() == 2", lines)).toEqual({ value: true });
  expect(problemOf("record.lines.map(l, l.sku + text(l.?zz, '-'))", lines)).toEqual({ value: ['a-'] });
  expect(problemOf('record.zz', lines)).toEqual({ message: 'No such key: zz', line: 1, column: 8 });
});

test.each(['now()', 'today()', 'timestamp()', 'date()', 'random()', 'uuid()', 'rand()', 'time.now()'])(
  'expressions are deterministic: there is no %s',
  (expression) => {
    expect(() => compileExpression(expression, environmentFor([]))).toThrow(ExpressionError);
  },
);

test('expressions are deterministic: these functions beside CEL’s own, and none that tells the time or a random number', () => {
  const names = new Set(
    environmentFor([])
      .getDefinitions()
      .functions.map(({ name }) => name),
  );
  expect([...names].filter((name) => /now|today|clock|rand|uuid|current/i.test(name))).toEqual([]);
  expect([...names]).toEqual(
    expect.arrayContaining(['list', 'text', 'truncate', 'ascii', 'decimalAdd', 'decimalMul', 'decimalRound', 'dateText', 'json', 'hash']),
  );
});

test('truncate() never cuts a code point in two and never gives more than asked', () => {
  const anyText = fc.array(fc.integer({ min: 0, max: 0x10ffff })).map((points) => String.fromCodePoint(...points));
  const truncate = compileExpression('truncate(record, length)', environmentFor(['record', 'length']));
  fc.assert(
    fc.property(anyText, fc.integer({ min: 0, max: 20 }), (text, length) => {
      const cut = truncate.evaluate({ record: text, length: BigInt(length) });
      expect(cut).toBe(Array.from(text).slice(0, length).join(''));
    }),
  );
});
