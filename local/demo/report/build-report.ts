/** The report of a run: figures and identities, from the evidence alone. */
import { filterReason, type FilterReason } from '../../../runtime/contract/journal.ts';
import { outageSeconds, recoverySeconds, secondsAtLimit, useOfLimit } from './account-use.ts';
import { acknowledged, type DestinationEvidence, type Evidence } from './evidence.ts';
import { findKeysWronglyBlocked, findLost } from './named-ends.ts';
import { countDelivered, drainTimes, findDuplicatedEffects, findOutOfOrder, findOverlappingCalls } from './target-effects.ts';

export interface FailedUnit {
  readonly reason: string;
  readonly field: string | null;
}

export interface DestinationReport {
  readonly name: string;
  readonly delivered: number;
  readonly filtered: Readonly<Partial<Record<FilterReason, number>>>;
  readonly cancelled: number;
  readonly superseded: number;
  readonly discarded: number;
  readonly held: number;
  readonly waiting: number;
  readonly blocked: number;
  readonly retrying: number;
  readonly failed: readonly FailedUnit[];
}

export interface AccountReport {
  readonly name: string;
  readonly limit: number;
  readonly peakInFlight: number;
  readonly refused: number;
  readonly callsDuringOutage: number;
  readonly calls: number;
  readonly useOfLimit: number | null;
  readonly recoverySeconds: number | null;
}

/** What was in flight when a process was killed. */
export interface KillReport {
  readonly target: string;
  readonly pids: readonly number[];
  /** Since the first webhook was sent. */
  readonly atSeconds: number;
  readonly webhooksAcknowledged: number;
  readonly webhooksOpen: number;
  readonly delivered: number;
  readonly callsInFlight: number;
}

/** Figures of the run as a whole, with the limits that they are held against where everything comes from caches. */
export interface SetupReport {
  readonly fromCache: boolean;
  readonly clusterReadySeconds: number;
  readonly clusterReadyLimitSeconds: number;
  readonly totalSeconds: number;
  readonly totalLimitSeconds: number | null;
}

export interface RunFacts {
  readonly seed: number;
  readonly orders: number;
  readonly kills: readonly KillReport[];
  readonly kubectlCaughtUpSeconds: number | null;
  readonly setup: SetupReport;
}

export interface Report {
  readonly seed: number;
  readonly orders: number;
  readonly captured: number;
  readonly captureP50Ms: number | null;
  readonly captureP99Ms: number | null;
  readonly duplicatesAbsorbed: number;
  /** Webhook ids that never got a 2xx. */
  readonly unacknowledged: readonly string[];
  readonly destinations: readonly DestinationReport[];
  readonly accounts: readonly AccountReport[];
  readonly lost: readonly string[];
  readonly duplicatedEffects: readonly string[];
  readonly outOfOrder: readonly string[];
  readonly overlappingCalls: readonly string[];
  readonly keysWronglyBlocked: readonly string[];
  readonly drainSeconds: number | null;
  readonly drainSecondsAtLimit: number;
  readonly outageSeconds: number;
  readonly kills: readonly KillReport[];
  /** From the end until `kubectl get syncpipelines` said the same as the books; null: it did not in time. */
  readonly kubectlCaughtUpSeconds: number | null;
  readonly setup: SetupReport;
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
const roundOrNull = (value: number | null, digits: number): number | null => (value === null ? null : round(value, digits));

/** The smallest value that so many per cent of all do not exceed; null of none. */
export const percentile = (values: readonly number[], percent: number): number | null => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? null;
};

/** Deliveries of a webhook beyond its first that got a 2xx too. */
const countAbsorbed = (evidence: Evidence): number =>
  acknowledged(evidence).reduce((sum, { deliveries }) => sum + deliveries.filter(({ state }) => state === 'acknowledged').length - 1, 0);

const describeDestination = (destination: DestinationEvidence): DestinationReport => {
  const { counters, parked } = destination.ledger;
  const inState = (state: string): number => parked.filter((unit) => unit.state === state).length;
  const failed = parked
    .filter(({ state }) => state === 'failed')
    .map(({ reason, field }) => ({ reason: reason ?? 'Unknown', field: field ?? null }))
    .toSorted((a, b) => `${a.reason} ${a.field}`.localeCompare(`${b.reason} ${b.field}`));
  const filtered: Partial<Record<FilterReason, number>> = {};
  for (const lane of counters) {
    for (const reason of filterReason.options) {
      const count = lane.filtered[reason] ?? 0;
      if (count > 0) filtered[reason] = (filtered[reason] ?? 0) + count;
    }
  }
  const sum = (name: 'cancelled' | 'superseded' | 'discarded' | 'held' | 'waiting'): number =>
    counters.reduce((total, lane) => total + lane[name], 0);
  return {
    name: destination.name,
    delivered: countDelivered(destination),
    filtered,
    cancelled: sum('cancelled'),
    superseded: sum('superseded'),
    discarded: sum('discarded'),
    held: sum('held'),
    waiting: sum('waiting'),
    blocked: inState('blocked'),
    retrying: inState('retrying'),
    failed,
  };
};

const describeAccount = (evidence: Evidence, { account, book }: DestinationEvidence): AccountReport => ({
  name: account,
  limit: book.limit,
  peakInFlight: book.peakInFlight,
  refused: book.refused,
  callsDuringOutage: book.callsDuringOutage,
  calls: book.calls.total,
  useOfLimit: roundOrNull(useOfLimit(evidence, account), 4),
  recoverySeconds: roundOrNull(recoverySeconds(book, evidence.observedUntilMs), 2),
});

export const buildReport = (evidence: Evidence, facts: RunFacts): Report => {
  const taken = acknowledged(evidence);
  const latencies = taken.flatMap(({ latencyMs }) => latencyMs ?? []);
  const drain = drainTimes(evidence);
  const accounts = [...new Map(evidence.destinations.map((one) => [one.account, one])).values()];
  const longest = (values: readonly number[]): number => round(Math.max(0, ...values), 2);
  const until = evidence.observedUntilMs;
  return {
    seed: facts.seed,
    orders: facts.orders,
    captured: taken.length,
    captureP50Ms: roundOrNull(percentile(latencies, 50), 1),
    captureP99Ms: roundOrNull(percentile(latencies, 99), 1),
    duplicatesAbsorbed: countAbsorbed(evidence),
    unacknowledged: Object.values(evidence.shopify.entries).flatMap(({ webhookId, acknowledgedAtMs }) =>
      acknowledgedAtMs === null ? [webhookId] : [],
    ),
    destinations: evidence.destinations.map(describeDestination),
    accounts: accounts.map((one) => describeAccount(evidence, one)),
    lost: findLost(evidence),
    duplicatedEffects: findDuplicatedEffects(evidence),
    outOfOrder: findOutOfOrder(evidence),
    overlappingCalls: findOverlappingCalls(evidence),
    keysWronglyBlocked: findKeysWronglyBlocked(evidence),
    drainSeconds: drain === undefined ? null : round((drain.toMs - drain.fromMs) / 1000, 2),
    drainSecondsAtLimit: longest(accounts.map(({ book }) => secondsAtLimit(book, until))),
    outageSeconds: longest(accounts.map(({ book }) => outageSeconds(book, until))),
    kills: facts.kills,
    kubectlCaughtUpSeconds: facts.kubectlCaughtUpSeconds,
    setup: facts.setup,
  };
};
