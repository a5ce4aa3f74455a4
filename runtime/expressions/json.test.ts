import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileTemplate } from './template.ts';
import { environmentFor } from './environment.ts';
import { jsonText, NotJsonError, parseRecord, SpelledNumber } from './json.ts';

function read(text: string): unknown {
  const parsed = parseRecord(Buffer.from(text));
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.value;
}

function passedThrough(text: string): string {
  return jsonText(read(text));
}

test.each([
  ['0', 0n],
  ['-0', 0n],
  ['9007199254740991', 9007199254740991n],
  ['9007199254740993', 9007199254740993n],
  ['-9007199254740993', -9007199254740993n],
  ['820982911946154508', 820982911946154508n],
  ['9223372036854775807', 9223372036854775807n],
  ['-9223372036854775808', -9223372036854775808n],
])('C2: the integer %s keeps every digit', (digits, value) => {
  expect(read(`{"id":${digits}}`)).toEqual({ id: value });
  expect(read(digits)).toBe(value);
});

test.each(['9223372036854775808', '-9223372036854775809', '18446744073709551616', '1234567890123456789012345678901234567890'])(
  'C2: the integer %s is beyond 64 bits and becomes text with every digit',
  (digits) => {
    expect(read(`{"id":${digits}}`)).toEqual({ id: digits });
    expect(passedThrough(`[${digits}]`)).toBe(`["${digits}"]`);
  },
);

test.each(['1.10', '5.0', '1e3', '1E+3', '0.1e-7', '-0.0', '100.000000000000000001', '1e400', '19.99', '0.30000000000000004'])(
  'C2: the double %s is passed through as it was spelled, in objects and lists',
  (spelling) => {
    expect(passedThrough(`{"a":${spelling},"b":[${spelling},1]}`)).toBe(`{"a":${spelling},"b":[${spelling},1]}`);
  },
);

test('C2: a number with a point or an exponent is a double, whatever its value', () => {
  expect(read('[1.10,5.0,1e3]')).toEqual([1.1, 5, 1000]);
});

test.each([
  ['{"a":1.1,"a":1.10}', '{"a":1.10}'],
  ['{"a":1.10,"a":1.1}', '{"a":1.1}'],
  ['{"a":1.10,"a":9007199254740993}', '{"a":9007199254740993}'],
  ['{"a":{"b":2.50},"a":"x"}', '{"a":"x"}'],
  ['{"a":1.50,"b":1,"a":[1.0]}', '{"a":[1.0],"b":1}'],
])('the last of two equal keys counts, with its own spelling: %s', (text, expected) => {
  expect(passedThrough(text)).toBe(expected);
});

test.each([
  ['emoji', '"👩‍👩‍👧‍👦 🏳️‍🌈"'],
  ['right-to-left text', '"שלום עולם ‮abc‬ مرحبا"'],
  ['escaped lone surrogates', '"\\ud800 and \\udfff"'],
  ['surrogates in the wrong order', '"\\udc00\\ud800"'],
  ['control characters', '"\\u0000\\u0001\\b\\t\\n\\f\\r\\u001f\u007f\u0085"'],
  ['line separators', '"\u2028\u2029"'],
  ['quotes and backslashes', '"\\"\\\\"'],
  ['a byte order mark within', '"a\ufeffb"'],
  ['unassigned and private code points', '"\ue000\u{10ffff}\uffff"'],
])('C2: a text with %s survives code point by code point, as value and as key', (_, literal) => {
  expect(read(literal)).toBe(JSON.parse(literal));
  expect(JSON.parse(passedThrough(`{${literal}:${literal}}`))).toEqual(JSON.parse(`{${literal}:${literal}}`));
  expect(passedThrough(literal)).toBe(literal);
});

