/**
 * One NetSuite account: token endpoint and sales orders, with its concurrency limit, its latency and its outages.
 * Invariants: what has arrived whole is processed to its own end and takes effect then, whatever becomes of its caller;
 * while offline no request is read or answered; a refused call (401, 404 of a path, 405, 429) has no latency and no effect.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { readBody, sendText, steadyNowMs, type TextAnswer } from '../listener.ts';
import { createRandom, drawLogNormalMs } from '../random.ts';
import { AccessTokens } from './access-tokens.ts';
import {
  badRequest,
  methodNotAllowed,
  noSuchResource,
  notFound,
  tooLarge,
  tooManyRequests,
  unauthorized,
  unsupportedMediaType,
} from './answers.ts';
import { countAnswer, emptyCounts, type CallCounts, type Outage } from './call-book.ts';
import { Concurrency } from './concurrency.ts';
import { routeOf, type Route } from './record-route.ts';
import { missingForCreate, readSalesOrder } from './sales-order.ts';
import { SalesOrders } from './sales-orders.ts';
import { judgeTokenRequest, tokenPath, type ClientRegistration } from './token-request.ts';

export interface AccountOptions {
  /** Default 15. */
  concurrency?: number;
  /** Of the lognormal latency; default 300. */
  meanMs?: number;
  /** Default 0.45. */
  sigma?: number;
  /** The account's timeout: no call takes longer than 0.8 of it. Default 60,000. */
  timeoutMs?: number;
  seed?: number;
  /** Default 3,600. */
  tokenLifetimeSeconds?: number;
  /** Whether token requests are governed: counted against the limit, and taking their time. Default false. */
  governTokens?: boolean;
}

const maxBodyBytes = 10 * 1024 * 1024;

const jsonTypes = new Set(['application/json', 'application/vnd.oracle.resource+json']);

const isJson = (contentType: string | undefined): boolean => jsonTypes.has(contentType?.split(';')[0]?.trim().toLowerCase() ?? '');

type RecordRoute = Extract<Route, { kind: 'record' }>;

