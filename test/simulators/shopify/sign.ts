import { createHmac } from 'node:crypto';

/** X-Shopify-Hmac-Sha256: over the bytes as they are sent. */
export const signBody = (secret: string, body: Buffer): string => createHmac('sha256', secret).update(body).digest('base64');
