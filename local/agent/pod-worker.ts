/**
 * One Pod bound to this node, from its first sight to the end of its object.
 *
 * 1. Init containers run one after the other, then all containers at once.
 * 2. A deleted Pod is terminated within its grace time, its last status is written, then its object is removed.
 * 3. A Pod whose object is gone is killed at once.
 * 4. It returns only when all its processes are gone and its folder is removed.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { KubernetesClient } from '../kubernetes-client.ts';
import type { Image } from '../messages.ts';
import { dataReader, referencedObjects, requestToken } from './cluster-objects.ts';
import { ContainerRunner } from './container-runner.ts';
import type { PodPlace } from './downward.ts';
import type { EventRecorder } from './event-recorder.ts';
import { planLaunch, type LaunchPlan } from './launch-plan.ts';
import type { Container, Pod } from './pod.ts';
import { renderStatus, type Condition, type PodRecord } from './pod-status.ts';
import { PodVolumes } from './pod-volumes.ts';
import { podPath, StatusPublisher } from './status-publisher.ts';
import type { VolumeLookup } from './volumes.ts';

interface WorkerInput {
  readonly pod: Pod;
  readonly podIp: string;
  readonly folder: string;
  readonly node: NodeSetting;
}

/** What all Pods of the node share. */
export interface NodeSetting {
  readonly client: KubernetesClient;
  readonly log: Logger;
  readonly events: EventRecorder;
  readonly hostIp: string;
  readonly images: Readonly<Record<string, Image>>;
  readonly baseEnv: Readonly<Record<string, string>>;
}

const madeOf = ({ metadata, spec }: Pod): unknown => [metadata.labels, metadata.annotations, spec];

const deleteRetryMs = 300;

export class PodWorker {
  readonly #input: WorkerInput;
  readonly #place: PodPlace;
  readonly #startTime = new Date();
  readonly #stopping = new AbortController();
  readonly #publisher: StatusPublisher;
  readonly #volumes: PodVolumes;
  readonly #initRunners: readonly ContainerRunner[];
  readonly #runners: readonly ContainerRunner[];
  #pod: Pod;
  #conditions: readonly Condition[] = [];
  #isGone = false;

