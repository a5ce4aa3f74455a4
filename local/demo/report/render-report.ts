/** The report as a table for people. */
import type { AccountReport, DestinationReport, KillReport, Report } from './build-report.ts';
import { isFullUseJudged, leastUseOfLimit } from './broken-promises.ts';

type Row = readonly [name: string, value: string];

const seconds = (value: number | null): string => (value === null ? '-' : `${value.toFixed(1)} s`);
const ms = (value: number | null): string => (value === null ? '-' : `${Math.round(value)} ms`);
const listed = (ids: readonly string[]): string => (ids.length === 0 ? 'none' : `${ids.length}: ${ids.slice(0, 3).join(', ')}`);

const counted = (counts: Readonly<Record<string, number>>): string => {
  const present = Object.entries(counts).filter(([, count]) => count > 0);
  return present.length === 0 ? 'none' : present.map(([name, count]) => `${count} ${name}`).join(', ');
};

const destinationRows = (destination: DestinationReport): Row[] => {
  const { name, delivered, filtered, failed, cancelled, superseded, discarded, held, waiting, blocked, retrying } = destination;
  const bin = Object.entries(Object.groupBy(failed, ({ reason, field }) => (field === null ? reason : `${reason} at ${field}`)));
  return [
    [`${name}: delivered`, String(delivered)],
    [`${name}: filtered`, counted(filtered)],
    [`${name}: in the error bin`, bin.length === 0 ? 'none' : bin.map(([label, units]) => `${units?.length ?? 0} ${label}`).join(', ')],
    [`${name}: other states`, counted({ cancelled, superseded, discarded, held, waiting, blocked, retrying })],
  ];
};

const accountRows = (account: AccountReport, isUseJudged: boolean): Row[] => {
  const { name, limit, peakInFlight, refused, calls, callsDuringOutage, useOfLimit, recoverySeconds } = account;
  const aim = isUseJudged ? ` (at least ${leastUseOfLimit * 100} %)` : '';
  const use = useOfLimit === null ? '-' : `${(useOfLimit * 100).toFixed(1)} %${aim}`;
  return [
    [`${name}: calls in flight at most`, `${peakInFlight} of ${limit} allowed`],
    [`${name}: refused for its limit`, String(refused)],
    [`${name}: use of the limit`, use],
    [`${name}: calls`, `${calls}, and ${callsDuringOutage} while it was away`],
    [`${name}: back at work after`, seconds(recoverySeconds)],
  ];
};

const killRow = ({ target, atSeconds, pids, webhooksAcknowledged, webhooksOpen, delivered, callsInFlight }: KillReport): Row => [
  `killed ${target}`,
  `at ${seconds(atSeconds)} (process ${pids.join(', ')}): ${webhooksAcknowledged} webhooks taken, ${webhooksOpen} open, ${delivered} delivered, ${callsInFlight} calls in flight`,
];

const setupRows = ({ setup }: Report): Row[] => {
  const { fromCache, clusterReadySeconds, clusterReadyLimitSeconds, totalSeconds, totalLimitSeconds } = setup;
  const against = (limit: number | null): string =>
    limit === null ? '' : ` (limit ${limit} s${fromCache ? '' : ' from cache; programs were built this time'})`;
  return [
    ['cluster ready after', `${seconds(clusterReadySeconds)}${against(clusterReadyLimitSeconds)}`],
    ['the whole run took', `${seconds(totalSeconds)}${against(totalLimitSeconds)}`],
  ];
};

const rowsOf = (report: Report): Row[] => [
  ['orders, seed', `${report.orders}, ${report.seed}`],
  ['webhooks captured', `${report.captured} (p50 ${ms(report.captureP50Ms)}, p99 ${ms(report.captureP99Ms)})`],
  ['duplicates absorbed', String(report.duplicatesAbsorbed)],
  ...report.destinations.flatMap(destinationRows),
  ...report.accounts.flatMap((account) => accountRows(account, isFullUseJudged(report))),
  [
    'drained in',
    `${seconds(report.drainSeconds)} (${seconds(report.drainSecondsAtLimit)} at the limit, ${seconds(report.outageSeconds)} outage)`,
  ],
  ['lost', listed(report.lost)],
  ['never acknowledged', listed(report.unacknowledged)],
  ['duplicated effects', listed(report.duplicatedEffects)],
  ['out of order', listed(report.outOfOrder)],
  ['overlapping calls', listed(report.overlappingCalls)],
  ['keys wrongly blocked', listed(report.keysWronglyBlocked)],
  ['kubectl told the same after', seconds(report.kubectlCaughtUpSeconds)],
  ...report.kills.map(killRow),
  ...setupRows(report),
];

export const renderReport = (report: Report, broken: readonly string[]): string => {
  const rows = rowsOf(report);
  const width = Math.max(...rows.map(([name]) => name.length));
  const verdict = broken.length === 0 ? ['Every promise was kept.'] : ['Broken promises:', ...broken.map((text) => `  - ${text}`)];
  return [...rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`), '', ...verdict, ''].join('\n');
};
