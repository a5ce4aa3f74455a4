/** The status of a Connector: its conditions, figures and events. Pure. */
import type { ConnectorStatus } from '../../crds/schema/connector.ts';
import { effectiveConnector } from '../../crds/schema/effective.ts';
import type { ConnectorLive } from '../../runtime/contract/config.ts';
import { findCondition, mergeConditions, progressConditions, wholeSeconds } from '../engine/conditions.ts';
import type { ConditionFact, Progress } from '../engine/conditions.ts';
import type { Pace } from '../engine/status-pace.ts';
import { circuitEvents } from '../data-plane/circuit-events.ts';
import { connectorChecksum } from '../data-plane/config-maps.ts';
import { checksumOf } from '../data-plane/labels.ts';
import { freshReports, targetReachable } from '../data-plane/live-figures.ts';
import { podTrouble } from '../data-plane/pod-trouble.ts';
import type { EventFact } from '../kubernetes/events.ts';
import { usedAs } from './decide.ts';
import type { ConnectorPlan, ObservedConnector } from './plan.ts';
import { webhookEndpoint } from './render-service.ts';

export interface KnownConnector {
  readonly observed: ObservedConnector;
  readonly plan: ConnectorPlan;
  /** The action that failed, if one did. */
  readonly failure: { readonly reason: string; readonly message: string } | undefined;
  readonly now: number;
}

const roles = ['ingest', 'deliver'] as const;

export function renderConnectorStatus(known: KnownConnector): ConnectorStatus {
  const { observed, plan, now } = known;
  const { connector, using, live } = observed;
  const reports = live.kind === 'observed' ? freshReports(live.reports, now) : [];
  const runningGeneration = runningGenerationOf(known);
  return {
    observedGeneration: connector.generation,
    ...(runningGeneration === undefined ? {} : { runningGeneration }),
    ...figuresOf(reports, now),
    ...(usedAs('ingest', using).length > 0 && plan.file !== undefined ? { endpoint: webhookEndpoint(connector) } : {}),
    ...(connector.spec === undefined ? {} : { effective: effectiveConnector(connector.spec) }),
    summary: { replicas: roles.map((role) => replicasOf(role, observed)).join('+') },
    conditions: mergeConditions(connector.status.conditions ?? [], conditionFacts(known, reports), {
      generation: connector.generation,
      now,
    }),
  };
}

export const connectorStatusPace: Pace<ConnectorStatus> = {
  figures: ({ inUse, limit }) => ({ inUse, limit }),
  matters: ({ observedGeneration, runningGeneration, circuit, endpoint, effective, summary, conditions, limit }) => ({
    observedGeneration,
    runningGeneration,
    circuit,
    endpoint,
    effective,
    summary,
    conditions,
    // Figures that come or go altogether, with the pods.
    hasFigures: limit !== undefined,
  }),
  observedAt: ({ observedAt }) => observedAt,
  figuresEveryMs: 5_000,
};

function figuresOf(reports: readonly ConnectorLive[], now: number): ConnectorStatus {
  // One deliver pod a Connector: an older report is of a pod that is gone.
  const [newest] = reports.toSorted((a, b) => b.at - a.at);
  if (newest === undefined) return {};
  const has = (circuit: ConnectorLive['circuit']): boolean => reports.some((report) => report.circuit === circuit);
  return {
    circuit: has('Open') ? 'Open' : has('Probing') ? 'Probing' : 'Closed',
    inUse: newest.inUse,
    limit: newest.limit,
    observedAt: wholeSeconds(now),
  };
}

function replicasOf(role: 'ingest' | 'deliver', { deployments }: ObservedConnector): string {
  const deployment = deployments.find((other) => other.role === role);
  return deployment === undefined ? '0/0' : `${deployment.ready}/${deployment.wanted}`;
}

function runningGenerationOf(known: KnownConnector): number | undefined {
  const { connector } = known.observed;
  if (isReady(known)) return connector.generation;
  return known.plan.file === undefined ? undefined : connector.status.runningGeneration;
}

/** Accepted, and the pods of every role in use have come up with this generation. */
function isReady({ observed, plan }: KnownConnector): boolean {
  const { connector, using, deployments, config } = observed;
  const { file, verdict } = plan;
  if (verdict.kind !== 'accepted' || file === undefined || config?.file?.generation !== file.generation) return false;
  return roles
    .filter((role) => usedAs(role, using).length > 0)
    .every((role) => {
      const deployment = deployments.find((other) => other.role === role);
      if (deployment?.checksums[checksumOf.connector] !== connectorChecksum(file, role)) return false;
      return deployment.rolledOut || cameUpBefore(connector);
    });
}

/** What has come up once stays in place while a pipeline's change rolls the same pods. */
function cameUpBefore({ status, generation }: ObservedConnector['connector']): boolean {
  const ready = findCondition(status.conditions ?? [], 'Ready');
  return status.runningGeneration === generation && ready?.status === 'True' && ready.reason === 'InPlace';
}

