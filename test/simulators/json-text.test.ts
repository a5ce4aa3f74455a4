import { expect, test } from 'vitest';
import { parseJson, writeJson } from './json-text.ts';

test('64-bit integers keep their digits both ways', () => {
  const text = '{"id":820982911946154508,"min":-9223372036854775808,"small":7,"price":1.5}';
  expect(parseJson(text)).toEqual({ id: 820982911946154508n, min: -9223372036854775808n, small: 7, price: 1.5 });
  expect(writeJson(parseJson(text))).toBe(text);
});

test.each([
  ['lone \ud83d', String.raw`"lone \ud83d"`],
  ['\u0000\u001b', String.raw`"\u0000\u001b"`],
  ['a/b "c" \\', String.raw`"a/b \"c\" \\"`],
])('%j is written as an escape or as it is, and reads back', (value, text) => {
  expect(writeJson(value)).toBe(text);
  expect(parseJson(text)).toBe(value);
});

test('Shopify style escapes & < > and line separators; sorting orders the members', () => {
  expect(writeJson({ b: '<&>\u2028', a: [null, true] }, { escapeHtml: true, sortMembers: true })).toBe(
    String.raw`{"a":[null,true],"b":"\u003c\u0026\u003e\u2028"}`,
  );
});

test('what JSON cannot hold is refused, an undefined member is left out', () => {
  expect(writeJson({ a: undefined, b: 1 })).toBe('{"b":1}');
  expect(() => writeJson(Number.NaN)).toThrow(TypeError);
});