  constructor(input: WorkerInput) {
    this.#input = input;
    this.#pod = input.pod;
    this.#place = { podIp: input.podIp, hostIp: input.node.hostIp };
    this.#publisher = new StatusPublisher({ client: input.node.client, log: input.node.log, pod: input.pod.metadata });
    this.#volumes = new PodVolumes({
      folder: join(input.folder, 'volumes'),
      log: input.node.log,
      lookup: (signal) => this.#lookup(signal),
      onMissing: (message) => this.#reportMissingVolume(message),
    });
    const { initContainers, containers, restartPolicy } = input.pod.spec;
    const initPolicy = restartPolicy === 'Never' ? 'Never' : 'OnFailure';
    this.#initRunners = initContainers.map((one) => this.#createRunner(one, initPolicy));
    this.#runners = containers.map((one) => this.#createRunner(one, restartPolicy));
  }

  get podIp(): string {
    return this.#input.podIp;
  }

  isNamed(namespace: string, name: string): boolean {
    return this.#pod.metadata.namespace === namespace && this.#pod.metadata.name === name;
  }

  /** A newer version of the Pod's object. */
  update(pod: Pod): void {
    const before = this.#pod;
    this.#pod = pod;
    // Most updates are this worker's own status coming back; they change nothing that a volume or a container is made of.
    if (!isDeepStrictEqual(madeOf(before), madeOf(pod))) this.#wake();
    if (pod.metadata.deletionTimestamp === undefined) this.#publish();
    else this.#stop((pod.metadata.deletionGracePeriodSeconds ?? 0) * 1000);
  }

  /** Its object is gone. */
  remove(): void {
    this.#isGone = true;
    this.#stop(0);
  }

  /** The object `Kind/name` in namespace has changed; undefined for any object. */
  noticeChange(namespace: string, object: string | undefined): void {
    if (namespace !== this.#pod.metadata.namespace) return;
    if (object === undefined || referencedObjects(this.#pod).has(object)) this.#wake();
  }

  logOf(container: string, isPrevious: boolean): { path: string; isOver: () => boolean } | undefined {
    return [...this.#initRunners, ...this.#runners].find((one) => one.record.name === container)?.logOf(isPrevious);
  }

  /** Signals the processes of its containers; returns their ids. */
  signal(name: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): readonly number[] {
    return this.#runners.flatMap((one) => one.signal(name) ?? []);
  }

  async run(signal: AbortSignal): Promise<void> {
    const over = new AbortController();
    const publishing = this.#publisher.run(AbortSignal.any([signal, over.signal]));
    const abort = (): void => this.#stop(0);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await mkdir(this.#logFolder, { recursive: true });
      await mkdir(join(this.#input.folder, 'tmp'), { recursive: true });
      this.#publish();
      await this.#runContainers();
      this.#publish();
      await this.#awaitStop();
      this.#publish();
      if (!this.#isGone) await this.#finish(signal);
    } finally {
      signal.removeEventListener('abort', abort);
      over.abort();
      await publishing;
      await rm(this.#input.folder, { recursive: true, force: true });
    }
  }

  get #logFolder(): string {
    return join(this.#input.folder, 'logs');
  }

  #wake(): void {
    this.#volumes.wake();
    for (const runner of [...this.#initRunners, ...this.#runners]) runner.wake();
  }

  #stop(graceMs: number): void {
    if (!this.#stopping.signal.aborted) this.#stopping.abort();
    for (const runner of [...this.#initRunners, ...this.#runners]) runner.terminate(graceMs);
  }

  async #awaitStop(): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return;
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  }

  async #runContainers(): Promise<void> {
    const stopping = this.#stopping.signal;
    if (!(await this.#volumes.prepare(stopping))) return;
    const ended = new AbortController();
    const refreshing = this.#volumes.keepFresh(AbortSignal.any([stopping, ended.signal]));
    try {
      const waiting = this.#initRunners.length > 0 ? 'PodInitializing' : 'ContainerCreating';
      for (const runner of [...this.#initRunners, ...this.#runners]) runner.showWaiting(waiting, '');
      for (const runner of this.#initRunners) {
        const end = await runner.run(stopping);
        if (end?.exitCode !== 0) return;
      }
      await Promise.all(this.#runners.map((runner) => runner.run(stopping)));
    } finally {
      ended.abort();
      await refreshing;
    }
  }

  /** The last status, then the end of the object. */
  async #finish(signal: AbortSignal): Promise<void> {
    await this.#publisher.settle();
    const { namespace, name, uid } = this.#pod.metadata;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0, preconditions: { uid } };
    while (!signal.aborted && !this.#isGone) {
      const answer = await this.#input.node.client
        .call({ method: 'DELETE', path: podPath({ namespace, name, uid }), body }, signal)
        .catch((err: unknown) => this.#input.node.log.debug({ err, namespace, name }, 'Pod not removed; trying again'));
      // 404 and 409: the object is gone, or another one has its name.
      if (answer !== undefined && (answer.status < 300 || answer.status === 404 || answer.status === 409)) return;
      await delay(deleteRetryMs, undefined, { signal }).catch(() => undefined); // aborted: the loop's condition sees it
    }
  }

  #publish(): void {
    const { metadata, spec, status } = this.#pod;
    const isOpen = (type: string): boolean => !status.conditions.some((one) => one.type === type && one.status === 'True');
    const record: PodRecord = {
      uid: metadata.uid,
      ...this.#place,
      startTime: this.#startTime,
      restartPolicy: spec.restartPolicy,
      initContainers: this.#initRunners.map((one) => one.record),
      containers: this.#runners.map((one) => one.record),
      openGates: spec.readinessGates.map((gate) => gate.conditionType).filter(isOpen),
      isStopping: this.#stopping.signal.aborted,
    };
    const rendered = renderStatus(record, this.#conditions, new Date());
    this.#conditions = rendered.conditions;
    this.#publisher.publish(rendered);
  }

  /** As the kubelet does it: the containers stay ContainerCreating, the event says why. The message is there for whoever reads the status. */
  #reportMissingVolume(message: string): void {
    const [first] = this.#runners;
    const state = first?.record.state;
    if (state?.kind === 'waiting' && state.message === message) return;
    this.#input.node.events.record({ kind: 'Pod', ...this.#pod }, { type: 'Warning', reason: 'FailedMount', message });
    for (const runner of this.#runners) runner.showWaiting('ContainerCreating', message);
  }

  #lookup(signal: AbortSignal): VolumeLookup {
    const { client } = this.#input.node;
    const pod = this.#pod;
    return {
      pod,
      place: this.#place,
      read: dataReader(client, pod.metadata.namespace, signal),
      requestToken: (ask) => requestToken(client, { pod, ...ask }, signal),
    };
  }

  #plan(container: Container, signal: AbortSignal): Promise<LaunchPlan> {
    const { node, folder } = this.#input;
    const { name, namespace } = this.#pod.metadata;
    return planLaunch({
      pod: this.#pod,
      container,
      place: this.#place,
      images: node.images,
      mounts: this.#volumes.mountsOf(this.#pod, container),
      read: dataReader(node.client, namespace, signal),
      baseEnv: { ...node.baseEnv, HOSTNAME: name, HOME: join(folder, 'tmp'), TMPDIR: join(folder, 'tmp') },
      folder: join(folder, 'tmp'),
    });
  }

  #createRunner(container: Container, policy: Pod['spec']['restartPolicy']): ContainerRunner {
    const { pod, podIp, node } = this.#input;
    const { name, namespace, uid } = pod.metadata;
    const current = (): Container =>
      [...this.#pod.spec.initContainers, ...this.#pod.spec.containers].find((one) => one.name === container.name) ?? container;
    return new ContainerRunner({
      podIp,
      podTitle: `${name}_${namespace}(${uid})`,
      policy,
      graceMs: pod.spec.terminationGracePeriodSeconds * 1000,
      logFolder: this.#logFolder,
      container: current,
      plan: (one, signal) => this.#plan(one, signal),
      onChange: () => this.#publish(),
      onEvent: (event) => node.events.record({ kind: 'Pod', ...this.#pod }, event),
    });
  }
}
