/**
 * What becomes of a unit after a call. Pure.
 * D1: every outcome is final, leaves the unit parked, or sends it again; none loses it.
 * L2: what failed while the circuit was open is no try.
 */
import type { Idempotency, Outcome } from '../connectors/connector.ts';
import type { RecordKind, UnknownPolicy } from '../contract/config.ts';
import type { Failure } from './plan-unit.ts';

export interface Tries {
  /** Counted failed tries so far, this one not included. */
  readonly failed: number;
  /** Epoch ms of the first counted failure; undefined when there was none. */
  readonly firstFailedAt?: number;
  /** Refusals for the account's limit or its credentials in a row. */
  readonly throttled: number;
}

export interface RetryPolicy {
  /** How long a unit is tried, from its first counted failure on. */
  readonly forMs: number;
  readonly onUnknown: UnknownPolicy;
}

export type Settlement =
  | { readonly kind: 'done'; readonly duplicate: boolean }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** Goes again after `delayMs`, in process: its key waits meanwhile. */
  | { readonly kind: 'again'; readonly delayMs: number; readonly tries: Tries; readonly reason: string }
  /** Parked as retrying: too long to keep the record in memory. */
  | { readonly kind: 'retry'; readonly delayMs: number; readonly tries: Tries; readonly reason: string }
  /** Its key and slot stay taken until nobody can still be working on the call. */
  | { readonly kind: 'quarantine'; readonly tries: Tries; readonly reason: string };

export interface Answer {
  readonly outcome: Outcome;
  readonly recordKind: RecordKind;
  /** False when the circuit was open: then a failure is no try. */
  readonly counted: boolean;
  /** 0 to 1, for jitter. */
  readonly random: number;
  /** Epoch ms. */
  readonly at: number;
}

/** The reason by which every connector says that the record to change is not at the target. */
const notFound = 'NotFound';
/** A target that says "too many" is left alone at least this long, whatever it says. */
const leastThrottleMs = 250;
/** Delays up to this stay in process. */
const inProcessMs = 5_000;

export function settle({ outcome, recordKind, counted, random, at }: Answer, tries: Tries, policy: RetryPolicy): Settlement {
  switch (outcome.kind) {
    case 'delivered':
    case 'duplicate':
      return { kind: 'done', duplicate: outcome.kind === 'duplicate' };
    case 'rejected':
      return refused(outcome, recordKind);
    case 'throttled': {
      const delayMs = Math.max(leastThrottleMs, outcome.afterMs ?? jittered(500 * 2 ** Math.min(tries.throttled, 6), random));
      return { kind: keepsInProcess(delayMs), delayMs, tries: { ...tries, throttled: tries.throttled + 1 }, reason: 'Throttled' };
    }
    case 'unauthorized': {
      // Never binned: but it must not be the next one to ask, should it alone be refused.
      const delayMs = jittered(1_000 * 2 ** Math.min(tries.throttled, 5), random);
      return { kind: 'again', delayMs, tries: { ...tries, throttled: tries.throttled + 1 }, reason: outcome.reason };
    }
    case 'transient':
      if (!counted) return uncounted(outcome, tries);
      return countedFailure({ reason: outcome.reason, afterMs: outcome.afterMs, random, at }, tries, policy);
    case 'unknown':
      return { kind: 'quarantine', tries: counted ? failedOnce(tries, at) : tries, reason: outcome.reason };
  }
}

function refused(outcome: Extract<Outcome, { kind: 'rejected' }>, recordKind: RecordKind): Settlement {
  // What is to be cancelled is not there: so it is as the cancel wants it.
  if (recordKind === 'Cancel' && outcome.reason === notFound) return { kind: 'done', duplicate: true };
  return { kind: 'failed', failure: failureOf(outcome) };
}

/** Whether a unit has been tried for as long as it may. */
export function isExhausted({ firstFailedAt }: Tries, { forMs }: RetryPolicy, now: number): boolean {
  return firstFailedAt !== undefined && now - firstFailedAt >= forMs;
}

/** What is done with a call of unknown outcome once its quarantine is over. */
export function resolveUnknown(idempotency: Idempotency, policy: UnknownPolicy): 'send again' | 'bin' {
  switch (idempotency) {
    case 'Key':
    case 'Upsert':
      return policy === 'Bin' ? 'bin' : 'send again';
    case 'None':
      return 'bin';
  }
}

function uncounted({ reason, afterMs = 0 }: Extract<Outcome, { kind: 'transient' }>, tries: Tries): Settlement {
  return { kind: keepsInProcess(afterMs), delayMs: afterMs, tries, reason };
}

interface CountedFailure {
  readonly reason: string;
  readonly afterMs: number | undefined;
  readonly random: number;
  readonly at: number;
}

function countedFailure({ reason, afterMs, random, at }: CountedFailure, before: Tries, policy: RetryPolicy): Settlement {
  const tries = failedOnce(before, at);
  if (isExhausted(tries, policy, at)) {
    return { kind: 'failed', failure: { reason: 'RetriesExhausted', message: `still failing: ${reason}` } };
  }
  const delayMs = afterMs ?? jittered(250 * 2 ** Math.min(tries.failed - 1, 10), random);
  return { kind: keepsInProcess(delayMs), delayMs, tries, reason };
}

function failedOnce(tries: Tries, at: number): Tries {
  return { failed: tries.failed + 1, firstFailedAt: tries.firstFailedAt ?? at, throttled: 0 };
}

function keepsInProcess(delayMs: number): 'again' | 'retry' {
  return delayMs <= inProcessMs ? 'again' : 'retry';
}

/** Half of the delay to all of it. */
function jittered(delayMs: number, random: number): number {
  return Math.round(delayMs * (0.5 + random / 2));
}

function failureOf({ reason, field, message }: Extract<Outcome, { kind: 'rejected' }>): Failure {
  return { reason, ...(field === undefined ? {} : { field }), ...(message === undefined ? {} : { message }) };
}
