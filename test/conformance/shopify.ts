/** Shopify, for the conformance suite. */
import { signBody } from '../simulators/shopify/sign.ts';
import type { Harness } from './harness.ts';

const references = ['current', 'next', 'last'].map((key) => ({ name: 'shopify', key }));
const expected = { topic: 'orders/create', sourceID: '98880550-7158-44d4-b7cd-2c97c8a091b5' };

export const shopifyHarness: Harness = {
  smallestAccount: () => ({ shop: 'jackets.myshopify.com', apiVersion: '2026-07', webhookSecretRefs: references }),
  secrets: { ingest: references, deliver: [] },
  contentOf: ({ key }) => `shpss_${key}_0123456789`,
  source: {
    smallestSource: { source: { topics: ['orders/create'] }, topics: ['orders/create'] },
    expected,
    webhook: (body, { secret, isFromOther = false }) => ({
      body,
      headers: {
        'content-type': 'application/json',
        'x-shopify-topic': expected.topic,
        'x-shopify-hmac-sha256': signBody(secret, body),
        'x-shopify-shop-domain': isFromOther ? 'other.myshopify.com' : 'jackets.myshopify.com',
        'x-shopify-webhook-id': expected.sourceID,
      },
    }),
    headers: {
      'x-shopify-hmac-sha256': 'Refused',
      'x-shopify-shop-domain': 'Refused',
      'x-shopify-topic': 'Malformed',
      'x-shopify-webhook-id': 'Malformed',
    },
  },
};
