/**
 * Sends webhooks as Shopify does: signs, times out, retries and gives up as documented, and keeps books by webhook id.
 * Invariants: a delivery ends with a 2xx, after eight failed retries, or because the sender was stopped; only a 2xx counts and redirects
 * are not followed; retries carry the same webhook id and the same bytes; a delivery that used up its retries removes its topic's subscription.
 */
import { connect as connectSocket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Pool, type buildConnector } from 'undici';
import { z } from 'zod';
import { steadyNowMs } from '../listener.ts';
import { openDelivery, type Attempt, type BookEntry, type Delivery, type ShopifyBook } from './delivery-book.ts';
import { retryOffsetsMs } from './retry-schedule.ts';
import type { Topic, WebhookEvent } from './scenario.ts';
import { signBody } from './sign.ts';
import { Slots } from './slots.ts';

export interface SenderOptions {
  /** Where the webhooks go. */
  target: string;
  /** The client secret that signs. */
  secret: string;
  /** Default jackets.myshopify.com. */
  shopDomain?: string;
  /** Default 2026-07. */
  apiVersion?: string;
  /** Divides the retry schedule, not the timeouts. Default 1. */
  timeScale?: number;
  /** Deliveries in flight at most. Waiting for a connection is no part of a delivery's time. Default 500. */
  connections?: number;
  /** Default 1,000. */
  connectTimeoutMs?: number;
  /** Of one attempt, connecting included. Default 5,000. */
  totalTimeoutMs?: number;
}

class ConnectTimeoutError extends Error {
  readonly code = 'ConnectTimeout';
}

/** Not undici's own, whose timer is off by up to half a second. */
const connectWithin =
  (timeoutMs: number): buildConnector.connector =>
  ({ hostname, port }, callback) => {
    const socket = connectSocket({ host: hostname, port: Number(port === '' ? 80 : port), noDelay: true });
    const timer = setTimeout(() => socket.destroy(new ConnectTimeoutError('connecting')), timeoutMs);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      callback(error, null);
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      callback(null, socket);
    });
  };

/** A DOMException has a number as its code, an error of the network a name. */
const failure = z.object({ name: z.string().catch('Unknown'), code: z.string().optional().catch(undefined) });

const nameFailure = (error: unknown): string => {
  const { name, code } = failure.catch({ name: 'Unknown' }).parse(error);
  return name === 'TimeoutError' ? 'TotalTimeout' : (code ?? name);
};

export class WebhookSender {
  readonly book: ShopifyBook = { entries: {}, removedSubscriptions: [], scenarios: [] };
  readonly #options: SenderOptions;
  readonly #target: URL;
  readonly #pool: Pool;
  readonly #slots: Slots;
  readonly #removed = new Set<Topic>();
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();

  constructor(options: SenderOptions) {
    const connections = options.connections ?? 500;
    this.#options = options;
    this.#target = new URL(options.target);
    this.#slots = new Slots(connections);
    this.#pool = new Pool(this.#target.origin, {
      connections,
      pipelining: 1,
      connect: connectWithin(options.connectTimeoutMs ?? 1000),
      // The total timeout of an attempt is its abort signal's.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  async send(events: readonly WebhookEvent[], signal: AbortSignal): Promise<void> {
    const stop = AbortSignal.any([signal, this.#stop.signal]);
    const all = Promise.all(events.map((event) => this.#deliver(event, stop))).then(() => undefined);
    this.#running.add(all);
    try {
      await all;
    } finally {
      this.#running.delete(all);
    }
    stop.throwIfAborted();
  }

  async settled(signal: AbortSignal): Promise<void> {
    while (this.#running.size > 0) {
      await Promise.race([Promise.all(this.#running), aborted(signal)]);
    }
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('the Shopify simulator was closed'));
    await Promise.all(this.#running);
    await this.#pool.destroy();
  }

  /** Never rejects: every end is in the book. */
  async #deliver(event: WebhookEvent, signal: AbortSignal): Promise<void> {
    const { entry, delivery } = openDelivery(this.book, event);
    if (this.#removed.has(event.topic)) {
      delivery.state = 'notSent';
      return;
    }
    const sending: Sending = { event, headers: webhookHeaders(this.#options, event), entry, delivery };
    const startedAtMs = await this.#attempt(sending, signal);
    for (const offsetMs of retryOffsetsMs(this.#options.timeScale ?? 1)) {
      if (delivery.state !== 'pending') return;
      await waitUntil(startedAtMs + offsetMs, signal);
      await this.#attempt(sending, signal);
    }
    if (delivery.state !== 'pending') return;
    delivery.state = 'givenUp';
    if (this.#removed.has(event.topic)) return;
    this.#removed.add(event.topic);
    this.book.removedSubscriptions.push({ topic: event.topic, webhookId: event.webhookId, atMs: steadyNowMs() });
  }

  /** Resolves with the time the attempt started. */
  #attempt(sending: Sending, signal: AbortSignal): Promise<number> {
    const { entry, delivery } = sending;
    return this.#slots.use(async () => {
      const startedAtMs = steadyNowMs();
      if (signal.aborted) {
        delivery.state = 'cancelled';
        return startedAtMs;
      }
      const ended = await this.#post(sending, signal);
      const atMs = steadyNowMs();
      const attempt: Attempt = { startedAtMs, ms: atMs - startedAtMs, ...ended };
      delivery.attempts.push(attempt);
      if (attempt.status !== null && attempt.status >= 200 && attempt.status < 300) {
        delivery.state = 'acknowledged';
        entry.acknowledgedAtMs ??= atMs;
        entry.latencyMs ??= attempt.ms;
      } else if (signal.aborted) {
        delivery.state = 'cancelled';
      }
      return startedAtMs;
    });
  }

  async #post({ event, headers }: Sending, signal: AbortSignal): Promise<Pick<Attempt, 'status' | 'error'>> {
    let status: number | null = null;
    try {
      const answer = await this.#pool.request({
        method: 'POST',
        path: `${this.#target.pathname}${this.#target.search}`,
        headers,
        body: event.body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(this.#options.totalTimeoutMs ?? 5000)]),
      });
      status = answer.statusCode;
      await answer.body.dump();
      return { status, error: null };
    } catch (error) {
      return { status, error: nameFailure(error) };
    }
  }
}

/** One delivery under way; signed once, since every attempt sends the same. */
interface Sending {
  event: WebhookEvent;
  headers: Record<string, string>;
  entry: BookEntry;
  delivery: Delivery;
}

const webhookHeaders = ({ secret, shopDomain, apiVersion }: SenderOptions, event: WebhookEvent): Record<string, string> => ({
  'Content-Type': 'application/json',
  'User-Agent': 'Shopify-Captain-Hook',
  'X-Shopify-Topic': event.topic,
  'X-Shopify-Hmac-Sha256': signBody(secret, event.body),
  'X-Shopify-Shop-Domain': shopDomain ?? 'jackets.myshopify.com',
  'X-Shopify-API-Version': apiVersion ?? '2026-07',
  'X-Shopify-Webhook-Id': event.webhookId,
  'X-Shopify-Event-Id': event.eventId,
  'X-Shopify-Triggered-At': event.triggeredAt,
});

const waitUntil = async (atMs: number, signal: AbortSignal): Promise<void> => {
  try {
    await delay(Math.max(0, atMs - steadyNowMs()), undefined, { signal });
  } catch (error) {
    // The next attempt books the cancelled end.
    if (!signal.aborted) throw error;
  }
};

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const fail = (): void => reject(new Error('stopped waiting', { cause: signal.reason }));
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
