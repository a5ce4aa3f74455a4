/** Loads one side: warms it up, sends the burst, then the sustained load. Its one argument and its one line of output are JSON. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { cpuSeconds } from '../../processes.ts';
import { loadResult } from '../results.ts';
import type { PhaseResult } from '../results.ts';
import { signedWebhooks } from '../webhooks.ts';
import { closedLoop, KeepAliveConnection } from './closed-loop.ts';

const order = z.strictObject({
  port: z.number(),
  connections: z.number(),
  warmUp: z.number(),
  burst: z.number(),
  sustainedMs: z.number(),
  /** Processes whose CPU time is measured. */
  appPid: z.number(),
  storePid: z.number().optional(),
});

const { port, connections, warmUp, burst, sustainedMs, appPid, storePid } = order.parse(JSON.parse(process.argv[2] ?? '{}'));
const webhooks = signedWebhooks(`127.0.0.1:${port}`);
const run = randomBytes(6).toString('hex');
let sent = 0;

function nextWebhook(): string {
  const webhook = webhooks[sent % webhooks.length];
  if (webhook === undefined) throw new RangeError('there are no webhooks');
  sent += 1;
  return `${webhook.head}${run}-${sent}\r\n\r\n${webhook.body}`;
}

function times(count: number): () => string | undefined {
  let left = count;
  return () => (left-- > 0 ? nextWebhook() : undefined);
}

function during(ms: number): () => string | undefined {
  const until = performance.now() + ms;
  return () => (performance.now() < until ? nextWebhook() : undefined);
}

const cpuNow = () => ({ app: cpuSeconds(appPid), store: storePid === undefined ? 0 : cpuSeconds(storePid) });

async function phase(sockets: readonly KeepAliveConnection[], next: () => string | undefined): Promise<PhaseResult> {
  const cpuBefore = cpuNow();
  const startedAt = performance.now();
  const answers = await closedLoop(sockets, next);
  const totalMs = performance.now() - startedAt;
  const cpuAfter = cpuNow();
  const sorted = answers.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const quantile = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  const good = answers.filter(({ status }) => status === 200).length;
  return {
    good,
    bad: answers.length - good,
    totalMs,
    perSecond: (good / totalMs) * 1_000,
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    maxMs: sorted.at(-1) ?? 0,
    appCpuPer1000: ((cpuAfter.app - cpuBefore.app) / good) * 1_000,
    storeCpuPer1000: ((cpuAfter.store - cpuBefore.store) / good) * 1_000,
  };
}

const sockets = await Promise.all(Array.from({ length: connections }, () => KeepAliveConnection.open('127.0.0.1', port)));
const warm = await phase(sockets, times(warmUp));
const result = loadResult.parse({
  burst: await phase(sockets, times(burst)),
  sustained: await phase(sockets, during(sustainedMs)),
  warmUp: { good: warm.good, bad: warm.bad },
});
for (const socket of sockets) socket.close();
console.log(JSON.stringify(result));
