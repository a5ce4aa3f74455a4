/**
 * Shopify, as far as it sends: a webhook sender with a control address, so that it can also be driven from another process.
 */
import { z } from 'zod';
import { anyLoopbackPort, readBody, sendJson, startListener, type Address, type Handler } from '../listener.ts';
import { progressOf, type Progress, type ShopifyBook } from './delivery-book.ts';
import { buildScenario, type Scenario, type ScenarioOptions, type WebhookEvent } from './scenario.ts';
import { WebhookSender, type SenderOptions } from './webhook-sender.ts';

export interface ShopifyOptions extends SenderOptions {
  /** Control address. Default: a free port of 127.0.0.1. */
  listen?: Address;
  /** What POST /burst sends when its body does not say otherwise; each later burst takes the next seed. */
  scenario?: ScenarioOptions;
}

export interface ShopifySimulator {
  /** GET /book, GET /progress, POST /burst. */
  url: string;
  /** Starts all at once; resolves when each has its end. An abort ends what is pending as cancelled and rejects with the reason. */
  send(events: readonly WebhookEvent[], signal: AbortSignal): Promise<void>;
  /** Books the summary of a scenario and sends its events. */
  burst(scenario: Scenario, signal: AbortSignal): Promise<void>;
  book(): ShopifyBook;
  progress(): Progress;
  /** Resolves when no delivery is pending. */
  settled(signal: AbortSignal): Promise<void>;
  /** Stops what is pending. */
  close(): Promise<void>;
}

const burstRequest = z
  .strictObject({
    seed: z.int(),
    orders: z.int().min(1).max(100_000),
    lanes: z.int().min(1),
    duplicates: z.int().min(0),
    updates: z.int().min(0),
    cancels: z.int().min(0),
    badAddresses: z.array(z.enum(['TooLong', 'Null', 'Absent', 'NoAddress'])),
  })
  .partial();

type BurstRequest = z.infer<typeof burstRequest>;

const defaultScenario: ScenarioOptions = { seed: 1, orders: 2000 };

const mergeScenario = (base: ScenarioOptions, asked: BurstRequest, burstsBefore: number): ScenarioOptions => {
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  return { ...base, seed: base.seed + burstsBefore, ...given };
};

const parseBurst = (text: string): BurstRequest | null => {
  try {
    return burstRequest.parse(text === '' ? {} : JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null;
    throw error;
  }
};

const controlHandler = (sender: WebhookSender, start: (asked: BurstRequest) => Scenario): Handler => {
  const answers = new Map<string, Handler>([
    ['GET /book', async (_request, response) => sendJson(response, 200, sender.book)],
    ['GET /progress', async (_request, response) => sendJson(response, 200, progressOf(sender.book))],
    [
      'POST /burst',
      async (request, response) => {
        const body = await readBody(request, 65_536);
        const asked = body.kind === 'complete' ? parseBurst(body.bytes.toString('utf8')) : null;
        if (asked === null) return sendJson(response, 400, { error: 'a burst is described by a JSON object of scenario options' });
        const { summary, events } = start(asked);
        sendJson(response, 202, { summary, events: events.length });
      },
    ],
  ]);
  return async (request, response) => {
    const answer = answers.get(`${request.method} ${request.url}`);
    if (answer === undefined) sendJson(response, 404, { error: 'there is GET /book, GET /progress and POST /burst' });
    else await answer(request, response);
  };
};

export const startShopify = async (options: ShopifyOptions): Promise<ShopifySimulator> => {
  const sender = new WebhookSender(options);
  const stop = new AbortController();
  const started: Promise<void>[] = [];
  const burst = (scenario: Scenario, signal: AbortSignal): Promise<void> => {
    sender.book.scenarios.push(scenario.summary);
    return sender.send(scenario.events, signal);
  };
  const start = (asked: BurstRequest): Scenario => {
    const scenario = buildScenario(mergeScenario(options.scenario ?? defaultScenario, asked, sender.book.scenarios.length));
    const ended = burst(scenario, stop.signal).catch((error: unknown) => {
      // Closing stops a burst; how far it came is in the book.
      if (!stop.signal.aborted) throw error;
    });
    started.push(ended);
    return scenario;
  };
  const listener = await startListener(controlHandler(sender, start), options.listen ?? anyLoopbackPort);
  return {
    url: listener.url,
    send: (events, signal) => sender.send(events, signal),
    burst,
    book: () => sender.book,
    progress: () => progressOf(sender.book),
    settled: (signal) => sender.settled(signal),
    close: async () => {
      stop.abort(new Error('the Shopify simulator was closed'));
      await sender.close();
      await Promise.all(started);
      await listener.close();
    },
  };
};
