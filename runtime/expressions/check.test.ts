import { expect, test } from 'vitest';
import { checkExpression, checkTemplate, checkTemplateTree } from './check.ts';

test.each([
  ['record.id', ['record']],
  ['record.lines.all(l, l.quantity > 0)', ['record']],
  ["has(record.a) && record.?b.orValue('') != ''", ['record']],
  ['timestamp(record.updated_at)', ['record']],
  ["meta.topic == 'orders/cancelled'", ['record', 'meta']],
  ['5', []],
])('the expression %s has no fault', (text, variables) => {
  expect(checkExpression(text, variables)).toBeUndefined();
});

test.each<[string, string[], string, number, number]>([
  ['recrd.id', ['record'], 'Unknown variable: recrd', 1, 1],
  ['record.a ==\n  recrd.b', ['record'], 'Unknown variable: recrd', 2, 3],
  ['meta.topic', ['record'], 'Unknown variable: meta', 1, 1],
  ['record.a.map(x, y)', ['record'], 'Unknown variable: y', 1, 17],
  ['truncat(record.x, 1)', ['record'], "found no matching overload for 'truncat(dyn, int)'", 1, 1],
  ["true &&\n\n truncate('a') == ''", [], "found no matching overload for 'truncate(string)'", 3, 2],
  ['timestamp(meta.capturedAt) < now()', ['meta'], "found no matching overload for 'now()'", 1, 30],
  ["1 + 'a'", [], 'no such overload: int + string', 1, 1],
  ['"abc', [], 'Unterminated string', 1, 1],
  ['a\n + ', ['a'], 'Unexpected token: EOF', 2, 4],
  ['', [], 'Unexpected token: EOF', 1, 1],
  ['record.a b', ['record'], 'Unexpected character: b', 1, 10],
])('X1: the fault of the expression %j is found before it runs, with line and column', (text, variables, message, line, column) => {
  const problem = checkExpression(text, variables);
  expect({ line: problem?.line, column: problem?.column }).toEqual({ line, column });
  if (!message.startsWith('Unexpected character')) expect(problem?.message).toBe(message);
});

test('an expression that is too large is refused, not run', () => {
  expect(checkExpression(Array.from({ length: 2_500 }, () => '1').join('+'), [])).toMatchObject({ line: 1 });
  expect(checkExpression(`${'('.repeat(60)}1${')'.repeat(60)}`, [])).toMatchObject({ line: 1 });
  expect(checkExpression(`${'['.repeat(60)}1${']'.repeat(60)}`, [])).toMatchObject({ line: 1 });
});

test.each<[string, unknown]>([
  ['${record.id}', undefined],
  ['no expression', undefined],
  ['$ { x }', undefined],
  ['\n\n  a\n  ${ recrd.x }\n', { message: 'Unknown variable: recrd', line: 2, column: 6 }],
  ['a ${record.x', { message: 'the expression that starts here has no closing brace', line: 1, column: 3 }],
  ['${}', { message: 'Unexpected token: EOF', line: 1, column: 3 }],
])('the fault of the template %j counts from the start of the trimmed text', (text, problem) => {
  expect(checkTemplate(text, ['record'])).toEqual(problem);
});

test('all faults of a template tree are found, each with its path, line and column', () => {
  const tree = {
    otherRefNum: '${record.name}',
    customer: { email: '${recrd.email}' },
    item: { items: [{ rate: 5 }, { rate: 'a\n${nope}', sku: '${' }] },
    'a.b': ['${truncat(record.x, 1)}', null, true],
  };
  expect(checkTemplateTree(tree, ['record'])).toEqual([
    { path: 'customer.email', problem: { message: 'Unknown variable: recrd', line: 1, column: 3 } },
    { path: 'item.items[1].rate', problem: { message: 'Unknown variable: nope', line: 2, column: 3 } },
    { path: 'item.items[1].sku', problem: { message: 'the expression that starts here has no closing brace', line: 1, column: 1 } },
    { path: 'a.b[0]', problem: { message: "found no matching overload for 'truncat(dyn, int)'", line: 1, column: 3 } },
  ]);
  expect(checkTemplateTree({ a: ['${record.x}'] }, ['record'])).toEqual([]);
  expect(checkTemplateTree('${recrd}', ['record'])).toEqual([
    { path: '', problem: { message: 'Unknown variable: recrd', line: 1, column: 3 } },
  ]);
});
