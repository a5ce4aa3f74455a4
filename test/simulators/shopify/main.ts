/** The Shopify simulator as a process. Its first line on standard output is JSON with its addresses. */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { parseAddress } from '../listener.ts';
import { untilStopped } from '../until-stopped.ts';
import { startShopify } from './shopify.ts';

const help = `Sends signed webhooks as Shopify does, and keeps books of them.

node test/simulators/shopify/main.ts --target URL --secret SECRET [options]

  --target URL            where the webhooks go
  --secret SECRET         the client secret that signs them (or SHOPIFY_SECRET)
  --shop DOMAIN           default jackets.myshopify.com
  --api-version VERSION   default 2026-07
  --orders N              default 2000
  --seed S                default 1
  --lanes N               lanes of the pipeline, to place the bad addresses; default 4
  --duplicates N          webhooks that are sent twice, --updates N, --cancels N; default one in a hundred orders
  --time-scale T          divides the retry schedule of four hours; default 1
  --connections N         deliveries at once; default 500
  --listen 127.x.y.z:port address of GET /book, GET /progress, POST /burst; default 127.0.0.1:0
  --start                 send the first burst at once, without a POST /burst
  --exit-on-stdin-end     end when standard input ends
  --help
`;

const number = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    secret: { type: 'string' },
    shop: { type: 'string' },
    'api-version': { type: 'string' },
    orders: number,
    seed: number,
    lanes: number,
    duplicates: number,
    updates: number,
    cancels: number,
    'time-scale': number,
    connections: number,
    listen: { type: 'string' },
    start: { type: 'boolean' },
    'exit-on-stdin-end': { type: 'boolean' },
    help: { type: 'boolean' },
  },
});

const whole = z.coerce.number<string>().int().min(0);
const settings = z.object({
  target: z.url(),
  secret: z.string().min(1),
  shop: z.string().default('jackets.myshopify.com'),
  'api-version': z.string().default('2026-07'),
  orders: whole.default(2000),
  seed: whole.default(1),
  lanes: whole.default(4),
  duplicates: whole.optional(),
  updates: whole.optional(),
  cancels: whole.optional(),
  'time-scale': z.coerce.number<string>().positive().default(1),
  connections: z.coerce.number<string>().int().min(1).default(500),
  listen: z.string().default('127.0.0.1:0').transform(parseAddress),
});

const asked = settings.safeParse({ secret: process.env['SHOPIFY_SECRET'], ...values });

const run = async (asked: z.infer<typeof settings>): Promise<void> => {
  const { duplicates, updates, cancels, orders, seed, lanes } = asked;
  const shopify = await startShopify({
    target: asked.target,
    secret: asked.secret,
    shopDomain: asked.shop,
    apiVersion: asked['api-version'],
    timeScale: asked['time-scale'],
    connections: asked.connections,
    listen: asked.listen,
    scenario: {
      seed,
      orders,
      lanes,
      ...(duplicates === undefined ? {} : { duplicates }),
      ...(updates === undefined ? {} : { updates }),
      ...(cancels === undefined ? {} : { cancels }),
    },
  });
  console.log(JSON.stringify({ ready: true, url: shopify.url }));
  if (values.start === true) await fetch(`${shopify.url}/burst`, { method: 'POST', signal: AbortSignal.timeout(10_000) });
  await untilStopped(values['exit-on-stdin-end'] === true);
  await shopify.close();
};

if (values.help === true) process.stdout.write(help);
else if (asked.success) await run(asked.data);
else {
  console.error(`${z.prettifyError(asked.error)}\n\n${help}`);
  process.exitCode = 2;
}
