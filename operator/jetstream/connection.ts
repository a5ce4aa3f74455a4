/**
 * The operator's one connection to NATS. It is made again for ever, at start too; while there is none, `current` throws at
 * once, so that nobody waits for an answer that cannot come.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { JetStreamClient, JetStreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { connect } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { backoffMs } from '../engine/backoff.ts';
import { NatsUnavailableError } from './errors.ts';
import { versionProblem } from './server-version.ts';

export interface JetStream {
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  readonly kvm: Kvm;
  /** Largest message the server takes, in bytes. */
  readonly maxPayload: number;
}

export interface NatsOptions {
  readonly servers: readonly string[];
  readonly name: string;
  readonly onTrouble: (error: unknown) => void;
  /** Called whenever the connection comes or goes. */
  readonly onChange: () => void;
  readonly random: () => number;
}

const callTimeoutMs = 5_000;
const retry = { baseMs: 250, maxMs: 5_000, factor: 2 };

export class NatsLink {
  readonly #options: NatsOptions;
  #connection: NatsConnection | undefined;
  #jetStream: Omit<JetStream, 'maxPayload'> | undefined;
  #connected = false;

  constructor(options: NatsOptions) {
    this.#options = options;
  }

  get isConnected(): boolean {
    return this.#connected;
  }

  /** @throws NatsUnavailableError with a message for people */
  current(): JetStream {
    const info = this.#connection?.info;
    if (!this.#connected || this.#jetStream === undefined || info === undefined) {
      throw new NatsUnavailableError('There is no connection to NATS.');
    }
    const problem = versionProblem(info.version);
    if (problem !== undefined) throw new NatsUnavailableError(problem);
    return { ...this.#jetStream, maxPayload: info.max_payload };
  }

  /** Keeps the connection until `signal` aborts; then it is closed. */
  async run(signal: AbortSignal): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.#connectOnce(signal);
        failures = 0;
      } catch (error) {
        failures += 1;
        this.#options.onTrouble(error);
      }
      await delay(backoffMs(failures, retry, this.#options.random()), undefined, { signal }).catch((aborted: unknown) => {
        if (!signal.aborted) throw aborted;
      });
    }
  }

  /** Connects and resolves when the connection is closed for good, which a lost server alone does not do. */
  async #connectOnce(signal: AbortSignal): Promise<void> {
    const { servers, name } = this.#options;
    const connection = await connect({
      servers: [...servers],
      name,
      reconnect: true,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 250,
      reconnectJitter: 250,
      pingInterval: 5_000,
      maxPingOut: 2,
      timeout: callTimeoutMs,
      noAsyncTraces: true,
    });
    const closed = connection.closed();
    const close = (): void => {
      connection.close().catch(this.#options.onTrouble);
    };
    signal.addEventListener('abort', close, { once: true });
    if (signal.aborted) close();
    const following = this.#followStatus(connection);
    try {
      await this.#use(connection);
      const error = await closed;
      if (error !== undefined && !signal.aborted) throw error;
    } finally {
      signal.removeEventListener('abort', close);
      this.#become(false);
      await connection.close();
      await following;
    }
  }

  async #use(connection: NatsConnection): Promise<void> {
    const jsm = await jetstreamManager(connection, { checkAPI: false, timeout: callTimeoutMs });
    const js = jetstream(connection, { timeout: callTimeoutMs });
    this.#connection = connection;
    this.#jetStream = { jsm, js, kvm: new Kvm(js) };
    this.#become(true);
  }

  async #followStatus(connection: NatsConnection): Promise<void> {
    for await (const status of connection.status()) {
      if (status.type === 'disconnect' || status.type === 'staleConnection') this.#become(false);
      if (status.type === 'reconnect') this.#become(true);
      if (status.type === 'error') this.#options.onTrouble(status.error);
    }
  }

  #become(connected: boolean): void {
    if (this.#connected === connected) return;
    this.#connected = connected;
    this.#options.onChange();
  }
}
