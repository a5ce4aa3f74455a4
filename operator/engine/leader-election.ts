/**
 * Who of several replicas works: the holder of a Lease.
 * 1. A holder that could not renew for `renewWithinMs` stops; only after `durationMs` without a change, on its own clock,
 *    does another one take over. So two never work at once while `renewWithinMs` plus the time to stop is below `durationMs`.
 * 2. Clocks of different machines are never compared: what counts is since when one has seen the record unchanged.
 */
import { setTimeout as delay } from 'node:timers/promises';

export interface LeaseRecord {
  /** Empty when it was given back. */
  readonly holder: string;
  readonly transitions: number;
  /** Changes with every write. */
  readonly version: string;
}

export interface LeaseStore {
  /** undefined: there is none yet. */
  readonly read: (signal: AbortSignal) => Promise<LeaseRecord | undefined>;
  /** Writes over `previous` alone; undefined when somebody else was faster. */
  readonly write: (
    next: { holder: string; transitions: number; previous: LeaseRecord | undefined },
    signal: AbortSignal,
  ) => Promise<LeaseRecord | undefined>;
}

export interface LeaderElectionOptions {
  readonly store: LeaseStore;
  readonly identity: string;
  readonly durationMs: number;
  readonly renewWithinMs: number;
  readonly everyMs: number;
  /** Monotonic ms. */
  readonly now: () => number;
  readonly onTrouble: (error: unknown) => void;
}

/** A lease as one replica has seen it. */
export interface Sighting {
  readonly record: LeaseRecord | undefined;
  /** Since when the record is what it is, on this replica's clock. */
  readonly since: number;
}

/** Pure. Whether this replica may write itself into the lease. */
export function mayTake({ record, since }: Sighting, identity: string, { now, durationMs }: { now: number; durationMs: number }): boolean {
  if (record === undefined || record.holder === '' || record.holder === identity) return true;
  return now - since >= durationMs;
}

/**
 * Waits for the lease, then runs `work` with a signal that aborts when the lease is lost or `signal` aborts.
 * Resolves when `work` has ended; the lease is given back if it is still ours.
 */
export async function lead(
  options: LeaderElectionOptions,
  work: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const taken = await acquire(options, signal);
  if (taken === undefined) return;
  const lost = new AbortController();
  const stopRenewing = new AbortController();
  const renewing = renew(options, taken, AbortSignal.any([signal, stopRenewing.signal])).then((last) => {
    lost.abort();
    return last;
  });
  try {
    await work(AbortSignal.any([signal, lost.signal]));
  } finally {
    stopRenewing.abort();
    await giveBack(options, await renewing);
  }
}

/** The record this replica wrote; undefined when `signal` aborted first. */
async function acquire(options: LeaderElectionOptions, signal: AbortSignal): Promise<LeaseRecord | undefined> {
  const { store, identity, durationMs, everyMs, now } = options;
  let seen: Sighting = { record: undefined, since: now() };
  while (!signal.aborted) {
    const taken = await attempt(options, signal, async (limit) => {
      const record = await store.read(limit);
      if (record?.version !== seen.record?.version || record === undefined) seen = { record, since: now() };
      if (!mayTake(seen, identity, { now: now(), durationMs })) return undefined;
      const transitions = (record?.transitions ?? -1) + (record?.holder === identity ? 0 : 1);
      return store.write({ holder: identity, transitions, previous: record }, limit);
    });
    if (taken !== undefined) return taken;
    await pause(everyMs, signal);
  }
  return undefined;
}

/** Renews until it fails for too long, somebody else holds the lease, or `signal` aborts. Returns the record if it is still ours. */
async function renew(options: LeaderElectionOptions, taken: LeaseRecord, signal: AbortSignal): Promise<LeaseRecord | undefined> {
  const { store, identity, renewWithinMs, everyMs, now } = options;
  let record = taken;
  let renewedAt = now();
  while (!signal.aborted) {
    await pause(everyMs, signal);
    if (signal.aborted) break;
    const startedAt = now();
    const answer = await attempt(options, signal, async (limit) => {
      const written = await store.write({ holder: identity, transitions: record.transitions, previous: record }, limit);
      return written ?? (await store.read(limit)) ?? { holder: '', transitions: 0, version: '' };
    });
    if (answer !== undefined && answer.holder !== identity) return undefined;
    if (answer !== undefined) {
      record = answer;
      renewedAt = startedAt;
    }
    if (now() - renewedAt >= renewWithinMs) return undefined;
  }
  return record;
}

async function giveBack({ store, renewWithinMs, onTrouble }: LeaderElectionOptions, record: LeaseRecord | undefined): Promise<void> {
  if (record === undefined) return;
  try {
    await store.write({ holder: '', transitions: record.transitions, previous: record }, AbortSignal.timeout(renewWithinMs));
  } catch (error) {
    onTrouble(error); // The lease then runs out by itself.
  }
}

async function attempt<T>(
  { everyMs, onTrouble }: LeaderElectionOptions,
  signal: AbortSignal,
  action: (limit: AbortSignal) => Promise<T | undefined>,
): Promise<T | undefined> {
  try {
    return await action(AbortSignal.any([signal, AbortSignal.timeout(everyMs)]));
  } catch (error) {
    if (!signal.aborted) onTrouble(error);
    return undefined;
  }
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch((aborted: unknown) => {
    if (!signal.aborted) throw aborted;
  });
}
