/** The two controllers with their queues, and the local copies that feed them. */
import type { Logger } from 'pino';
import { WorkQueue } from './engine/work-queue.ts';
import type { Outcome } from './engine/outcome.ts';
import { reconcileConnector } from './connector/reconcile.ts';
import type { WorkloadFacts } from './connector/plan.ts';
import type { JetStream } from './jetstream/connection.ts';
import type { KubernetesClient } from './kubernetes/client.ts';
import type { EventWriter } from './kubernetes/events.ts';
import { Router } from './router.ts';
import type { InstallFacts } from './sync-pipeline/plan.ts';
import { PipelineReconciler } from './sync-pipeline/reconcile.ts';
import { cachesOf, createWorld } from './world.ts';
import type { World } from './world.ts';

export interface ControllerParts {
  readonly kubernetes: KubernetesClient;
  readonly events: EventWriter;
  /** @throws NatsUnavailableError */
  readonly jetStream: () => JetStream;
  readonly install: InstallFacts;
  readonly workload: WorkloadFacts;
  /** undefined: all. */
  readonly watchNamespace: string | undefined;
  readonly log: Logger;
  readonly onReconciled: (kind: string, result: 'ok' | 'error', seconds: number) => void;
  readonly onWatchTrouble: (resource: string) => void;
}

export interface Controllers {
  readonly world: World;
  /** Keys that wait or run, by kind. */
  readonly queued: () => Record<string, number>;
  /** Looks at everything again: the connection to NATS came or went. */
  readonly lookAtAll: () => void;
  /** Keeps the local copies up to date until `signal` aborts. */
  readonly follow: (signal: AbortSignal) => Promise<void>;
  /** Reconciles until `signal` aborts. */
  readonly work: (signal: AbortSignal) => Promise<void>;
}

const reconcileTimeoutMs = 60_000;
const atOnce = 8;
const backoff = { baseMs: 200, maxMs: 10_000, factor: 2 };

export function createControllers(parts: ControllerParts): Controllers {
  const { kubernetes, install, watchNamespace, log, onWatchTrouble } = parts;
  const pipelines = createQueue('SyncPipeline', parts, (key, signal) => pipelineReconciler.reconcile(key, signal));
  const connectors = createQueue('Connector', parts, (key, signal) => reconcileConnector(key, { ...parts, world, now: Date.now }, signal));
  const router = new Router({ pipelines, connectors, world: () => world });
  const world = createWorld({ kubernetes, install: install.install, watchNamespace, router, log, onTrouble: onWatchTrouble });
  const pipelineReconciler = new PipelineReconciler({ ...parts, world, now: Date.now });
  const caches = cachesOf(world).map(([, cache]) => cache);
  return {
    world,
    queued: () => ({ SyncPipeline: pipelines.size, Connector: connectors.size }),
    lookAtAll: () => {
      for (const key of world.pipelines.keys()) pipelines.add(key);
      for (const key of world.connectors.keys()) connectors.add(key);
    },
    follow: async (signal) => {
      await Promise.all(caches.map((cache) => cache.run(signal)));
    },
    work: async (signal) => {
      // A copy that was never listed would make pipelines and Connectors look as if they were gone.
      await Promise.race([Promise.all(caches.map((cache) => cache.listed)), aborted(signal)]);
      await Promise.all([pipelines.run(signal), connectors.run(signal)]);
    },
  };
}

function createQueue(
  kind: string,
  { log, onReconciled }: ControllerParts,
  reconcile: (key: string, signal: AbortSignal) => Promise<Outcome>,
): WorkQueue {
  return new WorkQueue({
    concurrency: atOnce,
    backoff,
    timeoutMs: reconcileTimeoutMs,
    process: async (key, signal) => {
      const startedAt = performance.now();
      let result: 'ok' | 'error' = 'error';
      try {
        const outcome = await reconcile(key, signal);
        result = 'ok';
        return outcome;
      } finally {
        onReconciled(kind, result, (performance.now() - startedAt) / 1000);
      }
    },
    onError: (key, { error, retryInMs }) => {
      const [namespace, name] = key.split('/');
      log.warn({ kind, namespace, name, err: error, retryInMs: Math.round(retryInMs) }, 'reconcile failed; it goes again');
    },
    now: () => performance.now(),
    random: Math.random,
  });
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (signal.aborted) resolve();
  });
}