test('C2: keys named like members of every object survive and change no prototype', () => {
  const text = '{"__proto__":{"polluted":1.10},"constructor":5,"toString":"x","hasOwnProperty":null,"a":{"__proto__":7}}';
  expect(passedThrough(text)).toBe(text);
  expect(read('{"__proto__":{"polluted":1}}')).not.toHaveProperty('polluted');
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
});

test('a byte order mark before the record is no part of it', () => {
  expect(read('\ufeff{"id":1}')).toEqual({ id: 1n });
});

const tooDeep = 'the body nests deeper than 200 levels';

test.each<[string, Uint8Array, string]>([
  ['nothing', new Uint8Array(), 'the body is empty'],
  ['spaces', Buffer.from(' \n'), 'the body is not valid JSON'],
  ['a byte order mark alone', Buffer.from('\ufeff'), 'the body is not valid JSON'],
  ['half an object', Buffer.from('{"a":'), 'the body is not valid JSON'],
  ['two values', Buffer.from('{} {}'), 'the body is not valid JSON'],
  ['NaN', Buffer.from('{"a":NaN}'), 'the body is not valid JSON'],
  ['a raw line break in a text', Buffer.from('"a\nb"'), 'the body is not valid JSON'],
  ['a leading zero', Buffer.from('01'), 'the body is not valid JSON'],
  ['a stray byte', Buffer.from([0x22, 0xff, 0x22]), 'the body is not valid UTF-8'],
  ['an overlong encoding', Buffer.from([0x22, 0xc0, 0xaf, 0x22]), 'the body is not valid UTF-8'],
  ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'the body is not valid UTF-8'],
  ['a cut-off character', Buffer.from([0x22, 0xe2, 0x82]), 'the body is not valid UTF-8'],
  ['UTF-16', Buffer.from('\ufeff{"a":1}', 'utf16le'), 'the body is not valid UTF-8'],
  ['100,000 nested lists', Buffer.from('['.repeat(100_000)), tooDeep],
  ['100,000 nested lists, closed', Buffer.from(`${'['.repeat(100_000)}${']'.repeat(100_000)}`), tooDeep],
  ['100,000 nested objects', Buffer.from('{"a":'.repeat(100_000)), tooDeep],
  ['201 levels', Buffer.from(`${'['.repeat(201)}${']'.repeat(201)}`), tooDeep],
  ['201 levels behind a text with an escaped quote', Buffer.from(`["\\"",${'['.repeat(200)}${']'.repeat(200)}]`), tooDeep],
])('C2: %s cannot be read, which is said and not thrown', (_, bytes, message) => {
  expect(parseRecord(bytes)).toEqual({ ok: false, message });
});

test.each([
  ['200 levels', `${'['.repeat(200)}${']'.repeat(200)}`],
  ['500 lists side by side', `[${Array.from({ length: 500 }, () => '[{}]').join(',')}]`],
  ['brackets within a text', `"${'[{'.repeat(50_000)}"`],
  ['brackets within a text after an escaped quote and backslash', `["\\"${'['.repeat(300)}","\\\\",1]`],
])('C2: %s can be read', (_, text) => {
  expect(parseRecord(Buffer.from(text)).ok).toBe(true);
});

test('C2: 10 MB survive to the letter', () => {
  const line = '{"id":9007199254740993,"price":1.10,"name":"Größe 😀"}';
  const text = `{"lines":[${Array.from({ length: 2_000 }, () => line).join(',')}],"note":"${'x'.repeat(10_000_000)}"}`;
  expect(passedThrough(text) === text).toBe(true);
});

