/** The Node object and its heartbeat. What the machine really has is not reported: nothing here enforces limits, so nothing should wait for them. */
import { arch, release } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { apiErrorOf, type KubernetesClient } from '../kubernetes-client.ts';
import { formatTime } from './pod-status.ts';

interface NodeInput {
  readonly client: KubernetesClient;
  readonly log: Logger;
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly version: string;
}

const heartbeatMs = 10_000;
const retryMs = 500;
const leaseSeconds = 40;
const leasesPath = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
const capacity = { cpu: '64', memory: '256Gi', pods: '500', 'ephemeral-storage': '256Gi' };

const goArch = (): string => (arch() === 'x64' ? 'amd64' : arch());

const nodeBody = ({ name }: NodeInput) => ({
  apiVersion: 'v1',
  kind: 'Node',
  metadata: { name, labels: { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux', 'kubernetes.io/arch': goArch() } },
});

const statusBody = (input: NodeInput, now: string) => ({
  status: {
    capacity,
    allocatable: capacity,
    addresses: [
      { type: 'InternalIP', address: input.host },
      { type: 'Hostname', address: input.name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: input.port } },
    nodeInfo: {
      architecture: goArch(),
      operatingSystem: 'linux',
      osImage: 'local processes',
      kernelVersion: release(),
      kubeletVersion: input.version,
      kubeProxyVersion: '',
      containerRuntimeVersion: 'local://1',
      machineID: '',
      systemUUID: '',
      bootID: '',
    },
    conditions: [
      { type: 'Ready', status: 'True', reason: 'AgentReady', message: 'the local node agent is running', lastHeartbeatTime: now },
      ...['MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => ({
        type,
        status: 'False',
        reason: 'NotMeasured',
        message: '',
        lastHeartbeatTime: now,
      })),
    ],
  },
});

const register = async (input: NodeInput, signal: AbortSignal): Promise<void> => {
  const create = { method: 'POST' as const, path: '/api/v1/nodes', body: nodeBody(input) };
  const answer = await input.client.call(create, signal);
  if (answer.status >= 300 && answer.status !== 409) throw apiErrorOf(create, answer);
  await input.client.require(
    {
      method: 'PATCH',
      path: `/api/v1/nodes/${input.name}/status`,
      contentType: 'application/strategic-merge-patch+json',
      body: statusBody(input, formatTime(new Date())),
    },
    signal,
  );
};

const renewLease = async (input: NodeInput, signal: AbortSignal): Promise<void> => {
  const { client, name } = input;
  const spec = { holderIdentity: name, leaseDurationSeconds: leaseSeconds, renewTime: new Date().toISOString().replace('Z', '000Z') };
  const patch = { method: 'PATCH' as const, path: `${leasesPath}/${name}`, contentType: 'application/merge-patch+json', body: { spec } };
  const answer = await client.call(patch, signal);
  if (answer.status === 404) {
    const body = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name }, spec };
    await client.require({ method: 'POST', path: leasesPath, body }, signal);
  } else if (answer.status >= 300) {
    throw apiErrorOf(patch, answer);
  }
};

/** Registers, and keeps the Node alive until `signal` aborts; the Node's deletion by somebody is healed too. */
export const keepNodeAlive = async (input: NodeInput, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    let pauseMs = heartbeatMs;
    try {
      await register(input, signal);
      await renewLease(input, signal);
    } catch (err) {
      if (!signal.aborted) input.log.debug({ err }, 'heartbeat failed; trying again');
      pauseMs = retryMs;
    }
    await delay(pauseMs, undefined, { signal }).catch(() => undefined); // aborted: the loop's condition sees it
  }
};
