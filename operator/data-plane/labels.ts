/** Labels of all that the operator makes. Pure. */
import { z } from 'zod';
import type { Role } from '../../runtime/contract/names.ts';

export const label = {
  name: 'app.kubernetes.io/name',
  managedBy: 'app.kubernetes.io/managed-by',
  component: 'app.kubernetes.io/component',
  install: 'peppasync.io/install',
  connector: 'peppasync.io/connector',
  pipeline: 'peppasync.io/pipeline',
} as const;

const managedBy = 'peppasync-operator';

export function ownLabels(install: string, more: Readonly<Record<string, string>>): Record<string, string> {
  return { [label.name]: 'peppasync', [label.managedBy]: managedBy, [label.install]: install, ...more };
}

/** Selects what the operator of this install made. */
export function ownSelector(install: string): string {
  return `${label.managedBy}=${managedBy},${label.install}=${install}`;
}

/** Annotations of a pod template by which a changed file makes new pods. */
export const checksumOf = {
  connector: 'checksum.peppasync.io/connector',
  pipeline: (pipeline: string) => `checksum.peppasync.io/pipeline-${pipeline}`,
} as const;

const podLabels = z.looseObject({ [label.connector]: z.string(), [label.component]: z.enum(['ingest', 'deliver']) });

/** Of which Connector and role an object is; undefined for an object of something else. */
export function purposeOf(labels: Readonly<Record<string, string>> | undefined): { connector: string; role: Role } | undefined {
  const { data } = podLabels.safeParse(labels);
  return data === undefined ? undefined : { connector: data[label.connector], role: data[label.component] };
}
