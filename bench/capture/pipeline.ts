/** The pipeline of the benchmark: the source of examples/black-friday, with nothing behind it. */
import type { ConnectorFile, PipelineConfig } from '../../runtime/contract/config.ts';
import { shop } from './webhooks.ts';

export const secretReference = { name: 'shopify', key: 'client-secret' };

export const benchPipeline: PipelineConfig = {
  generation: 1,
  namespace: 'bench',
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
  destinations: [],
};

export const benchConnector: ConnectorFile = {
  v: 1,
  generation: 1,
  namespace: 'bench',
  name: 'shopify',
  type: 'Shopify',
  account: { shop, apiVersion: '2026-07', webhookSecretRefs: [secretReference] },
  limits: { concurrency: 1, lostCallHoldMs: 90_000 },
  timeoutMs: 60_000,
  circuit: { failures: 5, openForMs: 1_000, maxOpenForMs: 4_000 },
  maxBodyBytes: 2 * 1024 * 1024,
};
