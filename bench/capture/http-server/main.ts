/**
 * The application of one side, as `node main.ts '{"side": …}'`. The sides but ours share this server, which checks the same
 * signature; they differ in what they do before the answer. Ours is the real ingest.
 * Says its port in one line; ends at SIGTERM or when its standard input ends.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { z } from 'zod';
import { createShopifySource } from '../../../runtime/connectors/shopify/source.ts';
import { captureSubject } from '../../../runtime/contract/names.ts';
import { startIngest } from '../../../runtime/ingest/ingest.ts';
import { connectNats } from '../../../runtime/jetstream/connection.ts';
import { Publisher } from '../../../runtime/jetstream/publisher.ts';
import { createLogger } from '../../../runtime/logger.ts';
import { createSecretReader } from '../../../runtime/secrets/read-secret.ts';
import { benchConnector, benchPipeline } from '../pipeline.ts';
import { secret } from '../webhooks.ts';

const order = z.discriminatedUnion('side', [
  z.strictObject({ side: z.literal('bare') }),
  z.strictObject({ side: z.literal('lean'), natsURL: z.string() }),
  z.strictObject({ side: z.literal('ours'), natsURL: z.string(), configDir: z.string() }),
  z.strictObject({ side: z.literal('bullmq'), redisPort: z.number(), modules: z.string() }),
]);
type Order = z.infer<typeof order>;

type Store = (id: string, body: Buffer) => Promise<unknown>;

const stop = new AbortController();
const publishTimeoutMs = 5_000;

function isSigned(request: IncomingMessage, body: Buffer): boolean {
  const expected = createHmac('sha256', secret).update(body).digest();
  const claimed = Buffer.from(String(request.headers['x-shopify-hmac-sha256']), 'base64');
  return expected.length === claimed.length && timingSafeEqual(expected, claimed);
}

async function startServer(store: Store): Promise<number> {
  const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      if (!isSigned(request, body)) {
        response.writeHead(401).end();
        return;
      }
      store(String(request.headers['x-shopify-webhook-id']), body).then(
        () => response.end('stored\n'),
        () => response.writeHead(503).end(),
      );
    });
  });
  await once(server.listen({ host: '127.0.0.1', port: 0, backlog: 8_192 }), 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return address.port;
}

async function leanStore(natsURL: string): Promise<Store> {
  const { connection } = await connectNats({ url: natsURL, name: 'bench' }, stop.signal);
  const publisher = new Publisher(connection);
  const subject = captureSubject(benchPipeline, 0);
  return (id, body) => publisher.publish({ subject, payload: body, headers: [['Nats-Msg-Id', id]] }, publishTimeoutMs);
}

const bullmq = z.object({
  Queue: z.custom<new (name: string, options: object) => { add: (name: string, data: unknown, options: object) => Promise<unknown> }>(
    (value) => typeof value === 'function',
  ),
});

function bullStore(modules: string, redisPort: number): Store {
  const loaded: unknown = createRequire(join(modules, 'peers.js'))('bullmq');
  const { Queue } = bullmq.parse(loaded);
  const queue = new Queue('webhooks', { connection: { host: '127.0.0.1', port: redisPort } });
  return (id, body) => queue.add('webhook', { body: body.toString() }, { jobId: id });
}

async function startOurs(natsURL: string, configDir: string): Promise<number> {
  const { connection } = await connectNats({ url: natsURL, name: 'bench' }, stop.signal);
  const ingest = await startIngest({
    connector: benchConnector,
    source: createShopifySource({ account: benchConnector.account, readSecret: createSecretReader(configDir) }),
    pipelines: [{ v: 1, running: benchPipeline }],
    publisher: new Publisher(connection),
    host: '127.0.0.1',
    port: 0,
    metrics: new Registry(),
    logger: createLogger({ level: 'info', role: 'ingest' }),
  });
  return ingest.port;
}

async function start(asked: Order): Promise<number> {
  switch (asked.side) {
    case 'bare':
      return startServer(() => Promise.resolve());
    case 'lean':
      return startServer(await leanStore(asked.natsURL));
    case 'ours':
      return startOurs(asked.natsURL, asked.configDir);
    case 'bullmq':
      return startServer(bullStore(asked.modules, asked.redisPort));
  }
}

process.once('SIGTERM', () => process.exit(0));
process.stdin.resume().once('end', () => process.exit(0));
const port = await start(order.parse(JSON.parse(process.argv[2] ?? '{}')));
console.log(JSON.stringify({ port }));
