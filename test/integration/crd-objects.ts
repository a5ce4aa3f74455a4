/** Objects that the API server must accept, from the smallest to the largest; bad ones are made from them by one change each. */

/** A value of a Kubernetes object. */
export type Value = string | number | boolean | null | readonly Value[] | { readonly [field: string]: Value };

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: 'Connector' | 'SyncPipeline';
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: Value | undefined;
}

function connector(name: string, spec: Value): KubernetesObject {
  return { apiVersion: 'peppasync.io/v1alpha1', kind: 'Connector', metadata: { name, namespace: 'default' }, spec };
}

function syncPipeline(name: string, spec: Value): KubernetesObject {
  return { apiVersion: 'peppasync.io/v1alpha1', kind: 'SyncPipeline', metadata: { name, namespace: 'default' }, spec };
}

const clientCredentials = {
  clientID: '5f1a0c',
  certificateID: 'prod-2026',
  algorithm: 'PS256',
  privateKeySecretRef: { name: 'netsuite', key: 'private-key' },
} as const;

const upsert = { name: 'upsert', netSuite: { record: 'salesOrder', operation: 'Upsert', externalID: 'shopify-${record.id}' } } as const;

const goodConnectors = {
  shopify: connector('shopify', {
    type: 'Shopify',
    shopify: { shop: 'jackets.myshopify.com', apiVersion: '2026-07', webhookSecretRefs: [{ name: 'shopify', key: 'client-secret' }] },
  }),
  shopifyWithEverything: connector('shopify-with-everything', {
    type: 'Shopify',
    shopify: {
      shop: 'shoes.myshopify.com',
      apiVersion: '2026-07',
      webhookSecretRefs: [
        { name: 'shopify.new', key: 'client-secret' },
        { name: 'shopify', key: 'client-secret' },
      ],
    },
    limits: { concurrency: 4, lostCallHold: '5m' },
    timeout: '1m30s',
    circuit: { failures: 3, openFor: '1500ms', maxOpenFor: '1h' },
    ingest: { maxBodyBytes: '64Mi', scaling: { minReplicas: 20 } },
  }),
  netSuite: connector('netsuite', {
    type: 'NetSuite',
    netSuite: { account: '1234567', auth: { type: 'ClientCredentials', clientCredentials } },
  }),
  netSuiteWithEverything: connector('netsuite-with-everything', {
    type: 'NetSuite',
    netSuite: {
      account: '1234567_SB1',
      endpoint: { url: 'http://127.0.0.1:8080' },
      auth: { type: 'ClientCredentials', clientCredentials: { ...clientCredentials, algorithm: 'ES256' } },
    },
    limits: { concurrency: 15, lostCallHold: '7s' },
    timeout: '5s',
    circuit: { failures: 5, openFor: '1s', maxOpenFor: '4s' },
  }),
};

