/**
 * The members that registered connectors bring to our kinds, made from their definitions: an account in a Connector's
 * spec, what to take in a source, what to do in an operation. A new line in the registry is all they need.
 */
import { z } from 'zod';
import type { ConnectorDefinition } from '../../runtime/connectors/connector.ts';
import { connectors } from '../../runtime/connectors/registry.ts';
import { fieldFacts } from '../../runtime/contract/schema-fields.ts';
import type { CelRule } from '../../runtime/contract/schema-fields.ts';
import { immutable, immutableOptional } from './rules.ts';

type Registered = (typeof connectors)[number];
type WithSource = Extract<Registered, { source: { schema: z.ZodObject } }>;
type WithSink = Extract<Registered, { sink: { operation: z.ZodObject } }>;

type AccountMembers = { [C in Registered as C['member']]: z.ZodOptional<C['account']> };
type SourceMembers = { [C in WithSource as C['member']]: z.ZodOptional<C['source']['schema']> };
type OperationMembers = { [C in WithSink as C['member']]: z.ZodOptional<C['sink']['operation']> };
type Members = Record<string, z.ZodOptional<z.ZodObject>>;

const definitions: readonly ConnectorDefinition[] = connectors;

export const connectorTypes = connectors.map((connector) => connector.type);
export const typesWithoutSource = definitions.filter((definition) => definition.source === undefined).map((definition) => definition.type);
export const sourceMemberNames = definitions.filter((definition) => definition.source !== undefined).map((definition) => definition.member);
export const operationMemberNames = definitions
  .filter((definition) => definition.sink !== undefined)
  .map((definition) => definition.member);
export const membersByType = definitions.map(({ type, member }) => ({ type, member }));

// Each of the three is an overload because only the declared return type knows the registry's members by name.

export function accountMembers(): AccountMembers;
export function accountMembers(): Members {
  return Object.fromEntries(definitions.map((definition) => [definition.member, accountMember(definition).optional()]));
}

export function sourceMembers(): SourceMembers;
export function sourceMembers(): Members {
  return membersOf(({ source, title }) =>
    source?.schema.describe(`What is taken from ${title}. Set when the source is a ${title} Connector.`),
  );
}

export function operationMembers(): OperationMembers;
export function operationMembers(): Members {
  return membersOf(({ sink, title }) =>
    sink?.operation.describe(`What is done at ${title}. Set when the destination is a ${title} Connector.`),
  );
}

function membersOf(schemaOf: (definition: ConnectorDefinition) => z.ZodObject | undefined): Members {
  return Object.fromEntries(
    definitions.flatMap((definition) => {
      const schema = schemaOf(definition);
      return schema === undefined ? [] : [[definition.member, schema.optional()]];
    }),
  );
}

function accountMember(definition: ConnectorDefinition): z.ZodObject {
  const rules = [
    ...(fieldFacts.get(definition.account)?.rules ?? []),
    ...definition.immutable.map((field) => accountRule(definition, field)),
  ];
  return definition.account
    .describe(`The account at ${definition.title}. Set exactly when type is ${definition.type}.`)
    .register(fieldFacts, { rules });
}

function accountRule({ type, account }: ConnectorDefinition, field: string): CelRule {
  const shape: Readonly<Record<string, unknown>> = account.shape;
  const schema = shape[field];
  if (schema === undefined) throw new TypeError(`connector ${type}: immutable field ${field} is not in its account`);
  const wayOut = 'it says which account this is; create another Connector for the other account';
  return schema instanceof z.ZodOptional ? immutableOptional(field, wayOut) : immutable(field, wayOut);
}
