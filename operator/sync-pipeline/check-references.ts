/** Whether the Connectors of a spec exist and fit what it wants of them. Pure. */
import type { DestinationSpec, SyncPipelineSpec } from '../../crds/schema/sync-pipeline.ts';
import { sourceMemberNames, operationMemberNames } from '../../crds/schema/connector-members.ts';
import { accountOf } from '../connector/resource.ts';
import type { ConnectorResource } from '../connector/resource.ts';
import type { SpecProblem } from './check-expressions.ts';

/** Heals by itself as soon as somebody creates the Connector. */
export const connectorNotFound = 'ConnectorNotFound';

type Connectors = ReadonlyMap<string, ConnectorResource>;

export function checkReferences(spec: SyncPipelineSpec, connectors: Connectors): SpecProblem[] {
  return [...checkSource(spec, connectors), ...spec.destinations.flatMap((destination) => checkDestination(destination, connectors))];
}

function checkSource({ source }: SyncPipelineSpec, connectors: Connectors): SpecProblem[] {
  const path = 'spec.source';
  const found = findConnector(source.connectorRef.name, { path, connectors });
  if (found.kind === 'problem') return [found.problem];
  const { definition } = found;
  if (definition.source === undefined) {
    return [{ reason: 'NoSource', path: `${path}.connectorRef`, message: `a Connector of type ${definition.type} sends no records` }];
  }
  return misfits(source, { member: definition.member, members: sourceMemberNames, type: definition.type, path });
}

function checkDestination({ name, connectorRef, operations }: DestinationSpec, connectors: Connectors): SpecProblem[] {
  const path = `spec.destinations[${name}]`;
  const found = findConnector(connectorRef.name, { path, connectors });
  if (found.kind === 'problem') return [found.problem];
  const { definition, concurrency } = found;
  if (definition.sink === undefined) {
    return [{ reason: 'NoSink', path: `${path}.connectorRef`, message: `a Connector of type ${definition.type} takes no records` }];
  }
  const { member, type } = definition;
  const problems = operations.flatMap((operation) =>
    misfits(operation, { member, members: operationMemberNames, type, path: `${path}.operations[${operation.name}]` }),
  );
  if (concurrency !== undefined) return problems;
  const message = `Connector ${connectorRef.name} has no limits.concurrency: say how many calls in flight its account allows`;
  return [...problems, { reason: 'LimitsMissing', path: `${path}.connectorRef`, message }];
}

function findConnector(name: string, { path, connectors }: { path: string; connectors: Connectors }) {
  const at = `${path}.connectorRef.name`;
  const connector = connectors.get(name);
  if (connector === undefined) {
    const message = `there is no Connector ${name} in this namespace`;
    return { kind: 'problem', problem: { reason: connectorNotFound, path: at, message } } as const;
  }
  const account = connector.spec === undefined ? undefined : accountOf(connector.spec);
  if (account === undefined) {
    const message = `this version of Peppasync cannot read Connector ${name}`;
    return { kind: 'problem', problem: { reason: 'ConnectorTypeUnknown', path: at, message } } as const;
  }
  return { kind: 'found', definition: account.definition, concurrency: connector.spec?.limits?.concurrency } as const;
}

interface Fit {
  readonly member: string;
  readonly members: readonly string[];
  readonly type: string;
  readonly path: string;
}

/** Of the members that say what to take or do, exactly the one of the Connector's type is set. */
function misfits(fields: Readonly<Record<string, unknown>>, { member, members, type, path }: Fit): SpecProblem[] {
  const others = members.filter((other) => other !== member && fields[other] !== undefined);
  if (fields[member] !== undefined && others.length === 0) return [];
  const given = others.length === 0 ? '' : ` instead of ${others.join(', ')}`;
  return [{ reason: 'MemberMismatch', path, message: `the Connector has type ${type}: set ${member}${given}` }];
}
