import { expect, test } from 'vitest';
import { z } from 'zod';
import { parseJson } from '../json-text.ts';
import { laneOf } from './lane.ts';
import { generateOrders, orderBody } from './orders.ts';
import { buildScenario, type WebhookEvent } from './scenario.ts';

const payload = z.looseObject({
  id: z.bigint(),
  updated_at: z.string(),
  cancelled_at: z.string().nullable(),
  note: z.string().nullable(),
  line_items: z.array(z.looseObject({ id: z.bigint(), sku: z.string(), price: z.string(), quantity: z.number() })),
  shipping_address: z.looseObject({ address1: z.string().nullable().optional() }).nullable(),
});

const read = (event: Pick<WebhookEvent, 'body'>): z.infer<typeof payload> => payload.parse(parseJson(event.body.toString('utf8')));

const options = { seed: 42, orders: 400, duplicates: 5, updates: 6, cancels: 7 };
const { events, summary } = buildScenario(options);
const eventsOf = (orderId: string | undefined): WebhookEvent[] => events.filter((event) => event.orderId.toString() === orderId);

test.each([
  ['', 0x811c9dc5],
  ['a', 0xe40c292c],
  ['foobar', 0xbf9cf968],
])('the lane of "%s" follows FNV-1a 32', (key, hash) => {
  expect(laneOf(key, 2 ** 32)).toBe(hash);
  expect(laneOf(key, 4)).toBe(hash % 4);
});

test('orders are the same for the same seed, byte by byte, and others for another', () => {
  const bodies = (seed: number): string[] => generateOrders({ seed, count: 30 }).map((order) => orderBody(order).toString('hex'));
  expect(bodies(1)).toEqual(bodies(1));
  expect(bodies(1)).not.toEqual(bodies(2));
});

test('ids are 64-bit integers that a reader who rounds would confuse', () => {
  const ids = generateOrders({ seed: 1, count: 100 }).map(({ id }) => id);
  expect(new Set(ids).size).toBe(100);
  expect(new Set(ids.map(Number)).size).toBeLessThan(50);
  expect(ids.every((id) => id > 2n ** 53n && id < 2n ** 63n)).toBe(true);
});

test('bodies carry 1 to 4 lines, 64-bit line ids, prices as strings, odd characters and lone surrogates', () => {
  const orders = generateOrders({ seed: 1, count: 300 });
  const texts = orders.map((order) => orderBody(order).toString('utf8'));
  for (const order of orders) expect(read({ body: orderBody(order) })).toMatchObject({ id: order.id, line_items: order.line_items });
  const lines = orders.map(({ line_items }) => line_items.length);
  expect([Math.min(...lines), Math.max(...lines)]).toEqual([1, 4]);
  for (const oddity of [String.raw`\ud83d here`, String.raw`\u0000\u0001`, String.raw`\u0026`, '東京都', 'شارع', 'Bjo\u0308rn', '💸']) {
    expect(texts.some((text) => text.includes(oddity))).toBe(true);
  }
});

test('three bad addresses: too long, null and absent, each among the first three records of a lane of its own', () => {
  expect(summary.badAddresses.map(({ kind }) => kind).toSorted()).toEqual(['Absent', 'Null', 'TooLong']);
  expect(new Set(summary.badAddresses.map(({ lane }) => lane)).size).toBe(3);
  for (const { orderId, lane, kind } of summary.badAddresses) {
    expect(laneOf(orderId, 4)).toBe(lane);
    const inLane = events.filter((event) => laneOf(event.orderId.toString(), 4) === lane).map((event) => event.orderId.toString());
    expect([0, 1, 2]).toContain(inLane.indexOf(orderId));
    const sent = eventsOf(orderId);
    expect(sent).toHaveLength(1);
    const address = sent.map(read)[0]?.shipping_address;
    if (kind === 'TooLong') expect(Array.from(address?.address1 ?? '').length).toBeGreaterThan(150);
    if (kind === 'Null') expect(address?.address1).toBeNull();
    if (kind === 'Absent') expect(address === null || address === undefined || 'address1' in address).toBe(false);
  }
});

test('all other addresses are good', () => {
  const bad = new Set(summary.badAddresses.map(({ orderId }) => orderId));
  const lengths = events
    .filter(({ orderId }) => !bad.has(orderId.toString()))
    .map((event) => read(event).shipping_address?.address1?.length ?? 0);
  expect(Math.min(...lengths)).toBeGreaterThan(0);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(150);
});

test('a duplicate is the same event a second time, behind the first', () => {
  expect(summary.duplicateWebhookIds).toHaveLength(5);
  const twice = events.filter((event, index) => events.findIndex(({ webhookId }) => webhookId === event.webhookId) !== index);
  expect(twice.map(({ webhookId }) => webhookId).toSorted()).toEqual(summary.duplicateWebhookIds.toSorted());
  expect(events).toHaveLength(400 + 5 + 6 + 2 * 7);
});

test('an update has the same id, a later updated_at, another event id and other content', () => {
  expect(summary.updatedOrderIds).toHaveLength(6);
  for (const orderId of summary.updatedOrderIds) {
    const [created, updated] = eventsOf(orderId);
    expect([created?.topic, updated?.topic]).toEqual(['orders/create', 'orders/updated']);
    expect(Date.parse(updated?.updatedAt ?? '')).toBeGreaterThan(Date.parse(created?.updatedAt ?? ''));
    expect(updated?.eventId).not.toBe(created?.eventId);
    expect(updated?.body.equals(created?.body ?? Buffer.alloc(0))).toBe(false);
  }
});

test('a cancel sends orders/cancelled and orders/updated in either order, both cancelled, of one event', () => {
  expect(summary.cancelledOrderIds).toHaveLength(7);
  const orders = summary.cancelledOrderIds.map((orderId) => eventsOf(orderId).slice(1));
  for (const pair of orders) {
    expect(pair.map(({ topic }) => topic).toSorted()).toEqual(['orders/cancelled', 'orders/updated']);
    expect(new Set(pair.map(({ webhookId }) => webhookId)).size).toBe(2);
    expect(new Set(pair.map(({ eventId }) => eventId)).size).toBe(1);
    expect(new Set(pair.map(({ updatedAt }) => updatedAt)).size).toBe(1);
    for (const event of pair) expect(read(event).cancelled_at).toBe(event.updatedAt);
  }
  const many = buildScenario({ seed: 1, orders: 200, cancels: 40 });
  const first = many.summary.cancelledOrderIds.map((id) => many.events.filter(({ orderId }) => orderId.toString() === id)[1]?.topic);
  expect(new Set(first)).toEqual(new Set(['orders/cancelled', 'orders/updated']));
});

test('the same options give the same events', () => {
  expect(buildScenario(options)).toEqual({ events, summary });
});

test('too few orders for what is asked are refused', () => {
  expect(() => buildScenario({ seed: 1, orders: 1 })).toThrow(RangeError);
  expect(() => buildScenario({ seed: 1, orders: 20, updates: 30 })).toThrow(RangeError);
});
