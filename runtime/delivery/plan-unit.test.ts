import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import type { Call, SinkDefinition } from '../connectors/connector.ts';
import type { DestinationConfig, OperationConfig, PipelineConfig } from '../contract/config.ts';
import { template } from '../contract/schema-fields.ts';
import { ExpressionError } from '../expressions/compile.ts';
import { hash128 } from '../expressions/environment.ts';
import { compileMapping } from './mapping.ts';
import type { Mapping } from './mapping.ts';
import { inspect, planUnit, unitKeyOf } from './plan-unit.ts';
import type { UnitPlan } from './plan-unit.ts';
import type { CapturedRecord } from './record.ts';

/** A target whose operation has a constant and a template. */
const sink: SinkDefinition = {
  operation: z.strictObject({ record: z.string(), externalID: template() }),
  idempotency: () => 'Upsert',
  load: () => Promise.reject(new Error('plans make no calls')),
};

type Source = Partial<PipelineConfig['source']>;

const upsert: OperationConfig = {
  name: 'upsert',
  takes: ['Record'],
  member: 'netSuite',
  target: { record: 'salesOrder', externalID: 'shopify-${record.id}' },
  body: { otherRefNum: '${record.name}', id: '${record.id}', version: '${meta.version}' },
};
const cancel: OperationConfig = {
  name: 'cancel',
  takes: ['Cancel'],
  member: 'netSuite',
  target: { record: 'salesOrder', externalID: 'shopify-${record.id}' },
  body: { orderStatus: 'C' },
};

function mappingOf({ source = {}, ...destination }: Partial<DestinationConfig> & { source?: Source } = {}): Mapping {
  const erp: DestinationConfig = {
    name: 'erp',
    connector: 'netsuite',
    suspended: false,
    validations: [],
    operations: [upsert, cancel],
    retry: { forMs: 60_000, onUnknown: 'Retry' },
    ...destination,
  };
  const pipeline: PipelineConfig = {
    generation: 3,
    namespace: 'shop',
    name: 'orders',
    source: { connector: 'shopify', topics: ['orders/create'], key: 'record.id', ...source },
    lanes: 8,
    destinations: [erp],
  };
  return compileMapping(pipeline, erp, sink);
}

function record(json = '{"id":5,"name":"#1001"}', more: Partial<CapturedRecord> = {}): CapturedRecord {
  return {
    key: '5',
    topic: 'orders/create',
    sourceID: 'w-1',
    version: '7',
    capturedAt: '2026-11-27T05:00:00.000Z',
    seq: 42,
    keyHash: hash128('5'),
    body: Buffer.from(json),
    ...more,
  };
}

function callOf(plan: UnitPlan): Call {
  if (plan.kind !== 'call') throw new Error(JSON.stringify(plan));
  return plan.call;
}

function hashOf(plan: UnitPlan): string {
  if (plan.kind !== 'call') throw new Error(JSON.stringify(plan));
  return plan.hash;
}

function failure(field: string, message: string) {
  return { kind: 'failed', failure: { reason: 'ExpressionError', field, message } };
}

test.each<[string, Source, unknown]>([
  ['no filter and no cancel', {}, { kind: 'Record' }],
  ['a filter that takes it', { filter: 'record.id == 5' }, { kind: 'Record' }],
  ['a filter that does not', { filter: 'record.id != 5' }, { kind: 'filtered', reason: 'SourceFilter' }],
  ['a cancel that it is', { cancel: "meta.topic == 'orders/create'" }, { kind: 'Cancel' }],
  ['a cancel that it is not', { cancel: 'has(record.cancelled_at)' }, { kind: 'Record' }],
  ['a filter before a cancel', { filter: 'false', cancel: 'true' }, { kind: 'filtered', reason: 'SourceFilter' }],
])('a record that is read by a source with %s', (_, source, expected) => {
  expect(inspect(mappingOf({ source }), record())).toEqual(expected);
});

test.each<[Source, string, string]>([
  [{ filter: 'record.zz == 1' }, 'source.filter', 'No such key: zz (line 1, column 8)'],
  [{ filter: 'record.id' }, 'source.filter', 'must be true or false, but is an int (line 1, column 1)'],
  [{ cancel: "true &&\n record.zz == ''" }, 'source.cancel', 'No such key: zz (line 2, column 9)'],
  [{ cancel: 'record.?zz' }, 'source.cancel', 'must be true or false, but is absent (line 1, column 1)'],
])('X1: a source whose %j fails is never false', (source, field, message) => {
  expect(inspect(mappingOf({ source }), record())).toEqual(failure(field, message));
});

