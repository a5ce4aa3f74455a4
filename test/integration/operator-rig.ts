/** A real cluster with the CRDs and the operator in it, as its own service account, and short ways to look at what it does. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { startCluster } from '../../local/cluster.ts';
import type { Cluster } from '../../local/cluster.ts';
import { KubernetesClient } from '../../local/kubernetes-client.ts';
import type { condition } from '../../crds/schema/kubernetes-object.ts';
import { connectorStatus } from '../../crds/schema/connector.ts';
import { syncPipelineStatus } from '../../crds/schema/sync-pipeline.ts';
import { eventually } from '../support/eventually.ts';

/** The cluster has a loopback network of its own. */
const healthPort = 18_081;
const root = join(import.meta.dirname, '../..');

const metadata = z.looseObject({ name: z.string(), uid: z.string(), resourceVersion: z.string(), generation: z.number().default(0) });
const anyObject = z.looseObject({ metadata });
export type AnyObject = z.infer<typeof anyObject>;

const pipelineObject = z.object({ metadata, status: syncPipelineStatus.default({}) });
const connectorObject = z.object({ metadata, status: connectorStatus.default({}) });
export type PipelineView = z.infer<typeof pipelineObject>;
export type ConnectorView = z.infer<typeof connectorObject>;

const eventList = z.object({
  items: z.array(
    z.looseObject({
      reason: z.string(),
      message: z.string().default(''),
      eventTime: z.string().nullable(),
      involvedObject: z.looseObject({ name: z.string(), kind: z.string() }),
    }),
  ),
});

export class OperatorRig {
  readonly cluster: Cluster;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly kvm: Kvm;
  readonly #api: KubernetesClient;
  readonly #nc: NatsConnection;
  readonly #signal: AbortSignal;
  #operator: ChildProcess | undefined;
  #touches = 0;
  /** What the operator has logged. */
  log = '';

  private constructor(cluster: Cluster, { nc, jsm }: { nc: NatsConnection; jsm: JetStreamManager }, signal: AbortSignal) {
    this.cluster = cluster;
    this.#nc = nc;
    this.js = jetstream(nc);
    this.jsm = jsm;
    this.kvm = new Kvm(nc);
    this.#api = new KubernetesClient(cluster.apiserver);
    this.#signal = signal;
  }