export class Account {
  readonly orders = new SalesOrders();
  readonly tokens: AccessTokens;
  readonly concurrency: Concurrency;
  readonly calls = emptyCounts();
  readonly tokenCalls = emptyCounts();
  readonly outages: Outage[] = [];
  readonly #options: AccountOptions;
  readonly #client: () => ClientRegistration;
  readonly #drawMs: () => number;
  readonly #stop = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(options: AccountOptions, client: () => ClientRegistration) {
    this.#options = options;
    this.#client = client;
    this.tokens = new AccessTokens((options.tokenLifetimeSeconds ?? 3600) * 1000);
    this.concurrency = new Concurrency(options.concurrency ?? 15);
    const random = createRandom(options.seed ?? 1);
    const shape = { meanMs: options.meanMs ?? 300, sigma: options.sigma ?? 0.45, maxMs: 0.8 * (options.timeoutMs ?? 60_000) };
    this.#drawMs = () => drawLogNormalMs(random, shape);
  }

  get outage(): Outage | undefined {
    const last = this.outages.at(-1);
    return last?.toMs === null ? last : undefined;
  }

  beginOutage(): void {
    this.outages.push({ fromMs: steadyNowMs(), toMs: null, calls: 0, firstCallMs: null, firstAnsweredMs: null });
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.outage !== undefined) {
      this.outage.calls += 1;
      request.socket.resetAndDestroy();
      return;
    }
    const handled = request.url === tokenPath ? this.#handleToken(request, response) : this.#handleRecord(request, response);
    this.#running.add(handled);
    try {
      await handled;
    } finally {
      this.#running.delete(handled);
    }
  }

  /** Ends the calls in flight at once and without effect. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the NetSuite simulator was closed'));
    await Promise.allSettled(this.#running);
  }

  async #handleToken(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.tokenCalls.total += 1;
    const answer = request.method === 'POST' ? await this.#answerToken(request) : methodNotAllowed();
    if (answer !== null) this.#reply(response, answer, this.tokenCalls);
  }

  async #answerToken(request: IncomingMessage): Promise<TextAnswer | null> {
    if (this.#options.governTokens !== true) return this.#grant(request);
    if (!this.concurrency.tryBegin()) return tooManyRequests();
    try {
      const endsAtMs = steadyNowMs() + this.#drawMs();
      const answer = await this.#grant(request);
      return (await this.#waitUntil(endsAtMs)) ? answer : null;
    } finally {
      this.concurrency.end();
    }
  }

  async #grant(request: IncomingMessage): Promise<TextAnswer | null> {
    const body = await readBody(request, 65_536);
    if (body.kind === 'aborted') return null;
    if (body.kind === 'tooLarge') return tooLarge();
    const asked = { contentType: request.headers['content-type'], body: body.bytes.toString('utf8') };
    const nowMs = steadyNowMs();
    const refusal = await judgeTokenRequest(asked, this.#client(), nowMs);
    if (refusal !== null) return refusal;
    const granted = {
      access_token: this.tokens.issue(nowMs),
      // A string, as NetSuite sends it.
      expires_in: String(this.#options.tokenLifetimeSeconds ?? 3600),
      token_type: 'bearer',
    };
    return { status: 200, text: JSON.stringify(granted), headers: { 'content-type': 'application/json', 'cache-control': 'no-store' } };
  }

  async #handleRecord(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const arrivedAtMs = steadyNowMs();
    const returned = this.outages.at(-1);
    if (returned !== undefined) returned.firstCallMs ??= arrivedAtMs;
    this.calls.total += 1;
    const route = routeOf(request.url ?? '');
    const answer = this.#refuse(request, route) ?? (route.kind === 'record' ? await this.#process(request, route, arrivedAtMs) : null);
    if (answer === null) return;
    this.#reply(response, answer, this.calls);
    if (returned !== undefined && returned === this.outages.at(-1) && !response.destroyed) returned.firstAnsweredMs ??= steadyNowMs();
  }

  /** What is refused before it counts as a call in flight. */
  #refuse(request: IncomingMessage, route: Route): TextAnswer | null {
    if (!this.tokens.isInForce(request.headers.authorization, steadyNowMs())) return unauthorized();
    if (route.kind === 'unknown') return noSuchResource();
    if (route.kind === 'malformed') {
      return badRequest({ detail: 'Invalid external ID in the URL.', 'o:errorCode': 'INVALID_ID' });
    }
    if (request.method !== 'PUT' && request.method !== 'PATCH' && request.method !== 'GET') return methodNotAllowed();
    return null;
  }

  async #process(request: IncomingMessage, route: RecordRoute, arrivedAtMs: number): Promise<TextAnswer | null> {
    if (!this.concurrency.tryBegin()) return tooManyRequests();
    const endsAtMs = arrivedAtMs + this.#drawMs();
    const isNew = !this.orders.has(route.externalId);
    this.orders.begin(route.externalId);
    try {
      const body = await readBody(request, maxBodyBytes);
      if (body.kind === 'aborted') return null;
      if (!(await this.#waitUntil(endsAtMs))) return null;
      if (body.kind === 'tooLarge') return tooLarge();
      return this.#execute(request, { ...route, isNew }, body.bytes);
    } finally {
      this.orders.end(route.externalId);
      // Before the answer: a caller that goes on at once must not meet its own call.
      this.concurrency.end();
    }
  }

  #execute(request: IncomingMessage, route: RecordRoute & { isNew: boolean }, bytes: Buffer): TextAnswer {
    const { externalId, replacesItems } = route;
    if (request.method === 'GET') {
      const text = this.orders.read(externalId);
      if (text === undefined) return notFound();
      return { status: 200, text, headers: { 'content-type': 'application/vnd.oracle.resource+json; type=singular' } };
    }
    if (!isJson(request.headers['content-type'])) return unsupportedMediaType();
    const method = request.method === 'PUT' ? 'PUT' : 'PATCH';
    if (method === 'PATCH' && !this.orders.has(externalId)) return notFound();
    const read = readSalesOrder(bytes, externalId);
    if (read.kind === 'refused') return badRequest(...read.details);
    const creates = method === 'PUT' && route.isNew;
    const missing = creates ? missingForCreate(read.fields) : [];
    if (missing.length > 0) return badRequest(...missing);
    const internalId = this.orders.apply({ externalId, method, fields: read.fields, replacesItems, creates });
    const location = `http://${request.headers.host}/services/rest/record/v1/salesOrder/${internalId}`;
    return { status: 204, headers: { location } };
  }

  #reply(response: ServerResponse, answer: TextAnswer, counts: CallCounts): void {
    const isAnswered = !response.destroyed && response.socket?.destroyed === false;
    countAnswer(counts, { status: answer.status, isAnswered });
    sendText(response, answer);
  }

  /** False when the simulator was closed meanwhile. */
  async #waitUntil(atMs: number): Promise<boolean> {
    try {
      await delay(Math.max(0, atMs - steadyNowMs()), undefined, { signal: this.#stop.signal });
      return true;
    } catch (error) {
      if (this.#stop.signal.aborted) return false;
      throw error;
    }
  }
}
