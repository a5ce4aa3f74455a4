/** Reads once all that a reconcile of a Connector decides about. */
import type { PipelineFile } from '../../runtime/contract/config.ts';
import { connectorConfigMap, serviceName } from '../../runtime/contract/names.ts';
import { RetryableError } from '../engine/errors.ts';
import { connectorsOf } from '../data-plane/config-maps.ts';
import type { DeploymentFacts } from '../data-plane/deployment-facts.ts';
import { checksumOf } from '../data-plane/labels.ts';
import type { JetStream } from '../jetstream/connection.ts';
import { describeTrouble } from '../jetstream/errors.ts';
import { readLive } from '../jetstream/live.ts';
import { isOwnedBy, keyOf } from '../kubernetes/objects.ts';
import type { World } from '../world.ts';
import type { LiveObservation, ObservedConnector, UsingPipeline, WorkloadFacts } from './plan.ts';
import { accountIdentity } from './resource.ts';
import type { ConnectorResource } from './resource.ts';

export interface ObserveConnectorParts {
  readonly world: World;
  /** @throws NatsUnavailableError */
  readonly jetStream: () => JetStream;
  readonly workload: WorkloadFacts;
}

export async function observeConnector(
  connector: ConnectorResource,
  { world, jetStream, workload }: ObserveConnectorParts,
  signal: AbortSignal,
): Promise<ObservedConnector> {
  const { namespace, name, uid } = connector;
  const configMap = world.configMaps.get(keyOf({ namespace, name: connectorConfigMap(name) }));
  const deployments = world.deployments
    .values()
    .filter((facts) => facts !== undefined)
    .filter((facts) => facts.namespace === namespace && facts.connector === name && isOwnedBy(facts.object, uid));
  const service = world.services.get(keyOf({ namespace, name: serviceName(name) }));
  const pods = world.pods.values().flatMap((pod) => (pod?.namespace === namespace && pod.facts.connector === name ? [pod.facts] : []));
  return {
    connector,
    ...rivalsOf(connector, world),
    using: pipelinesUsing(connector, world),
    awaited: awaitedBy(connector, world, deployments),
    config: configMap === undefined ? undefined : { object: configMap.object, file: configMap.connectorFile },
    deployments,
    service: service !== undefined && isOwnedBy(service, uid) ? service : undefined,
    pods,
    live: await observeLive(connector, { jetStream, install: workload.install }, signal),
    workload,
  };
}

/** L1: an account belongs to one Connector of all that this install watches. */
function rivalsOf(connector: ConnectorResource, { connectors }: World): { rivals: string[]; isYounger: boolean } {
  const identity = accountIdentity(connector.spec);
  if (identity === undefined) return { rivals: [], isYounger: false };
  const others = connectors
    .values()
    .filter(({ uid, isDeleting, spec }) => uid !== connector.uid && !isDeleting && accountIdentity(spec) === identity)
    .toSorted(byAge);
  return { rivals: others.map(keyOf), isYounger: others.some((other) => byAge(other, connector) < 0) };
}

function byAge(a: ConnectorResource, b: ConnectorResource): number {
  return a.createdAt - b.createdAt || (keyOf(a) < keyOf(b) ? -1 : 1);
}

function pipelinesUsing(connector: ConnectorResource, world: World): UsingPipeline[] {
  const found = configuredPipelines(connector.namespace, world).flatMap(({ name, file }) => {
    const roles = connectorsOf(file.running).flatMap((purpose) => (purpose.connector === connector.name ? [purpose.role] : []));
    return roles.length === 0 ? [] : [{ name, file, roles }];
  });
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** Pipelines that exist and that running pods were told of, but whose configuration is not there just now. */
function awaitedBy({ namespace }: ConnectorResource, world: World, deployments: readonly DeploymentFacts[]): string[] {
  const configured = new Set(configuredPipelines(namespace, world).map(({ name }) => name));
  return world.pipelines
    .values()
    .filter((pipeline) => pipeline.namespace === namespace && !pipeline.isDeleting && !configured.has(pipeline.name))
    .map(({ name }) => name)
    .filter((name) => deployments.some(({ checksums }) => checksums[checksumOf.pipeline(name)] !== undefined))
    .toSorted();
}

/** Pipelines of a namespace that exist and have a configuration of their own, not one of a deleted namesake. */
function configuredPipelines(namespace: string, { configMaps, pipelines }: World): { name: string; file: PipelineFile }[] {
  return configMaps.values().flatMap(({ object, pipeline: name, pipelineFile: file }) => {
    if (name === undefined || file === undefined || object.metadata.namespace !== namespace) return [];
    const pipeline = pipelines.get(keyOf({ namespace, name }));
    return pipeline === undefined || pipeline.isDeleting || !isOwnedBy(object, pipeline.uid) ? [] : [{ name, file }];
  });
}

async function observeLive(
  connector: ConnectorResource,
  { jetStream, install }: { jetStream: () => JetStream; install: string },
  signal: AbortSignal,
): Promise<LiveObservation> {
  try {
    return { kind: 'observed', reports: (await readLive(jetStream(), { install, connector }, signal)) ?? [] };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof RetryableError)) throw error;
    return { kind: 'unreachable', message: describeTrouble(error) };
  }
}
