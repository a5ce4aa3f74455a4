/** The events of a change of status. Pure. `change` tells one change from another that reads alike. */
import type { SyncPipelineStatus } from '../../crds/schema/sync-pipeline.ts';
import { findCondition } from '../engine/conditions.ts';
import { circuitEvents } from '../data-plane/circuit-events.ts';
import type { EventFact } from '../kubernetes/events.ts';
import type { PipelinePlan } from './plan.ts';
import type { PipelineResource } from './resource.ts';
import type { Figures } from './figures.ts';

interface Change {
  readonly before: SyncPipelineStatus;
  readonly after: SyncPipelineStatus;
}

export function pipelineEvents(pipeline: PipelineResource, plan: PipelinePlan, after: SyncPipelineStatus): EventFact[] {
  const change = { before: pipeline.status, after };
  return [
    ...(plan.adopts ? [adopted(pipeline)] : []),
    ...configEvents(pipeline, plan, change),
    ...circuitEvents(change.before.conditions, after.conditions),
    ...bufferEvents(change),
  ];
}

function adopted({ uid }: PipelineResource): EventFact {
  const message = 'The streams of an earlier pipeline of this name are taken over, with what they hold.';
  return { type: 'Normal', reason: 'StreamAdopted', message, change: uid };
}

function configEvents({ generation }: PipelineResource, { verdict }: PipelinePlan, { before, after }: Change): EventFact[] {
  const [was, is] = [before, after].map(({ conditions }) => findCondition(conditions ?? [], 'ConfigValid'));
  if (is === undefined) return [];
  const isNews = was?.status !== is.status || was.observedGeneration !== generation || was.reason !== is.reason;
  if (!isNews) return [];
  switch (verdict.kind) {
    case 'accepted':
      return [{ type: 'Normal', reason: 'ConfigApplied', message: `Generation ${generation} is accepted.`, change: String(generation) }];
    case 'invalid':
    case 'waiting':
      return [{ type: 'Warning', reason: 'ConfigRejected', message: verdict.message, change: `${generation} ${verdict.reason}` }];
  }
}

function bufferEvents({ before, after }: Change): EventFact[] {
  const [was, is] = [before, after].map(({ conditions }) => findCondition(conditions ?? [], 'BufferAvailable'));
  const isFilling = is?.reason === 'FillingUp' && was?.reason === 'Available';
  const isFull = is?.reason === 'Full' && was?.reason !== 'Full';
  if (is === undefined || !(isFilling || isFull)) return [];
  return [{ type: 'Warning', reason: 'BufferFillingUp', message: is.message, change: `${is.reason} ${before.observedAt ?? ''}` }];
}

/** How many units had failed, by destination and reason, when it was last told. */
export interface FailedMemory {
  readonly toldAt: number;
  readonly counts: ReadonlyMap<string, number>;
}

const tellAgainAfterMs = 60_000;
const shownReasons = 3;

/**
 * RecordsFailed, at most once a minute: what failed since it was last told.
 * @param memory undefined at the start of the operator: what the status shows already was told by the one before
 */
export function failedEvent(
  memory: FailedMemory | undefined,
  figures: Figures | undefined,
  { before, now }: { before: SyncPipelineStatus; now: number },
): { memory: FailedMemory | undefined; event: EventFact | undefined } {
  const counts = figures === undefined ? undefined : failedCounts(figures);
  if (counts === undefined) return { memory, event: undefined };
  const known = memory ?? { toldAt: -Infinity, counts: before.failed === undefined ? new Map<string, number>() : counts };
  const news = [...counts]
    .map(([reason, count]) => ({ reason, more: count - (known.counts.get(reason) ?? 0) }))
    .filter(({ more }) => more > 0);
  if (news.length === 0) return { memory: { toldAt: known.toldAt, counts }, event: undefined };
  if (now - known.toldAt < tellAgainAfterMs) return { memory: known, event: undefined };
  const shown = news.toSorted((a, b) => b.more - a.more || (a.reason < b.reason ? -1 : 1)).slice(0, shownReasons);
  const message = shown.map(({ reason, more }) => `${more} ${more === 1 ? 'record' : 'records'}, ${reason}`).join('; ');
  const total = [...counts.values()].reduce((all, count) => all + count, 0);
  const event: EventFact = { type: 'Warning', reason: 'RecordsFailed', message, change: `${total} ${message}` };
  return { memory: { toldAt: now, counts }, event };
}

function failedCounts({ destinations }: Figures): Map<string, number> | undefined {
  if (destinations.some(({ counters, isOrphan }) => counters === undefined && !isOrphan)) return undefined;
  return new Map(
    destinations.flatMap(({ name, counters }) =>
      Object.entries(counters?.failedBy ?? {}).map(([reason, count]): [string, number] => [`${describeReason(reason)} at ${name}`, count]),
    ),
  );
}

/** Journals write `reason|field`. */
function describeReason(reason: string): string {
  const [name = reason, field] = reason.split('|');
  return field === undefined ? name : `${name} (${field})`;
}
