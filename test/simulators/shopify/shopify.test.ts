import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { anyLoopbackPort, readBody, sendText, startListener } from '../listener.ts';
import { retryOffsetsMs } from './retry-schedule.ts';
import { buildScenario, type WebhookEvent } from './scenario.ts';
import { startShopify, type ShopifyOptions, type ShopifySimulator } from './shopify.ts';
import { signBody } from './sign.ts';

const secret = 'hush';
const signal = AbortSignal.timeout(60_000);
const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

interface Received {
  headers: IncomingHttpHeaders;
  body: Buffer;
}

interface Receiver {
  url: string;
  received: Received[];
}

/** Answers the n-th request with the n-th status, and all later ones with the last. 0 is no answer. */
const startReceiver = async (statuses: readonly number[], headers: Record<string, string> = {}): Promise<Receiver> => {
  const received: Received[] = [];
  const listener = await startListener(async (request, response) => {
    const body = await readBody(request, 1_000_000);
    if (body.kind !== 'complete') return;
    const status = statuses[Math.min(received.length, statuses.length - 1)] ?? 200;
    received.push({ headers: request.headers, body: body.bytes });
    if (status !== 0) sendText(response, { status, headers });
  }, anyLoopbackPort);
  stops.push(() => listener.close());
  return { url: `${listener.url}/hooks?shop=1`, received };
};

const start = async (options: Omit<ShopifyOptions, 'secret'>): Promise<ShopifySimulator> => {
  const shopify = await startShopify({ secret, timeScale: 100_000, ...options });
  stops.push(() => shopify.close());
  return shopify;
};

const someEvents = (count: number): WebhookEvent[] =>
  buildScenario({ seed: 5, orders: 40, duplicates: 0, updates: 0, cancels: 0 }).events.slice(0, count);

const entryOf = (shopify: ShopifySimulator, event: WebhookEvent | undefined) => shopify.book().entries[event?.webhookId ?? ''];

test('the signature is base64 of HMAC-SHA256 over the raw bytes', () => {
  // RFC 4231, test case 2.
  const expected = Buffer.from('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843', 'hex').toString('base64');
  expect(signBody('Jefe', Buffer.from('what do ya want for nothing?'))).toBe(expected);
});

test('the retry schedule has eight retries over four hours, divided by the time scale', () => {
  expect(retryOffsetsMs(1)).toEqual([0, 300_000, 900_000, 2_100_000, 4_500_000, 8_100_000, 11_700_000, 14_400_000]);
  expect(retryOffsetsMs(60).slice(0, 3)).toEqual([0, 5000, 15_000]);
});

test('a webhook carries the documented headers and the exact bytes', async () => {
  const receiver = await startReceiver([200]);
  const shopify = await start({ target: receiver.url });
  const [event] = someEvents(1);
  await shopify.send(event === undefined ? [] : [event], signal);
  const [{ headers, body } = { headers: {}, body: Buffer.alloc(0) }] = receiver.received;
  expect(body.equals(event?.body ?? Buffer.alloc(0))).toBe(true);
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'user-agent': 'Shopify-Captain-Hook',
    'x-shopify-topic': 'orders/create',
    'x-shopify-hmac-sha256': createHmac('sha256', secret).update(body).digest('base64'),
    'x-shopify-shop-domain': 'jackets.myshopify.com',
    'x-shopify-api-version': '2026-07',
    'x-shopify-webhook-id': event?.webhookId,
    'x-shopify-event-id': event?.eventId,
    'x-shopify-triggered-at': event?.triggeredAt,
  });
  const entry = entryOf(shopify, event);
  expect(entry?.deliveries).toMatchObject([{ state: 'acknowledged', attempts: [{ status: 200, error: null }] }]);
  expect(entry?.latencyMs).toBe(entry?.deliveries[0]?.attempts[0]?.ms);
});

test.each([
  ['any 2xx is a success', [204], [204], 'acknowledged'],
  ['a 401 and a 503 are tried again with the same id and bytes', [401, 503, 202], [401, 503, 202], 'acknowledged'],
  ['a redirect is a failure and not followed', [302, 200], [302, 200], 'acknowledged'],
  ['eight failed retries are the end', [500], [500, 500, 500, 500, 500, 500, 500, 500, 500], 'givenUp'],
])('%s', async (_rule, statuses, seen, state) => {
  const receiver = await startReceiver(statuses, { location: '/elsewhere' });
  const shopify = await start({ target: receiver.url });
  const [event] = someEvents(1);
  await shopify.send(someEvents(1), signal);
  const [delivery] = entryOf(shopify, event)?.deliveries ?? [];
  expect(delivery?.state).toBe(state);
  expect(delivery?.attempts.map(({ status }) => status)).toEqual(seen);
  expect(receiver.received.map(({ body }) => body.equals(event?.body ?? Buffer.alloc(0)))).toEqual(seen.map(() => true));
  expect(receiver.received.map(({ headers }) => headers['x-shopify-webhook-id'])).toEqual(seen.map(() => event?.webhookId));
});

