/** Which promises a report shows to be broken, in plain words; none is the proof that the run was made for. */
import type { FailedUnit, Report } from './build-report.ts';

export interface Expectations {
  /** What must be in the error bin at the end, by destination; nothing else may. */
  readonly failed: Readonly<Record<string, readonly FailedUnit[]>>;
  /** False when lanes still had work at the end. */
  readonly settled: boolean;
  /** Kills that were asked for. */
  readonly kills: readonly string[];
  /** Whether there was work enough, and nothing killed, for the limit to be reached and used. */
  readonly fullUse: boolean;
  /** The longest pause between probes plus one call; undefined when it is not judged. */
  readonly longestRecoverySeconds: number | undefined;
}

/** Of the account's limit, while there is work. */
export const leastUseOfLimit = 0.95;

/** With fewer orders the beginning and the end weigh more than the work between; and what was killed makes no calls. */
const leastOrdersForFullUse = 1_000;

export const isFullUseJudged = ({ orders, kills }: { orders: number; kills: readonly unknown[] }): boolean =>
  orders >= leastOrdersForFullUse && kills.length === 0;

const named = (ids: readonly string[]): string => {
  const shown = ids.slice(0, 5).join(', ');
  return ids.length > 5 ? `${shown} and ${ids.length - 5} more` : shown;
};

const whenAny = (ids: readonly string[], text: string): string[] => (ids.length === 0 ? [] : [`${text}: ${named(ids)}`]);

const judgeIdentities = (report: Report): string[] => [
  ...whenAny(report.lost, 'P1 captured is never lost: these webhooks got a 2xx and their records are nowhere'),
  ...whenAny(report.unacknowledged, 'P1 capture goes on: these webhooks never got a 2xx'),
  ...whenAny(report.duplicatedEffects, 'D4 no effect happens twice: the target has these external ids twice or changed them too often'),
  ...whenAny(report.outOfOrder, 'D2 content never goes backwards: an older version reached these external ids after a newer one'),
  ...whenAny(report.overlappingCalls, 'D2 calls of one key never overlap: these external ids had two calls at once'),
  ...whenAny(report.keysWronglyBlocked, 'P4 one bad record delays no other: these keys were blocked, or are undelivered, without a cause'),
];

const judgeAccounts = (report: Report, { fullUse, longestRecoverySeconds }: Expectations): string[] =>
  report.accounts.flatMap(({ name, limit, peakInFlight, refused, useOfLimit, recoverySeconds }) => [
    ...(refused > 0 ? [`P2 never more than the account allows: ${name} refused ${refused} calls over its limit of ${limit}`] : []),
    ...(peakInFlight > limit
      ? [`P2 never more than the account allows: ${name} saw ${peakInFlight} calls at once, allowed are ${limit}`]
      : []),
    ...(fullUse && peakInFlight < limit
      ? [`P2 exactly the target's pace: ${name} saw at most ${peakInFlight} of ${limit} calls at once`]
      : []),
    ...(fullUse && (useOfLimit ?? 0) < leastUseOfLimit
      ? [`P2 exactly the target's pace: ${useOfLimit ?? 0} of the limit of ${name} was used, ${leastUseOfLimit} is the least`]
      : []),
    ...(longestRecoverySeconds !== undefined && (recoverySeconds ?? 0) > longestRecoverySeconds
      ? [
          `P3 an outage costs nothing but time: ${name} was back for ${recoverySeconds} s before a call, at most ${longestRecoverySeconds} s`,
        ]
      : []),
  ]);

const listed = (units: readonly FailedUnit[]): string =>
  units.length === 0 ? 'nothing' : units.map(({ reason, field }) => (field === null ? reason : `${reason} (${field})`)).join(', ');

const judgeBins = (report: Report, { failed }: Expectations): string[] =>
  report.destinations.flatMap((destination) => {
    const [is, wanted] = [listed(destination.failed), listed(failed[destination.name] ?? [])];
    return is === wanted ? [] : [`P4 a bad record goes to the error bin: at ${destination.name} it holds ${is}, and should hold ${wanted}`];
  });

export const findBrokenPromises = (report: Report, expected: Expectations): string[] => {
  const missed = expected.kills.filter((target) => !report.kills.some((kill) => kill.target === target && kill.pids.length > 0));
  return [
    ...judgeIdentities(report),
    ...judgeAccounts(report, expected),
    ...judgeBins(report, expected),
    ...(expected.settled ? [] : ['B1 every record ends somewhere: there was still work at the end, and nothing moved any more']),
    ...(report.kubectlCaughtUpSeconds === null ? ['P7 the truth in kubectl get: it did not come to say the same as the books'] : []),
    ...whenAny(missed, 'the run proves too little: these were to be killed and were not'),
  ];
};
