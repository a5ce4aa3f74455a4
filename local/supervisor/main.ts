/**
 * The process that owns one cluster: its network, its data folder, the control plane, NATS and the node agent with its Pods.
 *
 * 1. It lives in a session of its own, with an IPC channel to the process that asked for the cluster. When that channel closes, for
 *    whatever reason, everything is killed and the data removed.
 * 2. Whatever goes wrong in here ends the same way: an unhandled error never leaves processes behind.
 */
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import pino, { type Logger } from 'pino';
import { NodeAgent } from '../agent/agent.ts';
import { createCertificates, type Certificates } from '../certificates.ts';
import { KubernetesClient } from '../kubernetes-client.ts';
import { LocalError } from '../local-error.ts';
import { claimLoopbackNetwork, ports, type LoopbackNetwork } from '../loopback-network.ts';
import { toSupervisorSchema, type FromSupervisor, type StartMessage, type ToSupervisor } from '../messages.ts';
import { disown, killMarked, markVariable, removeData, writeOwner } from '../sweep.ts';
import { startControlPlane, type ControlPlane } from './control-plane.ts';
import { createFolders, layoutOf, writeCertificates, type Layout } from './layout.ts';
import { awaitNode } from './node-ready.ts';
import { apiserverUrl, natsMonitoringUrl, natsUrl } from './programs.ts';

const send = (message: FromSupervisor): void => {
  if (process.connected) process.send?.(message);
};

interface Cluster {
  readonly start: StartMessage;
  readonly layout: Layout;
  readonly network: LoopbackNetwork;
  readonly certificates: Certificates;
  readonly client: KubernetesClient;
  readonly log: Logger;
  readonly elapsedMs: () => number;
}

const describeError = (error: unknown): string =>
  error instanceof LocalError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);

/** The end, from wherever it comes. Synchronous, so that nothing can come between. */
const finish = (start: StartMessage | undefined, exitCode: number): never => {
  if (start !== undefined) {
    const left = killMarked(start.dataFolder);
    if (left.length > 0) process.stderr.write(`processes that could not be killed: ${left.join(', ')}\n`);
    if (start.keepData) disown(start.dataFolder);
    else removeData(start.dataFolder);
  }
  process.exit(exitCode);
};

const prepare = async (start: StartMessage, signal: AbortSignal): Promise<Cluster> => {
  const startedMs = performance.now();
  const layout = layoutOf(start.dataFolder);
  createFolders(layout);
  writeOwner(start.dataFolder);
  const network = await claimLoopbackNetwork(process.pid, signal);
  const certificates = await createCertificates([network.host, network.kubernetesService]);
  const url = apiserverUrl(network);
  writeCertificates(layout, certificates, url);
  return {
    start,
    layout,
    network,
    certificates,
    client: new KubernetesClient({ url, ca: certificates.clusterCa.cert, ...certificates.node }),
    log: pino({ level: 'debug', base: null }, pino.destination({ dest: join(layout.logs, 'agent.log'), sync: true })),
    elapsedMs: () => Math.round(performance.now() - startedMs),
  };
};

const createAgent = ({ client, log, network, layout, start, certificates }: Cluster): NodeAgent =>
  new NodeAgent({
    client,
    log,
    network,
    podFolder: layout.pods,
    images: start.images,
    baseEnv: {
      PATH: process.env['PATH'] ?? '',
      KUBERNETES_SERVICE_HOST: network.host,
      KUBERNETES_SERVICE_PORT: String(ports.apiserver),
      KUBERNETES_SERVICE_PORT_HTTPS: String(ports.apiserver),
      [markVariable]: layout.root,
    },
    serving: { ca: certificates.clusterCa.cert, ...certificates.node },
    version: start.kubernetesVersion,
  });

interface Running {
  readonly controlPlane: ControlPlane;
  readonly agent: NodeAgent | undefined;
}

const bringUp = async (cluster: Cluster, fail: (error: unknown) => void, signal: AbortSignal): Promise<Running> => {
  const { start, layout, network, certificates, client, log, elapsedMs } = cluster;
  const certificatesMs = elapsedMs();
  const controlPlane = startControlPlane({ start, layout, network, client, elapsedMs }, signal);
  const agent = start.parts === 'all' ? createAgent(cluster) : undefined;
  const startNode = async (node: NodeAgent): Promise<number> => {
    await controlPlane.ready.apiserver;
    node.run(signal).catch(fail);
    await awaitNode(client, signal);
    return elapsedMs();
  };
  const [apiserver, defaultServiceAccount, nats, node] = await Promise.all([
    controlPlane.ready.apiserver,
    controlPlane.ready.defaultServiceAccount,
    controlPlane.ready.nats,
    agent === undefined ? undefined : startNode(agent),
  ]);
  for (const [name, one] of controlPlane.processes) {
    one.keepRunning((how) => log.warn({ name, how }, 'restarting'), signal).catch(fail);
  }
  const url = apiserverUrl(network);
  send({
    kind: 'ready',
    host: network.host,
    apiserver: { url, ca: certificates.clusterCa.cert, cert: certificates.admin.cert, key: certificates.admin.key },
    kubeconfig: layout.kubeconfig,
    ...(start.nats ? { nats: { url: natsUrl(network), monitoringUrl: natsMonitoringUrl(network) } } : {}),
    timings: {
      certificates: certificatesMs,
      apiserver,
      ...(defaultServiceAccount === undefined ? {} : { defaultServiceAccount }),
      ...(node === undefined ? {} : { node }),
      ...(nats === undefined ? {} : { nats }),
      total: elapsedMs(),
    },
  });
  return { controlPlane, agent };
};

const obey = async (message: Exclude<ToSupervisor, { kind: 'start' | 'stop' }>, running: Running): Promise<void> => {
  switch (message.kind) {
    case 'kill': {
      const pid = await running.controlPlane.processes.get(message.process)?.kill();
      send({ kind: 'killed', call: message.call, pids: pid === undefined ? [] : [pid] });
      return;
    }
    case 'killPod':
      send({ kind: 'killed', call: message.call, pids: [...(running.agent?.signalPod(message) ?? [])] });
  }
};

const main = (): void => {
  const lifetime = new AbortController();
  let start: StartMessage | undefined;
  let running: Promise<Running> | undefined;
  const fail = (error: unknown): void => {
    lifetime.abort();
    const message = describeError(error);
    // A last word where the cluster's other logs are, for the case that they are kept.
    if (start !== undefined && existsSync(start.dataFolder)) appendFileSync(join(start.dataFolder, 'supervisor.log'), `${message}\n`);
    // A pipe is written synchronously, the channel is not: this is how the message outlives the process.
    process.stderr.write(`${message}\n`);
    finish(start, 1);
  };
  process.stderr.on('error', () => undefined); // its reader is gone: the channel's end says so too
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  process.on('disconnect', () => finish(start, 0));
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(name, () => finish(start, 0));
  process.on('message', (received) => {
    const message = toSupervisorSchema.parse(received);
    if (message.kind === 'stop') finish(start, 0);
    else if (message.kind === 'start') {
      start = message;
      running = prepare(message, lifetime.signal).then((cluster) => bringUp(cluster, fail, lifetime.signal));
      running.catch(fail);
    } else if (running !== undefined) {
      running.then((one) => obey(message, one)).catch(fail);
    }
  });
};

main();
