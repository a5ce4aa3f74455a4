import { expect, test } from 'vitest';
import { syncPipelineSpec } from '../../crds/schema/sync-pipeline.ts';
import { checkExpressions } from './check-expressions.ts';

const good = {
  source: {
    connectorRef: { name: 'shopify' },
    shopify: { topics: ['orders/create'] },
    key: 'record.id',
    version: 'timestamp(record.updated_at)',
    filter: 'record.?test.orValue(false) != true',
    cancel: "meta.topic == 'orders/cancelled'",
  },
  destinations: [
    {
      name: 'erp',
      connectorRef: { name: 'netsuite' },
      filter: "meta.topic != 'x'",
      validations: [{ name: 'address', rule: "size(text(record.?a, '')) > 0", reason: 'InvalidAddress', message: 'no' }],
      operations: [
        {
          name: 'upsert',
          when: 'true',
          netSuite: { record: 'salesOrder', operation: 'Upsert', externalID: 'shopify-${record.id}' },
          body: { entity: { id: '4711' }, items: [{ rate: '${record.price}' }] },
        },
      ],
    },
  ],
};

type Spec = typeof good;

/** The good spec with one change. */
function changed(change: (spec: Spec) => void) {
  const spec = structuredClone(good);
  change(spec);
  return checkExpressions(syncPipelineSpec.parse(spec)).map(({ reason, path, message }) => [reason, path, message.split(':')[0]]);
}

test('a good spec has no problems', () => {
  expect(changed(() => undefined)).toEqual([]);
});

function destination(spec: Spec): Spec['destinations'][0] {
  const [first] = spec.destinations;
  if (first === undefined) throw new Error('no destination');
  return first;
}

function operation(spec: Spec): Spec['destinations'][0]['operations'][0] {
  const [first] = destination(spec).operations;
  if (first === undefined) throw new Error('no operation');
  return first;
}

test.each<[string, string, (spec: Spec) => void, string]>([
  ['InvalidExpression', 'spec.source.key', (spec) => (spec.source.key = 'record..id'), 'line 1, column 8'],
  ['InvalidExpression', 'spec.source.version', (spec) => (spec.source.version = 'recrd.at'), 'line 1, column 1'],
  ['InvalidExpression', 'spec.source.filter', (spec) => (spec.source.filter = 'true &&\n  lines.size() > 0'), 'line 2, column 3'],
  ['InvalidExpression', 'spec.source.cancel', (spec) => (spec.source.cancel = "meta.topic == 'a"), 'line 1, column 15'],
  ['InvalidExpression', 'spec.destinations[erp].filter', (spec) => (destination(spec).filter = ')'), 'line 1, column 1'],
  [
    'InvalidExpression',
    'spec.destinations[erp].validations[address].rule',
    (spec) => (destination(spec).validations = [{ name: 'address', rule: 'nope(1)', reason: 'A', message: 'a' }]),
    'line 1, column 1',
  ],
  ['InvalidExpression', 'spec.destinations[erp].operations[upsert].when', (spec) => (operation(spec).when = '1 +'), 'line 1, column 4'],
  [
    'InvalidTemplate',
    'spec.destinations[erp].operations[upsert].netSuite.externalID',
    (spec) => (operation(spec).netSuite.externalID = 'a-${rec.id}'),
    'line 1, column 5',
  ],
  [
    'InvalidTemplate',
    'spec.destinations[erp].operations[upsert].body.items[0].rate',
    (spec) => (operation(spec).body.items = [{ rate: '${' }]),
    'line 1, column 1',
  ],
])('%s at %s is found with its position', (reason, path, change, position) => {
  expect(changed(change)).toEqual([[reason, path, position]]);
});

test('all problems are found, in the order of the spec', () => {
  const found = changed((spec) => {
    spec.source.key = '(';
    operation(spec).when = ')';
  });
  expect(found.map(([, path]) => path)).toEqual(['spec.source.key', 'spec.destinations[erp].operations[upsert].when']);
});
