import { expect, test } from 'vitest';
import type { PipelineConfig } from '../contract/config.ts';
import { ExpressionError } from '../expressions/compile.ts';
import { parseRecord } from '../expressions/json.ts';
import { captureMeta, compileSource } from './capture-meta.ts';

const facts = { topic: 'orders/create', sourceID: 'w-1', capturedAt: '2026-11-27T05:00:00.000Z' };

function pipeline(source: { key: string; version?: string }): PipelineConfig {
  return {
    generation: 1,
    namespace: 'shop',
    name: 'orders',
    source: { connector: 'shopify', topics: ['orders/create'], ...source },
    lanes: 8,
    destinations: [],
  };
}

function capture(source: { key: string; version?: string }, body: string | Uint8Array) {
  return captureMeta(compileSource(pipeline(source)), parseRecord(Buffer.from(body)), facts);
}

const byID = { key: 'record.id', version: 'timestamp(record.updated_at)' };

test.each([
  ['{"id":5,"updated_at":"2026-11-27T06:00:00+01:00"}', '5', '2026-11-27T05:00:00.000Z'],
  ['{"id":"5","updated_at":"2026-11-27T05:00:00.25Z"}', '5', '2026-11-27T05:00:00.250Z'],
  ['{"id":9007199254740993,"updated_at":"2026-11-27T05:00:00Z"}', '9007199254740993', '2026-11-27T05:00:00.000Z'],
])('C2: of %s the key is %s and the version %s', (body, key, version) => {
  expect(capture(byID, body)).toStrictEqual({ ...facts, key, version });
});

test.each([
  [{ key: "record.id + ':' + meta.topic" }, '{"id":"a"}', { key: 'a:orders/create' }],
  [{ key: 'meta.sourceID' }, '{}', { key: 'w-1' }],
  [{ key: 'record.id' }, '{"id":"\\ud800\\n"}', { key: '\ud800\n' }],
  [{ key: 'record.id', version: 'record.v' }, '{"id":1,"v":9007199254740993}', { key: '1', version: '9007199254740993' }],
  [{ key: 'record.id', version: 'timestamp(meta.capturedAt)' }, '{"id":1}', { key: '1', version: facts.capturedAt }],
])('with %j, %s is captured as %j', (source, body, expected) => {
  expect(capture(source, body)).toStrictEqual({ ...facts, ...expected });
});

test.each<[string, string | Uint8Array, unknown]>([
  ['an empty body', '', { reason: 'Unreadable', message: 'the body is empty' }],
  ['broken JSON', '{"id":5', { reason: 'Unreadable', message: 'the body is not valid JSON' }],
  ['invalid UTF-8', new Uint8Array([0xff]), { reason: 'Unreadable', message: 'the body is not valid UTF-8' }],
  ['100,000 brackets', '['.repeat(100_000), { reason: 'Unreadable', message: 'the body nests deeper than 200 levels' }],
  [
    'a null key',
    '{"id":null}',
    { reason: 'ExpressionError', field: 'source.key', message: 'a key must be a text or an int, but is null (line 1, column 1)' },
  ],
  [
    'an empty key',
    '{"id":""}',
    { reason: 'ExpressionError', field: 'source.key', message: 'a key must be a text or an int, but is an empty text (line 1, column 1)' },
  ],
  [
    'a key with a fraction',
    '{"id":5.0}',
    { reason: 'ExpressionError', field: 'source.key', message: 'a key must be a text or an int, but is a double (line 1, column 1)' },
  ],
  ['no key', '{}', { reason: 'ExpressionError', field: 'source.key', message: 'No such key: id (line 1, column 8)' }],
  ['a record that is no object', '[1]', { reason: 'ExpressionError', field: 'source.key' }],
  [
    'no version',
    '{"id":5}',
    { reason: 'ExpressionError', field: 'source.version', message: 'No such key: updated_at (line 1, column 18)' },
  ],
  ['a null version', '{"id":5,"updated_at":null}', { reason: 'ExpressionError', field: 'source.version' }],
  ['a version that is no time', '{"id":5,"updated_at":"yesterday"}', { reason: 'ExpressionError', field: 'source.version' }],
])('C2: a record with %s gets a key of its own and says why', (_, body, problem) => {
  const meta = capture(byID, body);
  expect(meta).toStrictEqual({ ...facts, key: 'raw:w-1', problem: meta.problem });
  expect(meta.problem).toMatchObject(Object(problem));
});

test('C2: a version that is a text is a problem, not a version', () => {
  expect(capture({ key: 'record.id', version: 'record.v' }, '{"id":5,"v":"7"}')).toStrictEqual({
    ...facts,
    key: 'raw:w-1',
    problem: {
      reason: 'ExpressionError',
      field: 'source.version',
      message: 'a version must be a timestamp or an int, but is a text (line 1, column 1)',
    },
  });
});

test.each(['recrd.id', 'body.id', 'now()', 'record.'])('a source with the key %s is refused before any record comes', (key) => {
  expect(() => compileSource(pipeline({ key }))).toThrow(ExpressionError);
  expect(() => compileSource(pipeline({ key: 'record.id', version: key }))).toThrow(ExpressionError);
});

test('P4: a key that no header could hold gets a key of its own', () => {
  expect(capture(byID, JSON.stringify({ id: 'x'.repeat(1_100), updated_at: '2026-11-27T05:00:00Z' }))).toMatchObject({
    key: 'raw:w-1',
    problem: { reason: 'ExpressionError', field: 'source.key' },
  });
});
