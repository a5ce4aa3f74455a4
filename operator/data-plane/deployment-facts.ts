/** What is read of a Deployment that the operator made. */
import { z } from 'zod';
import type { Role } from '../../runtime/contract/names.ts';
import type { KubernetesObject } from '../kubernetes/objects.ts';
import { purposeOf } from './labels.ts';

export interface DeploymentFacts {
  readonly namespace: string;
  readonly name: string;
  readonly connector: string;
  readonly role: Role;
  readonly wanted: number;
  readonly ready: number;
  /**
   * The newest pod template has come up completely once. Pods that fail later do not change that: trouble at run time is no
   * matter of configuration.
   */
  readonly rolledOut: boolean;
  /** Annotations of the pod template. */
  readonly checksums: Readonly<Record<string, string>>;
  readonly object: KubernetesObject;
}

const deployment = z.looseObject({
  spec: z.looseObject({
    replicas: z.number().int().default(1),
    template: z.looseObject({ metadata: z.looseObject({ annotations: z.record(z.string(), z.string()).default({}) }) }),
  }),
  status: z
    .looseObject({
      observedGeneration: z.number().int().default(0),
      readyReplicas: z.number().int().default(0),
      conditions: z.array(z.looseObject({ type: z.string(), reason: z.string().optional() })).default([]),
    })
    .default({ observedGeneration: 0, readyReplicas: 0, conditions: [] }),
});

/** undefined for one that is not of a Connector. */
export function deploymentFacts(object: KubernetesObject): DeploymentFacts | undefined {
  const { metadata } = object;
  const purpose = purposeOf(metadata.labels);
  if (purpose === undefined) return undefined;
  const { spec, status } = deployment.parse(object);
  const progressing = status.conditions.find(({ type }) => type === 'Progressing');
  return {
    ...purpose,
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    wanted: spec.replicas,
    ready: status.readyReplicas,
    rolledOut: status.observedGeneration >= (metadata.generation ?? 0) && progressing?.reason === 'NewReplicaSetAvailable',
    checksums: spec.template.metadata.annotations,
    object,
  };
}
