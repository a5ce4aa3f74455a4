/**
 * How the API server is reached: address, trust and identity from a kubeconfig or from the Pod's service account. What can
 * rotate (tokens, certificates) is read again every half minute.
 */
import type { RequestOptions } from 'node:https';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { Agent } from 'undici';
import type { Dispatcher } from 'undici';

export interface KubernetesConnection {
  /** Without a slash at the end. */
  readonly baseURL: string;
  /** Whom to ask with, for one request. */
  readonly credentials: () => Promise<{ headers: Record<string, string>; dispatcher: Dispatcher }>;
  readonly close: () => Promise<void>;
}

const readAgainAfterMs = 30_000;

export interface KubernetesAccess {
  /** Folder of a service account, with token and ca.crt. undefined: KUBECONFIG, ~/.kube/config or the usual folder, in this order. */
  readonly serviceAccountDir: string | undefined;
  /** Needed with `serviceAccountDir`. */
  readonly apiServer: string | undefined;
  /** Monotonic ms. */
  readonly now: () => number;
}

export function connectKubernetes({ serviceAccountDir, apiServer, now }: KubernetesAccess): KubernetesConnection {
  const config = new KubeConfig();
  if (serviceAccountDir === undefined || apiServer === undefined) config.loadFromDefault();
  else loadServiceAccount(config, { dir: serviceAccountDir, server: apiServer });
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw new TypeError('no API server: set KUBECONFIG or run in a Pod with a service account');
  return new RotatingConnection(server.replace(/\/+$/, ''), () => readOptions(config), now);
}

/** An API server without encryption or identity, such as `kubectl proxy`. */
export function connectPlain(baseURL: string): KubernetesConnection {
  return new RotatingConnection(
    baseURL,
    async () => ({}),
    () => 0,
  );
}

function loadServiceAccount(config: KubeConfig, { dir, server }: { dir: string; server: string }): void {
  const authProvider = { name: 'tokenFile', config: { tokenFile: join(dir, 'token') } };
  config.loadFromClusterAndUser(
    { name: 'cluster', server, caFile: join(dir, 'ca.crt'), skipTLSVerify: false },
    { name: 'serviceAccount', authProvider },
  );
}

async function readOptions(config: KubeConfig): Promise<RequestOptions> {
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  return options;
}

class RotatingConnection implements KubernetesConnection {
  readonly baseURL: string;
  readonly #read: () => Promise<RequestOptions>;
  readonly #now: () => number;
  #readAt = -Infinity;
  #current: { headers: Record<string, string>; dispatcher: Agent; tls: string } | undefined;
  readonly #retired: Agent[] = [];

  constructor(baseURL: string, read: () => Promise<RequestOptions>, now: () => number) {
    this.baseURL = baseURL;
    this.#read = read;
    this.#now = now;
  }

  credentials = async (): Promise<{ headers: Record<string, string>; dispatcher: Dispatcher }> => {
    if (this.#current !== undefined && this.#now() - this.#readAt < readAgainAfterMs) return this.#current;
    const options = await this.#read();
    this.#readAt = this.#now();
    const tls = tlsOf(options);
    const fingerprint = JSON.stringify(tls, (_key, value: unknown) => (Buffer.isBuffer(value) ? value.toString('base64') : value));
    if (this.#current?.tls !== fingerprint) {
      if (this.#current !== undefined) this.#retired.push(this.#current.dispatcher);
      // Watches last for minutes: the caller's signal is what ends a request.
      this.#current = { headers: {}, dispatcher: new Agent({ connect: tls, headersTimeout: 0, bodyTimeout: 0 }), tls: fingerprint };
    }
    this.#current.headers = headersOf(options);
    return this.#current;
  };

  close = async (): Promise<void> => {
    const agents = [...this.#retired, ...(this.#current === undefined ? [] : [this.#current.dispatcher])];
    await Promise.all(agents.map((agent) => agent.destroy()));
  };
}

function tlsOf({ ca, cert, key, servername, rejectUnauthorized }: RequestOptions): Record<string, unknown> {
  const parts = { ca, cert, key, servername, rejectUnauthorized };
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
}

function headersOf({ headers }: RequestOptions): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]));
}
