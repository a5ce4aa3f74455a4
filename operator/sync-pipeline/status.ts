/** The status of a SyncPipeline. Pure. A figure that could not be read is absent. */
import type { SyncPipelineStatus } from '../../crds/schema/sync-pipeline.ts';
import { effectiveSyncPipeline } from '../../crds/schema/effective.ts';
import { findCondition, mergeConditions, wholeSeconds } from '../engine/conditions.ts';
import type { Condition } from '../engine/conditions.ts';
import type { Pace } from '../engine/status-pace.ts';
import { conditionFacts, isReady } from './conditions.ts';
import type { Known } from './conditions.ts';
import { rollingOut } from './data-plane.ts';
import { defined, destinationStatus } from './figures.ts';

export function pipelineStatus(known: Known & { deliveredPerMinute: number | undefined }): SyncPipelineStatus {
  const { observed, now } = known;
  const { pipeline } = observed;
  const conditions = mergeConditions(pipeline.status.conditions ?? [], conditionFacts(known), { generation: pipeline.generation, now });
  const runningGeneration = runningGenerationOf(known);
  return {
    observedGeneration: pipeline.generation,
    ...defined({ runningGeneration }),
    phase: phaseOf(known, conditions),
    ...defined({ message: messageOf(conditions) }),
    ...figureFields(known),
    ...(pipeline.spec === undefined ? {} : { effective: effectiveSyncPipeline(pipeline.spec) }),
    conditions,
  };
}

/** What only moves, and what somebody waits for. */
export const statusPace: Pace<SyncPipelineStatus> = {
  figures: ({ captured, lag, oldestPendingTime, held, failed, deliveredPerMinute, destinations }) => ({
    captured,
    lag,
    oldestPendingTime,
    held,
    failed,
    deliveredPerMinute,
    destinations,
  }),
  matters: ({ observedGeneration, runningGeneration, phase, message, effective, summary, conditions, captured }) => ({
    observedGeneration,
    runningGeneration,
    phase,
    message,
    effective,
    summary,
    conditions,
    // Figures that come or go altogether, with the connection to NATS.
    hasFigures: captured !== undefined,
  }),
  observedAt: ({ observedAt }) => observedAt,
  figuresEveryMs: 5_000,
};

/** The generation that the pods run: the newest that came up completely. */
function runningGenerationOf(known: Known): number | undefined {
  const { observed, plan } = known;
  if (isReady(known)) return observed.pipeline.generation;
  // A refused spec leaves the last good configuration running; a rollout, the one before it.
  return plan.file === undefined ? undefined : observed.pipeline.status.runningGeneration;
}

function figureFields(known: Known & { deliveredPerMinute: number | undefined }): SyncPipelineStatus {
  const { figures, observed, plan, live, now, deliveredPerMinute } = known;
  if (figures === undefined || plan.file === undefined) return {};
  const { captured, lag, oldestPendingTime, held, failed } = figures;
  const hasStarted = observed.pipeline.status.runningGeneration !== undefined || isReady(known);
  const { running } = plan.file;
  const starting = new Set(hasStarted ? [] : rollingOut(observed, plan.file).map(({ connector }) => connector));
  const destinations = figures.destinations.map((destination) => destinationStatus(destination, { running, starting, live }));
  const delivering = destinations.filter(({ state }) => state === 'Delivering').length;
  return {
    observedAt: wholeSeconds(now),
    ...defined({ captured, lag, oldestPendingTime, held, failed, deliveredPerMinute }),
    destinations,
    summary: { destinations: `${delivering}/${destinations.length}` },
  };
}

function phaseOf({ observed, plan, figures }: Known, conditions: readonly Condition[]): NonNullable<SyncPipelineStatus['phase']> {
  const has = (type: string, reason: string): boolean => findCondition(conditions, type)?.reason === reason;
  if (plan.verdict.kind === 'invalid') return 'Invalid';
  const { file } = plan;
  const hasRun = observed.pipeline.status.runningGeneration !== undefined && observed.config?.isOurs === true;
  if (file === undefined || !(hasRun || findCondition(conditions, 'Ready')?.status === 'True')) return 'Starting';
  if (file.running.destinations.every(({ suspended }) => suspended)) return 'Suspended';
  if (has('BufferAvailable', 'Full')) return 'BufferFull';
  return has('TargetReachable', 'CircuitOpen') && figures !== undefined ? 'TargetDown' : 'Running';
}

/** What a person should know now: the first that is not as it should be. */
function messageOf(conditions: readonly Condition[]): string | undefined {
  const wrong = conditions.find(({ type, status, reason }) => {
    if (type === 'Stalled' || type === 'Reconciling') return status === 'True';
    return ['TargetReachable', 'BufferAvailable'].includes(type) && (status === 'False' || reason === 'FillingUp');
  });
  return wrong?.message;
}