function conditionFacts(known: KnownConnector, reports: readonly ConnectorLive[]): ConditionFact[] {
  const { observed, plan } = known;
  const { connector, rivals, using } = observed;
  const isTarget = usedAs('deliver', using).length > 0;
  return [
    ...progressConditions(progressOf(known)),
    configValid(plan),
    accountExclusive(rivals),
    ...(isTarget ? [targetReachable(new Map([[connector.name, reports]])), credentialsValid(reports)] : []),
  ];
}

function progressOf(known: KnownConnector): Progress {
  const { observed, plan } = known;
  const inPlace = isReady(known);
  const isUsed = observed.using.length > 0;
  const ready = isUsed
    ? { reason: 'InPlace', message: 'The pods run what the spec says.' }
    : { reason: 'NotUsed', message: 'No pipeline uses it yet, so it has no pods.' };
  if (plan.verdict.kind === 'invalid') return { inPlace: false, stalled: plan.verdict, ready };
  const underway = underwayOf(known, inPlace);
  return { inPlace, ready, ...(underway === undefined ? {} : { underway }) };
}

function underwayOf({ observed, failure, now }: KnownConnector, inPlace: boolean): { reason: string; message: string } | undefined {
  const { awaited, live, pods, using } = observed;
  if (failure !== undefined) return failure;
  if (live.kind === 'unreachable' && usedAs('deliver', using).length > 0) return { reason: 'NatsUnreachable', message: live.message };
  if (awaited.length > 0) {
    const message = `Waits for the configuration of SyncPipeline ${awaited.join(', ')}; the pods stay as they are.`;
    return { reason: 'WaitingForConfig', message };
  }
  const trouble = podTrouble(pods, now);
  if (trouble !== undefined) return trouble;
  return inPlace ? undefined : { reason: 'RollingOut', message: 'Waits for the new pods to be ready.' };
}

function configValid({ verdict }: ConnectorPlan): ConditionFact {
  const type = 'ConfigValid';
  if (verdict.kind === 'accepted') return { type, status: 'True', reason: 'Accepted', message: 'The spec is accepted.' };
  return { type, status: 'False', reason: verdict.reason, message: verdict.message };
}

/** L1: limits are kept for each account by one Connector. */
function accountExclusive(rivals: readonly string[]): ConditionFact {
  const type = 'AccountExclusive';
  if (rivals.length === 0) {
    return { type, status: 'True', reason: 'OneConnector', message: 'No other Connector stands for this account.' };
  }
  const message = `Connector ${rivals.join(', ')} stands for the same account: only the oldest is run. Delete the others.`;
  return { type, status: 'False', reason: 'SharedAccount', message };
}

function credentialsValid(reports: readonly ConnectorLive[]): ConditionFact {
  const type = 'CredentialsValid';
  if (reports.some(({ credentials }) => credentials === 'Refused')) {
    const message = 'The target refuses the credentials, so calls have stopped. Mend the Secret: they go on by themselves.';
    return { type, status: 'False', reason: 'Refused', message };
  }
  if (reports.some(({ credentials }) => credentials === 'Accepted')) {
    return { type, status: 'True', reason: 'Accepted', message: 'The target accepts the credentials.' };
  }
  return { type, status: 'Unknown', reason: 'NotObserved', message: 'No call has told yet.' };
}

export function connectorEvents({ observed, plan }: KnownConnector, after: ConnectorStatus): EventFact[] {
  const { connector } = observed;
  const before = connector.status;
  return [
    ...configEvents(connector, plan, after),
    ...circuitEvents(before.conditions, after.conditions),
    ...credentialsEvents(before, after),
  ];
}

function configEvents(
  { status: before, generation }: ObservedConnector['connector'],
  { verdict }: ConnectorPlan,
  after: ConnectorStatus,
): EventFact[] {
  const [was, is] = [before, after].map(({ conditions }) => findCondition(conditions ?? [], 'ConfigValid'));
  if (was?.status === is?.status && was?.observedGeneration === generation && was.reason === is?.reason) return [];
  if (verdict.kind === 'accepted') {
    return [{ type: 'Normal', reason: 'ConfigApplied', message: `Generation ${generation} is accepted.`, change: String(generation) }];
  }
  return [{ type: 'Warning', reason: 'ConfigRejected', message: verdict.message, change: `${generation} ${verdict.reason}` }];
}

function credentialsEvents(before: ConnectorStatus, after: ConnectorStatus): EventFact[] {
  const [was, is] = [before, after].map(({ conditions }) => findCondition(conditions ?? [], 'CredentialsValid'));
  if (is?.status !== 'False' || was?.status === 'False') return [];
  return [
    {
      type: 'Warning',
      reason: 'CredentialsRejected',
      message: is.message,
      change: `${was?.status ?? ''} ${was?.lastTransitionTime ?? ''}`,
    },
  ];
}
