/**
 * Figures of a pipeline from its lanes' journals. Pure.
 * B1: what could not be read is absent, never zero: a sum with an unknown part is unknown.
 */
import type { Counters } from '../../runtime/contract/journal.ts';
import type { ConnectorLive, PipelineConfig } from '../../runtime/contract/config.ts';
import { captureSubject } from '../../runtime/contract/names.ts';
import type { DestinationStatus } from '../../crds/schema/sync-pipeline.ts';
import { isDown } from '../data-plane/live-figures.ts';
import type { BufferObservation, LaneObservation } from './plan.ts';

type ObservedBuffer = Extract<BufferObservation, { kind: 'observed' }>;

export interface Figures {
  readonly captured: number | undefined;
  readonly lag: number | undefined;
  readonly oldestPendingTime: string | undefined;
  readonly held: number | undefined;
  readonly failed: number | undefined;
  /** Units delivered since the lanes began, over all destinations. */
  readonly delivered: number | undefined;
  readonly destinations: readonly DestinationFigures[];
}

export interface DestinationFigures {
  readonly name: string;
  /** No longer in the configuration. */
  readonly isOrphan: boolean;
  readonly lag: number | undefined;
  readonly oldestPendingTime: string | undefined;
  readonly counters: DestinationCounters | undefined;
}

type Counted = 'delivered' | 'held' | 'failed' | 'blocked' | 'waiting' | 'retrying';
export type DestinationCounters = Readonly<Record<Counted, number>> & {
  readonly filtered: number;
  readonly failedBy: Readonly<Record<string, number>>;
};

/** Figures of the destinations of `running`, and of those that are gone from it and have work left. */
export function figuresOf(running: PipelineConfig, buffer: ObservedBuffer): Figures {
  const configured = running.destinations.map(({ name }) => destinationFigures(name, { running, buffer, isOrphan: false }));
  const known = new Set(running.destinations.map(({ name }) => name));
  const others = [...new Set(buffer.lanes.map(({ destination }) => destination))].filter((name) => !known.has(name)).toSorted();
  const orphans = others.map((name) => destinationFigures(name, { running, buffer, isOrphan: true })).filter(hasWorkLeft);
  const all = [...configured, ...orphans];
  return {
    captured: buffer.capture === undefined ? undefined : sum([...buffer.capture.counts.values()]),
    // An orphan drains no further: its lag says nothing of how the pipeline goes.
    lag: known.size === 0 ? undefined : largest(configured.map(({ lag }) => lag)),
    oldestPendingTime: earliest(configured.map(({ oldestPendingTime }) => oldestPendingTime)),
    held: sum(all.map(({ counters }) => counters?.held)),
    failed: sum(all.map(({ counters }) => counters?.failed)),
    delivered: sum(configured.map(({ counters }) => counters?.delivered)),
    destinations: all,
  };
}

interface Place {
  readonly running: PipelineConfig;
  readonly buffer: ObservedBuffer;
  readonly isOrphan: boolean;
}

function destinationFigures(name: string, { running, buffer, isOrphan }: Place): DestinationFigures {
  const lanes = buffer.lanes.filter(({ destination }) => destination === name);
  const isComplete = lanes.length >= running.lanes;
  const counters = lanes.map(({ journal }) => journal?.counters);
  return {
    name,
    isOrphan,
    lag: isComplete ? sum(lanes.map((lane) => laneLag(lane, running, buffer))) : undefined,
    oldestPendingTime: earliest(lanes.map(({ oldestPendingAt }) => oldestPendingAt)),
    counters: isComplete ? addCounters(counters) : undefined,
  };
}

/** B1: captured − passed, of the records that were captured since the destination began. */
function laneLag({ lane, journal, skipped }: LaneObservation, running: PipelineConfig, { capture }: ObservedBuffer): number | undefined {
  if (journal === undefined || skipped === undefined || capture === undefined) return undefined;
  const captured = capture.counts.get(captureSubject(running, lane)) ?? 0;
  const lag = captured - skipped - journal.counters.passed;
  return lag < 0 ? undefined : lag; // Books that do not balance are no figure.
}