test.each<[string, string | undefined, CapturedRecord['problem'], unknown]>([
  ['is empty', '', undefined, { reason: 'Unreadable', message: 'the body is empty' }],
  ['is broken', '{', undefined, { reason: 'Unreadable', message: 'the body is not valid JSON' }],
  ['could not be read at capture', undefined, { reason: 'Unreadable', message: 'x' }, { reason: 'Unreadable', message: 'x' }],
  [
    'had no key at capture',
    undefined,
    { reason: 'ExpressionError', field: 'source.key', message: 'y' },
    { reason: 'ExpressionError', field: 'source.key', message: 'y' },
  ],
])('C2: a record that %s goes to the bin with its reason, before any filter', (_, json, problem, expected) => {
  const captured = record(json, problem === undefined ? {} : { problem });
  const mapping = mappingOf({ source: { filter: 'false' }, filter: 'false' });
  expect(inspect(mapping, captured)).toStrictEqual({ kind: 'failed', failure: expected });
  expect(planUnit(mapping, captured, 'Record')).toStrictEqual({ kind: 'failed', failure: expected });
});

test('a record becomes a call with its operation, body and keys', () => {
  const plan = planUnit(mappingOf(), record('{"id":9007199254740993,"name":"#1001 😀\\ud800"}'), 'Record');
  expect(hashOf(plan)).toMatch(/^[0-9a-f]{32}$/);
  expect(plan).toEqual({
    kind: 'call',
    idempotency: 'Upsert',
    hash: hashOf(plan),
    call: {
      operation: { record: 'salesOrder', externalID: 'shopify-9007199254740993' },
      body: '{"otherRefNum":"#1001 😀\\ud800","id":9007199254740993,"version":"7"}',
      unitKey: hash128('shop\norders\nerp\n5\n_'),
      callKey: hash128(`${hash128('shop\norders\nerp\n5\n_')}\nw-1\n0`),
    },
  });
});

test('C2: integers of 64 bits survive in the fields of the target too', () => {
  const whole = { ...upsert, target: { record: 'salesOrder', externalID: '${record.id}' } };
  const call = callOf(planUnit(mappingOf({ operations: [whole] }), record('{"id":9007199254740993,"name":""}'), 'Record'));
  expect(call.operation).toEqual({ record: 'salesOrder', externalID: '9007199254740993' });
});

test('only what the connector marks as a template is one', () => {
  const odd = { ...upsert, target: { record: '${record.name}', externalID: 'x' } };
  expect(callOf(planUnit(mappingOf({ operations: [odd] }), record(), 'Record')).operation).toEqual({
    record: '${record.name}',
    externalID: 'x',
  });
});

test('an operation without a body has none', () => {
  const { body: _, ...bare } = upsert;
  expect(Object.keys(callOf(planUnit(mappingOf({ operations: [bare] }), record(), 'Record')))).toEqual(['operation', 'unitKey', 'callKey']);
});

test.each<[string, Partial<DestinationConfig>, 'Record' | 'Cancel', unknown]>([
  ['a filter that does not take it', { filter: 'record.id != 5' }, 'Record', { kind: 'filtered', reason: 'DestinationFilter' }],
  ['a filter that does not take its cancel', { filter: 'false' }, 'Cancel', { kind: 'filtered', reason: 'DestinationFilter' }],
  ['no operation for records', { operations: [cancel] }, 'Record', { kind: 'filtered', reason: 'NoOperation' }],
  ['no operation for cancels', { operations: [upsert] }, 'Cancel', { kind: 'filtered', reason: 'NoOperation' }],
  [
    'no operation whose when holds',
    { operations: [{ ...upsert, when: 'record.id == 6' }] },
    'Record',
    { kind: 'filtered', reason: 'NoOperation' },
  ],
  [
    'a filter before its operations',
    { filter: 'false', operations: [{ ...upsert, when: 'record.zz' }] },
    'Record',
    { kind: 'filtered', reason: 'DestinationFilter' },
  ],
  [
    'a filter before its validations',
    { filter: 'false', validations: [{ name: 'v', rule: 'false', reason: 'R', message: 'm' }] },
    'Record',
    { kind: 'filtered', reason: 'DestinationFilter' },
  ],
  [
    'no operation, before its validations',
    { operations: [cancel], validations: [{ name: 'v', rule: 'false', reason: 'R', message: 'm' }] },
    'Record',
    { kind: 'filtered', reason: 'NoOperation' },
  ],
])('at a destination with %s', (_, destination, kind, expected) => {
  expect(planUnit(mappingOf(destination), record(), kind)).toEqual(expected);
});

