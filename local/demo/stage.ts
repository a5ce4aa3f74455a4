/** Everything that stands before the first order is sent: cluster, operator, example, simulators, and a way to kill each of them. */
import { hash128 } from '../../runtime/expressions/environment.ts';
import { connectNats, type Nats } from '../../runtime/jetstream/connection.ts';
import { startCluster, type Cluster } from '../cluster.ts';
import { LocalError } from '../local-error.ts';
import type { Progress as Steps } from '../progress.ts';
import { ensureTools } from '../tools.ts';
import { readExample, type Example } from './example.ts';
import {
  applyExample,
  awaitReady,
  dataPlaneSelector,
  findPods,
  findWebhookAddress,
  imageCommand,
  image,
  installCrds,
  installOperator,
  makeSecrets,
  type DemoSecrets,
  type PodName,
} from './install.ts';
import type { LedgerPlace } from './ledger.ts';
import type { KillTarget } from './milestones.ts';
import type { DemoOptions } from './options.ts';
import { startNetSuite, startShopify, type NetSuite, type Shopify } from './simulators.ts';

export interface Stage {
  readonly cluster: Cluster;
  readonly example: Example;
  readonly shopify: Shopify;
  readonly netSuite: NetSuite;
  readonly ledger: LedgerPlace;
  readonly kill: (target: KillTarget, signal: AbortSignal) => Promise<readonly number[]>;
  readonly clusterReadySeconds: number;
  /** False when programs had to be built first. */
  readonly fromCache: boolean;
  readonly keyHashOf: (orderId: string) => string;
}

/** What has to be undone at the end, the last thing first. */
export class Closers {
  readonly #closers: (() => Promise<void>)[] = [];

  add(close: () => Promise<void>): void {
    this.#closers.push(close);
  }

  /** Closes everything, whatever fails on the way; then throws the first failure. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      await close().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw new AggregateError(failures, 'something could not be stopped');
  }
}

/** Building a program takes minutes, looking for it none of this. */
const builtAfterMs = 2_000;
const simulatorPort = 8_080;
/** Deliveries that the sender has under way at once. */
const connections = 500;
/** Retries after 0, 1.3, 3.8, 8.8 s and so on, instead of up to four hours. */
const timeScale = 240;
const meanMs = { demo: 300, real: 3_000 } as const;

const addressBeside = ({ host }: Cluster, last: number): string => host.replace(/\d+$/u, String(last));

interface Part {
  readonly options: DemoOptions;
  readonly steps: Steps;
  readonly closers: Closers;
}

const bringUpCluster = async ({ steps, closers }: Part, signal: AbortSignal) => {
  const toolsMs = performance.now();
  await ensureTools(steps, signal);
  const startedMs = performance.now();
  const cluster = await startCluster({ images: { [image]: { command: imageCommand } }, progress: steps }, signal);
  closers.add(cluster.stop);
  await steps.step('CRDs', () => installCrds(cluster, signal));
  return { cluster, clusterReadySeconds: (performance.now() - startedMs) / 1000, fromCache: startedMs - toolsMs < builtAfterMs };
};

const startErp = (
  { options, closers }: Part,
  { cluster, example, secrets }: { cluster: Cluster; example: Example; secrets: DemoSecrets },
  signal: AbortSignal,
): Promise<NetSuite> => {
  const { clientID, certificateID } = example.netSuite.account.auth.clientCredentials;
  const starting = startNetSuite(
    {
      host: addressBeside(cluster, 10),
      port: simulatorPort,
      publicKeyFile: secrets.publicKeyFile,
      clientID,
      certificateID,
      concurrency: example.netSuite.limit,
      meanMs: options.realLatency ? meanMs.real : meanMs.demo,
      timeoutMs: example.netSuite.timeoutMs,
      seed: options.seed,
    },
    signal,
  );
  return starting.then((netSuite) => {
    closers.add(netSuite.stop);
    return netSuite;
  });
};

const startShop = async (
  { closers }: Part,
  { cluster, example, secrets }: { cluster: Cluster; example: Example; secrets: DemoSecrets },
  signal: AbortSignal,
): Promise<Shopify> => {
  const { shop, apiVersion } = example.shopify.account;
  const shopify = await startShopify(
    {
      host: addressBeside(cluster, 11),
      port: simulatorPort,
      target: await findWebhookAddress(cluster, example, signal),
      secret: secrets.webhookSecret,
      shop,
      apiVersion,
      connections,
      timeScale,
    },
    signal,
  );
  closers.add(shopify.stop);
  return shopify;
};

const openLedger = async ({ closers }: Part, { cluster, example }: { cluster: Cluster; example: Example }, signal: AbortSignal) => {
  const nats: Nats = await connectNats({ url: natsUrlOf(cluster), name: 'demo' }, signal);
  closers.add(() => nats.connection.close());
  const { namespace, pipeline } = example;
  return { nats, pipeline: { namespace, name: pipeline.name }, lanes: pipeline.lanes };
};

const natsUrlOf = ({ nats }: Cluster): string => {
  if (nats === undefined) throw new LocalError('the cluster has no NATS');
  return nats.url;
};

type Pods = Readonly<Record<'ingest' | 'deliver' | 'operator', readonly PodName[]>>;

const killerOf =
  (cluster: Cluster, pods: Pods) =>
  async (target: KillTarget, signal: AbortSignal): Promise<readonly number[]> => {
    switch (target) {
      case 'nats':
      case 'apiserver':
        return [await cluster.kill(target, signal)];
      case 'ingest':
      case 'deliver':
      case 'operator':
        return (await Promise.all(pods[target].map((pod) => cluster.signalPod({ ...pod, signal: 'SIGKILL' }, signal)))).flat();
    }
  };

export const setStage = async (part: Part, signal: AbortSignal): Promise<Stage> => {
  const { options, steps } = part;
  const { cluster, ...times } = await bringUpCluster(part, signal);
  const netSuiteUrl = `http://${addressBeside(cluster, 10)}:${simulatorPort}`;
  const [example, secrets] = await Promise.all([readExample({ netSuiteUrl, realLatency: options.realLatency }), makeSecrets(cluster)]);
  const place = { cluster, example, secrets };
  const [netSuite, operator] = await steps.step('operator, Secrets, kubectl apply -f examples/black-friday/', () =>
    Promise.all([
      startErp(part, place, signal),
      installOperator(cluster, natsUrlOf(cluster), signal),
      applyExample(cluster, place, signal),
    ]),
  );
  await steps.step('Connectors and SyncPipeline Ready', () => awaitReady(cluster, { example, operator }, signal));
  const { namespace } = example;
  const [shopify, ledger, ingest, deliver, operatorPods] = await Promise.all([
    startShop(part, place, signal),
    openLedger(part, place, signal),
    findPods(cluster, { namespace, selector: dataPlaneSelector(example.shopify.name, 'ingest') }, signal),
    findPods(cluster, { namespace, selector: dataPlaneSelector(example.netSuite.name, 'deliver') }, signal),
    findPods(cluster, operator, signal),
  ]);
  const kill = killerOf(cluster, { ingest, deliver, operator: operatorPods });
  return { cluster, example, shopify, netSuite, ledger, kill, keyHashOf: hash128, ...times };
};
