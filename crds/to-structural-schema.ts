/**
 * From a zod schema to the structural schema that a CRD may carry.
 *
 * Owns what Kubernetes refuses and zod writes. What has no structural form is an error here, with its path, so that no
 * generated CRD is ever refused by an API server:
 * 1. nothing but known keywords comes out; objects are closed by pruning, not by `additionalProperties: false`;
 * 2. patterns compile in RE2;
 * 3. what users write is bounded, so that CEL rules stay within their budget;
 * 4. no defaults: they live in schema/defaults.ts.
 */
import { z } from 'zod';
import { fieldFacts } from '../runtime/contract/schema-fields.ts';
import type { CelRule, FieldFacts } from '../runtime/contract/schema-fields.ts';

export interface StructuralSchema {
  readonly description?: string;
  readonly type?: string;
  readonly format?: string;
  readonly enum?: readonly (string | number | boolean | null)[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly required?: readonly string[];
  readonly 'x-kubernetes-int-or-string'?: true;
  readonly 'x-kubernetes-preserve-unknown-fields'?: true;
  readonly 'x-kubernetes-list-type'?: string;
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-validations'?: readonly CelRule[];
  readonly properties?: Readonly<Record<string, StructuralSchema>>;
  readonly additionalProperties?: StructuralSchema;
  readonly items?: StructuralSchema;
}

/** A schema that no CRD can carry. */
export class NotStructuralError extends Error {
  override readonly name = 'NotStructuralError';
  constructor(path: string, problem: string) {
    super(`${path}: ${problem}`);
  }
}

type ZodJson = z.core.JSONSchema._JSONSchema;
type ZodJsonObject = Exclude<ZodJson, boolean>;

export interface StructuralOptions {
  /** Where the schema sits, for messages. */
  readonly path: string;
  /** Whether texts, lists and maps must have an upper bound: yes for what users write, no for what we write. */
  readonly bounded: boolean;
}

/** @throws NotStructuralError */
export function toStructuralSchema(schema: z.ZodType, { path, bounded }: StructuralOptions): StructuralSchema {
  const json = z.toJSONSchema(schema, {
    target: 'openapi-3.0',
    io: 'input',
    unrepresentable: 'throw',
    reused: 'inline',
    override: ({ zodSchema, jsonSchema }) => attachFacts(fieldFacts.get(zodSchema), jsonSchema),
  });
  return convert(json, { path, bounded });
}

function attachFacts(facts: FieldFacts | undefined, json: ZodJsonObject): void {
  if (facts === undefined) return;
  if (facts.format !== undefined) json.format = facts.format;
  if (facts.listType !== undefined) json['x-kubernetes-list-type'] = facts.listType;
  if (facts.listMapKeys !== undefined) json['x-kubernetes-list-map-keys'] = [...facts.listMapKeys];
  if (facts.preserveUnknownFields === true) json['x-kubernetes-preserve-unknown-fields'] = true;
  if (facts.rules !== undefined && facts.rules.length > 0) json['x-kubernetes-validations'] = facts.rules.map((rule) => ({ ...rule }));
  if (facts.intOrString === true) writeIntOrString(json);
}

/** A union is not structural; the server has a form of its own for this one. The text's pattern holds for texts only. */
function writeIntOrString(json: ZodJsonObject): void {
  const text = json.anyOf?.find((branch) => typeof branch !== 'boolean' && branch.type === 'string');
  delete json.anyOf;
  json['x-kubernetes-int-or-string'] = true;
  if (typeof text !== 'object') return;
  if (text.pattern !== undefined) json.pattern = text.pattern;
  if (text.maxLength !== undefined) json.maxLength = text.maxLength;
}

const kept = [
  'description',
  'type',
  'format',
  'enum',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'required',
  'x-kubernetes-int-or-string',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
  'x-kubernetes-validations',
] as const;
const nested = ['properties', 'additionalProperties', 'items'] as const;
const known: ReadonlySet<string> = new Set<string>([...kept, ...nested, '$schema']);

const advice: Readonly<Record<string, string>> = {
  oneOf: 'use `type` and one optional member for each type, with a rule',
  anyOf: 'use byteQuantity() for an int or a text, or one optional member for each kind',
  default: 'defaults live in schema/defaults.ts',
  propertyNames: 'keys of maps cannot be restricted',
};

function convert(json: ZodJson, options: StructuralOptions): StructuralSchema {
  const { path } = options;
  if (typeof json === 'boolean') throw new NotStructuralError(path, 'a schema must be an object');
  for (const keyword of Object.keys(json)) {
    if (!known.has(keyword))
      throw new NotStructuralError(path, `${keyword} is not structural: ${advice[keyword] ?? 'write it in another way'}`);
  }
  requireCompilablePattern(json, path);
  if (options.bounded) requireBounds(json, path);
  return {
    ...Object.fromEntries(kept.flatMap((keyword) => keepKeyword(keyword, json[keyword]))),
    ...listTypeOf(json),
    ...nestedSchemas(json, options),
  };
}

function keepKeyword(keyword: (typeof kept)[number], value: unknown): [string, unknown][] {
  if (value === undefined) return [];
  const isSentinel =
    (keyword === 'minimum' || keyword === 'maximum') && typeof value === 'number' && Math.abs(value) === Number.MAX_SAFE_INTEGER;
  if (isSentinel) return [];
  // zod writes the regular expression's source, where a slash is escaped only because of the literal.
  if (keyword === 'pattern' && typeof value === 'string') return [[keyword, value.replaceAll('\\/', '/')]];
  return [[keyword, value]];
}

function nestedSchemas(json: ZodJsonObject, options: StructuralOptions): StructuralSchema {
  const { path } = options;
  const { properties, additionalProperties: values, items } = json;
  if (Array.isArray(items)) throw new NotStructuralError(path, 'a tuple is not structural: use an object');
  const isMap = typeof values === 'object' && json['x-kubernetes-preserve-unknown-fields'] !== true;
  return {
    ...(properties === undefined ? {} : { properties: convertProperties(properties, options) }),
    ...(isMap ? { additionalProperties: convert(values, { ...options, path: `${path}.*` }) } : {}),
    ...(items === undefined ? {} : { items: convert(items, { ...options, path: `${path}[]` }) }),
  };
}

/** What YAML 1.1 reads as a boolean when it is not quoted. */
const yamlBooleans: ReadonlySet<string> = new Set(['on', 'off', 'yes', 'no', 'y', 'n', 'true', 'false']);

function convertProperties(properties: Readonly<Record<string, ZodJson>>, options: StructuralOptions): Record<string, StructuralSchema> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, property]) => {
      const path = `${options.path}.${name}`;
      if (yamlBooleans.has(name.toLowerCase())) throw new NotStructuralError(path, 'YAML reads this name as a boolean');
      const schema = convert(property, { ...options, path });
      if (schema.description === undefined) throw new NotStructuralError(path, 'a field needs a description, for kubectl explain');
      return [name, schema];
    }),
  );
}

