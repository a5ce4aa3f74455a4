import { expect, test } from 'vitest';
import { connectorSpec } from './connector.ts';
import { defaultLostCallHold } from './defaults.ts';
import { effectiveConnector, effectiveSyncPipeline } from './effective.ts';
import { syncPipelineSpec } from './sync-pipeline.ts';

const account = {
  account: '1234567',
  auth: {
    type: 'ClientCredentials',
    clientCredentials: { clientID: 'a', certificateID: 'b', algorithm: 'PS256', privateKeySecretRef: { name: 'n', key: 'k' } },
  },
};
const shop = { shop: 'jackets.myshopify.com', apiVersion: '2026-07', webhookSecretRefs: [{ name: 's', key: 'k' }] };
const operation = { name: 'upsert', netSuite: { record: 'salesOrder', operation: 'Upsert', externalID: 'x' } };
const source = { connectorRef: { name: 'shopify' }, shopify: { topics: ['orders/create'] }, key: 'record.id' };

test('a pipeline that says nothing has the documented defaults', () => {
  const spec = syncPipelineSpec.parse({ source, destinations: [{ name: 'erp', connectorRef: { name: 'n' }, operations: [operation] }] });
  expect(effectiveSyncPipeline(spec)).toEqual({
    suspend: 'None',
    capture: { lanes: 4, maxBytes: '10Gi' },
    destinations: [
      {
        name: 'erp',
        suspend: 'None',
        startFrom: 'Now',
        retry: { for: '15m', onUnknown: 'Retry' },
        operations: [{ name: 'upsert', takes: ['Record'] }],
      },
    ],
  });
});

test('what a pipeline says holds', () => {
  const spec = syncPipelineSpec.parse({
    suspend: 'Deliveries',
    source,
    capture: { lanes: 8, maxBytes: 1048576 },
    destinations: [
      {
        name: 'erp',
        connectorRef: { name: 'n' },
        suspend: 'Deliveries',
        startFrom: 'Earliest',
        retry: { for: '30d', onUnknown: 'Bin' },
        operations: [{ ...operation, takes: ['Cancel'] }],
      },
    ],
  });
  expect(effectiveSyncPipeline(spec)).toEqual({
    suspend: 'Deliveries',
    capture: { lanes: 8, maxBytes: 1048576 },
    destinations: [
      {
        name: 'erp',
        suspend: 'Deliveries',
        startFrom: 'Earliest',
        retry: { for: '30d', onUnknown: 'Bin' },
        operations: [{ name: 'upsert', takes: ['Cancel'] }],
      },
    ],
  });
});

test('a Connector without source has no ingest; its concurrency has no default', () => {
  expect(effectiveConnector(connectorSpec.parse({ type: 'NetSuite', netSuite: account }))).toEqual({
    limits: { lostCallHold: '90s' },
    timeout: '60s',
    circuit: { failures: 5, openFor: '10s', maxOpenFor: '2m' },
  });
});

test('a Connector with a source has ingest', () => {
  const spec = connectorSpec.parse({ type: 'Shopify', shopify: shop, ingest: { scaling: { minReplicas: 2 } } });
  expect(effectiveConnector(spec).ingest).toEqual({ maxBodyBytes: '2Mi', scaling: { minReplicas: 2 } });
});

test('what a Connector says holds', () => {
  const spec = connectorSpec.parse({
    type: 'NetSuite',
    netSuite: account,
    limits: { concurrency: 15, lostCallHold: '7s' },
    timeout: '5s',
    circuit: { failures: 3, openFor: '1s', maxOpenFor: '4s' },
  });
  expect(effectiveConnector(spec)).toEqual({
    limits: { concurrency: 15, lostCallHold: '7s' },
    timeout: '5s',
    circuit: { failures: 3, openFor: '1s', maxOpenFor: '4s' },
  });
});

test.each([
  ['60s', '90s'],
  ['5s', '35s'],
  ['1500ms', '31500ms'],
  ['2m', '150s'],
])('L1: a call lost after a timeout of %s keeps its slot for %s', (timeout, hold) => {
  expect(defaultLostCallHold(timeout)).toBe(hold);
});
