/** A pipeline from Shopify to NetSuite as the operator would hand it to the pods, for tests of the data plane. */
import type { ConnectorFile, PipelineConfig } from '../../runtime/contract/config.ts';

const address = "text(record.?shipping_address.?address1, '')";

export function testPipeline(): PipelineConfig {
  return {
    generation: 1,
    namespace: 'shop',
    name: 'orders',
    source: {
      connector: 'shopify',
      topics: ['orders/create', 'orders/updated', 'orders/cancelled'],
      key: 'record.id',
      version: 'timestamp(record.updated_at)',
      filter: 'record.?test.orValue(false) != true',
      cancel: "meta.topic == 'orders/cancelled' || text(record.?cancelled_at, '') != ''",
    },
    lanes: 4,
    destinations: [
      {
        name: 'erp',
        connector: 'netsuite',
        suspended: false,
        validations: [
          {
            name: 'address',
            rule: `size(${address}) > 0 && size(${address}) <= 150`,
            reason: 'InvalidAddress',
            field: 'shipping_address.address1',
            message: "address1 is missing or longer than the ERP's 150 characters",
          },
        ],
        operations: [
          {
            name: 'cancel',
            takes: ['Cancel'],
            member: 'netSuite',
            target: { record: 'salesOrder', operation: 'Update', externalID: 'shopify-${record.id}' },
            body: { orderStatus: 'C', custbody_source_version: '${meta.version}' },
          },
          {
            name: 'upsert',
            takes: ['Record'],
            member: 'netSuite',
            target: { record: 'salesOrder', operation: 'Upsert', externalID: 'shopify-${record.id}' },
            body: {
              otherRefNum: '${record.name}',
              memo: "${text(record.?note, '')}",
              entity: { id: '4711' },
              custbody_source_version: '${meta.version}',
              item: { items: "${record.line_items.map(l, {'item': {'id': l.sku}, 'quantity': l.quantity, 'rate': l.price})}" },
            },
          },
        ],
        retry: { forMs: 900_000, onUnknown: 'Retry' },
      },
    ],
  };
}

export function testConnectors(endpoint: string): { shopify: ConnectorFile; netsuite: ConnectorFile } {
  const base = { v: 1, generation: 1, namespace: 'shop', maxBodyBytes: 2 * 1024 * 1024 } as const;
  return {
    shopify: {
      ...base,
      name: 'shopify',
      type: 'Shopify',
      account: {
        shop: 'jackets.myshopify.com',
        apiVersion: '2026-07',
        webhookSecretRefs: [
          { name: 'shopify', key: 'client-secret' },
          { name: 'shopify', key: 'next-secret' },
        ],
      },
      limits: { concurrency: 1, lostCallHoldMs: 90_000 },
      timeoutMs: 60_000,
      circuit: { failures: 5, openForMs: 1_000, maxOpenForMs: 4_000 },
    },
    netsuite: {
      ...base,
      name: 'netsuite',
      type: 'NetSuite',
      account: {
        account: '1234567',
        endpoint: { url: endpoint },
        auth: {
          type: 'ClientCredentials',
          clientCredentials: {
            clientID: 'client',
            certificateID: 'certificate',
            algorithm: 'ES256',
            privateKeySecretRef: { name: 'netsuite', key: 'private-key' },
          },
        },
      },
      limits: { concurrency: 5, lostCallHoldMs: 3_000 },
      timeoutMs: 2_000,
      circuit: { failures: 5, openForMs: 200, maxOpenForMs: 800 },
    },
  };
}
