import { expect, test } from 'vitest';
import { renderFieldTable, renderRules, replaceSection } from './render-field-table.ts';
import type { StructuralSchema } from './to-structural-schema.ts';

const schema: StructuralSchema = {
  type: 'object',
  required: ['list'],
  properties: {
    list: {
      description: 'Some <things>.',
      type: 'array',
      minItems: 1,
      maxItems: 16,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        properties: {
          name: { description: 'Its name.', type: 'string', maxLength: 52 },
          kind: { description: 'A or B.', type: 'string', enum: ['A', 'B'] },
        },
        'x-kubernetes-validations': [{ rule: 'self.kind == oldSelf.kind', message: 'kind cannot change', fieldPath: '.kind' }],
      },
    },
    count: { description: 'How many.', type: 'integer', minimum: 1, maximum: 9 },
  },
};

test('a table has a row for each field, in the order of the schema', () => {
  expect(renderFieldTable('spec', schema).split('\n')).toEqual([
    '| field | type | required | what it is |',
    '| --- | --- | --- | --- |',
    '| `spec.list` | list 1 to 16 by name | yes | Some &lt;things>. |',
    '| `spec.list[].name` | string, at most 52 |  | Its name. |',
    '| `spec.list[].kind` | A \\| B |  | A or B. |',
    '| `spec.count` | integer 1 to 9 |  | How many. |',
    '',
  ]);
});

test('a rule is listed with the field it is about', () => {
  expect(renderRules('spec', schema)).toBe('- `spec.list[].kind`: kind cannot change\n');
});

test('only what stands between the markers is replaced', () => {
  const page = 'before\n<!-- generated:spec:begin -->\nold\n<!-- generated:spec:end -->\nafter\n';
  const replaced = replaceSection(page, 'spec', 'new\n');
  expect(replaced).toBe(
    'before\n<!-- generated:spec:begin -->\n<!-- prettier-ignore-start -->\n\nnew\n\n<!-- prettier-ignore-end -->\n<!-- generated:spec:end -->\nafter\n',
  );
  expect(replaceSection(replaced, 'spec', 'new\n')).toBe(replaced);
});

test('a page without markers is refused', () => {
  expect(() => replaceSection('no markers', 'spec', 'new')).toThrow(RangeError);
});
