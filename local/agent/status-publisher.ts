/**
 * Brings one Pod's status to the API server.
 *
 * 1. Only the newest status counts; one that equals the last written is not sent.
 * 2. It keeps trying while the API server is away, and stops when the Pod's object is gone or another one has its name.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { apiErrorOf, type KubernetesClient } from '../kubernetes-client.ts';
import { Bell } from './bell.ts';
import type { PodStatus } from './pod-status.ts';

interface PodName {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

const idleMs = 60_000;
const retryMs = 300;

export const podPath = ({ namespace, name }: PodName): string => `/api/v1/namespaces/${namespace}/pods/${name}`;

export class StatusPublisher {
  readonly #client: KubernetesClient;
  readonly #log: Logger;
  readonly #pod: PodName;
  readonly #bell = new Bell();
  #wanted: PodStatus | undefined;
  #written: PodStatus | undefined;
  #isOver = false;
  #waiters: (() => void)[] = [];

  constructor(input: { client: KubernetesClient; log: Logger; pod: PodName }) {
    this.#client = input.client;
    this.#log = input.log;
    this.#pod = input.pod;
  }

  publish(status: PodStatus): void {
    this.#wanted = status;
    this.#bell.ring();
  }

  /** Resolves when what was published last is written, or never can be. */
  async settle(): Promise<void> {
    if (this.#isSettled()) return;
    await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !this.#isOver) {
      await this.#bell.wait(idleMs, signal);
      while (!this.#isSettled() && !signal.aborted) await this.#write(signal);
      this.#release();
    }
    this.#isOver = true;
    this.#release();
  }

  #isSettled(): boolean {
    return this.#isOver || isDeepStrictEqual(this.#wanted, this.#written);
  }

  #release(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  /** The API server will never take this status; the next one may be better. */
  #giveUp(status: PodStatus | undefined, err: Error): void {
    this.#log.error({ err, ...this.#pod }, 'Pod status refused');
    this.#written = status;
  }

  async #write(signal: AbortSignal): Promise<void> {
    const status = this.#wanted;
    const call = {
      method: 'PATCH' as const,
      path: `${podPath(this.#pod)}/status`,
      contentType: 'application/strategic-merge-patch+json',
      body: { metadata: { uid: this.#pod.uid }, status },
    };
    try {
      const answer = await this.#client.call(call, signal);
      if (answer.status < 300) this.#written = status;
      else if (answer.status === 404 || answer.status === 409) this.#isOver = true;
      else if (answer.status === 422) this.#giveUp(status, apiErrorOf(call, answer));
      else throw apiErrorOf(call, answer);
    } catch (err) {
      if (signal.aborted) return;
      this.#log.debug({ err, ...this.#pod }, 'Pod status not written; trying again');
      await delay(retryMs, undefined, { signal }).catch(() => undefined); // aborted: the caller's loop sees it
    }
  }
}
