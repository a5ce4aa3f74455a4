/**
 * Every expression and template of a spec, found by what its schema says of its fields, and compiled. A field that is added
 * to the schema is checked without a change here. Pure.
 */
import { z } from 'zod';
import { syncPipelineSpec } from '../../crds/schema/sync-pipeline.ts';
import type { SyncPipelineSpec } from '../../crds/schema/sync-pipeline.ts';
import { checkExpression, checkTemplate, checkTemplateTree } from '../../runtime/expressions/check.ts';
import type { ExpressionProblem } from '../../runtime/expressions/check.ts';
import { fieldFacts } from '../../runtime/contract/schema-fields.ts';
import type { FieldFacts } from '../../runtime/contract/schema-fields.ts';

export interface SpecProblem {
  /** CamelCase constant. */
  readonly reason: string;
  /** Names entries of lists: `spec.destinations[erp].filter`. */
  readonly path: string;
  readonly message: string;
}

/** What an expression may use, wherever it stands. */
const variables = ['record', 'meta'];

interface Field {
  readonly schema: unknown;
  readonly value: unknown;
  readonly path: string;
}

export function checkExpressions(spec: SyncPipelineSpec): SpecProblem[] {
  return problemsOf({ schema: syncPipelineSpec, value: spec, path: 'spec' });
}

function problemsOf({ schema, value, path }: Field): SpecProblem[] {
  if (value === undefined || !(schema instanceof z.ZodType)) return [];
  const text = fieldFacts.get(schema)?.text;
  if (text !== undefined) return textProblems(text, value, path);
  if (schema instanceof z.ZodOptional) return problemsOf({ schema: schema.unwrap(), value, path });
  if (schema instanceof z.ZodObject) return fieldsOf(schema, value, path).flatMap(problemsOf);
  if (schema instanceof z.ZodArray) return itemsOf(schema, value, path).flatMap(problemsOf);
  return [];
}

function fieldsOf(schema: z.ZodObject, value: unknown, path: string): Field[] {
  const fields = z.record(z.string(), z.unknown()).parse(value);
  const shape: Readonly<Record<string, unknown>> = schema.shape;
  return Object.entries(shape).map(([name, field]) => ({ schema: field, value: fields[name], path: `${path}.${name}` }));
}

function itemsOf(schema: z.ZodArray, value: unknown, path: string): Field[] {
  const items = z.array(z.unknown()).parse(value);
  return items.map((item, index) => ({ schema: schema.element, value: item, path: `${path}[${nameOf(item) ?? index}]` }));
}

function nameOf(item: unknown): string | undefined {
  return z.looseObject({ name: z.string() }).safeParse(item).data?.name;
}

function textProblems(kind: NonNullable<FieldFacts['text']>, value: unknown, path: string): SpecProblem[] {
  switch (kind) {
    case 'expression':
      return reported(path, 'InvalidExpression', checkExpression(z.string().parse(value), variables));
    case 'template':
      return reported(path, 'InvalidTemplate', checkTemplate(z.string().parse(value), variables));
    case 'template-tree':
      return checkTemplateTree(value, variables).flatMap((found) => reported(`${path}.${found.path}`, 'InvalidTemplate', found.problem));
  }
}

function reported(path: string, reason: string, problem: ExpressionProblem | undefined): SpecProblem[] {
  if (problem === undefined) return [];
  return [{ reason, path, message: `line ${problem.line}, column ${problem.column}: ${problem.message}` }];
}
