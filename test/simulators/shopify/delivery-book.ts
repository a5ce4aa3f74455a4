/** The books of the webhook sender, by webhook id: what was sent, how each attempt ended, and when the receiver took it. */
import type { ScenarioSummary, Topic, WebhookEvent } from './scenario.ts';

export interface Attempt {
  /** Milliseconds since 1970. */
  startedAtMs: number;
  ms: number;
  /** null when no answer came. */
  status: number | null;
  /** ConnectTimeout, TotalTimeout, or the code of the network error. */
  error: string | null;
}

export interface Delivery {
  /** notSent: its subscription had been removed. cancelled: the sender was stopped. */
  state: 'pending' | 'acknowledged' | 'givenUp' | 'notSent' | 'cancelled';
  attempts: Attempt[];
}

export interface BookEntry {
  webhookId: string;
  eventId: string;
  topic: Topic;
  orderId: string;
  updatedAt: string;
  /** More than one: a duplicate. */
  deliveries: Delivery[];
  /** The first 2xx. */
  acknowledgedAtMs: number | null;
  /** How long the attempt with the first 2xx took. */
  latencyMs: number | null;
}

export interface ShopifyBook {
  entries: Record<string, BookEntry>;
  removedSubscriptions: { topic: Topic; webhookId: string; atMs: number }[];
  scenarios: ScenarioSummary[];
}

export interface Progress {
  /** Distinct webhook ids, and how many of them have got a 2xx. */
  webhooks: number;
  acknowledged: number;
  orders: number;
  ordersAcknowledged: number;
  /** Deliveries without an end. */
  pending: number;
}

export const openDelivery = (book: ShopifyBook, event: WebhookEvent): { entry: BookEntry; delivery: Delivery } => {
  const entry = (book.entries[event.webhookId] ??= {
    webhookId: event.webhookId,
    eventId: event.eventId,
    topic: event.topic,
    orderId: event.orderId.toString(),
    updatedAt: event.updatedAt,
    deliveries: [],
    acknowledgedAtMs: null,
    latencyMs: null,
  });
  const delivery: Delivery = { state: 'pending', attempts: [] };
  entry.deliveries.push(delivery);
  return { entry, delivery };
};

export const progressOf = (book: ShopifyBook): Progress => {
  const entries = Object.values(book.entries);
  const acknowledged = entries.filter(({ acknowledgedAtMs }) => acknowledgedAtMs !== null);
  return {
    webhooks: entries.length,
    acknowledged: acknowledged.length,
    orders: new Set(entries.map(({ orderId }) => orderId)).size,
    ordersAcknowledged: new Set(acknowledged.map(({ orderId }) => orderId)).size,
    pending: entries.flatMap(({ deliveries }) => deliveries).filter(({ state }) => state === 'pending').length,
  };
};