test('retries start no earlier than the schedule says', async () => {
  const receiver = await startReceiver([500]);
  const timeScale = 50_000;
  const shopify = await start({ target: receiver.url, timeScale });
  await shopify.send(someEvents(1), signal);
  const attempts = Object.values(shopify.book().entries)[0]?.deliveries[0]?.attempts ?? [];
  const [first, ...retries] = attempts.map(({ startedAtMs }) => startedAtMs);
  const early = retryOffsetsMs(timeScale).map((offset, index) => (retries[index] ?? 0) - (first ?? 0) - offset);
  expect(early).toHaveLength(8);
  // Timers count whole milliseconds.
  expect(Math.min(...early)).toBeGreaterThan(-2);
});

test('a delivery without success removes the subscription of its topic: what comes later is not sent', async () => {
  const receiver = await startReceiver([500]);
  const shopify = await start({ target: receiver.url });
  const [first, second] = someEvents(2);
  await shopify.send(first === undefined ? [] : [first], signal);
  await shopify.send(second === undefined ? [] : [second], signal);
  expect(shopify.book().removedSubscriptions).toMatchObject([{ topic: 'orders/create', webhookId: first?.webhookId }]);
  expect(entryOf(shopify, second)?.deliveries).toEqual([{ state: 'notSent', attempts: [] }]);
  expect(receiver.received).toHaveLength(9);
});

test('a duplicate is a second delivery in the same entry', async () => {
  const receiver = await startReceiver([200]);
  const shopify = await start({ target: receiver.url });
  const scenario = buildScenario({ seed: 6, orders: 40, duplicates: 3, updates: 1, cancels: 1 });
  await shopify.burst(scenario, signal);
  const entries = Object.values(shopify.book().entries);
  const twice = entries.filter(({ deliveries }) => deliveries.length === 2).map(({ webhookId }) => webhookId);
  expect(twice.toSorted()).toEqual(scenario.summary.duplicateWebhookIds.toSorted());
  expect(entries.every(({ deliveries }) => deliveries.every(({ state }) => state === 'acknowledged'))).toBe(true);
  expect(shopify.progress()).toEqual({ webhooks: 43, acknowledged: 43, orders: 40, ordersAcknowledged: 40, pending: 0 });
  expect(receiver.received).toHaveLength(scenario.events.length);
});

test('a receiver that does not answer in time is a failure named TotalTimeout', async () => {
  const receiver = await startReceiver([0, 200]);
  const shopify = await start({ target: receiver.url, totalTimeoutMs: 100 });
  const [event] = someEvents(1);
  await shopify.send(someEvents(1), signal);
  expect(entryOf(shopify, event)?.deliveries[0]?.attempts).toMatchObject([
    { status: null, error: 'TotalTimeout' },
    { status: 200, error: null },
  ]);
});

const listenAndRefuse = async (): Promise<string> => {
  const server: Server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`;
};

test('a receiver that is not there is a failure with the code of the network error', async () => {
  const shopify = await start({ target: await listenAndRefuse() });
  const [event] = someEvents(1);
  await shopify.send(someEvents(1), signal);
  expect(entryOf(shopify, event)?.deliveries[0]?.attempts.map(({ error }) => error)).toEqual(
    Array.from({ length: 9 }, () => 'ECONNREFUSED'),
  );
});

test('with one connection the deliveries wait for it and none times out', async () => {
  const receiver = await startReceiver([200]);
  const shopify = await start({ target: receiver.url, connections: 1 });
  await shopify.send(someEvents(40), signal);
  expect(shopify.progress()).toMatchObject({ webhooks: 40, acknowledged: 40 });
  expect(receiver.received).toHaveLength(40);
});

test('an abort ends what is pending as cancelled', async () => {
  const receiver = await startReceiver([503]);
  const shopify = await start({ target: receiver.url, timeScale: 1 });
  const stop = new AbortController();
  const sent = shopify.send(someEvents(3), stop.signal);
  while (receiver.received.length < 6) await delay(5, undefined, { signal });
  stop.abort(new Error('enough'));
  await expect(sent).rejects.toThrow('enough');
  await shopify.settled(signal);
  const states = Object.values(shopify.book().entries).flatMap(({ deliveries }) => deliveries.map(({ state }) => state));
  expect(states).toEqual(['cancelled', 'cancelled', 'cancelled']);
});

test('another process starts a burst and reads the books over HTTP', async () => {
  const receiver = await startReceiver([200]);
  const shopify = await start({ target: receiver.url, scenario: { seed: 3, orders: 30 } });
  const post = (body: string): Promise<Response> => fetch(`${shopify.url}/burst`, { method: 'POST', body, signal });
  expect((await post('{"orders":20,"unknown":1}')).status).toBe(400);
  expect((await post('{')).status).toBe(400);
  const accepted = await post('{"orders":20}');
  expect(accepted.status).toBe(202);
  expect(await accepted.json()).toEqual({ summary: buildScenario({ seed: 3, orders: 20 }).summary, events: 24 });
  await shopify.settled(signal);
  const book: unknown = await (await fetch(`${shopify.url}/book`, { signal })).json();
  expect(book).toEqual(shopify.book());
  expect(await (await fetch(`${shopify.url}/progress`, { signal })).json()).toMatchObject({ webhooks: 23, acknowledged: 23, pending: 0 });
  expect((await fetch(`${shopify.url}/else`, { signal })).status).toBe(404);
});