function addCounters(lanes: readonly (Counters | undefined)[]): DestinationCounters | undefined {
  const known = lanes.filter((lane) => lane !== undefined);
  if (known.length < lanes.length) return undefined;
  const total = (pick: (lane: Counters) => number): number => known.reduce((all, lane) => all + pick(lane), 0);
  const failedBy: Record<string, number> = {};
  for (const lane of known) {
    for (const [reason, count] of Object.entries(lane.failedBy)) failedBy[reason] = (failedBy[reason] ?? 0) + count;
  }
  return {
    delivered: total(({ delivered }) => delivered),
    held: total(({ held }) => held),
    failed: total(({ failed }) => failed),
    blocked: total(({ blocked }) => blocked),
    waiting: total(({ waiting }) => waiting),
    retrying: total(({ retrying }) => retrying),
    filtered: total(({ filtered }) => Object.values(filtered).reduce((all, count) => all + count, 0)),
    failedBy,
  };
}

function hasWorkLeft({ lag, counters }: DestinationFigures): boolean {
  if (lag === undefined || counters === undefined) return true;
  const { held, failed, blocked, waiting, retrying } = counters;
  return lag + held + failed + blocked + waiting + retrying > 0;
}

export interface DestinationState {
  readonly running: PipelineConfig;
  /** Connectors whose deliver pods have never come up with what they are told. */
  readonly starting: ReadonlySet<string>;
  /** Fresh reports of pods, by Connector. */
  readonly live: ReadonlyMap<string, readonly ConnectorLive[]>;
}

export function destinationStatus(figures: DestinationFigures, state: DestinationState): DestinationStatus {
  const { name, lag, oldestPendingTime, counters } = figures;
  return {
    name,
    state: stateOf(figures, state),
    ...defined({ lag, oldestPendingTime }),
    ...(counters === undefined ? {} : visibleCounters(counters)),
  };
}

function visibleCounters(counters: DestinationCounters): Omit<DestinationCounters, 'failedBy'> {
  const { failedBy: _, ...visible } = counters;
  return visible;
}

function stateOf(figures: DestinationFigures, { running, starting, live }: DestinationState): NonNullable<DestinationStatus['state']> {
  const destination = running.destinations.find(({ name }) => name === figures.name);
  if (destination === undefined) return 'Orphaned';
  if (destination.suspended) return 'Suspended';
  if (starting.has(destination.connector)) return 'Starting';
  const reports = live.get(destination.connector) ?? [];
  if (reports.some(isDown)) return 'TargetDown';
  return figures.counters === undefined || reports.length === 0 ? 'Unknown' : 'Delivering';
}

/** The fields that are known. */
export function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> };
export function defined(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function sum(values: readonly (number | undefined)[]): number | undefined {
  let total = 0;
  for (const value of values) {
    if (value === undefined) return undefined;
    total += value;
  }
  return total;
}

function largest(values: readonly (number | undefined)[]): number | undefined {
  let most = 0;
  for (const value of values) {
    if (value === undefined) return undefined;
    most = Math.max(most, value);
  }
  return most;
}

function earliest(times: readonly (string | undefined)[]): string | undefined {
  return times.filter((time) => time !== undefined).toSorted()[0];
}

/** How much had been delivered at a time. */
export interface RateSample {
  readonly at: number;
  readonly delivered: number;
}

const rateWindowMs = 60_000;
const shortestRateMs = 4_000;

/** The samples to keep: those of the last minute. A count that went back is another count, and begins anew. */
export function keepSamples(samples: readonly RateSample[], next: RateSample): RateSample[] {
  const last = samples.at(-1);
  const continues = last === undefined || (last.delivered <= next.delivered && last.at <= next.at);
  const kept = continues ? samples.filter(({ at }) => next.at - at <= rateWindowMs) : [];
  return [...kept, next];
}

/** Units a minute over the kept samples; undefined until they span some time. */
export function perMinute(samples: readonly RateSample[]): number | undefined {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined || last.at - first.at < shortestRateMs) return undefined;
  return Math.round(((last.delivered - first.delivered) * rateWindowMs) / (last.at - first.at));
}
