/** One reconcile of a Connector: observe, decide, execute, status, outcome. */
import type { ConnectorStatus } from '../../crds/schema/connector.ts';
import { TerminalError } from '../engine/errors.ts';
import type { Outcome } from '../engine/outcome.ts';
import { statusWrite } from '../engine/status-pace.ts';
import { readConfigMap } from '../data-plane/config-maps.ts';
import { deploymentFacts } from '../data-plane/deployment-facts.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import type { EventWriter } from '../kubernetes/events.ts';
import { apiVersionOf, resourceTypes } from '../kubernetes/objects.ts';
import type { KubernetesObject } from '../kubernetes/objects.ts';
import { versioned } from '../kubernetes/watch-source.ts';
import type { JetStream } from '../jetstream/connection.ts';
import type { World } from '../world.ts';
import { decideConnector, usedAs } from './decide.ts';
import { executeConnector } from './execute.ts';
import type { ConnectorActionFailure, ConnectorEffects } from './execute.ts';
import { observeConnector } from './observe.ts';
import type { ObservedConnector, WorkloadFacts } from './plan.ts';
import { readConnector } from './resource.ts';
import type { ConnectorResource } from './resource.ts';
import { connectorEvents, connectorStatusPace, renderConnectorStatus } from './status.ts';

export interface ConnectorReconcilerParts {
  readonly world: World;
  readonly kubernetes: KubernetesClient;
  readonly events: EventWriter;
  /** @throws NatsUnavailableError */
  readonly jetStream: () => JetStream;
  readonly workload: WorkloadFacts;
  /** Epoch ms. */
  readonly now: () => number;
}

/** What pods report is read this often while there are some. */
const sampleEveryMs = 5_000;
/** After actions the world is looked at again soon. */
const lookAgainMs = 250;

export async function reconcileConnector(key: string, parts: ConnectorReconcilerParts, signal: AbortSignal): Promise<Outcome> {
  const { world, kubernetes, events, now } = parts;
  const connector = world.connectors.get(key);
  if (connector === undefined || connector.isDeleting) return { kind: 'done' };
  const observed = await observeConnector(connector, parts, signal);
  const plan = decideConnector(observed);
  const failure = await executeConnector(plan.actions, { kubernetes, absorb: absorber(world) }, signal);
  const known = { observed, plan, failure: failure === undefined ? undefined : describe(failure), now: now() };
  const status = renderConnectorStatus(known);
  // Events come before the status from which they are computed: what a crash in between repeats has the same names.
  let eventFailure: { error: unknown } | undefined;
  try {
    for (const fact of connectorEvents(known, status)) await events.write({ ...connector, type: resourceTypes.connector }, fact, signal);
  } catch (error) {
    eventFailure = { error }; // The status must not wait for it.
  }
  const figuresDueMs = await writeStatus(connector, { status, parts }, signal);
  if (failure !== undefined) throw failure.error;
  if (eventFailure !== undefined) throw eventFailure.error;
  if (plan.actions.length > 0) return { kind: 'again', afterMs: lookAgainMs };
  return outcomeOf(observed, figuresDueMs);
}

function absorber({ configMaps, deployments, services }: World): ConnectorEffects['absorb'] {
  return (type, object: KubernetesObject) => {
    switch (type) {
      case 'configMap':
        return configMaps.absorb(versioned(object, readConfigMap));
      case 'deployment':
        return deployments.absorb(versioned(object, deploymentFacts));
      case 'service':
        return services.absorb(versioned(object, (service) => service));
    }
  };
}

function describe({ action, error }: ConnectorActionFailure): { reason: string; message: string } {
  const reason = error instanceof TerminalError ? error.reason : action.kind === 'apply' ? 'ObjectNotWritten' : 'ObjectNotRemoved';
  return { reason, message: error instanceof Error ? error.message : 'It failed.' };
}

/** When figures that it is too early to write are due; undefined when nothing is. */
async function writeStatus(
  connector: ConnectorResource,
  { status, parts }: { status: ConnectorStatus; parts: ConnectorReconcilerParts },
  signal: AbortSignal,
): Promise<number | undefined> {
  const { kubernetes, world, now } = parts;
  const write = statusWrite(connector.status, status, { pace: connectorStatusPace, now: now() });
  if (write.kind === 'later') return write.afterMs;
  if (write.kind === 'none') return undefined;
  const type = resourceTypes.connector;
  const { namespace, name, uid } = connector;
  const object = { apiVersion: apiVersionOf(type), kind: type.kind, metadata: { namespace, name, uid }, status };
  world.connectors.absorb(versioned(await kubernetes.applyStatus(type, object, signal), readConnector));
  return undefined;
}

function outcomeOf({ using, pods }: ObservedConnector, figuresDueMs: number | undefined): Outcome {
  const hasFigures = usedAs('deliver', using).length > 0;
  const isComingUp = pods.some(({ isReady }) => !isReady);
  if (!hasFigures && !isComingUp) return { kind: 'done' };
  return { kind: 'again', afterMs: Math.min(figuresDueMs ?? sampleEveryMs, sampleEveryMs) };
}