/** Unless said otherwise, a list of scalars is a set, and a list of objects is replaced as a whole. */
function listTypeOf(json: ZodJsonObject): StructuralSchema {
  if (json.type !== 'array' || json['x-kubernetes-list-type'] !== undefined) return {};
  const { items } = json;
  const isScalar = typeof items === 'object' && !Array.isArray(items) && items.type !== 'object' && items.type !== 'array';
  return { 'x-kubernetes-list-type': isScalar ? 'set' : 'atomic' };
}

function requireCompilablePattern({ pattern }: ZodJsonObject, path: string): void {
  if (pattern === undefined) return;
  const found = ['(?=', '(?!', '(?<'].find((group) => pattern.includes(group));
  if (found !== undefined) throw new NotStructuralError(path, `the API server cannot compile the pattern ${pattern}: it has no ${found}`);
}

function requireBounds(json: ZodJsonObject, path: string): void {
  const missing = missingBound(json);
  if (missing !== undefined) throw new NotStructuralError(path, `needs ${missing}, so that CEL rules stay within their budget`);
}

function missingBound(json: ZodJsonObject): string | undefined {
  switch (json.type) {
    case 'string':
      return json.maxLength === undefined && json.enum === undefined && json.format !== 'date-time' ? 'maxLength' : undefined;
    case 'array':
      return json.maxItems === undefined ? 'maxItems' : undefined;
    case 'object':
      return typeof json.additionalProperties === 'object' &&
        json.maxProperties === undefined &&
        json['x-kubernetes-preserve-unknown-fields'] !== true
        ? 'maxProperties'
        : undefined;
    default:
      return undefined;
  }
}
