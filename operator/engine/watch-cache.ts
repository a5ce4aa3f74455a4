/**
 * A local copy of a list of objects that follows the server through everything: restarts, dropped connections, histories
 * that are gone, connections that fall silent, watches that end at once. It never gives up; it is told only to stop.
 * 1. Level-based: `onChange` says that a key is to be looked at, never what has to be done.
 * 2. After each break the copy is brought up to date from where it was, or by a new list where that is not possible; a
 *    change missed in between is found by comparing.
 * 3. A watch that says nothing for longer than the server keeps one open is dropped. From time to time it lists anew.
 * 4. Attempts that get nowhere are spaced by a growing delay.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from './backoff.ts';
import type { BackoffPolicy } from './backoff.ts';

export interface Versioned<T> {
  readonly key: string;
  readonly version: string;
  readonly value: T;
}

export type WatchEvent<T> =
  | { readonly kind: 'changed'; readonly object: Versioned<T> }
  | { readonly kind: 'removed'; readonly key: string; readonly version: string }
  /** Nothing changed up to this version. */
  | { readonly kind: 'bookmark'; readonly version: string };

export interface ListAnswer<T> {
  readonly version: string;
  readonly objects: readonly Versioned<T>[];
}

export interface WatchRequest {
  /** Events after this version. */
  readonly version: string;
  /** The server ends the watch after this time. */
  readonly timeoutMs: number;
}

/** Where the objects come from. Both throw for any trouble; `watch` throws HistoryGoneError when the version is too old. */
export interface WatchSource<T> {
  readonly list: (signal: AbortSignal) => Promise<ListAnswer<T>>;
  readonly watch: (request: WatchRequest, signal: AbortSignal) => AsyncIterable<WatchEvent<T>>;
}

/** The server no longer knows what happened since the version asked for. */
export class HistoryGoneError extends Error {
  override readonly name = 'HistoryGoneError';
}

export interface Change<T> {
  readonly before: T | undefined;
  readonly after: T | undefined;
}

export interface WatchCacheOptions<T> {
  readonly source: WatchSource<T>;
  readonly backoff: BackoffPolicy;
  /** How long the server is asked to keep a watch open; it ends between this and half more. */
  readonly watchMs: number;
  /** How much longer than that a silent watch may last, and how long a list may take. */
  readonly graceMs: number;
  /** After this time the objects are listed anew although nothing went wrong: for what no version number can tell. */
  readonly relistAfterMs: number;
  /** Called for each key that was added, changed or removed, with the values before and after: to tell whom it concerns. */
  readonly onChange: (key: string, change: Change<T>) => void;
  /** Told of each attempt that failed, and how many in a row that makes; the next one is already arranged. */
  readonly onTrouble: (trouble: { error: unknown; failures: number; retryInMs: number }) => void;
  readonly now: () => number;
  readonly random: () => number;
}

/** A watch that ends sooner got nowhere. */
const shortestUsefulWatchMs = 1_000;
/** After as many attempts that got nowhere the copy is listed anew. */
const attemptsBeforeRelist = 3;

export class WatchCache<T> {
  readonly #options: WatchCacheOptions<T>;
  readonly #objects = new Map<string, Versioned<T>>();
  readonly #listed = Promise.withResolvers<void>();
  #version: string | undefined;
  #listedAt = -Infinity;
  #failures = 0;
  #lastNewsAt: number;
  #lastAttemptAt: number;

  constructor(options: WatchCacheOptions<T>) {
    this.#options = options;
    this.#lastNewsAt = options.now();
    this.#lastAttemptAt = this.#lastNewsAt;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key)?.value;
  }

  values(): T[] {
    return [...this.#objects.values()].map(({ value }) => value);
  }

  keys(): string[] {
    return [...this.#objects.keys()];
  }

  /** Takes in what was just written, ahead of the watch. What is not here (any more) stays away. */
  absorb(object: Versioned<T>): void {
    if (this.#objects.has(object.key)) this.#put(object);
  }

  /** Resolves after the first list. */
  get listed(): Promise<void> {
    return this.#listed.promise;
  }

  get isListed(): boolean {
    return this.#listedAt !== -Infinity;
  }

  /** Since when the server has said nothing: neither a list, nor an event, nor the end of a watch. */
  silentForMs(): number {
    return this.#options.now() - this.#lastNewsAt;
  }

  /** Since when nothing was even tried. Beyond a few minutes this cache is broken, whatever the server does. */
  idleForMs(): number {
    return this.#options.now() - this.#lastAttemptAt;
  }

  /** Follows the server until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#lastAttemptAt = this.#options.now();
      try {
        await this.#follow(signal);
        this.#failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        await this.#afterTrouble(error, signal);
      }
    }
  }

  /** One list where needed, and one watch. Throws when it got nowhere. */
  async #follow(signal: AbortSignal): Promise<void> {
    const { now, source, watchMs, graceMs, random, relistAfterMs } = this.#options;
    if (now() - this.#listedAt >= relistAfterMs) this.#version = undefined;
    this.#version ??= await this.#relist(signal);
    const timeoutMs = Math.round(watchMs * (1 + random() / 2));
    const startedAt = now();
    let events = 0;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs + graceMs)]);
    for await (const event of source.watch({ version: this.#version, timeoutMs }, limit)) {
      events += 1;
      this.#failures = 0;
      this.#apply(event);
    }
    limit.throwIfAborted();
    this.#lastNewsAt = now();
    if (events === 0 && now() - startedAt < shortestUsefulWatchMs) throw new Error('the watch ended as soon as it began');
  }

  async #relist(signal: AbortSignal): Promise<string> {
    const { source, graceMs, now } = this.#options;
    const { version, objects } = await source.list(AbortSignal.any([signal, AbortSignal.timeout(graceMs)]));
    this.#lastNewsAt = now();
    this.#listedAt = now();
    const removed = new Set(this.#objects.keys());
    for (const object of objects) {
      removed.delete(object.key);
      this.#put(object);
    }
    for (const key of removed) this.#drop(key);
    this.#listed.resolve();
    return version;
  }

  #apply(event: WatchEvent<T>): void {
    this.#lastNewsAt = this.#options.now();
    switch (event.kind) {
      case 'changed':
        this.#version = event.object.version;
        this.#put(event.object);
        return;
      case 'removed':
        this.#version = event.version;
        this.#drop(event.key);
        return;
      case 'bookmark':
        this.#version = event.version;
        return;
    }
  }

  #put(object: Versioned<T>): void {
    const before = this.#objects.get(object.key);
    this.#objects.set(object.key, object);
    if (before?.version !== object.version) this.#options.onChange(object.key, { before: before?.value, after: object.value });
  }

  #drop(key: string): void {
    const before = this.#objects.get(key);
    if (this.#objects.delete(key)) this.#options.onChange(key, { before: before?.value, after: undefined });
  }

  async #afterTrouble(error: unknown, signal: AbortSignal): Promise<void> {
    const { backoff, random, onTrouble } = this.#options;
    this.#failures += 1;
    if (error instanceof HistoryGoneError || this.#failures % attemptsBeforeRelist === 0) this.#version = undefined;
    // The history of a busy server goes by itself: the first time it costs a list and no delay.
    const retryInMs = error instanceof HistoryGoneError && this.#failures === 1 ? 0 : backoffMs(this.#failures, backoff, random());
    onTrouble({ error, failures: this.#failures, retryInMs });
    await delay(retryInMs, undefined, { signal }).catch((aborted: unknown) => {
      if (!signal.aborted) throw aborted;
    });
  }
}
