/** Starts the operator and stops it when it is told to. */
import type { Logger } from 'pino';
import { createControllers } from './controllers.ts';
import type { Controllers } from './controllers.ts';
import { lead } from './engine/leader-election.ts';
import { startHealthServer } from './health-server.ts';
import { NatsLink } from './jetstream/connection.ts';
import { KubernetesClient } from './kubernetes/client.ts';
import { connectKubernetes } from './kubernetes/connection.ts';
import { eventWriter } from './kubernetes/events.ts';
import { leaseStore } from './kubernetes/lease-store.ts';
import { createLog } from './log.ts';
import { createMetrics } from './metrics.ts';
import type { OperatorMetrics } from './metrics.ts';
import { operatorHelp, readOperatorSettings } from './settings.ts';
import type { OperatorSettings } from './settings.ts';
import { cachesOf } from './world.ts';
import type { Followed } from './world.ts';

const lease = { durationMs: 15_000, renewWithinMs: 10_000, everyMs: 2_000 };
/** A watch tries something at least this often; beyond, only a restart helps. */
const stuckAfterMs = 5 * 60_000;

/** Runs until the signal aborts. @throws OperatorSettingsError, or what made going on impossible */
export async function runOperator(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<void> {
  if (argv.includes('--help')) {
    process.stdout.write(`${operatorHelp}\n`);
    return;
  }
  const settings = readOperatorSettings(argv, env);
  const { logLevel, serviceAccountDir, apiServer } = settings;
  const log = createLog(logLevel);
  const connection = connectKubernetes({ serviceAccountDir, apiServer, now: () => performance.now() });
  try {
    await runParts({ settings, log, kubernetes: new KubernetesClient(connection) }, signal);
  } finally {
    await connection.close();
  }
}

interface Parts {
  readonly settings: OperatorSettings;
  readonly log: Logger;
  readonly kubernetes: KubernetesClient;
}

/** Starts everything, and stops everything when one part ends: by the signal, or because it failed. */
async function runParts(parts: Parts, signal: AbortSignal): Promise<void> {
  const { settings, log } = parts;
  const stop = new AbortController();
  const stopping = AbortSignal.any([signal, stop.signal]);
  const operator = assemble(parts);
  const health = await startHealthServer({
    host: settings.host,
    port: settings.healthPort,
    registry: operator.metrics.registry,
    isLive: () => operator.caches.every((cache) => cache.idleForMs() < stuckAfterMs),
    isReady: () => operator.caches.every((cache) => cache.isListed),
    onTrouble: (err) => log.warn({ err }, 'a health request failed'),
  });
  const running = [operator.link.run(stopping), operator.controllers.follow(stopping), operator.leadAndWork(stopping)];
  try {
    await Promise.race(running);
  } finally {
    stop.abort();
    const ends = await Promise.allSettled(running);
    await health.close();
    for (const end of ends)
      if (end.status === 'rejected' && !signal.aborted) log.error({ err: end.reason }, 'a part of the operator failed');
  }
}

interface Operator {
  readonly link: NatsLink;
  readonly controllers: Controllers;
  readonly metrics: OperatorMetrics;
  readonly caches: readonly Followed[];
  /** Waits to be the one replica that works, and works. */
  readonly leadAndWork: (signal: AbortSignal) => Promise<void>;
}

function assemble({ settings, log, kubernetes }: Parts): Operator {
  let isLeader = false;
  const link = new NatsLink({
    servers: settings.natsURL.split(','),
    name: `operator/${settings.pod}`,
    onTrouble: (err) => log.warn({ err }, 'NATS connection failed; it is tried again'),
    onChange: () => controllers.lookAtAll(),
    random: Math.random,
  });
  const metrics: OperatorMetrics = createMetrics({
    queued: () => controllers.queued(),
    silentSeconds: () => Object.fromEntries(cachesOf(controllers.world).map(([name, cache]) => [name, cache.silentForMs() / 1000])),
    isLeader: () => isLeader,
    isConnected: () => link.isConnected,
  });
  const { install, image, imagePullPolicy, natsURL, streamReplicas, natsSyncInterval, watchNamespace, namespace, pod } = settings;
  const controllers = createControllers({
    kubernetes,
    events: eventWriter(kubernetes, pod, Date.now),
    jetStream: () => link.current(),
    install: { install, streamReplicas, natsSyncInterval },
    workload: { install, image, imagePullPolicy, natsURL },
    watchNamespace,
    log,
    onReconciled: metrics.reconciled,
    onWatchTrouble: metrics.watchTrouble,
  });
  const election = {
    ...lease,
    store: leaseStore(kubernetes, { namespace, name: `${install}-operator`, durationMs: lease.durationMs, now: Date.now }),
    identity: pod,
    now: () => performance.now(),
    onTrouble: (err: unknown) => log.warn({ err }, 'the lease could not be read or written'),
  };
  const work = async (signal: AbortSignal): Promise<void> => {
    isLeader = true;
    log.info({ pod }, 'leading');
    try {
      await controllers.work(signal);
    } finally {
      isLeader = false;
    }
  };
  return {
    link,
    controllers,
    metrics,
    caches: cachesOf(controllers.world).map(([, cache]) => cache),
    leadAndWork: async (signal) => {
      // A lease that was lost is waited for again.
      while (!signal.aborted) await lead(election, work, signal);
    },
  };
}
