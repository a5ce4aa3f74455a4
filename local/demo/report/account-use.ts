/**
 * How well the account's limit was used, from the simulator's book of calls in flight: over the time in which good units are
 * undelivered and the target is up, less the time from its return to the first answered call.
 */
import { integrateInFlight } from '../../../test/simulators/net-suite/timeline.ts';
import { acknowledged, goodOrderIds, versionMs, type DestinationEvidence, type Evidence, type NetSuiteBook } from './evidence.ts';
import { subtract, totalMs, unite, type Interval } from './intervals.ts';

/** From its 2xx until the target had it, or a newer version of it. */
const undeliveredTimes = (evidence: Evidence, { book, externalIdOf }: DestinationEvidence): Interval[] => {
  const good = goodOrderIds(evidence);
  const cancelled = new Set(evidence.scenario.cancelledOrderIds);
  return acknowledged(evidence).flatMap(({ orderId, updatedAt, acknowledgedAtMs }) => {
    const record = book.records[externalIdOf(orderId)];
    if (!good.has(orderId) || acknowledgedAtMs === null || (record === undefined && cancelled.has(orderId))) return [];
    const reached = record?.versions.find(({ version }) => versionMs(version) >= Date.parse(updatedAt));
    return [{ fromMs: acknowledgedAtMs, toMs: reached?.atMs ?? evidence.observedUntilMs }];
  });
};

const awayTimes = ({ outages }: NetSuiteBook, untilMs: number): Interval[] =>
  outages.flatMap(({ fromMs, toMs, firstAnsweredMs }) => [
    { fromMs, toMs: toMs ?? untilMs },
    { fromMs: toMs ?? untilMs, toMs: firstAnsweredMs ?? untilMs },
  ]);

/** 0 to 1; null when nothing was ever undelivered. */
export const useOfLimit = (evidence: Evidence, account: string): number | null => {
  const destinations = evidence.destinations.filter((destination) => destination.account === account);
  const [first] = destinations;
  if (first === undefined) return null;
  const { book } = first;
  const undelivered = unite(destinations.flatMap((destination) => undeliveredTimes(evidence, destination)));
  const busy = subtract(undelivered, awayTimes(book, evidence.observedUntilMs));
  const time = totalMs(busy);
  if (time === 0) return null;
  const used = busy.reduce((sum, { fromMs, toMs }) => sum + integrateInFlight(book.timeline, fromMs, toMs), 0);
  return used / (book.limit * time);
};

/** From the target's return to the first call it answered, the longest over all outages; null when there was none. */
export const recoverySeconds = ({ outages }: NetSuiteBook, observedUntilMs: number): number | null => {
  const times = outages.flatMap(({ toMs, firstAnsweredMs }) =>
    toMs === null ? [] : [((firstAnsweredMs ?? observedUntilMs) - toMs) / 1000],
  );
  return times.length === 0 ? null : Math.max(...times);
};

/** How long the calls that were made take when every slot is always busy. */
export const secondsAtLimit = ({ timeline, limit }: NetSuiteBook, observedUntilMs: number): number =>
  integrateInFlight(timeline, timeline.startedAtMs, observedUntilMs) / limit / 1000;

export const outageSeconds = ({ outages }: NetSuiteBook, observedUntilMs: number): number =>
  totalMs(unite(outages.map(({ fromMs, toMs }) => ({ fromMs, toMs: toMs ?? observedUntilMs })))) / 1000;
