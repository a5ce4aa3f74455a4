/** What the generator measures, and what is made of it: medians with their spread, ratios of the rounds, and the aims. Pure. */
import { z } from 'zod';

const phaseResult = z.strictObject({
  /** Answers 200, and the others. */
  good: z.number(),
  bad: z.number(),
  totalMs: z.number(),
  perSecond: z.number(),
  p50Ms: z.number(),
  p99Ms: z.number(),
  maxMs: z.number(),
  /** Seconds of CPU for a thousand webhooks: of the application, and of its store where it has one. */
  appCpuPer1000: z.number(),
  storeCpuPer1000: z.number(),
});
export type PhaseResult = z.infer<typeof phaseResult>;

export const loadResult = z.strictObject({
  warmUp: z.strictObject({ good: z.number(), bad: z.number() }),
  burst: phaseResult,
  sustained: phaseResult,
});
type LoadResult = z.infer<typeof loadResult>;

export const sideNames = ['bare', 'lean', 'ours', 'bullmq'] as const;
export type SideName = (typeof sideNames)[number];

export const sideTitles: Readonly<Record<SideName, string>> = {
  bare: 'bare node:http, stores nothing',
  lean: 'node:http + JetStream, nothing parsed',
  ours: 'Peppasync ingest',
  bullmq: 'node:http + BullMQ queue.add',
};

export interface SideRun extends LoadResult {
  readonly side: SideName;
  readonly round: number;
  readonly appPeakMB: number;
  /** Absent: it has no store. */
  readonly storePeakMB?: number;
  /** Records that the store holds afterwards. */
  readonly stored?: number;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = low] = sorted.length % 2 === 1 ? sorted.slice(middle, middle + 1) : sorted.slice(middle - 1, middle + 1);
  return { median: (low + high) / 2, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

export type Figure = (run: SideRun) => number;

/** Of each round one ratio, so that what slows the whole machine for a while falls out. */
export function ratiosOf(runs: readonly SideRun[], sides: { over: SideName; under: SideName }, figure: Figure): number[] {
  return runs
    .filter(({ side }) => side === sides.over)
    .flatMap((over) =>
      runs.filter(({ side, round }) => side === sides.under && round === over.round).map((under) => figure(over) / figure(under)),
    );
}

export interface Aim {
  readonly name: string;
  readonly aim: string;
  /** Absent: the peer did not run. */
  readonly ratio?: Spread;
  readonly verdict: 'met' | 'missed' | 'absent';
}

const rate: Figure = ({ sustained }) => sustained.perSecond;
const burstTime: Figure = ({ burst }) => burst.totalMs;

const aims = [
  { name: 'sustained rate, ours / lean', under: 'lean', figure: rate, aim: '>= 0.6', isMet: (ratio: number) => ratio >= 0.6 },
  { name: 'time of the burst, ours / lean', under: 'lean', figure: burstTime, aim: '<= 1.6', isMet: (ratio: number) => ratio <= 1.6 },
  { name: 'sustained rate, ours / BullMQ', under: 'bullmq', figure: rate, aim: '> 1', isMet: (ratio: number) => ratio > 1 },
  { name: 'time of the burst, ours / BullMQ', under: 'bullmq', figure: burstTime, aim: '< 1', isMet: (ratio: number) => ratio < 1 },
] as const;

/** An aim is judged by the median of the rounds. */
export function judge(runs: readonly SideRun[]): Aim[] {
  return aims.map(({ name, under, figure, aim, isMet }) => {
    const ratios = ratiosOf(runs, { over: 'ours', under }, figure);
    if (ratios.length === 0) return { name, aim, verdict: 'absent' };
    const ratio = spreadOf(ratios);
    return { name, aim, ratio, verdict: isMet(ratio.median) ? 'met' : 'missed' };
  });
}

/** What makes a run no measurement: bad answers, or a store that does not hold what was answered 200. */
export function faultsOf({ side, round, warmUp, burst, sustained, stored }: SideRun): string[] {
  const at = `${side}, round ${round}`;
  const bad = warmUp.bad + burst.bad + sustained.bad;
  const good = warmUp.good + burst.good + sustained.good;
  return [
    ...(bad === 0 ? [] : [`${at}: ${bad} webhooks were not answered 200`]),
    ...(stored === undefined || stored === good ? [] : [`${at}: ${good} were answered 200, ${stored} are stored`]),
  ];
}
