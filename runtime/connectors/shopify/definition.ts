import { z } from 'zod';
import { fieldFacts, secretReference } from '../../contract/schema-fields.ts';
import { defineConnector } from '../connector.ts';

export const shopifyAccount = z.strictObject({
  shop: z
    .string()
    .min(1)
    .max(253)
    .regex(/^[a-z0-9][a-z0-9-]*\.myshopify\.com$/)
    .describe('The shop, as <name>.myshopify.com: this is the account. Immutable.'),
  apiVersion: z
    .string()
    .min(1)
    .max(10)
    .regex(/^[0-9]{4}-[0-9]{2}$/)
    .describe('Version of the Admin API that serialises the webhooks, such as 2026-07.'),
  webhookSecretRefs: z
    .array(secretReference())
    .min(1)
    .max(4)
    .register(fieldFacts, { listType: 'map', listMapKeys: ['name', 'key'] })
    .describe('Secrets that webhooks may be signed with. Any of them may match, so that a secret can be rotated.'),
});

const shopifySource = z.strictObject({
  topics: z
    .array(
      z
        .string()
        .min(1)
        .max(100)
        .regex(/^[a-z_]+\/[a-z_]+$/),
    )
    .min(1)
    .max(64)
    .describe('Topics this pipeline takes, such as orders/create.'),
});

export const shopify = defineConnector({
  type: 'Shopify',
  member: 'shopify',
  title: 'Shopify',
  account: shopifyAccount,
  immutable: ['shop'],
  secrets: (account, role) => (role === 'ingest' ? shopifyAccount.parse(account).webhookSecretRefs : []),
  source: {
    schema: shopifySource,
    topics: (source) => shopifySource.parse(source).topics,
    load: async () => (await import('./source.ts')).createShopifySource,
  },
});
