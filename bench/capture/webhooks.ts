/** Signed webhooks as Shopify sends them, ready for the wire: only the id is filled in while the clock runs. */
import { signBody } from '../../test/simulators/shopify/sign.ts';

export const secret = 'bench-secret';
export const shop = 'jackets.myshopify.com';
export const bodyBytes = 1536;

const keys = 500;
const bodies = 2_000;

/** All in ASCII, so that characters are bytes. */
function orderBody(index: number): string {
  const order = {
    id: 5_500_000_000_000 + (index % keys),
    name: `#${100_000 + index}`,
    email: `customer-${index}@shop.example`,
    created_at: '2026-11-27T06:00:00Z',
    updated_at: `2026-11-27T06:${String(Math.floor(index / 60) % 60).padStart(2, '0')}:${String(index % 60).padStart(2, '0')}Z`,
    currency: 'USD',
    total_price: '418.50',
    shipping_address: { name: 'Avery Quinn', address1: `${index} Harbour Street`, city: 'Portland', zip: '97205', country_code: 'US' },
    line_items: Array.from({ length: 4 }, (_value, line) => ({
      id: 14_000_000_000_000 + index * 4 + line,
      sku: `JKT-${line}-M`,
      title: 'Storm jacket, recycled shell',
      quantity: 1 + (line % 2),
      price: '104.63',
    })),
    note: '',
  };
  return JSON.stringify({ ...order, note: '.'.repeat(bodyBytes - JSON.stringify(order).length) });
}

export interface SignedWebhook {
  /** Up to the id, which comes last among the headers. */
  readonly head: string;
  readonly body: string;
}

export function signedWebhooks(host: string): SignedWebhook[] {
  return Array.from({ length: bodies }, (_value, index) => {
    const body = orderBody(index);
    const head = [
      'POST / HTTP/1.1',
      `Host: ${host}`,
      'User-Agent: Shopify-Captain-Hook',
      'Accept: */*',
      'Content-Type: application/json',
      `Content-Length: ${body.length}`,
      'X-Shopify-Topic: orders/create',
      `X-Shopify-Shop-Domain: ${shop}`,
      'X-Shopify-API-Version: 2026-07',
      'X-Shopify-Triggered-At: 2026-11-27T06:00:00.000000000Z',
      `X-Shopify-Hmac-Sha256: ${signBody(secret, Buffer.from(body, 'latin1'))}`,
      'X-Shopify-Webhook-Id: ',
    ].join('\r\n');
    return { head, body };
  });
}
