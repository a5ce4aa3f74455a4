/** A SyncPipeline as the operator has read it. */
import { z } from 'zod';
import { syncPipelineSpec, syncPipelineStatus } from '../../crds/schema/sync-pipeline.ts';
import type { SyncPipelineSpec, SyncPipelineStatus } from '../../crds/schema/sync-pipeline.ts';
import type { KubernetesObject } from '../kubernetes/objects.ts';

export interface PipelineResource {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly isDeleting: boolean;
  /** undefined: this build cannot read it; `specProblem` says why. */
  readonly spec: SyncPipelineSpec | undefined;
  readonly specProblem: string;
  readonly status: SyncPipelineStatus;
}

export function readPipeline(object: KubernetesObject): PipelineResource {
  const { metadata } = object;
  const spec = syncPipelineSpec.safeParse(object['spec']);
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid,
    generation: metadata.generation ?? 0,
    isDeleting: metadata.deletionTimestamp !== undefined,
    spec: spec.data,
    specProblem: spec.success ? '' : z.prettifyError(spec.error),
    // A status that another version wrote is written anew.
    status: syncPipelineStatus.safeParse(object['status']).data ?? {},
  };
}

/** Names of the Connectors that a spec refers to. */
export function referencedConnectors(spec: SyncPipelineSpec | undefined): string[] {
  if (spec === undefined) return [];
  return [...new Set([spec.source.connectorRef.name, ...spec.destinations.map(({ connectorRef }) => connectorRef.name)])];
}
