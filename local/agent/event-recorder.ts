/** Writes Events in the background, in order; when the API server is away the oldest are dropped, since none of them decides anything. */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { KubernetesClient } from '../kubernetes-client.ts';
import { Bell } from './bell.ts';
import { formatTime } from './pod-status.ts';

interface EventTarget {
  readonly kind: 'Pod' | 'Service';
  readonly metadata: { readonly namespace: string; readonly name: string; readonly uid: string };
}

export interface EventText {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

const longestQueue = 500;
const idleMs = 60_000;

export class EventRecorder {
  readonly #client: KubernetesClient;
  readonly #log: Logger;
  readonly #host: string;
  readonly #bell = new Bell();
  #queue: { path: string; body: unknown }[] = [];

  constructor(input: { client: KubernetesClient; log: Logger; host: string }) {
    this.#client = input.client;
    this.#log = input.log;
    this.#host = input.host;
  }

  record(target: EventTarget, text: EventText): void {
    const { namespace, name, uid } = target.metadata;
    const now = formatTime(new Date());
    const body = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace, name: `${name}.${randomUUID()}` },
      involvedObject: { apiVersion: 'v1', kind: target.kind, namespace, name, uid },
      ...text,
      firstTimestamp: now,
      lastTimestamp: now,
      count: 1,
      source: { component: 'local-node-agent', host: this.#host },
    };
    this.#queue = [...this.#queue, { path: `/api/v1/namespaces/${namespace}/events`, body }].slice(-longestQueue);
    this.#bell.ring();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const event = this.#queue.shift();
      if (event === undefined) {
        await this.#bell.wait(idleMs, signal);
        continue;
      }
      await this.#client.call({ method: 'POST', ...event }, signal).catch((err: unknown) => this.#log.debug({ err }, 'event not written'));
    }
  }
}
