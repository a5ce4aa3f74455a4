/**
 * The /16 of loopback addresses that one cluster has for itself.
 *
 * 1. A network is claimed by listening on a port of its first address: no two clusters hold the same one, and the claim ends with
 *    the process that holds it, however that ends.
 * 2. 127.X.0.1 is the control plane, 127.X.1.1 to 127.X.127.254 are Pods, 127.X.128.0/17 are Services.
 */
import { createServer, type Server } from 'node:net';
import { LocalError } from './local-error.ts';

export interface LoopbackNetwork {
  readonly host: string;
  readonly serviceRange: string;
  /** The address of Service default/kubernetes: the first of the range. */
  readonly kubernetesService: string;
  readonly podAddress: (index: number) => string;
  readonly release: () => void;
}

export const ports = { claim: 6442, apiserver: 6443, etcd: 2379, etcdPeer: 2380, nats: 4222, natsMonitoring: 8222, node: 10250 } as const;

const firstNetwork = 16;
const lastNetwork = 250;
const podsPerBlock = 254;
const podBlocks = 127;

const listen = (host: string, port: number): Promise<Server | NodeJS.ErrnoException> =>
  new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', resolve);
    server.listen({ host, port, exclusive: true }, () => resolve(server));
  });

const close = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

/** The first of the cluster's ports that something else has, for example a program that listens on 0.0.0.0. */
const findTakenPort = async (host: string): Promise<number | undefined> => {
  for (const port of Object.values(ports)) {
    if (port === ports.claim) continue;
    const server = await listen(host, port);
    if (server instanceof Error) return port;
    await close(server);
  }
  return undefined;
};

const describe = (network: number, claim: Server): LoopbackNetwork => ({
  host: `127.${network}.0.1`,
  serviceRange: `127.${network}.128.0/17`,
  kubernetesService: `127.${network}.128.1`,
  podAddress: (index) => {
    const slot = index % (podsPerBlock * podBlocks);
    return `127.${network}.${1 + Math.floor(slot / podsPerBlock)}.${1 + (slot % podsPerBlock)}`;
  },
  release: () => claim.close(),
});

/** `start` spreads clusters that begin at the same moment, so that they do not all try the same networks in turn. */
export const claimLoopbackNetwork = async (start: number, signal: AbortSignal): Promise<LoopbackNetwork> => {
  const count = lastNetwork - firstNetwork + 1;
  let lastTaken: number | undefined;
  for (let tried = 0; tried < count; tried += 1) {
    signal.throwIfAborted();
    const network = firstNetwork + ((start + tried) % count);
    const host = `127.${network}.0.1`;
    const claim = await listen(host, ports.claim);
    if (claim instanceof Error) {
      lastTaken ??= claim.code === 'EADDRINUSE' ? undefined : ports.claim;
      continue;
    }
    const taken = await findTakenPort(host);
    if (taken === undefined) return describe(network, claim);
    lastTaken = taken;
    await close(claim);
  }
  throw new LocalError(
    `No free network among 127.${firstNetwork}.0.0/16 to 127.${lastNetwork}.0.0/16` +
      (lastTaken === undefined ? '.' : `: port ${lastTaken} is taken on all of them. A program that listens on 0.0.0.0:${lastTaken}?`) +
      ' Find it with: ss -ltnp',
  );
};
