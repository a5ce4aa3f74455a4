/** The reference of a kind's fields and rules in Markdown, from its structural schema. Pure. */
import type { StructuralSchema } from './to-structural-schema.ts';

/** Replaces what stands between the markers of `section`. @throws RangeError when the markers are not there, once each. */
export function replaceSection(text: string, section: string, content: string): string {
  const begin = `<!-- generated:${section}:begin -->`;
  const end = `<!-- generated:${section}:end -->`;
  const parts = text.split(begin);
  const rest = parts[1]?.split(end);
  if (parts.length !== 2 || rest?.length !== 2) throw new RangeError(`expected ${begin} and ${end} once each`);
  return `${parts[0]}${begin}\n<!-- prettier-ignore-start -->\n\n${content}\n<!-- prettier-ignore-end -->\n${end}${rest[1]}`;
}

/** One row for each field below `root`, objects before their members. */
export function renderFieldTable(root: string, schema: StructuralSchema): string {
  const rows = fieldRows(root, schema).map(
    ({ path, type, required, description }) => `| \`${path}\` | ${type} | ${required ? 'yes' : ''} | ${description} |`,
  );
  return ['| field | type | required | what it is |', '| --- | --- | --- | --- |', ...rows, ''].join('\n');
}

/** One item for each CEL rule, in the order of the fields. */
export function renderRules(root: string, schema: StructuralSchema): string {
  return [...ruleItems(root, schema), ''].join('\n');
}

interface Row {
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

function fieldRows(path: string, schema: StructuralSchema): Row[] {
  return children(path, schema).flatMap(([child, property, required]) => [
    { path: child, type: cell(typeText(property)), required, description: cell(property.description ?? '') },
    ...fieldRows(child, property),
  ]);
}

function children(path: string, schema: StructuralSchema): [string, StructuralSchema, boolean][] {
  const object = schema.items ?? schema;
  const base = schema.items === undefined ? path : `${path}[]`;
  const required = new Set(object.required);
  return Object.entries(object.properties ?? {}).map(([name, property]) => [`${base}.${name}`, property, required.has(name)]);
}

function ruleItems(path: string, schema: StructuralSchema): string[] {
  const object = schema.items ?? schema;
  const base = schema.items === undefined ? path : `${path}[]`;
  const own = (object['x-kubernetes-validations'] ?? []).map(({ message, fieldPath }) => `- \`${base}${fieldPath ?? ''}\`: ${message}`);
  return [...own, ...children(path, schema).flatMap(([child, property]) => ruleItems(child, property))];
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}

function typeText(schema: StructuralSchema): string {
  if (schema['x-kubernetes-int-or-string'] === true) return 'quantity';
  if (schema.items !== undefined) return listText(schema, schema.items);
  if (schema.enum !== undefined) return schema.enum.join(' | ');
  if (schema.type === 'integer') return `integer${range(schema.minimum, schema.maximum)}`;
  if (schema.type !== 'string') return schema['x-kubernetes-preserve-unknown-fields'] === true ? 'any object' : (schema.type ?? 'any');
  if (schema.format !== undefined) return schema.format === 'date-time' ? 'time' : schema.format;
  return schema.maxLength === undefined ? 'string' : `string, at most ${schema.maxLength}`;
}

function listText(list: StructuralSchema, items: StructuralSchema): string {
  const bounds = range(list.minItems ?? 0, list.maxItems);
  const keys = list['x-kubernetes-list-map-keys'];
  return keys === undefined ? `list${bounds} of ${typeText(items)}` : `list${bounds} by ${keys.join(' and ')}`;
}

function range(least: number | undefined, most: number | undefined): string {
  if (most === undefined) return least === undefined || least === 0 ? '' : `, at least ${least}`;
  return least === undefined ? `, at most ${most}` : ` ${least} to ${most}`;
}
