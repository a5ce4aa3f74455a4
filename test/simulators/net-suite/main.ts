/** The NetSuite simulator as a process. Its first line on standard output is JSON with its addresses. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { parseAddress } from '../listener.ts';
import { untilStopped } from '../until-stopped.ts';
import { controlUsage } from './control.ts';
import { startNetSuite } from './net-suite.ts';

const help = `One NetSuite account: OAuth token endpoint, sales orders by external id, concurrency limit, latency, outages.

node test/simulators/net-suite/main.ts --public-key FILE --client-id ID --certificate-id ID [options]

  --public-key FILE        PEM of the client's public key or certificate (RSA: PS256; EC: ES256)
  --client-id ID           the assertion's iss
  --certificate-id ID      the assertion's kid
  --audience URL           the assertion's aud; default: the token endpoint as listened on
  --concurrency N          default 15
  --mean-ms MS             of the lognormal latency; default 300
  --sigma S                default 0.45
  --timeout-ms MS          the account's timeout; no call takes longer than 0.8 of it; default 60000
  --seed S                 default 1
  --token-lifetime SECONDS default 3600
  --govern-tokens          token requests count against the limit and take their time
  --listen 127.x.y.z:port  default 127.0.0.1:0
  --control 127.x.y.z:port address of the control API; default 127.0.0.1:0
  --exit-on-stdin-end      end when standard input ends
  --help

Control API:
${controlUsage}`;

const text = { type: 'string' } as const;
const { values } = parseArgs({
  options: {
    'public-key': text,
    'client-id': text,
    'certificate-id': text,
    audience: text,
    concurrency: text,
    'mean-ms': text,
    sigma: text,
    'timeout-ms': text,
    seed: text,
    'token-lifetime': text,
    'govern-tokens': { type: 'boolean' },
    listen: text,
    control: text,
    'exit-on-stdin-end': { type: 'boolean' },
    help: { type: 'boolean' },
  },
});

const positive = z.coerce.number<string>().positive();
const address = z.string().default('127.0.0.1:0').transform(parseAddress);
const settings = z.object({
  'public-key': z.string(),
  'client-id': z.string(),
  'certificate-id': z.string(),
  audience: z.url().optional(),
  concurrency: z.coerce.number<string>().int().min(1).default(15),
  'mean-ms': positive.default(300),
  sigma: z.coerce.number<string>().min(0).default(0.45),
  'timeout-ms': positive.default(60_000),
  seed: z.coerce.number<string>().int().default(1),
  'token-lifetime': positive.default(3600),
  'govern-tokens': z.boolean().default(false),
  listen: address,
  control: address,
});

const asked = settings.safeParse(values);

const run = async (asked: z.infer<typeof settings>): Promise<void> => {
  const netSuite = await startNetSuite({
    publicKey: await readFile(asked['public-key'], 'utf8'),
    clientId: asked['client-id'],
    certificateId: asked['certificate-id'],
    ...(asked.audience === undefined ? {} : { audience: asked.audience }),
    concurrency: asked.concurrency,
    meanMs: asked['mean-ms'],
    sigma: asked.sigma,
    timeoutMs: asked['timeout-ms'],
    seed: asked.seed,
    tokenLifetimeSeconds: asked['token-lifetime'],
    governTokens: asked['govern-tokens'],
    listen: asked.listen,
    control: asked.control,
  });
  console.log(JSON.stringify({ ready: true, url: netSuite.url, controlUrl: netSuite.controlUrl }));
  await untilStopped(values['exit-on-stdin-end'] === true);
  await netSuite.close();
};

if (values.help === true) process.stdout.write(help);
else if (asked.success) await run(asked.data);
else {
  console.error(`${z.prettifyError(asked.error)}\n\n${help}`);
  process.exitCode = 2;
}
