/** What the pods are told of a pipeline. Pure. */
import { quantityBytes, durationMs } from '../../runtime/contract/schema-fields.ts';
import type { PipelineConfig, PipelineFile } from '../../runtime/contract/config.ts';
import { configMapKeys, pipelineConfigMap } from '../../runtime/contract/names.ts';
import { effectiveSyncPipeline } from '../../crds/schema/effective.ts';
import type { DestinationSpec, SyncPipelineEffective, SyncPipelineSpec } from '../../crds/schema/sync-pipeline.ts';
import { accountOf } from '../connector/resource.ts';
import type { Account, ConnectorResource } from '../connector/resource.ts';
import { label, ownLabels } from '../data-plane/labels.ts';
import { apiVersionOf, resourceTypes } from '../kubernetes/objects.ts';
import type { RenderedObject } from '../kubernetes/objects.ts';
import type { PipelineResource } from './resource.ts';

type Connectors = ReadonlyMap<string, ConnectorResource>;

/** Assumes that `checkReferences` found no problem. */
export function renderConfig(
  { namespace, name, generation }: PipelineResource,
  { spec, connectors }: { spec: SyncPipelineSpec; connectors: Connectors },
): PipelineConfig {
  const effective = effectiveSyncPipeline(spec);
  const { source } = spec;
  return {
    generation,
    namespace,
    name,
    source: {
      connector: source.connectorRef.name,
      topics: topicsOf(source, definitionOf(source.connectorRef.name, connectors)),
      key: source.key,
      ...given('version', source.version),
      ...given('filter', source.filter),
      ...given('cancel', source.cancel),
    },
    lanes: effective.capture.lanes,
    destinations: spec.destinations.map((destination) => renderDestination(destination, { effective, connectors })),
  };
}

export function captureBytes(spec: SyncPipelineSpec): number {
  return quantityBytes(effectiveSyncPipeline(spec).capture.maxBytes);
}

function renderDestination(
  destination: DestinationSpec,
  { effective, connectors }: { effective: SyncPipelineEffective; connectors: Connectors },
): PipelineConfig['destinations'][number] {
  const { name, connectorRef, filter, validations, operations } = destination;
  const defaults = effective.destinations.find((other) => other.name === name);
  if (defaults === undefined) throw new TypeError(`destination ${name} has no effective settings`);
  const definition = definitionOf(connectorRef.name, connectors);
  return {
    name,
    connector: connectorRef.name,
    suspended: effective.suspend === 'Deliveries' || defaults.suspend === 'Deliveries',
    ...given('filter', filter),
    validations: validations ?? [],
    operations: operations.map((operation) => renderOperation(operation, definition?.member ?? '')),
    retry: { forMs: durationMs(defaults.retry.for), onUnknown: destination.retry?.onUnknown ?? 'Retry' },
  };
}

function renderOperation(
  operation: DestinationSpec['operations'][number],
  member: string,
): PipelineConfig['destinations'][number]['operations'][number] {
  const fields: Readonly<Record<string, unknown>> = operation;
  const target = fields[member];
  return {
    name: operation.name,
    takes: operation.takes ?? ['Record'],
    ...given('when', operation.when),
    member,
    target: isRecord(target) ? target : {},
    ...(operation.body === undefined ? {} : { body: operation.body }),
  };
}

function definitionOf(name: string, connectors: Connectors): Account['definition'] | undefined {
  const spec = connectors.get(name)?.spec;
  return spec === undefined ? undefined : accountOf(spec)?.definition;
}

function topicsOf(source: SyncPipelineSpec['source'], definition: Account['definition'] | undefined): string[] {
  const fields: Readonly<Record<string, unknown>> = source;
  return [...(definition?.source?.topics(fields[definition.member]) ?? [])];
}

/** The ConfigMap that pods mount, and that remembers the last good configuration. */
export function renderPipelineConfigMap(
  pipeline: PipelineResource,
  { file, install }: { file: PipelineFile; install: string },
): RenderedObject {
  const { namespace, name, uid } = pipeline;
  const { kind } = resourceTypes.syncPipeline;
  return {
    apiVersion: apiVersionOf(resourceTypes.configMap),
    kind: resourceTypes.configMap.kind,
    metadata: {
      name: pipelineConfigMap(name),
      namespace,
      labels: ownLabels(install, { [label.pipeline]: name }),
      ownerReferences: [{ apiVersion: apiVersionOf(resourceTypes.syncPipeline), kind, name, uid, controller: true }],
    },
    data: { [configMapKeys.pipeline]: `${JSON.stringify(file, null, 1)}\n` },
  };
}

function given<K extends string>(key: K, value: string | undefined): { [key in K]?: string } {
  const field: { [key in K]?: string } = {};
  if (value !== undefined) field[key] = value;
  return field;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