test.each<[string, unknown, string]>([
  ['null', null, 'null'],
  ['undefined', undefined, 'null'],
  ['a boolean', true, 'true'],
  ['an int', 2n ** 63n - 1n, '9223372036854775807'],
  ['a double', 1.5, '1.5'],
  ['a double with a spelling', new SpelledNumber('1.50'), '1.50'],
  ['a timestamp', new Date(Date.UTC(2026, 10, 27, 5, 0, 0, 7)), '"2026-11-27T05:00:00.007Z"'],
  ['bytes', new Uint8Array([0, 255]), '"AP8="'],
  ['a map with keys of other types', new Map<unknown, unknown>([[5n, 'five'] as const, [true, 1n] as const]), '{"5":"five","true":1}'],
  ['a list', [1n, [null, 'x']], '[1,[null,"x"]]'],
])('the JSON text of %s', (_, value, expected) => {
  expect(jsonText(value)).toBe(expected);
});

test('the JSON text of CEL values that are made by expressions', () => {
  const evaluate = (source: string) => compileTemplate(source, environmentFor([])).evaluate({});
  expect(jsonText(evaluate('${5u}'))).toBe('5');
  expect(jsonText(evaluate('${duration("90s")}'))).toBe('"90s"');
  expect(jsonText(evaluate('${optional.none()}'))).toBe('null');
  expect(jsonText(evaluate('${optional.of({"a": optional.none(), "b": [optional.none(), optional.of(1)]})}'))).toBe('{"b":[null,1]}');
});

test.each<[string, unknown]>([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['a function', () => undefined],
  ['a symbol', Symbol('x')],
])('%s has no JSON text', (_, value) => {
  expect(() => jsonText(value)).toThrow(NotJsonError);
});

/** JSON text with objects as sorted entries and numbers as their spelling, so that two texts can be compared by meaning. */
function meaning(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown, context?: { source?: string }) => {
    if (typeof value === 'number') return { spelling: context?.source };
    if (typeof value !== 'object' || value === null || Array.isArray(value) || 'spelling' in value) return value;
    return { entries: Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)) };
  });
}

const codeUnits = fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units));
const codePoints = fc.array(fc.integer({ min: 0, max: 0x10ffff })).map((points) => String.fromCodePoint(...points));
const anyText = fc.oneof(fc.string(), codeUnits, codePoints, fc.constantFrom('__proto__', 'constructor', '', '0', 'a.b'));
const double = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .chain((value) => fc.constantFrom(String(value), value.toExponential(), value.toExponential().toUpperCase(), value.toPrecision(17)))
  .map((spelling) => (/^-?[0-9]+$/.test(spelling) ? `${spelling}.0` : spelling));
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);

const { value: anyJson } = fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom('null', 'true', 'false'),
    int64,
    double,
    anyText.map((text) => JSON.stringify(text)),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 5 }).map((items) => `[ ${items.join(' ,')}]`),
  object: fc
    .uniqueArray(fc.tuple(anyText, tie('value')), { maxLength: 5, selector: ([key]) => key })
    .map((members) => `{${members.map(([key, value]) => `${JSON.stringify(key)}:\n${value}`).join(',')}}`),
}));

test('C2: whatever JSON came is written again with the same meaning, digit by digit and code unit by code unit', () => {
  fc.assert(
    fc.property(anyJson, (json) => {
      const text = `[${json}]`;
      expect(meaning(passedThrough(text))).toEqual(meaning(text));
    }),
    { numRuns: 500 },
  );
});

/** What JSON.parse gives, but for integers beyond 64 bits: those are texts. */
function withLongIntegersAsText(json: string): unknown {
  return JSON.parse(json, (_key, value: unknown, context?: { source?: string }) => {
    const source = context?.source ?? '';
    return typeof value === 'number' && /^-?[0-9]+$/.test(source) && BigInt.asIntN(64, BigInt(source)) !== BigInt(source) ? source : value;
  });
}

test('C2: whatever JSON.stringify writes is passed on with the same values', () => {
  fc.assert(
    fc.property(fc.json(), (json) => {
      expect(JSON.parse(passedThrough(json))).toEqual(withLongIntegersAsText(json));
    }),
  );
});

test('C2: no bytes make reading throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      expect(typeof parseRecord(bytes).ok).toBe('boolean');
    }),
  );
});
