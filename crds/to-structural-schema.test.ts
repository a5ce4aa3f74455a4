import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { byteQuantity, duration, expression, fieldFacts } from '../runtime/contract/schema-fields.ts';
import { NotStructuralError, toStructuralSchema } from './to-structural-schema.ts';

const options = { path: 'spec', bounded: true };
const name = z.string().max(10).describe('Its name.');

describe('what zod writes and an API server refuses', () => {
  test('a strict object is closed by pruning, not by additionalProperties', () => {
    expect(toStructuralSchema(z.strictObject({ name }), options)).toEqual({
      type: 'object',
      required: ['name'],
      properties: { name: { description: 'Its name.', type: 'string', maxLength: 10 } },
    });
  });

  test('an integer has the bounds that were asked for, not those of a double', () => {
    expect(toStructuralSchema(z.int(), options)).toEqual({ type: 'integer' });
    expect(toStructuralSchema(z.int().min(1).max(64), options)).toEqual({ type: 'integer', minimum: 1, maximum: 64 });
  });

  test('a quantity is int-or-string, its pattern kept for texts', () => {
    expect(toStructuralSchema(byteQuantity(), options)).toEqual({
      'x-kubernetes-int-or-string': true,
      maxLength: 20,
      pattern: '^([0-9]+)(\\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$',
    });
  });

  test('a duration has a format, so that CEL compares it as one', () => {
    expect(toStructuralSchema(duration(), options)).toMatchObject({ type: 'string', format: 'duration' });
  });

  test('an object with unknown fields keeps them', () => {
    const body = z.record(z.string(), z.unknown()).register(fieldFacts, { preserveUnknownFields: true });
    expect(toStructuralSchema(body, options)).toEqual({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true });
  });

  test('a slash in a pattern stands for itself', () => {
    const pattern = z
      .string()
      .max(9)
      .regex(/^a\/b$/);
    expect(toStructuralSchema(pattern, options)).toEqual({ type: 'string', maxLength: 9, pattern: '^a/b$' });
  });

  test.each([
    {
      title: 'a union of objects',
      schema: z.discriminatedUnion('type', [z.object({ type: z.literal('A') })]),
      problem: 'oneOf is not structural',
    },
    { title: 'a union of scalars', schema: z.union([z.string().max(1), z.boolean()]), problem: 'anyOf is not structural' },
    { title: 'an intersection', schema: z.int().and(z.int()), problem: 'allOf is not structural' },
    { title: 'a default', schema: z.int().default(4), problem: 'default is not structural: defaults live in schema/defaults.ts' },
    { title: 'a null', schema: z.int().nullable(), problem: 'nullable is not structural' },
    { title: 'a tuple', schema: z.tuple([z.int(), z.int()]), problem: 'spec[]: anyOf is not structural' },
    { title: 'a look-ahead of zod', schema: z.iso.duration(), problem: 'the API server cannot compile the pattern' },
    {
      title: 'a negative look-ahead',
      schema: z
        .string()
        .max(9)
        .regex(/^(?!a)/),
      problem: 'it has no (?!',
    },
    {
      title: 'a look-behind',
      schema: z
        .string()
        .max(9)
        .regex(/(?<=a)b/),
      problem: 'it has no (?<',
    },
    { title: 'a text without bound', schema: z.string(), problem: 'needs maxLength' },
    { title: 'a list without bound', schema: z.array(z.int()), problem: 'needs maxItems' },
    { title: 'a map without bound', schema: z.record(z.string(), z.int()), problem: 'needs maxProperties' },
    { title: 'a field without description', schema: z.object({ age: z.int() }), problem: 'spec.age: a field needs a description' },
    {
      title: 'a name that YAML reads as a boolean',
      schema: z.object({ on: z.int().describe('x') }),
      problem: 'spec.on: YAML reads this name as a boolean',
    },
  ])('$title is refused before a server refuses it', ({ schema, problem }) => {
    const convert = () => toStructuralSchema(schema, options);
    expect(convert).toThrow(NotStructuralError);
    expect(convert).toThrow(problem);
  });

  test('what we write ourselves needs no bounds', () => {
    expect(toStructuralSchema(z.array(z.string()), { path: 'status', bounded: false })).toEqual({
      type: 'array',
      items: { type: 'string' },
      'x-kubernetes-list-type': 'set',
    });
  });

  test('an error names the field it is about', () => {
    const schema = z.object({
      list: z
        .array(z.object({ text: z.string().describe('x') }))
        .max(2)
        .describe('x'),
    });
    expect(() => toStructuralSchema(schema, options)).toThrow('spec.list[].text: needs maxLength');
  });
});

describe('what fieldFacts says', () => {
  const rule = { rule: 'self.a == oldSelf.a', message: 'a cannot change', fieldPath: '.a' };

  test('rules are attached to the object they were registered for, through optional and describe', () => {
    const inner = z.object({ a: z.int().describe('A.') }).register(fieldFacts, { rules: [rule] });
    expect(toStructuralSchema(inner.describe('Inner.').optional(), options)).toEqual({
      description: 'Inner.',
      type: 'object',
      required: ['a'],
      properties: { a: { description: 'A.', type: 'integer' } },
      'x-kubernetes-validations': [rule],
    });
  });

  test('a list merges as it says; one of scalars is a set and one of objects atomic when it says nothing', () => {
    const object = z.object({ name });
    const byName = z
      .array(object)
      .max(2)
      .register(fieldFacts, { listType: 'map', listMapKeys: ['name'] });
    expect(toStructuralSchema(byName, options)).toMatchObject({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] });
    expect(toStructuralSchema(z.array(object).max(2), options)).toMatchObject({ 'x-kubernetes-list-type': 'atomic' });
    expect(toStructuralSchema(z.array(z.int()).max(2), options)).toMatchObject({ 'x-kubernetes-list-type': 'set' });
  });

  test('the kind of a text leaves no trace in the schema', () => {
    expect(toStructuralSchema(expression(), options)).toEqual({ type: 'string', minLength: 1, maxLength: 4096 });
  });
});
