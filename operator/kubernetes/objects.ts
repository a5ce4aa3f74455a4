/** What is read of any Kubernetes object, and what is written of the kinds that the operator renders. */
import { z } from 'zod';

export interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
}

export const resourceTypes = {
  syncPipeline: { group: 'peppasync.io', version: 'v1alpha1', plural: 'syncpipelines', kind: 'SyncPipeline' },
  connector: { group: 'peppasync.io', version: 'v1alpha1', plural: 'connectors', kind: 'Connector' },
  deployment: { group: 'apps', version: 'v1', plural: 'deployments', kind: 'Deployment' },
  service: { group: '', version: 'v1', plural: 'services', kind: 'Service' },
  configMap: { group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap' },
  pod: { group: '', version: 'v1', plural: 'pods', kind: 'Pod' },
  event: { group: 'events.k8s.io', version: 'v1', plural: 'events', kind: 'Event' },
  lease: { group: 'coordination.k8s.io', version: 'v1', plural: 'leases', kind: 'Lease' },
} as const satisfies Record<string, ResourceType>;

export function apiVersionOf({ group, version }: ResourceType): string {
  return group === '' ? version : `${group}/${version}`;
}

const ownerReference = z.looseObject({ uid: z.string(), kind: z.string(), name: z.string(), controller: z.boolean().optional() });

const objectMetadata = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string(),
  resourceVersion: z.string(),
  generation: z.number().int().optional(),
  creationTimestamp: z.string(),
  deletionTimestamp: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  ownerReferences: z.array(ownerReference).optional(),
});

/** Any object, as the API server sends it. */
export const kubernetesObject = z.looseObject({ metadata: objectMetadata });
export type KubernetesObject = z.infer<typeof kubernetesObject>;

/** An object that the operator renders, for server-side apply. */
export interface RenderedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly OwnerReference[];
    readonly uid?: string;
    readonly resourceVersion?: string;
  };
  readonly [field: string]: unknown;
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller: true;
}

/** Key of an object in caches and queues. */
export function keyOf({ namespace, name }: { namespace?: string | undefined; name: string }): string {
  return `${namespace ?? ''}/${name}`;
}

/** Is it owned by the object of this uid? */
export function isOwnedBy(object: KubernetesObject, uid: string): boolean {
  return object.metadata.ownerReferences?.some((owner) => owner.uid === uid) ?? false;
}