test('the first operation that takes the kind and whose when holds is the one', () => {
  const operations = [
    { ...upsert, name: 'never', takes: ['Cancel' as const], when: 'record.zz', target: { record: 'never', externalID: 'x' } },
    { ...upsert, name: 'other', when: 'record.id == 6', target: { record: 'other', externalID: 'x' } },
    {
      ...upsert,
      name: 'both',
      takes: ['Cancel' as const, 'Record' as const],
      when: 'record.id == 5',
      target: { record: 'both', externalID: 'x' },
    },
    { ...upsert, name: 'last', target: { record: 'last', externalID: 'x' } },
  ];
  expect(callOf(planUnit(mappingOf({ operations }), record(), 'Record')).operation).toMatchObject({ record: 'both' });
  expect(callOf(planUnit(mappingOf({ operations: operations.slice(2) }), record(), 'Cancel')).operation).toMatchObject({ record: 'both' });
});

const tooLong = {
  name: 'addressLength',
  rule: 'size(record.name) <= 3',
  reason: 'AddressTooLong',
  field: 'name',
  message: 'at most 3 characters',
};

test('P4: a broken validation bins the unit with its reason, field and message; the first one counts', () => {
  const validations = [
    { name: 'fine', rule: 'true', reason: 'Never', message: 'never' },
    tooLong,
    { name: 'later', rule: 'false', reason: 'Later', message: 'later' },
  ];
  expect(planUnit(mappingOf({ validations }), record(), 'Record')).toStrictEqual({
    kind: 'failed',
    failure: { reason: 'AddressTooLong', field: 'name', message: 'at most 3 characters' },
  });
  expect(planUnit(mappingOf({ validations: validations.slice(2) }), record(), 'Record')).toStrictEqual({
    kind: 'failed',
    failure: { reason: 'Later', message: 'later' },
  });
  expect(planUnit(mappingOf({ validations: [tooLong] }), record('{"id":5,"name":"#1"}'), 'Record').kind).toBe('call');
});

test('validations are not asked of a cancel', () => {
  const validations = [tooLong, { name: 'broken', rule: 'record.zz == 1', reason: 'X', message: 'x' }];
  expect(planUnit(mappingOf({ validations }), record(), 'Cancel').kind).toBe('call');
});

test.each<[Partial<DestinationConfig>, string, string]>([
  [{ filter: 'record.zz == 1' }, 'filter', 'No such key: zz (line 1, column 8)'],
  [{ filter: 'record.name' }, 'filter', 'must be true or false, but is a text (line 1, column 1)'],
  [{ operations: [{ ...upsert, when: '\n record.zz' }] }, 'operations.upsert.when', 'No such key: zz (line 2, column 9)'],
  [
    { validations: [{ name: 'email', rule: "record.email.matches('@')", reason: 'X', message: 'x' }] },
    'validations.email.rule',
    'No such key: email (line 1, column 8)',
  ],
  [
    { operations: [{ ...upsert, body: { item: { items: [{ rate: 'a ${record.zz}' }] } } }] },
    'item.items[0].rate',
    'No such key: zz (line 1, column 12)',
  ],
  [
    { operations: [{ ...upsert, body: { when: "\n${decimalAdd(record.name, '1')}\n" } }] },
    'when',
    'a decimal is written like 19.99, with at most 20 digits after the point (line 1, column 3)',
  ],
])('X1: at a destination with %j the unit is binned as ExpressionError with field and position', (destination, field, message) => {
  expect(planUnit(mappingOf(destination), record(), 'Record')).toEqual(failure(field, message));
});

