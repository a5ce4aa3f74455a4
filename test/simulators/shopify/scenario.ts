/**
 * A day at the shop as a list of webhook events in the order in which Shopify would send them, with what is special about them written down.
 * Invariants: the same options give the same bytes; an order is special in at most one way; the bad addresses are in different lanes,
 * each among the first few records of its lane.
 */
import { createRandom, type Random } from '../random.ts';
import { laneOf } from './lane.ts';
import { generateOrders, orderBody, shopTime, type Order, type OrderAddress } from './orders.ts';

export type Topic = 'orders/create' | 'orders/updated' | 'orders/cancelled';

export interface WebhookEvent {
  webhookId: string;
  /** The same for all webhooks of one act of the shop or its buyer. */
  eventId: string;
  topic: Topic;
  orderId: bigint;
  updatedAt: string;
  triggeredAt: string;
  /** Exactly what is sent and signed. */
  body: Buffer;
}

export type BadAddressKind = 'TooLong' | 'Null' | 'Absent' | 'NoAddress';

export interface ScenarioOptions {
  seed: number;
  orders: number;
  /** Lanes of the pipeline under test, to place the bad addresses. Default 4. */
  lanes?: number;
  /** Webhooks that are delivered twice. Default: one in a hundred orders, at least one. So too updates and cancels. */
  duplicates?: number;
  updates?: number;
  cancels?: number;
  /** At most one for each lane. Default: TooLong, Null, Absent. */
  badAddresses?: readonly BadAddressKind[];
  startAt?: string;
}

export interface BadAddress {
  orderId: string;
  lane: number;
  kind: BadAddressKind;
}

export interface ScenarioSummary {
  seed: number;
  lanes: number;
  orderIds: string[];
  badAddresses: BadAddress[];
  duplicateWebhookIds: string[];
  updatedOrderIds: string[];
  cancelledOrderIds: string[];
}

export interface Scenario {
  /** In sending order. A duplicate is the same event a second time. */
  events: WebhookEvent[];
  summary: ScenarioSummary;
}

const hex = (random: Random, digits: number): string => Array.from({ length: digits }, () => random.integer(0, 15).toString(16)).join('');

const uuid = (random: Random): string =>
  `${hex(random, 8)}-${hex(random, 4)}-4${hex(random, 3)}-${random.pick(['8', '9', 'a', 'b'])}${hex(random, 3)}-${hex(random, 12)}`;

const makeEvent = (random: Random, act: { order: Order; topic: Topic; eventId: string }): WebhookEvent => ({
  webhookId: uuid(random),
  eventId: act.eventId,
  topic: act.topic,
  orderId: act.order.id,
  updatedAt: act.order.updated_at,
  triggeredAt: new Date(Date.parse(act.order.updated_at) + random.integer(0, 999)).toISOString(),
  body: orderBody(act.order),
});

const spoil = (address: OrderAddress, kind: BadAddressKind): OrderAddress | null => {
  switch (kind) {
    case 'TooLong':
      return { ...address, address1: `${'Lange Straße & Söhne '.repeat(8)}Ende` };
    case 'Null':
      return { ...address, address1: null };
    case 'Absent': {
      const { address1: _, ...rest } = address;
      return rest;
    }
    case 'NoAddress':
      return null;
  }
};

const firstOfLane = 3;

const placeBadAddresses = (
  random: Random,
  orders: readonly Order[],
  { lanes, kinds }: { lanes: number; kinds: readonly BadAddressKind[] },
) => {
  const byLane = Map.groupBy(orders, ({ id }) => laneOf(id.toString(), lanes));
  const chosen = random.shuffled([...byLane.keys()].toSorted((a, b) => a - b));
  return kinds.map((kind, index): BadAddress => {
    const lane = chosen[index];
    const first = lane === undefined ? [] : (byLane.get(lane) ?? []).slice(0, firstOfLane);
    if (lane === undefined || first.length === 0) throw new RangeError('too few orders or lanes for the bad addresses');
    return { orderId: random.pick(first).id.toString(), lane, kind };
  });
};

const updateOrder = (random: Random, order: Order): Order => {
  const quantity = random.integer(4, 9);
  const [first, ...rest] = order.line_items;
  const lines = first === undefined ? [] : [{ ...first, quantity, current_quantity: quantity, fulfillable_quantity: quantity }, ...rest];
  const updatedAt = shopTime(Date.parse(order.created_at) + random.integer(60, 600) * 1000);
  return { ...order, updated_at: updatedAt, line_items: lines, note: `changed by the buyer ${random.pick(['✅', '& more', '"please"'])}` };
};

