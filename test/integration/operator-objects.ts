/** Objects for tests of the operator. */

type Body = Readonly<Record<string, unknown>>;

function ours(kind: 'Connector' | 'SyncPipeline', name: string, spec: Body): object {
  return { apiVersion: 'peppasync.io/v1alpha1', kind, metadata: { name, namespace: 'shop' }, spec };
}

export function shopify(name = 'shopify', more: Body = {}): object {
  const shop = { shop: `${name}.myshopify.com`, apiVersion: '2026-07', webhookSecretRefs: [{ name: 'shopify', key: 'client-secret' }] };
  return ours('Connector', name, { type: 'Shopify', shopify: shop, ...more });
}

export function netSuite(
  name = 'netsuite',
  { secret = 'netsuite', account = '1234567', ...more }: Body & { secret?: string; account?: string } = {},
): object {
  const privateKeySecretRef = { name: secret, key: 'private-key' };
  const clientCredentials = { clientID: 'a', certificateID: 'b', algorithm: 'ES256', privateKeySecretRef };
  const auth = { type: 'ClientCredentials', clientCredentials };
  return ours('Connector', name, {
    type: 'NetSuite',
    netSuite: { account, auth },
    limits: { concurrency: 15, lostCallHold: '7s' },
    timeout: '5s',
    ...more,
  });
}

export function secret(name: string, key: string): object {
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name, namespace: 'shop' }, stringData: { [key]: 'x' } };
}

export function destination(name: string, more: Body = {}): Body {
  return {
    name,
    connectorRef: { name: 'netsuite' },
    operations: [
      {
        name: 'upsert',
        netSuite: { record: 'salesOrder', operation: 'Upsert', externalID: 'shopify-${record.id}' },
        body: { otherRefNum: '${record.name}' },
      },
    ],
    ...more,
  };
}

interface PipelineOptions {
  readonly key?: string;
  readonly lanes?: number;
  readonly maxBytes?: string;
  readonly source?: string;
  readonly destinations?: readonly Body[];
}

export function pipeline(
  name: string,
  { key = 'record.id', lanes = 2, maxBytes = '10Mi', source = 'shopify', destinations = [destination('erp')] }: PipelineOptions = {},
): object {
  return ours('SyncPipeline', name, {
    source: { connectorRef: { name: source }, shopify: { topics: ['orders/create'] }, key },
    capture: { lanes, maxBytes },
    destinations,
  });
}