test('X1: a field of the target that fails is named', () => {
  const plan = planUnit(
    mappingOf({ operations: [{ ...upsert, target: { record: 'x', externalID: 'a-${record.zz}' } }] }),
    record(),
    'Record',
  );
  expect(plan).toMatchObject({ kind: 'failed', failure: { reason: 'ExpressionError', message: 'No such key: zz (line 1, column 12)' } });
  expect(plan.kind === 'failed' ? plan.failure.field : undefined).toMatch(/externalID$/);
});

const everything = {
  ...upsert,
  target: { record: 'salesOrder', externalID: 'x-${record.id}' },
  body: {
    name: '${record.name}',
    v: '${meta.version}',
    c: '${meta.callKey}',
    s: 'from ${meta.sourceID}',
    at: '${meta.capturedAt}',
    u: '${meta.unitKey}',
    t: '${meta.topic}',
  },
};

test('Unchanged: what differs between two events of the same content is not part of the hash', () => {
  const mapping = mappingOf({ operations: [everything] });
  const one = planUnit(mapping, record(), 'Record');
  const two = planUnit(
    mapping,
    record(undefined, { version: '8', sourceID: 'w-2', capturedAt: '2026-11-27T06:00:00.000Z', seq: 99 }),
    'Record',
  );
  const { version: _, ...withoutVersion } = record();
  expect(hashOf(two)).toBe(hashOf(one));
  expect(hashOf(planUnit(mapping, withoutVersion, 'Record'))).toBe(hashOf(one));
  expect(callOf(two).body).not.toBe(callOf(one).body);
});

test.each<[string, Partial<CapturedRecord>, string | undefined]>([
  ['the content', {}, '{"id":5,"name":"#1002"}'],
  ['the content, though only in a lone surrogate', {}, '{"id":5,"name":"#1001\\ud800"}'],
  ['the external id', {}, '{"id":6,"name":"#1001"}'],
  ['the type of a value', {}, '{"id":5,"name":1001}'],
  ['the topic, where the mapping carries it', { topic: 'orders/updated' }, undefined],
  ['the key', { key: '6' }, undefined],
])('Unchanged: %s is part of the hash', (_, more, json) => {
  const mapping = mappingOf({ operations: [everything] });
  expect(hashOf(planUnit(mapping, record(json, more), 'Record'))).not.toBe(hashOf(planUnit(mapping, record(), 'Record')));
});

test('Unchanged: lone surrogates that differ are different content', () => {
  const mapping = mappingOf({ operations: [everything] });
  const hashes = ['\\ud800', '\\ud801', '\\ufffd'].map((name) => hashOf(planUnit(mapping, record(`{"id":5,"name":"${name}"}`), 'Record')));
  expect(new Set(hashes).size).toBe(3);
});

test('Unchanged: the same content by another operation is another request', () => {
  const hashes = ['a', 'b'].map((name) => hashOf(planUnit(mappingOf({ operations: [{ ...upsert, name }] }), record(), 'Record')));
  expect(new Set(hashes).size).toBe(2);
});

test('Unchanged: a mapping that cannot be rendered with empty texts is compared as it is sent', () => {
  const dated = { ...upsert, body: { at: "${dateText(timestamp(meta.capturedAt), 'HH:mm', 'UTC')}" } };
  const mapping = mappingOf({ operations: [dated] });
  const one = planUnit(mapping, record(), 'Record');
  expect(callOf(one).body).toBe('{"at":"05:00"}');
  expect(hashOf(planUnit(mapping, record(undefined, { sourceID: 'w-2' }), 'Record'))).toBe(hashOf(one));
  expect(hashOf(planUnit(mapping, record(undefined, { capturedAt: '2026-11-27T06:00:00.000Z' }), 'Record'))).not.toBe(hashOf(one));
});

