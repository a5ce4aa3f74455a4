import fc from 'fast-check';
import { expect, test } from 'vitest';
import { captureHeader, captureHeaders, parseCaptureHeaders } from './capture-headers.ts';
import type { CaptureMeta } from './capture-headers.ts';

function written(meta: CaptureMeta): Map<string, string> {
  return new Map(captureHeaders(meta));
}

function readBack(headers: ReadonlyMap<string, string>): CaptureMeta {
  return parseCaptureHeaders((name) => headers.get(name) ?? '');
}

const smallest: CaptureMeta = { key: '5', topic: 'orders/create', sourceID: 'w-1', capturedAt: '2026-11-27T05:00:00.000Z' };

test('headers are JSON strings, and what is absent has none', () => {
  expect(captureHeaders(smallest)).toEqual([
    ['Pp-Key', '"5"'],
    ['Pp-Topic', '"orders/create"'],
    ['Pp-Source-Id', '"w-1"'],
    ['Pp-Captured-At', '"2026-11-27T05:00:00.000Z"'],
  ]);
  expect(
    captureHeaders({ ...smallest, version: '7', problem: { reason: 'ExpressionError', field: 'source.key', message: 'x' } }).slice(4),
  ).toEqual([
    ['Pp-Version', '"7"'],
    ['Pp-Problem', '{"reason":"ExpressionError","field":"source.key","message":"x"}'],
  ]);
});

const codeUnits = fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units));
const text = fc.oneof(
  codeUnits,
  fc.string(),
  fc.constantFrom('a\r\nPp-Topic: "forged"', ' outer ', '\ud800', '', '\u2028', '"', 'null', '__proto__'),
);

const meta: fc.Arbitrary<CaptureMeta> = fc
  .record({
    base: fc.record({ key: text, topic: text, sourceID: text, capturedAt: text }),
    version: fc.option(text, { nil: undefined }),
    problem: fc.option(
      fc.record({
        reason: fc.constantFrom('Unreadable' as const, 'ExpressionError' as const),
        field: fc.option(text, { nil: undefined }),
        message: text,
      }),
      { nil: undefined },
    ),
  })
  .map(({ base, version, problem }) => ({
    ...base,
    ...(version === undefined ? {} : { version }),
    ...(problem === undefined
      ? {}
      : {
          problem: { reason: problem.reason, message: problem.message, ...(problem.field === undefined ? {} : { field: problem.field }) },
        }),
  }));

test('C2: keys, versions and ids of any characters come back as they were', () => {
  fc.assert(
    fc.property(meta, (original) => {
      expect(readBack(written(original))).toStrictEqual(original);
    }),
  );
});

test('C2: no header value holds what would end or bend a header: line breaks, outer spaces, half characters', () => {
  fc.assert(
    fc.property(meta, (original) => {
      for (const value of written(original).values()) {
        expect(value.split('').filter((character) => character < ' ')).toEqual([]);
        expect(value).toBe(value.trim());
        expect(value.isWellFormed()).toBe(true);
      }
    }),
  );
});

test.each([
  ['a missing key', captureHeader.key, ''],
  ['a key that is no JSON', captureHeader.key, 'abc'],
  ['a key that is no text', captureHeader.key, '5'],
  ['a version that is no text', captureHeader.version, '7'],
  ['a problem of an unknown kind', captureHeader.problem, '{"reason":"Other","message":"x"}'],
])('%s is refused, not guessed', (_, name, value) => {
  const headers = written(smallest).set(name, value);
  expect(() => readBack(headers)).toThrow();
});
