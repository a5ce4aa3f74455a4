/** Specs with their defaults filled in, as they are applied and as `status.effective` shows them. */
import { connectorOfType } from '../../runtime/connectors/registry.ts';
import type { ConnectorEffective, ConnectorSpec } from './connector.ts';
import { connectorDefaults, defaultLostCallHold, syncPipelineDefaults } from './defaults.ts';
import type { DestinationSpec, SyncPipelineEffective, SyncPipelineSpec } from './sync-pipeline.ts';

export function effectiveSyncPipeline(spec: SyncPipelineSpec): SyncPipelineEffective {
  const { capture } = syncPipelineDefaults;
  return {
    suspend: spec.suspend ?? syncPipelineDefaults.suspend,
    capture: { lanes: spec.capture?.lanes ?? capture.lanes, maxBytes: spec.capture?.maxBytes ?? capture.maxBytes },
    destinations: spec.destinations.map(effectiveDestination),
  };
}

function effectiveDestination(spec: DestinationSpec): SyncPipelineEffective['destinations'][number] {
  const { destination, operation, retry } = syncPipelineDefaults;
  return {
    name: spec.name,
    suspend: spec.suspend ?? destination.suspend,
    startFrom: spec.startFrom ?? destination.startFrom,
    retry: { for: spec.retry?.for ?? retry.for, onUnknown: spec.retry?.onUnknown ?? retry.onUnknown },
    operations: spec.operations.map(({ name, takes }) => ({ name, takes: takes ?? [...operation.takes] })),
  };
}

export function effectiveConnector(spec: ConnectorSpec): ConnectorEffective {
  const timeout = spec.timeout ?? connectorDefaults.timeout;
  const receives = connectorOfType(spec.type)?.source !== undefined;
  return {
    limits: {
      ...(spec.limits?.concurrency === undefined ? {} : { concurrency: spec.limits.concurrency }),
      lostCallHold: spec.limits?.lostCallHold ?? defaultLostCallHold(timeout),
    },
    timeout,
    circuit: effectiveCircuit(spec),
    ...(receives ? { ingest: effectiveIngest(spec) } : {}),
  };
}

function effectiveCircuit({ circuit }: ConnectorSpec): ConnectorEffective['circuit'] {
  const { failures, openFor, maxOpenFor } = connectorDefaults.circuit;
  return {
    failures: circuit?.failures ?? failures,
    openFor: circuit?.openFor ?? openFor,
    maxOpenFor: circuit?.maxOpenFor ?? maxOpenFor,
  };
}

function effectiveIngest({ ingest }: ConnectorSpec): NonNullable<ConnectorEffective['ingest']> {
  const { maxBodyBytes, minReplicas } = connectorDefaults.ingest;
  return {
    maxBodyBytes: ingest?.maxBodyBytes ?? maxBodyBytes,
    scaling: { minReplicas: ingest?.scaling?.minReplicas ?? minReplicas },
  };
}
