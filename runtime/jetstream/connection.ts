/** The connection to NATS: made once, kept for ever, with the client's costly defaults turned off. */
import { setTimeout as delay } from 'node:timers/promises';
import { connect, credsAuthenticator } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';

export interface NatsSettings {
  readonly url: string;
  /** Name shown by the server for this connection. */
  readonly name: string;
  /** Content of a credentials file. */
  readonly credentials?: Uint8Array;
}

/** The oldest server whose behaviour the lanes rely on. */
const oldestVersion: readonly [number, number] = [2, 14];

class NatsVersionError extends Error {}

/** Rings at each reconnection: what was asked before it will not be answered. */
export class ReconnectBell {
  #current = new AbortController();

  constructor(connection: NatsConnection) {
    const watch = async () => {
      for await (const status of connection.status()) {
        if (status.type === 'reconnect') this.#ring();
      }
    };
    // The status iterator ends with the connection and has no other way to fail.
    watch().catch(() => undefined);
  }

  /** Aborts at the next reconnection. */
  get next(): AbortSignal {
    return this.#current.signal;
  }

  #ring(): void {
    this.#current.abort();
    this.#current = new AbortController();
  }
}

export interface Nats {
  readonly connection: NatsConnection;
  readonly bell: ReconnectBell;
}

/**
 * Connects, trying until it works or the signal aborts; afterwards the client reconnects by itself without end.
 * @throws NatsVersionError for a server that is too old
 */
export async function connectNats(settings: NatsSettings, signal: AbortSignal): Promise<Nats> {
  for (;;) {
    signal.throwIfAborted();
    try {
      const connection = await connect(optionsOf(settings));
      requireVersion(connection.info?.version ?? 'unknown');
      return { connection, bell: new ReconnectBell(connection) };
    } catch (error) {
      if (error instanceof NatsVersionError) throw error;
      await delay(500, undefined, { signal });
    }
  }
}

function optionsOf({ url, name, credentials }: NatsSettings): Parameters<typeof connect>[0] {
  return {
    servers: url,
    name,
    timeout: 2_000,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 200,
    reconnectJitter: 100,
    pingInterval: 5_000,
    maxPingOut: 2,
    // Measured: an Error per publish costs 40 % of the rate.
    noAsyncTraces: true,
    ...(credentials === undefined ? {} : { authenticator: credsAuthenticator(credentials) }),
  };
}

/** @throws NatsVersionError */
function requireVersion(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [needMajor, needMinor] = oldestVersion;
  if (major > needMajor || (major === needMajor && minor >= needMinor)) return;
  throw new NatsVersionError(`the NATS server has version ${version}; ${needMajor}.${needMinor} or later is needed: upgrade it first`);
}
