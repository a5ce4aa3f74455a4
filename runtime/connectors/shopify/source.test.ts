import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import type { SecretReference } from '../../contract/schema-fields.ts';
import { SecretMissingError } from '../../secrets/read-secret.ts';
import type { Webhook } from '../connector.ts';
import { createShopifySource } from './source.ts';

const secrets = new Map([
  ['shopify/current', 'hush'],
  ['shopify/next', 'sesame'],
  ['other/third', 'third'],
]);
const account = {
  shop: 'acme.myshopify.com',
  apiVersion: '2026-07',
  webhookSecretRefs: [
    { name: 'shopify', key: 'current' },
    { name: 'shopify', key: 'next' },
    { name: 'other', key: 'third' },
  ],
};

const read: string[] = [];

async function readSecret(reference: SecretReference): Promise<Buffer> {
  const name = `${reference.name}/${reference.key}`;
  read.push(name);
  const secret = secrets.get(name);
  if (secret === undefined) throw new SecretMissingError(reference, undefined);
  return Buffer.from(secret);
}

const source = createShopifySource({ account, readSecret });
const body = Buffer.from('{"id":9007199254740993,"note":"Größe 😀"}');

function hmac(secret: string, bytes: Uint8Array = body): string {
  return createHmac('sha256', secret).update(bytes).digest('base64');
}

function webhook(headers: Webhook['headers'] = {}, bytes: Buffer = body): Webhook {
  return {
    headers: {
      'x-shopify-hmac-sha256': hmac('hush', bytes),
      'x-shopify-shop-domain': 'acme.myshopify.com',
      'x-shopify-topic': 'orders/create',
      'x-shopify-webhook-id': 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
      ...headers,
    },
    body: bytes,
  };
}

async function judge(headers: Webhook['headers'] = {}, bytes: Buffer = body) {
  return source.verify(webhook(headers, bytes), AbortSignal.timeout(5_000));
}

const accepted = { kind: 'Accepted', topic: 'orders/create', sourceID: 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043' };
const unsigned = { kind: 'Refused', reason: 'the signature does not match' };

test.each(['hush', 'sesame', 'third'])('C1: a webhook signed with any of the secrets, %s, is accepted', async (secret) => {
  expect(await judge({ 'x-shopify-hmac-sha256': hmac(secret) })).toEqual(accepted);
});

test('C1: secrets are tried in their order until one matches', async () => {
  read.length = 0;
  await judge({ 'x-shopify-hmac-sha256': 'AAAA' });
  expect(read).toEqual(['shopify/current', 'shopify/next', 'other/third']);
});

test('C2: the signature is over the bytes as they came: empty, broken and odd bodies are accepted with theirs', async () => {
  for (const bytes of [
    Buffer.alloc(0),
    Buffer.from([0xff, 0x00]),
    Buffer.from(' {}\r\n'),
    Buffer.from('{"a":'),
    Buffer.alloc(10_000_000, 'x'),
  ]) {
    expect(await judge({}, bytes)).toEqual(accepted);
  }
});

test.each<[string, string | string[] | undefined]>([
  ['none', undefined],
  ['an empty one', ''],
  ['that of another secret', hmac('guess')],
  ['that of another body', hmac('hush', Buffer.from('{}'))],
  ['one that is too short', hmac('hush').slice(0, 20)],
  ['one that is too long', Buffer.concat([Buffer.from(hmac('hush'), 'base64'), Buffer.from([0])]).toString('base64')],
  ['one in hex', createHmac('sha256', 'hush').update(body).digest('hex')],
  ['one that is no base64', '!!!'],
  ['several', [hmac('hush')]],
  ['one of the empty secret', hmac('')],
])('C1: a webhook with a wrong signature is refused: %s', async (_, signature) => {
  expect(await judge({ 'x-shopify-hmac-sha256': signature })).toEqual(unsigned);
});

test('C1: one changed bit of the body or of the signature is refused', async () => {
  const signature = Buffer.from(hmac('hush'), 'base64');
  for (let index = 0; index < signature.length; index += 1) {
    const changed = Buffer.from(signature);
    changed[index] = (changed[index] ?? 0) ^ 1;
    expect(await judge({ 'x-shopify-hmac-sha256': changed.toString('base64') })).toEqual(unsigned);
  }
  const otherBody = Buffer.from(body);
  otherBody[0] = (otherBody[0] ?? 0) ^ 1;
  expect(await judge({ 'x-shopify-hmac-sha256': hmac('hush') }, otherBody)).toEqual(unsigned);
});

test.each([['other.myshopify.com'], ['acme.myshopify.com.evil.example'], [''], [undefined]])(
  'C1: a webhook from another shop is refused, though it is signed: %j',
  async (shop) => {
    expect(await judge({ 'x-shopify-shop-domain': shop })).toEqual({ kind: 'Refused', reason: 'the webhook is from another shop' });
  },
);

test.each([
  ['x-shopify-topic', undefined, 'the header X-Shopify-Topic is missing'],
  ['x-shopify-topic', '', 'the header X-Shopify-Topic is missing'],
  ['x-shopify-webhook-id', undefined, 'the header X-Shopify-Webhook-Id is missing'],
  ['x-shopify-webhook-id', '', 'the header X-Shopify-Webhook-Id is missing'],
])('a signed webhook whose %s is %j is malformed', async (name, value, reason) => {
  expect(await judge({ [name]: value })).toEqual({ kind: 'Malformed', reason });
});

test('C1: the signature is judged before anything else is said of a webhook', async () => {
  expect(await judge({ 'x-shopify-hmac-sha256': hmac('guess'), 'x-shopify-topic': undefined, 'x-shopify-shop-domain': 'other' })).toEqual(
    unsigned,
  );
});

test('C1: a secret that cannot be read is no bad signature', async () => {
  const broken = createShopifySource({ account: { ...account, webhookSecretRefs: [{ name: 'gone', key: 'k' }] }, readSecret });
  await expect(broken.verify(webhook(), AbortSignal.timeout(5_000))).rejects.toThrow(SecretMissingError);
});

test('C1: a secret that is empty signs nothing', async () => {
  const empty = createShopifySource({ account, readSecret: async () => Buffer.alloc(0) });
  expect(await empty.verify(webhook({ 'x-shopify-hmac-sha256': hmac('') }), AbortSignal.timeout(5_000))).not.toEqual(accepted);
});
