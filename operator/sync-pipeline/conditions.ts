/** The conditions of a SyncPipeline. Pure. Their texts hold no figures and no times, so that they do not flap. */
import type { ConnectorLive } from '../../runtime/contract/config.ts';
import type { SyncPipelineStatus } from '../../crds/schema/sync-pipeline.ts';
import { durationMs } from '../../runtime/contract/schema-fields.ts';
import { findCondition, progressConditions } from '../engine/conditions.ts';
import type { ConditionFact, Progress } from '../engine/conditions.ts';
import { podTrouble } from '../data-plane/pod-trouble.ts';
import { targetReachable } from '../data-plane/live-figures.ts';
import { describePurposes, isInPlace, missingDeployments, rollingOut } from './data-plane.ts';
import type { Figures } from './figures.ts';
import type { BufferObservation, InstallFacts, Observed, PipelinePlan } from './plan.ts';

export interface Known {
  readonly observed: Observed;
  readonly plan: PipelinePlan;
  /** The action that failed, if one did. */
  readonly failure: { readonly reason: string; readonly message: string } | undefined;
  readonly figures: Figures | undefined;
  /** Fresh reports of the pods of the Connectors that are destinations. */
  readonly live: ReadonlyMap<string, readonly ConnectorLive[]>;
  readonly now: number;
}

export function conditionFacts(known: Known): ConditionFact[] {
  const { observed, plan, live, figures } = known;
  return [
    ...progressConditions(progressOf(known)),
    configValid(plan),
    targetReachable(live),
    bufferAvailable(observed.buffer, { before: observed.pipeline.status, figures }),
    bufferDurable(observed.install),
  ];
}

/** The spec is accepted and its pods run it. */
export function isReady({ observed, plan, failure }: Pick<Known, 'observed' | 'plan' | 'failure'>): boolean {
  const { file, verdict } = plan;
  const isConfigWritten = failure === undefined || observed.config?.file?.running.generation === file?.running.generation;
  return (
    verdict.kind === 'accepted' &&
    file?.running.generation === observed.pipeline.generation &&
    isConfigWritten &&
    observed.config?.isOurs === true &&
    isInPlace(observed, file)
  );
}

function progressOf(known: Known): Progress {
  const { verdict } = known.plan;
  const inPlace = isReady(known);
  const ready = { reason: 'InPlace', message: 'The pods run what the spec says.' };
  if (verdict.kind === 'invalid') return { inPlace: false, stalled: verdict, ready };
  const underway = underwayOf(known, inPlace);
  return { inPlace, ready, ...(underway === undefined ? {} : { underway }) };
}

function underwayOf({ observed, plan, failure, now }: Known, inPlace: boolean): { reason: string; message: string } | undefined {
  const { verdict, file } = plan;
  if (verdict.kind === 'waiting') return { reason: verdict.reason, message: verdict.message };
  if (observed.buffer.kind === 'unreachable') return { reason: 'NatsUnreachable', message: observed.buffer.message };
  if (failure !== undefined) return failure;
  const trouble = podTrouble(observed.pods, now);
  if (trouble !== undefined) return trouble;
  if (inPlace || file === undefined) return undefined;
  const missing = missingDeployments(observed, file);
  if (missing.length > 0)
    return { reason: 'DeploymentsMissing', message: `Waits for the pods of ${describePurposes(missing)} to be made.` };
  const rolling = rollingOut(observed, file);
  return { reason: 'RollingOut', message: `Waits for the new pods of ${describePurposes(rolling)} to be ready.` };
}

function configValid({ verdict }: PipelinePlan): ConditionFact {
  const type = 'ConfigValid';
  if (verdict.kind === 'accepted') return { type, status: 'True', reason: 'Accepted', message: verdict.message };
  return { type, status: 'False', reason: verdict.reason, message: verdict.message };
}

const fillingUpFrom = 0.7;
/** Below this it counts as available again. */
const fillingUpUntil = 0.65;
const fullFrom = 0.99;

function bufferAvailable(
  buffer: BufferObservation,
  { before, figures }: { before: SyncPipelineStatus; figures: Figures | undefined },
): ConditionFact {
  const type = 'BufferAvailable';
  const unknown = (message: string): ConditionFact => ({ type, status: 'Unknown', reason: 'NotObserved', message });
  if (buffer.kind === 'unreachable') return unknown(buffer.message);
  if (buffer.capture === undefined) return unknown('There is no capture stream yet.');
  const { bytes, maxBytes } = buffer.capture;
  const used = maxBytes > 0 ? bytes / maxBytes : 0;
  if (used >= fullFrom) {
    const message = `The buffer is full: senders are answered 503.${heldBy(figures)} Make capture.maxBytes larger.`;
    return { type, status: 'False', reason: 'Full', message };
  }
  const wasFilling = ['FillingUp', 'Full'].includes(findCondition(before.conditions ?? [], type)?.reason ?? '');
  if (used >= fillingUpFrom || (wasFilling && used >= fillingUpUntil)) {
    const message = `Most of capture.maxBytes is used: when it is full, senders are answered 503.${heldBy(figures)}`;
    return { type, status: 'True', reason: 'FillingUp', message };
  }
  return { type, status: 'True', reason: 'Available', message: 'There is room for more records.' };
}

/** The destination that is furthest behind holds the buffer. */
function heldBy(figures: Figures | undefined): string {
  const behind = figures?.destinations.filter(({ isOrphan, lag }) => !isOrphan && (lag ?? 0) > 0) ?? [];
  const [furthest] = behind.toSorted((a, b) => (b.lag ?? 0) - (a.lag ?? 0) || (a.name < b.name ? -1 : 1));
  return furthest === undefined ? '' : ` Furthest behind is destination ${furthest.name}.`;
}

/** What is acknowledged survives a crash of a server, or does not. */
function bufferDurable({ streamReplicas, natsSyncInterval }: InstallFacts): ConditionFact {
  const type = 'BufferDurable';
  if (streamReplicas > 1) {
    return { type, status: 'True', reason: 'Replicated', message: `Records are acknowledged by a majority of ${streamReplicas} servers.` };
  }
  if (natsSyncInterval === 'always') {
    return { type, status: 'True', reason: 'SyncedOnAcknowledge', message: 'Records are on disk before they are acknowledged.' };
  }
  if (natsSyncInterval === undefined) {
    const message =
      'There is one copy of each record, and nothing says how often NATS syncs it to disk: set natsSyncInterval of the install.';
    return { type, status: 'Unknown', reason: 'SyncIntervalUnknown', message };
  }
  const seconds = durationMs(natsSyncInterval) / 1000;
  const message = `There is one copy of each record, synced to disk every ${seconds} s: a crash of its machine may lose what was acknowledged since. Use 3 stream replicas, or sync_interval always.`;
  return { type, status: 'False', reason: 'OneUnsyncedCopy', message };
}
