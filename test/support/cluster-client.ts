/** Short ways to what cluster tests read and write. Objects come back as far as the tests look at them. */
import { z } from 'zod';
import type { Cluster } from '../../local/cluster.ts';
import { KubernetesClient } from '../../local/kubernetes-client.ts';

const terminatedSchema = z.object({ exitCode: z.number(), reason: z.string() });
const containerStatusSchema = z.object({
  ready: z.boolean(),
  restartCount: z.number(),
  state: z.object({
    waiting: z.object({ reason: z.string(), message: z.string().optional() }).optional(),
    running: z.object({ startedAt: z.string() }).optional(),
    terminated: terminatedSchema.optional(),
  }),
  lastState: z.object({ terminated: terminatedSchema.optional() }),
});

const podSchema = z.object({
  metadata: z.object({ name: z.string(), uid: z.string(), deletionTimestamp: z.string().optional() }),
  status: z.object({
    phase: z.string(),
    podIP: z.string().optional(),
    conditions: z.array(z.object({ type: z.string(), status: z.string(), reason: z.string().optional() })).default([]),
    containerStatuses: z.array(containerStatusSchema).default([]),
  }),
});
export type PodView = z.infer<typeof podSchema>;
type ContainerView = z.infer<typeof containerStatusSchema>;

const deploymentSchema = z.object({
  status: z.object({
    readyReplicas: z.number().default(0),
    updatedReplicas: z.number().default(0),
    replicas: z.number().default(0),
    conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
  }),
});
type DeploymentView = z.infer<typeof deploymentSchema>;

const serviceSchema = z.object({ spec: z.object({ clusterIP: z.string() }) });

export class ClusterClient {
  readonly #cluster: Cluster;
  readonly #client: KubernetesClient;
  readonly #signal: AbortSignal;

  constructor(cluster: Cluster, signal: AbortSignal) {
    this.#cluster = cluster;
    this.#client = new KubernetesClient(cluster.apiserver);
    this.#signal = signal;
  }

  /** `kubectl` that has to succeed; returns what it printed. */
  async kubectl(args: readonly string[], input?: string): Promise<string> {
    const result = await this.#cluster.kubectl(args, input === undefined ? {} : { input }, this.#signal);
    if (result.exitCode !== 0) throw new Error(`kubectl ${args.join(' ')}: ${result.stderr}`);
    return result.stdout;
  }

  apply(...objects: readonly object[]): Promise<string> {
    return this.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  }

  async pods(label: string): Promise<readonly PodView[]> {
    const path = `/api/v1/namespaces/default/pods?labelSelector=${encodeURIComponent(label)}`;
    return z.object({ items: z.array(podSchema) }).parse(await this.#get(path)).items;
  }

  async pod(name: string): Promise<PodView> {
    return podSchema.parse(await this.#get(`/api/v1/namespaces/default/pods/${name}`));
  }

  /** The status of a Pod's only container. */
  async container(name: string): Promise<ContainerView> {
    const [first] = (await this.pod(name)).status.containerStatuses;
    if (first === undefined) throw new Error(`Pod ${name} has no container status yet`);
    return first;
  }

  async deployment(name: string): Promise<DeploymentView> {
    return deploymentSchema.parse(await this.#get(`/apis/apps/v1/namespaces/default/deployments/${name}`));
  }

  async clusterIp(name: string): Promise<string> {
    return serviceSchema.parse(await this.#get(`/api/v1/namespaces/default/services/${name}`)).spec.clusterIP;
  }

  async exists(path: string): Promise<boolean> {
    return (await this.#client.call({ method: 'GET', path }, this.#signal)).status === 200;
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #get(path: string): Promise<unknown> {
    return this.#client.require({ method: 'GET', path }, this.#signal);
  }
}
