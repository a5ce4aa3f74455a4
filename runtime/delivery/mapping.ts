/**
 * One generation of a destination's configuration, compiled: what the lane asks to learn what a record becomes. Pure.
 */
import type { Environment } from '@marcbachmann/cel-js';
import { z } from 'zod';
import type { Idempotency, SinkDefinition } from '../connectors/connector.ts';
import type { DestinationConfig, OperationConfig, PipelineConfig, RecordKind } from '../contract/config.ts';
import { fieldFacts } from '../contract/schema-fields.ts';
import { compileExpression } from '../expressions/compile.ts';
import type { CompiledExpression } from '../expressions/compile.ts';
import { environmentFor } from '../expressions/environment.ts';
import { parseRecord } from '../expressions/json.ts';
import type { ParsedRecord } from '../expressions/json.ts';
import { atField, compileTemplate, compileTree } from '../expressions/template.ts';
import type { CompiledTree, TreeProblem } from '../expressions/template.ts';

export interface CompiledOperation {
  readonly name: string;
  readonly takes: readonly RecordKind[];
  readonly when?: CompiledExpression;
  readonly target: CompiledTree;
  readonly body?: CompiledTree;
  readonly idempotency: Idempotency;
}

export interface CompiledValidation {
  readonly rule: CompiledExpression;
  readonly name: string;
  readonly reason: string;
  readonly field?: string;
  readonly message: string;
}

export interface Mapping {
  /** Reads a record's bytes; the last one is remembered, since a record is mostly inspected and planned in one go. */
  readonly parse: (body: Uint8Array) => ParsedRecord;
  readonly generation: number;
  readonly pipeline: { readonly namespace: string; readonly name: string };
  readonly destination: string;
  readonly sourceFilter?: CompiledExpression;
  readonly cancel?: CompiledExpression;
  readonly filter?: CompiledExpression;
  readonly validations: readonly CompiledValidation[];
  readonly operations: readonly CompiledOperation[];
  readonly retry: DestinationConfig['retry'];
}

/** @throws ExpressionError for an expression that does not compile (the operator refuses such a spec before it gets here). */
export function compileMapping(pipeline: PipelineConfig, destination: DestinationConfig, sink: SinkDefinition): Mapping {
  const environment = environmentFor(['record', 'meta']);
  const optional = (name: 'sourceFilter' | 'cancel' | 'filter', text: string | undefined) =>
    text === undefined ? {} : { [name]: compileExpression(text, environment) };
  return {
    parse: parseRememberingLast(),
    generation: pipeline.generation,
    pipeline: { namespace: pipeline.namespace, name: pipeline.name },
    destination: destination.name,
    ...optional('sourceFilter', pipeline.source.filter),
    ...optional('cancel', pipeline.source.cancel),
    ...optional('filter', destination.filter),
    validations: destination.validations.map(({ rule, ...validation }) => ({
      ...definedOnly(validation),
      rule: compileExpression(rule, environment),
    })),
    operations: destination.operations.map((operation) => compileOperation(operation, environment, sink)),
    retry: destination.retry,
  };
}

function parseRememberingLast(): Mapping['parse'] {
  let last: { readonly body: Uint8Array; readonly parsed: ParsedRecord } | undefined;
  return (body) => {
    if (last?.body !== body) last = { body, parsed: parseRecord(body) };
    return last.parsed;
  };
}

function compileOperation(operation: OperationConfig, environment: Environment, sink: SinkDefinition): CompiledOperation {
  return {
    name: operation.name,
    takes: operation.takes,
    ...(operation.when === undefined ? {} : { when: compileExpression(operation.when, environment) }),
    target: compileTarget(operation, environment, sink),
    ...(operation.body === undefined ? {} : { body: requireTree(operation.body, environment) }),
    idempotency: sink.idempotency(operation.target),
  };
}

/** Only the fields that the connector marks as templates are rendered, to text; the others are constants, whatever they hold. */
function compileTarget({ name, member, target }: OperationConfig, environment: Environment, sink: SinkDefinition): CompiledTree {
  const members = Object.entries(target).map(([key, value]): [string, CompiledTree] => {
    const schema: unknown = sink.operation.shape[key];
    const isTemplate = schema instanceof z.ZodType && fieldFacts.get(schema)?.text === 'template';
    const field = `operations.${name}.${member}.${key}`;
    return [JSON.stringify(key), isTemplate && typeof value === 'string' ? textTree(value, field, environment) : constantTree(value)];
  });
  return { render: (variables) => `{${members.map(([key, tree]) => `${key}:${tree.render(variables)}`).join(',')}}` };
}

function textTree(text: string, field: string, environment: Environment): CompiledTree {
  const compiled = compileTemplate(text, environment);
  return { render: (variables) => JSON.stringify(atField(field, () => compiled.evaluateText(variables))) };
}

function constantTree(value: unknown): CompiledTree {
  const text = JSON.stringify(value);
  return { render: () => text };
}

function requireTree(value: unknown, environment: Environment): CompiledTree {
  const problems: TreeProblem[] = [];
  const tree = compileTree(value, environment, problems);
  const [problem] = problems;
  if (problem !== undefined) throw problem.error;
  return tree;
}

function definedOnly({ field, ...rest }: { name: string; reason: string; field?: string | undefined; message: string }) {
  return field === undefined ? rest : { ...rest, field };
}
