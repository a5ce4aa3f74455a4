/**
 * Stands in for kube-proxy: listens on the address and ports of every ClusterIP Service and forwards TCP to its ready Pods in turn.
 *
 * 1. A Service without a ready Pod is not listened on, so its clients are refused as they would be in a cluster.
 * 2. An end or a reset on one side becomes an end or a reset on the other: a dead Pod is never a hang.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Logger } from 'pino';
import type { EventRecorder } from './event-recorder.ts';
import { isReady, resolvePort, type Pod, type Service } from './pod.ts';

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface Route {
  /** `address:port`, what is listened on. */
  readonly key: string;
  readonly host: string;
  readonly port: number;
  readonly endpoints: readonly Endpoint[];
  readonly service: Service;
}

const selects = (service: Service, pod: Pod): boolean => {
  const wanted = Object.entries(service.spec.selector);
  return (
    wanted.length > 0 &&
    pod.metadata.namespace === service.metadata.namespace &&
    wanted.every(([key, value]) => pod.metadata.labels[key] === value)
  );
};

const isServing = (service: Service, pod: Pod): boolean =>
  pod.metadata.deletionTimestamp === undefined &&
  pod.status.podIP !== '' &&
  pod.status.phase !== 'Succeeded' &&
  pod.status.phase !== 'Failed' &&
  (service.spec.publishNotReadyAddresses || isReady(pod));

/** Which addresses lead where, for all Services and Pods as they are now; only those that lead somewhere. */
export const planRoutes = (services: readonly Service[], pods: readonly Pod[]): readonly Route[] =>
  services
    .filter(({ spec }) => spec.clusterIP !== '' && spec.clusterIP !== 'None')
    .flatMap((service) => {
      const serving = pods.filter((pod) => selects(service, pod) && isServing(service, pod));
      return service.spec.ports
        .filter((one) => one.protocol === 'TCP')
        .map(({ port, targetPort }) => ({
          key: `${service.spec.clusterIP}:${port}`,
          host: service.spec.clusterIP,
          port,
          service,
          endpoints: serving.flatMap((pod) => {
            const target = resolvePort(targetPort ?? port, pod.spec.containers);
            return target === undefined ? [] : [{ host: pod.status.podIP, port: target }];
          }),
        }));
    })
    .filter((route) => route.endpoints.length > 0);

/** As long as the kernel allows (net.core.somaxconn); a burst must not be refused because of us. */
const backlog = 65_535;

const join = (from: Socket, to: Socket): void => {
  from.pipe(to);
  from.on('error', () => to.resetAndDestroy());
  // An early close without an end, such as our own reset, must not leave the other side open.
  from.on('close', () => {
    if (!from.readableEnded) to.destroy();
  });
};

const forward = (client: Socket, endpoint: Endpoint): void => {
  const upstream = connect({ ...endpoint, allowHalfOpen: true, noDelay: true });
  join(client, upstream);
  join(upstream, client);
};

interface Listener {
  readonly server: Server;
  route: Route;
  next: number;
}

export class ServiceForwarder {
  readonly #log: Logger;
  readonly #events: EventRecorder;
  readonly #listeners = new Map<string, Listener>();
  readonly #refused = new Set<string>();

  constructor(input: { log: Logger; events: EventRecorder }) {
    this.#log = input.log;
    this.#events = input.events;
  }

  apply(routes: readonly Route[]): void {
    const wanted = new Map(routes.map((route) => [route.key, route]));
    for (const [key, listener] of this.#listeners) {
      if (wanted.has(key)) continue;
      listener.server.close();
      this.#listeners.delete(key);
    }
    for (const key of this.#refused) if (!wanted.has(key)) this.#refused.delete(key);
    for (const route of routes) {
      const listener = this.#listeners.get(route.key);
      if (listener !== undefined) listener.route = route;
      else if (!this.#refused.has(route.key)) this.#listen(route);
    }
  }

  #listen(route: Route): void {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const listener: Listener = { server, route, next: 0 };
    server.on('connection', (client) => {
      const { endpoints } = listener.route;
      const endpoint = endpoints[listener.next % endpoints.length];
      listener.next = (listener.next + 1) % Math.max(1, endpoints.length);
      if (endpoint === undefined) client.resetAndDestroy();
      else forward(client, endpoint);
    });
    server.on('error', (err: NodeJS.ErrnoException) => this.#reportRefused(listener, err));
    this.#listeners.set(route.key, listener);
    server.listen({ host: route.host, port: route.port, backlog });
  }

  #reportRefused({ route, server }: Listener, err: NodeJS.ErrnoException): void {
    const { name, namespace } = route.service.metadata;
    this.#log.warn({ err, namespace, name }, 'Service cannot be listened on');
    if (this.#listeners.get(route.key)?.server === server) this.#listeners.delete(route.key);
    this.#refused.add(route.key);
    const hint = err.code === 'EACCES' ? ' Ports below 1024 need rights that the local cluster does not have; use a higher port.' : '';
    const message = `The local node agent cannot listen on ${route.key}: ${err.code ?? err.message}.${hint}`;
    this.#events.record({ kind: 'Service', ...route.service }, { type: 'Warning', reason: 'FailedToListen', message });
  }
}