const goodPipelines = {
  orders: syncPipeline('orders', {
    source: { connectorRef: { name: 'shopify' }, shopify: { topics: ['orders/create'] }, key: 'record.id' },
    destinations: [{ name: 'erp', connectorRef: { name: 'netsuite' }, operations: [upsert] }],
  }),
  ordersWithEverything: syncPipeline('orders-with-everything', {
    suspend: 'Deliveries',
    source: {
      connectorRef: { name: 'shopify' },
      shopify: { topics: ['orders/create', 'orders/updated', 'orders/cancelled'] },
      key: 'record.id',
      version: 'timestamp(record.updated_at)',
      filter: 'record.?test.orValue(false) != true',
      cancel: "meta.topic == 'orders/cancelled' || text(record.?cancelled_at, '') != ''",
    },
    capture: { lanes: 64, maxBytes: '10Gi' },
    destinations: [
      {
        name: 'erp',
        connectorRef: { name: 'netsuite' },
        startFrom: 'Earliest',
        suspend: 'None',
        filter: "record.currency == 'EUR'",
        validations: [
          {
            name: 'address',
            rule: "size(text(record.?shipping_address.?address1, '')) > 0",
            reason: 'InvalidAddress',
            field: 'shipping_address.address1',
            message: 'address1 is missing',
          },
          { name: 'name', rule: "text(record.?name, '') != ''", reason: 'NoName', message: 'the order has no name' },
        ],
        operations: [
          {
            name: 'cancel',
            takes: ['Cancel'],
            netSuite: { record: 'salesOrder', operation: 'Update', externalID: 'shopify-${record.id}' },
            body: { orderStatus: 'C', custbody_source_version: '${meta.version}' },
          },
          { ...upsert, takes: ['Record', 'Cancel'], when: 'record.total > 0', body: { otherRefNum: '${record.name}' } },
        ],
        retry: { for: '30d', onUnknown: 'Bin' },
      },
      { name: 'copy', connectorRef: { name: 'netsuite' }, operations: [upsert] },
    ],
  }),
  oddBody: syncPipeline('odd-body', {
    source: { connectorRef: { name: 'shopify' }, shopify: { topics: ['orders/create'] }, key: 'record.id' },
    destinations: [
      {
        name: 'erp',
        connectorRef: { name: 'netsuite' },
        operations: [
          {
            ...upsert,
            body: {
              empty: {},
              none: [],
              cleared: null,
              yes: true,
              ratio: 0.5,
              long: 9007199254740991,
              text: "block\n  of ${'${'} text ✓\n",
              list: [1, 'two', null, { three: [3] }],
              item: { items: "${record.line_items.map(l, {'item': {'id': l.sku}, 'quantity': l.quantity})}" },
            },
          },
        ],
        retry: { for: '0s' },
      },
    ],
  }),
  plainNumbers: syncPipeline('plain-numbers', {
    source: { connectorRef: { name: 'shopify' }, shopify: { topics: ['orders/create'] }, key: 'record.id' },
    capture: { lanes: 1, maxBytes: 1073741824 },
    destinations: [{ name: 'erp', connectorRef: { name: 'netsuite' }, operations: [upsert], retry: { for: '29d23h59m59s1000ms' } }],
  }),
  largest: syncPipeline('l'.repeat(52), {
    source: { connectorRef: { name: 'n'.repeat(52) }, shopify: { topics: numbered(64, topicOf) }, key: 'record.id' },
    destinations: numbered(16, (destination) => ({
      name: `d${destination}`,
      connectorRef: { name: 'netsuite' },
      validations: numbered(32, (index) => ({ name: `v${index}`, rule: 'true', reason: `Rule${index}`, message: 'no' })),
      operations: numbered(16, (index) => ({ ...upsert, name: `o${index}`, when: 'true' })),
      retry: { for: '1h30m' },
    })),
  }),
};

/** Connectors and pipelines that must be accepted, unchanged by the server. */
export const good = { ...goodConnectors, ...goodPipelines } satisfies Record<string, KubernetesObject>;

/** `of(0)` to `of(count − 1)`. */
export function numbered<T>(count: number, of: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => of(index));
}

/** A topic of its own for each index below 676: digits have no place in a topic. */
export function topicOf(index: number): string {
  return `orders/${String.fromCodePoint(97 + Math.floor(index / 26), 97 + (index % 26))}`;
}

/**
 * A copy in which the field at `path` (`metadata.name`, or below `spec`; `[n]` for entries) holds `value`; undefined takes it
 * away. @throws RangeError when the path leads nowhere.
 */
export function changedObject(object: KubernetesObject, path: string, value: Value | undefined): KubernetesObject {
  if (path === 'metadata.name' && typeof value === 'string') return { ...object, metadata: { ...object.metadata, name: value } };
  const [root, ...steps] = path.split(/[.[\]]+/).filter((step) => step !== '');
  if (root !== 'spec') throw new RangeError(`only spec and metadata.name can be changed, not ${path}`);
  return { ...object, spec: changedAt(object.spec, steps, value) };
}

function changedAt(object: Value | undefined, [step, ...rest]: readonly string[], value: Value | undefined): Value | undefined {
  if (step === undefined) return value;
  if (typeof object !== 'object' || object === null) throw new RangeError(`nothing can be set at ${step}`);
  const entries = Object.entries(object);
  const next = changedAt(entries.find(([name]) => name === step)?.[1], rest, value);
  if (isList(object)) return next === undefined ? object.toSpliced(Number(step), 1) : object.with(Number(step), next);
  const others = entries.filter(([name]) => name !== step);
  return Object.fromEntries(next === undefined ? others : [...others, [step, next]]);
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}