  static async start(signal: AbortSignal): Promise<OperatorRig> {
    const images = { 'peppasync:dev': { command: [process.execPath, join(import.meta.dirname, 'operator-pod', 'main.ts')] } };
    const cluster = await startCluster({ images }, signal);
    if (cluster.nats === undefined) throw new Error('the cluster has no NATS');
    const nc = await connect({ servers: cluster.nats.url, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    const rig = new OperatorRig(cluster, { nc, jsm: await jetstreamManager(nc) }, signal);
    await rig.#install();
    return rig;
  }

  async stop(): Promise<void> {
    await this.killOperator('SIGTERM');
    await this.#nc.close();
    await this.#api.close();
    await this.cluster.stop();
  }

  /** CRDs, and all of the install but the Deployment: the operator runs where the test can kill it, with the rights it has in a Pod. */
  async #install(): Promise<void> {
    const crds = ['connectors', 'syncpipelines'].map((name) => join(root, 'crds', `${name}.peppasync.io.yaml`));
    await this.kubectl(['apply', ...crds.flatMap((file) => ['-f', file])]);
    await this.kubectl([
      'wait',
      '--for=condition=Established',
      '--timeout=30s',
      'crd/connectors.peppasync.io',
      'crd/syncpipelines.peppasync.io',
    ]);
    const install = parseAllDocuments(await readFile(join(root, 'operator/install/operator.yaml'), 'utf8'));
    const objects = install.map((document) => z.looseObject({ kind: z.string() }).parse(document.toJS()));
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };
    await this.apply(...objects.filter(({ kind }) => kind !== 'Deployment'), namespace);
    const token = (await this.kubectl(['create', 'token', 'peppasync-operator', '-n', 'peppasync-system', '--duration=1h'])).trim();
    const { url, ca } = this.cluster.apiserver;
    const kubeconfig = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'a', cluster: { server: url, 'certificate-authority-data': Buffer.from(ca).toString('base64') } }],
      users: [{ name: 'a', user: { token } }],
      contexts: [{ name: 'a', context: { cluster: 'a', user: 'a' } }],
      'current-context': 'a',
    };
    await writeFile(this.#kubeconfig, JSON.stringify(kubeconfig));
  }

  get #kubeconfig(): string {
    return join(this.cluster.dataFolder, 'operator.kubeconfig');
  }

  startOperator(): void {
    const args = ['main.ts', '--role', 'operator', '--host', this.cluster.host, '--health-port', String(healthPort)];
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'] ?? '',
        KUBECONFIG: this.#kubeconfig,
        PEPPASYNC_NATS_URL: this.cluster.nats?.url ?? '',
        PEPPASYNC_IMAGE: 'peppasync:dev',
        POD_NAME: 'operator-0',
      },
    });
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (this.log += text));
    this.#operator = child;
  }

  /** Resolves when it has ended, with its exit code. */
  async killOperator(how: 'SIGKILL' | 'SIGTERM'): Promise<number | null> {
    const child = this.#operator;
    this.#operator = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const gone = once(child, 'exit');
    child.kill(how);
    await gone;
    return child.exitCode;
  }

  async kubectl(args: readonly string[], input?: string): Promise<string> {
    const { exitCode, stdout, stderr } = await this.cluster.kubectl(args, input === undefined ? {} : { input }, this.#signal);
    if (exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  async apply(...objects: readonly object[]): Promise<void> {
    await this.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  }

  /** An object below the namespace `shop`, such as `apps/v1/deployments/x`; undefined when there is none. */
  async find(path: string): Promise<AnyObject | undefined> {
    const answer = await this.#api.call({ method: 'GET', path: pathOf(path) }, this.#signal);
    if (answer.status === 404) return undefined;
    return anyObject.parse(answer.body);
  }

  async get(path: string): Promise<AnyObject> {
    const found = await this.find(path);
    if (found === undefined) throw new Error(`there is no ${path}`);
    return found;
  }

  async list(path: string): Promise<AnyObject[]> {
    const { body } = await this.#api.call({ method: 'GET', path: pathOf(path) }, this.#signal);
    return z.object({ items: z.array(anyObject) }).parse(body).items;
  }

  async pipeline(name: string): Promise<PipelineView> {
    return pipelineObject.parse(await this.get(`peppasync.io/v1alpha1/syncpipelines/${name}`));
  }

  async connector(name: string): Promise<ConnectorView> {
    return connectorObject.parse(await this.get(`peppasync.io/v1alpha1/connectors/${name}`));
  }

  /** Reasons and messages of the events about an object, oldest first. */
  async events(kind: string, name: string): Promise<string[]> {
    const { body } = await this.#api.call({ method: 'GET', path: '/api/v1/namespaces/shop/events' }, this.#signal);
    return eventList
      .parse(body)
      .items.filter(({ involvedObject }) => involvedObject.kind === kind && involvedObject.name === name)
      .toSorted((a, b) => ((a.eventTime ?? '') < (b.eventTime ?? '') ? -1 : 1))
      .map(({ reason, message }) => `${reason}: ${message}`);
  }

  /** Waits until things are as the test says. */
  until<T>(check: () => Promise<T> | T): Promise<T> {
    return eventually(check, this.#signal);
  }

  /** As `until`, but the operator need not be waited for to look by itself: a pod changes, which makes it look. */
  untilLooked<T>(check: () => Promise<T>): Promise<T> {
    return this.until(async () => {
      await this.#touchPods();
      return check();
    });
  }

  async #touchPods(): Promise<void> {
    for (const { metadata: pod } of await this.list('core/v1/pods')) {
      this.#touches += 1;
      const body = { metadata: { annotations: { touched: String(this.#touches) } } };
      const path = pathOf(`core/v1/pods/${pod.name}`);
      await this.#api.call({ method: 'PATCH', path, body, contentType: 'application/merge-patch+json' }, this.#signal);
    }
  }

  /** How many reconciles of a kind the operator has ended. */
  async reconciles(kind: string): Promise<number> {
    const text = await (await fetch(`http://${this.cluster.host}:${healthPort}/metrics`, { signal: this.#signal })).text();
    const lines = text
      .split('\n')
      .filter((line) => line.startsWith('peppasync_operator_reconcile_seconds_count') && line.includes(`kind="${kind}"`));
    return lines.reduce((all, line) => all + Number(line.split(' ')[1]), 0);
  }
}

function pathOf(path: string): string {
  const [group, version, ...rest] = path.split('/');
  const root = group === 'core' ? `/api/${version}` : `/apis/${group}/${version}`;
  return `${root}/namespaces/shop/${rest.join('/')}`;
}

export function conditionOf(view: { status: { conditions?: z.infer<typeof condition>[] | undefined } }, type: string): string {
  const found = view.status.conditions?.find((other) => other.type === type);
  return found === undefined ? 'none' : `${found.status} ${found.reason}`;
}
