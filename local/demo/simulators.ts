/** The simulators of Shopify and NetSuite as processes of their own, on addresses of the cluster's network, and what they are asked. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { LocalError } from '../local-error.ts';
import {
  netSuiteBook,
  scenarioSummary,
  shopifyBook,
  type NetSuiteBook,
  type ScenarioSummary,
  type ShopifyBook,
} from './report/evidence.ts';

const simulators = join(import.meta.dirname, '..', '..', 'test', 'simulators');
const readyLimitMs = 15_000;
const callLimitMs = 20_000;
const stopLimitMs = 3_000;

const shopifyProgress = z.object({ webhooks: z.number(), acknowledged: z.number(), pending: z.number() });
const netSuiteProgress = z.object({
  isOnline: z.boolean(),
  inFlight: z.number(),
  calls: z.object({ byStatus: z.record(z.string(), z.number()) }),
});
const burstAnswer = z.object({ summary: scenarioSummary, events: z.number() });

const ask = async <T>(url: string, { schema, body }: { schema: z.ZodType<T>; body?: object }, signal: AbortSignal): Promise<T> => {
  const answer = await fetch(url, {
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(callLimitMs)]),
  });
  if (!answer.ok) throw new LocalError(`${url} answered ${answer.status}: ${await answer.text()}`);
  return schema.parse(await answer.json());
};

const firstLine = async (child: ChildProcess): Promise<string> => {
  const { stdout } = child;
  if (stdout === null) throw new LocalError('a simulator has no standard output');
  for await (const line of createInterface({ input: stdout })) return line;
  throw new LocalError('a simulator ended before it was ready; its error stands above');
};

interface Process<T> {
  readonly ready: T;
  readonly stop: () => Promise<void>;
}

interface ProcessStart<T> {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Of its first line. */
  readonly schema: z.ZodType<T>;
  readonly started?: (child: ChildProcess) => void;
}

const startProcess = async <T>({ args, env, schema, started }: ProcessStart<T>, signal: AbortSignal): Promise<Process<T>> => {
  // It ends with its standard input, so with this process, however that ends.
  const child = spawn(process.execPath, [...args, '--exit-on-stdin-end'], { stdio: ['pipe', 'pipe', 'inherit'], env });
  const closed = once(child, 'close').then(() => undefined);
  started?.(child);
  child.stdin.on('error', () => undefined); // it has ended, which `closed` says too
  const stop = async (): Promise<void> => {
    child.stdin.end();
    await Promise.race([closed, delay(stopLimitMs, undefined, { ref: false })]);
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await closed;
  };
  const late = AbortSignal.any([signal, AbortSignal.timeout(readyLimitMs)]);
  const kill = (): boolean => child.kill('SIGKILL');
  late.addEventListener('abort', kill, { once: true });
  try {
    return { ready: schema.parse(JSON.parse(await firstLine(child))), stop };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    late.removeEventListener('abort', kill);
  }
};

export interface NetSuiteSettings {
  /** Address to listen on; the control API has the next port. */
  readonly host: string;
  readonly port: number;
  readonly publicKeyFile: string;
  readonly clientID: string;
  readonly certificateID: string;
  readonly concurrency: number;
  readonly meanMs: number;
  readonly timeoutMs: number;
  readonly seed: number;
}

export interface NetSuite {
  readonly offline: (forMs: number, signal: AbortSignal) => Promise<void>;
  readonly progress: (signal: AbortSignal) => Promise<{ isUp: boolean; inFlight: number; answered: number }>;
  readonly book: (signal: AbortSignal) => Promise<NetSuiteBook>;
  readonly stop: () => Promise<void>;
}

export const startNetSuite = async (settings: NetSuiteSettings, signal: AbortSignal): Promise<NetSuite> => {
  const flags = {
    'public-key': settings.publicKeyFile,
    'client-id': settings.clientID,
    'certificate-id': settings.certificateID,
    concurrency: settings.concurrency,
    'mean-ms': settings.meanMs,
    'timeout-ms': settings.timeoutMs,
    seed: settings.seed,
    listen: `${settings.host}:${settings.port}`,
    control: `${settings.host}:${settings.port + 1}`,
  };
  const args = [join(simulators, 'net-suite', 'main.ts'), ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)];
  const schema = z.object({ controlUrl: z.string() });
  const { ready, stop } = await startProcess({ args, env: process.env, schema }, signal);
  const control = `${ready.controlUrl}/_control`;
  return {
    stop,
    offline: async (forMs, within) => {
      await ask(`${control}/offline`, { schema: netSuiteProgress, body: { forMs } }, within);
    },
    progress: async (within) => {
      const { isOnline, inFlight, calls } = await ask(`${control}/progress`, { schema: netSuiteProgress }, within);
      return { isUp: isOnline, inFlight, answered: calls.byStatus['204'] ?? 0 };
    },
    book: (within) => ask(`${control}/book`, { schema: netSuiteBook }, within),
  };
};

export interface ShopifySettings {
  readonly host: string;
  readonly port: number;
  /** Where the webhooks go. */
  readonly target: string;
  readonly secret: string;
  readonly shop: string;
  readonly apiVersion: string;
  readonly connections: number;
  /** Divides the retry schedule of four hours. */
  readonly timeScale: number;
}

export interface Burst {
  readonly seed: number;
  readonly orders: number;
  readonly lanes: number;
}

export interface Shopify {
  /** Sends all at once; resolves when it has begun. */
  readonly burst: (burst: Burst, signal: AbortSignal) => Promise<{ summary: ScenarioSummary; events: number }>;
  readonly progress: (signal: AbortSignal) => Promise<z.infer<typeof shopifyProgress>>;
  readonly book: (signal: AbortSignal) => Promise<ShopifyBook>;
  readonly stop: () => Promise<void>;
}

/** The world outside has machines of its own: on this one it must not take the CPU from what is being shown. */
const stepBack = ({ pid }: ChildProcess): void => {
  if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
};

export const startShopify = async (settings: ShopifySettings, signal: AbortSignal): Promise<Shopify> => {
  const flags = {
    target: settings.target,
    shop: settings.shop,
    'api-version': settings.apiVersion,
    connections: settings.connections,
    'time-scale': settings.timeScale,
    listen: `${settings.host}:${settings.port}`,
  };
  const args = [join(simulators, 'shopify', 'main.ts'), ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)];
  // By environment: arguments are for every user of the machine to see.
  const env = { ...process.env, SHOPIFY_SECRET: settings.secret };
  const { ready, stop } = await startProcess({ args, env, schema: z.object({ url: z.string() }), started: stepBack }, signal);
  return {
    stop,
    burst: (burst, within) => ask(`${ready.url}/burst`, { schema: burstAnswer, body: burst }, within),
    progress: (within) => ask(`${ready.url}/progress`, { schema: shopifyProgress }, within),
    book: (within) => ask(`${ready.url}/book`, { schema: shopifyBook }, within),
  };
};
