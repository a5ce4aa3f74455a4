/** A Connector as the operator has read it. */
import { z } from 'zod';
import { connectorSpec, connectorStatus } from '../../crds/schema/connector.ts';
import type { ConnectorSpec, ConnectorStatus } from '../../crds/schema/connector.ts';
import type { ConnectorDefinition } from '../../runtime/connectors/connector.ts';
import { connectorOfType } from '../../runtime/connectors/registry.ts';
import type { KubernetesObject } from '../kubernetes/objects.ts';

export interface ConnectorResource {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly generation: number;
  readonly createdAt: number;
  readonly isDeleting: boolean;
  /** undefined: this build cannot read it; `specProblem` says why. */
  readonly spec: ConnectorSpec | undefined;
  readonly specProblem: string;
  readonly status: ConnectorStatus;
}

export function readConnector(object: KubernetesObject): ConnectorResource {
  const { metadata } = object;
  const spec = connectorSpec.safeParse(object['spec']);
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid,
    generation: metadata.generation ?? 0,
    createdAt: Date.parse(metadata.creationTimestamp),
    isDeleting: metadata.deletionTimestamp !== undefined,
    spec: spec.data,
    specProblem: spec.success ? '' : z.prettifyError(spec.error),
    // A status that another version wrote is written anew.
    status: connectorStatus.safeParse(object['status']).data ?? {},
  };
}

export interface Account {
  readonly definition: ConnectorDefinition;
  /** The member of the spec that goes with its type. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** undefined for a type that this build does not know. */
export function accountOf(spec: ConnectorSpec): Account | undefined {
  const definition = connectorOfType(spec.type);
  if (definition === undefined) return undefined;
  const members: Readonly<Record<string, unknown>> = spec;
  const fields = z.record(z.string(), z.unknown()).safeParse(members[definition.member]).data;
  return fields === undefined ? undefined : { definition, fields };
}

/** What two Connectors have in common when they stand for the same account (L1); undefined when it cannot be told. */
export function accountIdentity(spec: ConnectorSpec | undefined): string | undefined {
  const account = spec === undefined ? undefined : accountOf(spec);
  if (account === undefined) return undefined;
  const { definition, fields } = account;
  return JSON.stringify([definition.type, ...definition.immutable.map((field) => fields[field] ?? null)]);
}