test('D4: the call key is that of the event, equal on each try; the unit key is stable over events', () => {
  const mapping = mappingOf();
  const keysOf = (captured: CapturedRecord, by = mapping) => {
    const { unitKey, callKey } = callOf(planUnit(by, captured, 'Record'));
    return { unitKey, callKey };
  };
  const one = keysOf(record());
  expect(keysOf(record())).toEqual(one);
  expect(keysOf(record('{"id":5,"name":"#1002"}', { seq: 77, version: '9', capturedAt: '2026-11-28T00:00:00.000Z' }))).toEqual(one);
  const next = keysOf(record(undefined, { sourceID: 'w-2' }));
  expect([next.unitKey === one.unitKey, next.callKey === one.callKey]).toEqual([true, false]);
  const otherKey = keysOf(record(undefined, { key: '6' }));
  expect([otherKey.unitKey === one.unitKey, otherKey.callKey === one.callKey]).toEqual([false, false]);
  const otherDestination = keysOf(record(), mappingOf({ name: 'wms' }));
  expect([otherDestination.unitKey === one.unitKey, otherDestination.callKey === one.callKey]).toEqual([false, false]);
});

test('D4: two keys, pipelines or destinations have two unit keys', () => {
  const label = fc.stringMatching(/^[a-z]([-a-z]{0,3}[a-z])?$/);
  const codeUnits = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 4 }).map((units) => String.fromCharCode(...units));
  const key = fc.oneof(
    fc.constantFrom('5', '5\n_', 'a\nb', '\n'),
    fc.string(),
    codeUnits.filter((text) => text.isWellFormed()),
  );
  const identity = fc.record({ namespace: label, name: label, destination: label, key });
  const unitKey = ({ namespace, name, destination, key: of }: { namespace: string; name: string; destination: string; key: string }) =>
    unitKeyOf({ pipeline: { namespace, name }, destination }, { key: of });
  fc.assert(
    fc.property(identity, identity, (a, b) => {
      const isSame = a.namespace === b.namespace && a.name === b.name && a.destination === b.destination && a.key === b.key;
      expect(unitKey(a) === unitKey(b)).toBe(isSame);
    }),
  );
});

test('D4: keys that differ in half a character have two unit keys', () => {
  const keys = ['\ud800', '\ud801', '\ufffd'].map((key) => unitKeyOf(mappingOf(), { key }));
  expect(new Set(keys).size).toBe(3);
});

test('expressions see the record and what is known beside it', () => {
  const body = { meta: '${meta}' };
  const plan = planUnit(mappingOf({ operations: [{ ...upsert, body }] }), record(), 'Record');
  const call = callOf(plan);
  expect(JSON.parse(call.body ?? '')).toEqual({
    meta: {
      topic: 'orders/create',
      sourceID: 'w-1',
      capturedAt: '2026-11-27T05:00:00.000Z',
      version: '7',
      pipeline: 'orders',
      destination: 'erp',
      unitKey: call.unitKey,
      callKey: call.callKey,
    },
  });
});

test.each<[string, Partial<DestinationConfig> & { source?: Source }]>([
  ['source.filter', { source: { filter: 'recrd.x' } }],
  ['source.cancel', { source: { cancel: 'recrd.x' } }],
  ['filter', { filter: 'recrd.x' }],
  ['when', { operations: [{ ...upsert, when: 'recrd.x' }] }],
  ['body', { operations: [{ ...upsert, body: { a: ['${recrd.x}'] } }] }],
  ['a template of the target', { operations: [{ ...upsert, target: { record: 'x', externalID: '${recrd.x}' } }] }],
  ['a rule', { validations: [{ name: 'v', rule: 'recrd.x', reason: 'X', message: 'x' }] }],
])('a mapping whose %s does not compile is refused', (_, config) => {
  expect(() => mappingOf(config)).toThrow(
    new ExpressionError({
      message: 'Unknown variable: recrd',
      line: 1,
      column: config.operations === undefined || config.operations[0]?.when !== undefined ? 1 : 3,
    }),
  );
});

test('a mapping knows its generation, its names and its retry policy', () => {
  const { generation, pipeline, destination, retry, operations } = mappingOf();
  expect({ generation, pipeline, destination, retry }).toEqual({
    generation: 3,
    pipeline: { namespace: 'shop', name: 'orders' },
    destination: 'erp',
    retry: { forMs: 60_000, onUnknown: 'Retry' },
  });
  expect(operations.map(({ name, takes, idempotency }) => ({ name, takes, idempotency }))).toEqual([
    { name: 'upsert', takes: ['Record'], idempotency: 'Upsert' },
    { name: 'cancel', takes: ['Cancel'], idempotency: 'Upsert' },
  ]);
});