const cancelOrder = (random: Random, order: Order): Order => {
  const at = shopTime(Date.parse(order.created_at) + random.integer(60, 600) * 1000);
  return { ...order, updated_at: at, cancelled_at: at, cancel_reason: 'customer' };
};

interface Placed {
  place: number;
  events: WebhookEvent[];
}

const placeLater = (random: Random, order: { place: number; count: number }): number =>
  order.place + 1 + random.unit() * Math.max(10, order.count / 4);

/** What is sent for an order after its first webhook. */
const followUps = (random: Random, { first, order, kind }: { first: WebhookEvent; order: Order; kind: FollowUp }): WebhookEvent[] => {
  switch (kind) {
    case 'duplicate':
      return [first];
    case 'update':
      return [makeEvent(random, { order: updateOrder(random, order), topic: 'orders/updated', eventId: uuid(random) })];
    case 'cancel': {
      const act = { order: cancelOrder(random, order), eventId: uuid(random) };
      const pair = [makeEvent(random, { ...act, topic: 'orders/cancelled' }), makeEvent(random, { ...act, topic: 'orders/updated' })];
      return random.shuffled(pair);
    }
  }
};

type FollowUp = 'duplicate' | 'update' | 'cancel';

const assignFollowUps = (random: Random, ids: readonly bigint[], counts: Record<FollowUp, number>): Map<bigint, FollowUp> => {
  const kinds = (['duplicate', 'update', 'cancel'] as const).flatMap((kind) => Array.from({ length: counts[kind] }, () => kind));
  if (kinds.length > ids.length) throw new RangeError('too few orders for that many duplicates, updates and cancels');
  const chosen = random.shuffled(ids);
  return new Map(kinds.flatMap((kind, index) => chosen.slice(index, index + 1).map((id) => [id, kind] as const)));
};

const idsOf = (assigned: ReadonlyMap<bigint, FollowUp>, wanted: FollowUp): bigint[] =>
  [...assigned].filter(([, kind]) => kind === wanted).map(([id]) => id);

export const buildScenario = (options: ScenarioOptions): Scenario => {
  const { seed, lanes = 4, badAddresses: kinds = ['TooLong', 'Null', 'Absent'], startAt } = options;
  const share = Math.max(1, Math.floor(options.orders / 100));
  const { duplicates = share, updates = share, cancels = share } = options;
  const random = createRandom(seed ^ 0x5bd1e995);
  const generated = generateOrders({ seed, count: options.orders, ...(startAt === undefined ? {} : { startAt }) });
  const badAddresses = placeBadAddresses(random, generated, { lanes, kinds });
  const kindOf = new Map(badAddresses.map(({ orderId, kind }) => [orderId, kind]));
  const orders = generated.map((order) => {
    const kind = kindOf.get(order.id.toString());
    return kind === undefined ? order : { ...order, shipping_address: spoil(order.billing_address, kind) };
  });
  const good = orders.map(({ id }) => id).filter((id) => !kindOf.has(id.toString()));
  const assigned = assignFollowUps(random, good, { duplicate: duplicates, update: updates, cancel: cancels });
  const firsts = new Map<bigint, WebhookEvent>();
  const placed = orders.flatMap((order, place): Placed[] => {
    const first = makeEvent(random, { order, topic: 'orders/create', eventId: uuid(random) });
    firsts.set(order.id, first);
    const kind = assigned.get(order.id);
    if (kind === undefined) return [{ place, events: [first] }];
    const later = { place: placeLater(random, { place, count: orders.length }), events: followUps(random, { first, order, kind }) };
    return [{ place, events: [first] }, later];
  });
  return {
    events: placed.toSorted((a, b) => a.place - b.place).flatMap(({ events }) => events),
    summary: {
      seed,
      lanes,
      orderIds: orders.map(({ id }) => id.toString()),
      badAddresses,
      duplicateWebhookIds: idsOf(assigned, 'duplicate').flatMap((id) => firsts.get(id)?.webhookId ?? []),
      updatedOrderIds: idsOf(assigned, 'update').map(String),
      cancelledOrderIds: idsOf(assigned, 'cancel').map(String),
    },
  };
};
