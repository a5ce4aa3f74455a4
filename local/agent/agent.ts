/**
 * The node agent: follows Pods, Services, ConfigMaps and Secrets, and gives every Pod bound to its node a worker and an address.
 * It lives in the supervisor's process and dies with it.
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import { listAndWatch, type KubernetesClient } from '../kubernetes-client.ts';
import { ports, type LoopbackNetwork } from '../loopback-network.ts';
import type { Image } from '../messages.ts';
import { EventRecorder } from './event-recorder.ts';
import { startLogServer } from './log-server.ts';
import { keepNodeAlive } from './node-registration.ts';
import { podSchema, serviceSchema, type Pod, type Service } from './pod.ts';
import { PodWorker, type NodeSetting } from './pod-worker.ts';
import { planRoutes, ServiceForwarder } from './service-forwarder.ts';

interface AgentInput {
  readonly client: KubernetesClient;
  readonly log: Logger;
  readonly network: LoopbackNetwork;
  readonly podFolder: string;
  readonly images: Readonly<Record<string, Image>>;
  readonly baseEnv: Readonly<Record<string, string>>;
  readonly serving: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly version: string;
}

export const nodeName = 'local';

const namedSchema = z.object({ metadata: z.object({ namespace: z.string(), name: z.string() }) });

export class NodeAgent {
  readonly #input: AgentInput;
  readonly #setting: NodeSetting;
  readonly #events: EventRecorder;
  readonly #forwarder: ServiceForwarder;
  readonly #pods = new Map<string, Pod>();
  readonly #services = new Map<string, Service>();
  readonly #workers = new Map<string, PodWorker>();
  #nextAddress = 0;

  constructor(input: AgentInput) {
    const { client, log, network, images, baseEnv } = input;
    this.#input = input;
    this.#events = new EventRecorder({ client, log, host: nodeName });
    this.#forwarder = new ServiceForwarder({ log, events: this.#events });
    this.#setting = { client, log, events: this.#events, hostIp: network.host, images, baseEnv };
  }

  /** Runs until `signal` aborts; rejects if its own server cannot start. */
  async run(signal: AbortSignal): Promise<void> {
    const { client, log, network, serving, version } = this.#input;
    const server = await startLogServer({
      ...serving,
      log,
      host: network.host,
      port: ports.node,
      findLog: ({ namespace, pod, container, isPrevious }) => this.#find(namespace, pod)?.logOf(container, isPrevious),
    });
    await Promise.all([
      keepNodeAlive({ client, log, name: nodeName, host: network.host, port: ports.node, version }, signal),
      this.#events.run(signal),
      this.#watchPods(signal),
      this.#watchServices(signal),
      this.#watchObjects('ConfigMap', '/api/v1/configmaps', signal),
      this.#watchObjects('Secret', '/api/v1/secrets', signal),
    ]);
    this.#forwarder.apply([]);
    server.close();
    server.closeAllConnections();
  }

  /** Signals the processes of a Pod as if something on the machine had; returns their ids. */
  signalPod(ask: { namespace: string; name: string; signal: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT' }): readonly number[] {
    return this.#find(ask.namespace, ask.name)?.signal(ask.signal) ?? [];
  }

  #find(namespace: string, name: string): PodWorker | undefined {
    // The last one: while a Pod ends, the next one of a StatefulSet may already have its name.
    return [...this.#workers.values()].findLast((one) => one.isNamed(namespace, name));
  }

  #trouble(what: string): (err: unknown) => void {
    return (err) => this.#input.log.debug({ err }, `watching ${what} failed; trying again`);
  }

  #reroute(): void {
    this.#forwarder.apply(planRoutes([...this.#services.values()], [...this.#pods.values()]));
  }

  async #watchPods(signal: AbortSignal): Promise<void> {
    await listAndWatch(
      {
        client: this.#input.client,
        path: `/api/v1/pods?fieldSelector=spec.nodeName%3D${nodeName}`,
        schema: podSchema,
        onList: (pods) => {
          const present = new Set(pods.map((pod) => pod.metadata.uid));
          for (const uid of this.#pods.keys()) if (!present.has(uid)) this.#dropPod(uid);
          for (const pod of pods) this.#takePod(pod, signal);
          this.#reroute();
        },
        onChange: (type, pod) => {
          if (type === 'gone') this.#dropPod(pod.metadata.uid);
          else this.#takePod(pod, signal);
          this.#reroute();
        },
        onTrouble: this.#trouble('Pods'),
      },
      signal,
    );
  }

  #dropPod(uid: string): void {
    this.#pods.delete(uid);
    this.#workers.get(uid)?.remove();
  }

  #takePod(pod: Pod, signal: AbortSignal): void {
    const { uid } = pod.metadata;
    this.#pods.set(uid, pod);
    const known = this.#workers.get(uid);
    if (known !== undefined) {
      known.update(pod);
      return;
    }
    const worker = new PodWorker({
      pod,
      podIp: this.#claimAddress(),
      folder: join(this.#input.podFolder, uid),
      node: this.#setting,
    });
    this.#workers.set(uid, worker);
    if (pod.metadata.deletionTimestamp !== undefined) worker.update(pod);
    worker
      .run(signal)
      .catch((err: unknown) =>
        this.#input.log.error({ err, namespace: pod.metadata.namespace, name: pod.metadata.name }, 'Pod worker failed'),
      )
      .finally(() => this.#workers.delete(uid));
  }

  /** In turn through the whole range, so that a new Pod does not get the address of one that has just gone. */
  #claimAddress(): string {
    const taken = new Set([...this.#workers.values()].map((worker) => worker.podIp));
    for (;;) {
      const address = this.#input.network.podAddress(this.#nextAddress);
      this.#nextAddress += 1;
      if (!taken.has(address)) return address;
    }
  }

  async #watchServices(signal: AbortSignal): Promise<void> {
    await listAndWatch(
      {
        client: this.#input.client,
        path: '/api/v1/services',
        schema: serviceSchema,
        onList: (services) => {
          this.#services.clear();
          for (const service of services) this.#services.set(service.metadata.uid, service);
          this.#reroute();
        },
        onChange: (type, service) => {
          if (type === 'gone') this.#services.delete(service.metadata.uid);
          else this.#services.set(service.metadata.uid, service);
          this.#reroute();
        },
        onTrouble: this.#trouble('Services'),
      },
      signal,
    );
  }

  /** Only that something has changed matters here: whoever needs the object reads it again. */
  async #watchObjects(kind: 'ConfigMap' | 'Secret', path: string, signal: AbortSignal): Promise<void> {
    await listAndWatch(
      {
        client: this.#input.client,
        path,
        schema: namedSchema,
        onList: (items) => {
          const namespaces = new Set(items.map((item) => item.metadata.namespace));
          for (const worker of this.#workers.values()) for (const namespace of namespaces) worker.noticeChange(namespace, undefined);
        },
        onChange: (_type, { metadata }) => {
          for (const worker of this.#workers.values()) worker.noticeChange(metadata.namespace, `${kind}/${metadata.name}`);
        },
        onTrouble: this.#trouble(`${kind}s`),
      },
      signal,
    );
  }
}
