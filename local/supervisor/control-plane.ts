/** Brings the control plane and NATS up in the order that is quickest, and says when each part can be used. */
import { writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import type { KubernetesClient } from '../kubernetes-client.ts';
import { LocalError } from '../local-error.ts';
import type { LoopbackNetwork } from '../loopback-network.ts';
import type { ClusterProcess, StartMessage } from '../messages.ts';
import type { Layout } from './layout.ts';
import { natsConfigText, natsMonitoringUrl, programOf } from './programs.ts';
import { SupervisedProcess } from './supervised-process.ts';

interface ControlPlaneInput {
  readonly start: StartMessage;
  readonly layout: Layout;
  readonly network: LoopbackNetwork;
  readonly client: KubernetesClient;
  readonly elapsedMs: () => number;
}

export interface ControlPlane {
  readonly processes: ReadonlyMap<ClusterProcess, SupervisedProcess>;
  /** Each resolves with the time at which its part was ready. */
  readonly ready: {
    readonly apiserver: Promise<number>;
    readonly defaultServiceAccount: Promise<number> | undefined;
    readonly nats: Promise<number> | undefined;
  };
}

const pollMs = 30;
const startLimitMs = 60_000;

/** A check that throws has not been answered yet; it is asked again. */
const pollUntil = async (what: string, check: () => Promise<boolean>, signal: AbortSignal): Promise<void> => {
  const giveUpMs = performance.now() + startLimitMs;
  for (;;) {
    if (await check().catch(() => false)) return;
    signal.throwIfAborted();
    if (performance.now() > giveUpMs) throw new LocalError(`${what} was not ready after ${startLimitMs / 1000} s`);
    await delay(pollMs, undefined, { signal });
  }
};

export const startControlPlane = (input: ControlPlaneInput, signal: AbortSignal): ControlPlane => {
  const { start, layout, network, client, elapsedMs } = input;
  const setting = { layout, network, tools: start.tools };
  const processes = new Map<ClusterProcess, SupervisedProcess>();
  const launch = (name: ClusterProcess): Promise<never> => {
    const started = new SupervisedProcess(programOf(name, setting));
    processes.set(name, started);
    started.start();
    return started.failWhenEnded();
  };
  const isOk = async (path: string): Promise<boolean> => (await client.call({ method: 'GET', path }, signal)).status === 200;

  const awaitApiserver = async (): Promise<number> => {
    const ended = [launch('etcd'), launch('apiserver')];
    await Promise.race([...ended, pollUntil('the API server', () => isOk('/readyz'), signal)]);
    return elapsedMs();
  };
  const awaitNats = async (): Promise<number> => {
    writeFileSync(layout.natsConfig, natsConfigText(setting));
    const ended = launch('nats');
    const isUp = async (): Promise<boolean> => {
      const answer = await request(`${natsMonitoringUrl(network)}/healthz`, { signal });
      await answer.body.dump();
      return answer.statusCode === 200;
    };
    await Promise.race([ended, pollUntil('NATS', isUp, signal)]);
    return elapsedMs();
  };
  const awaitServiceAccount = async (apiserver: Promise<number>): Promise<number> => {
    await apiserver;
    const ended = [launch('controller-manager'), launch('scheduler')];
    const path = '/api/v1/namespaces/default/serviceaccounts/default';
    await Promise.race([...ended, pollUntil('the default ServiceAccount', () => isOk(path), signal)]);
    return elapsedMs();
  };

  const apiserver = awaitApiserver();
  return {
    processes,
    ready: {
      apiserver,
      defaultServiceAccount: start.parts === 'all' ? awaitServiceAccount(apiserver) : undefined,
      nats: start.nats ? awaitNats() : undefined,
    },
  };
};
