/** Reads Shopify's webhooks: headers and signature as shopify.dev documents them (delivery structure, verify deliveries). */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Source, SourceOptions, Webhook, WebhookVerdict } from '../connector.ts';
import { shopifyAccount } from './definition.ts';

export function createShopifySource({ account, readSecret }: SourceOptions): Source {
  const { shop, webhookSecretRefs } = shopifyAccount.parse(account);

  async function isSigned(webhook: Webhook, signal: AbortSignal): Promise<boolean> {
    const claimed = Buffer.from(header(webhook, 'x-shopify-hmac-sha256') ?? '', 'base64');
    // Which of our secrets matched is no secret; how far a wrong signature matched is, and that takes the same time always.
    for (const reference of webhookSecretRefs) {
      if (matches(await readSecret(reference, signal), webhook.body, claimed)) return true;
    }
    return false;
  }

  return {
    async verify(webhook, signal): Promise<WebhookVerdict> {
      if (!(await isSigned(webhook, signal))) return { kind: 'Refused', reason: 'the signature does not match' };
      if (header(webhook, 'x-shopify-shop-domain') !== shop) return { kind: 'Refused', reason: 'the webhook is from another shop' };
      const topic = header(webhook, 'x-shopify-topic');
      const sourceID = header(webhook, 'x-shopify-webhook-id');
      if (topic === undefined) return { kind: 'Malformed', reason: 'the header X-Shopify-Topic is missing' };
      if (sourceID === undefined) return { kind: 'Malformed', reason: 'the header X-Shopify-Webhook-Id is missing' };
      return { kind: 'Accepted', topic, sourceID };
    },
  };
}

function matches(secret: Buffer, body: Buffer, claimed: Buffer): boolean {
  // An empty secret would let anybody sign.
  if (secret.length === 0) return false;
  const expected = createHmac('sha256', secret).update(body).digest();
  return expected.length === claimed.length && timingSafeEqual(expected, claimed);
}

function header({ headers }: Webhook, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
