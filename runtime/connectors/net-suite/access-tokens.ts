/**
 * The access token of an account.
 * 1. At most one token request at a time; whoever needs a token meanwhile waits for it. It is made inside the calls that
 *    wait: only while one of them may still be written, and given up when none waits any more.
 * 2. A token is used until shortly before its end, or until it was refused.
 */
import type { Outcome } from '../connector.ts';
import type { TokenAnswer } from './classify.ts';
import type { RequestToken } from './token-request.ts';

export type Access =
  /** Fresh: it was granted while this caller waited, so a refusal of it is no matter of its age. */
  { readonly kind: 'token'; readonly token: string; readonly isFresh: boolean } | { readonly kind: 'none'; readonly outcome: Outcome };

interface Waiter {
  readonly beforeWrite: () => boolean;
}

interface Flight {
  readonly waiters: Set<Waiter>;
  readonly stop: AbortController;
  readonly answer: Promise<TokenAnswer>;
}

/** Before its end by the tenth part of its life, at most by this much. */
const maxMarginMs = 60_000;

export class AccessTokens {
  readonly #request: RequestToken;
  readonly #now: () => number;
  #current: { readonly token: string; readonly usableUntil: number } | undefined;
  #flight: Flight | undefined;

  constructor(request: RequestToken, now: () => number) {
    this.#request = request;
    this.#now = now;
  }

  async get(beforeWrite: () => boolean, signal: AbortSignal): Promise<Access> {
    if (this.#current !== undefined && this.#now() < this.#current.usableUntil) {
      return { kind: 'token', token: this.#current.token, isFresh: false };
    }
    const flight = (this.#flight ??= this.#start());
    const waiter: Waiter = { beforeWrite };
    flight.waiters.add(waiter);
    try {
      const answer = await untilAborted(flight.answer, signal);
      if (answer === undefined) return { kind: 'none', outcome: { kind: 'transient', reason: 'NotSent' } };
      return answer.kind === 'token' ? { kind: 'token', token: answer.token, isFresh: true } : answer;
    } finally {
      flight.waiters.delete(waiter);
      if (flight.waiters.size === 0) this.#leave(flight);
    }
  }

  /** The token was refused: nobody is given it again. */
  refused(token: string): void {
    if (this.#current?.token === token) this.#current = undefined;
  }

  #start(): Flight {
    const waiters = new Set<Waiter>();
    const stop = new AbortController();
    const mayWrite = () => [...waiters].some(({ beforeWrite }) => beforeWrite());
    return { waiters, stop, answer: this.#fetch(mayWrite, stop.signal) };
  }

  async #fetch(mayWrite: () => boolean, signal: AbortSignal): Promise<TokenAnswer> {
    const answer = await this.#request(mayWrite, signal);
    if (answer.kind === 'token') {
      const { token, lifetimeMs } = answer;
      this.#current = { token, usableUntil: this.#now() + lifetimeMs - Math.min(maxMarginMs, lifetimeMs / 10) };
    }
    return answer;
  }

  #leave(flight: Flight): void {
    if (this.#flight === flight) this.#flight = undefined;
    flight.stop.abort();
  }
}

/** Undefined when the signal aborts first. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const { promise: aborted, resolve } = Promise.withResolvers<undefined>();
  const abort = () => resolve(undefined);
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
