/**
 * Runs keys: each at most once at a time, several keys at once up to a bound, a failed key again after a growing delay.
 * The one place where an error of a reconcile is turned into a retry.
 */
import { backoffMs } from './backoff.ts';
import type { BackoffPolicy } from './backoff.ts';
import { RetryableError } from './errors.ts';
import { KeySchedule } from './key-schedule.ts';
import type { Outcome } from './outcome.ts';

export interface WorkQueueOptions {
  /** Keys that run at once. */
  readonly concurrency: number;
  readonly backoff: BackoffPolicy;
  /** A run that takes longer is aborted and counts as failed. */
  readonly timeoutMs: number;
  readonly process: (key: string, signal: AbortSignal) => Promise<Outcome>;
  /** Told of each failed run; the retry is already arranged. */
  readonly onError: (key: string, failure: { error: unknown; retryInMs: number }) => void;
  /** Monotonic ms. */
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
}

const longestTimerMs = 2 ** 31 - 1;

export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #schedule = new KeySchedule();
  readonly #running = new Set<Promise<void>>();
  #wake: (() => void) | undefined;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that wait or run. */
  get size(): number {
    return this.#schedule.size;
  }

  add(key: string, afterMs = 0): void {
    this.#schedule.add(key, this.#options.now() + afterMs);
    this.#wake?.();
  }

  /** Runs keys until `signal` aborts; resolves when the last run has ended. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#startDueKeys(signal);
      await this.#nextChange(signal);
    }
    await Promise.all(this.#running);
  }

  #startDueKeys(signal: AbortSignal): void {
    while (this.#running.size < this.#options.concurrency) {
      const key = this.#schedule.take(this.#options.now());
      if (key === undefined) return;
      const run = this.#runOnce(key, signal).finally(() => {
        this.#running.delete(run);
        this.#wake?.();
      });
      this.#running.add(run);
    }
  }

  async #runOnce(key: string, signal: AbortSignal): Promise<void> {
    const { process, timeoutMs, now } = this.#options;
    try {
      const outcome = await process(key, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
      this.#schedule.finish(key);
      if (outcome.kind === 'again') this.#schedule.add(key, now() + outcome.afterMs);
    } catch (error) {
      this.#retry(key, error, signal);
    }
  }

  #retry(key: string, error: unknown, signal: AbortSignal): void {
    const { backoff, random, now, onError } = this.#options;
    const failures = this.#schedule.fail(key);
    const named = error instanceof RetryableError ? error.afterMs : undefined;
    const retryInMs = named ?? backoffMs(failures, backoff, random());
    this.#schedule.add(key, now() + retryInMs);
    if (!signal.aborted) onError(key, { error, retryInMs });
  }

  /** Resolves when a key is added or ends, when the next one is due, or when `signal` aborts. */
  #nextChange(signal: AbortSignal): Promise<void> {
    const full = this.#running.size >= this.#options.concurrency;
    const dueAt = full ? undefined : this.#schedule.nextDueAt();
    const waitMs = dueAt === undefined ? longestTimerMs : Math.min(longestTimerMs, Math.max(0, dueAt - this.#options.now()));
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, waitMs);
      signal.addEventListener('abort', done, { once: true });
      this.#wake = done;
      if (signal.aborted) done();
    });
  }
}
