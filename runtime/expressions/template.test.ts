import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ExpressionError } from './compile.ts';
import { environmentFor } from './environment.ts';
import { jsonText, parseRecord } from './json.ts';
import { compileTemplate, compileTree, FieldExpressionError } from './template.ts';

function read(json: string): unknown {
  const parsed = parseRecord(Buffer.from(json));
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.value;
}

const environment = environmentFor(['record', 'meta']);
const order = read(
  '{"id":9007199254740993,"name":"#1001","price":1.10,"five":5.0,"thousand":1e3,"prices":[1.10,5.0],"paid":true,"none":null,' +
    '"at":"2026-11-27T05:00:00Z","address":{"city":"Köln 😀","zip":"50667","lat":50.90},"lines":[{"sku":"a","price":2.50}]}',
);
const variables = { record: order, meta: { version: '7' } };

/** The value's JSON text, which tells its type. */
function evaluate(source: string): string {
  return jsonText(compileTemplate(source, environment).evaluate(variables));
}

function problemOf(source: string): unknown {
  try {
    return { value: evaluate(source) };
  } catch (error) {
    return error instanceof ExpressionError ? error.problem : error;
  }
}

test.each([
  ['${record.id}', '9007199254740993'],
  ['${ record.id }', '9007199254740993'],
  ['${record.paid}', 'true'],
  ['${record.none}', 'null'],
  ['${record.name}', '"#1001"'],
  ['${record.address.city}', '"Köln 😀"'],
  ['${record.lines}', '[{"sku":"a","price":2.50}]'],
  ['${record.address}', '{"city":"Köln 😀","zip":"50667","lat":50.90}'],
  ['${timestamp(record.at)}', '"2026-11-27T05:00:00.000Z"'],
  ['${record.id > 5}', 'true'],
  ["${record.lines.map(l, {'item': {'id': l.sku}})}", '[{"item":{"id":"a"}}]'],
])('a template that is one whole expression keeps the type: %s', (source, json) => {
  expect(evaluate(source)).toBe(json);
});

test.each([
  ['${record.price}', '1.10'],
  ['${record.five}', '5.0'],
  ['${record.thousand}', '1e3'],
  ['${record.address.lat}', '50.90'],
  ['${(record.address).lat}', '50.90'],
  ['${(record.paid ? record.address : record).lat}', '50.90'],
  ['${record.lines[0].price}', '2.50'],
  ['price: ${record.price}/${record.five}', '"price: 1.10/5.0"'],
  ['${record.price + 0.0}', '1.1'],
])('C2: a double that is passed through by %s is spelled as it came', (source, json) => {
  expect(evaluate(source)).toBe(json);
});

test.each([
  ['${record["price"]}', '1.10'],
  ['${record.prices[0]}', '1.10'],
  ['at ${record.prices[1]}', '"at 5.0"'],
  ['${record.?price}', '1.10'],
  ['${record[?"price"]}', '1.10'],
  ['${record.?address.lat}', '50.90'],
  ['${record.lines[record.lines.size() - 1].price}', '2.50'],
  ['${record.prices[1 - 1]}', '1.10'],
])('C2: a double that is passed through by an index or an optional field, %s, is spelled as it came', (source, json) => {
  expect(evaluate(source)).toBe(json);
});

test.each([
  ['shopify-${record.id}', '"shopify-9007199254740993"'],
  ['${record.id}${record.name}', '"9007199254740993#1001"'],
  ['${record.id} ', '9007199254740993'],
  ['${record.id}.', '"9007199254740993."'],
  ['${record.paid}/${timestamp(record.at)}', '"true/2026-11-27T05:00:00.000Z"'],
  ['plain', '"plain"'],
  ['', '""'],
  ['5', '"5"'],
  ['$5 and $ {x} and {y} and } and $', '"$5 and $ {x} and {y} and } and $"'],
  ['$${record.name}', '"$#1001"'],
  ["${text(record.none, '')}|", '"|"'],
  ['a ${1 + 1} b ${2 + 2} c', '"a 2 b 4 c"'],
])('anything else becomes text: %s', (source, json) => {
  expect(evaluate(source)).toBe(json);
});

test('an optional that is there is written within a text as its value', () => {
  expect(problemOf('order ${record.?name} for ${record.?price}')).toEqual({ value: '"order #1001 for 1.10"' });
});

test.each([
  ["${'${'}", '"${"'],
  ["a ${'${'} b }", '"a ${ b }"'],
  ["${'${'}record.id}", '"${record.id}"'],
  ['${"}"}', '"}"'],
  ["${'{'}", '"{"'],
  ["${'it\\'s }'}", '"it\'s }"'],
  ['${"say \\"}\\""}', '"say \\"}\\""'],
  ["${'\\\\'}", '"\\\\"'],
  ['${{"a": {"b": "}"}}.a.b}', '"}"'],
  ['${{"a": 1}}', '{"a":1}'],
  ['x${{"a": {"b": 1}}.a.b}y', '"x1y"'],
  ['${"""a"}" """}', '"a\\"}\\" "'],
  ["${'''it's }'''}", '"it\'s }"'],
  ["${''}", '""'],
  ["${'' + '}'}", '"}"'],
  ['${r"\\d}"}', '"\\\\d}"'],
  ["${'😀}'}", '"😀}"'],
])('braces and quotes within expressions: %s', (source, json) => {
  expect(evaluate(source)).toBe(json);
});

test('braces and quotes within expressions: an escaped quote does not end a raw text either', () => {
  expect(problemOf("${r'a\\'}'}")).toEqual({ value: `"a\\\\'}"` });
});

test('braces and quotes within expressions: two slashes within a text begin no comment', () => {
  expect(evaluate("${'https://a/}' + record.name}")).toBe('"https://a/}#1001"');
});

test('braces and quotes within expressions: those of a comment do not count', () => {
  expect(problemOf("${record.name // it's }\n}")).toEqual({ value: '"#1001"' });
});

test.each([
  ['\n  ${record.id}\n', '9007199254740993'],
  ['${record.id}\n', '9007199254740993'],
  ['\n\t a ${record.name}\n b \n\n', '"a #1001\\n b"'],
  ['${\n  record.lines\n    .map(l, l.sku)\n}\n', '["a"]'],
])('a block scalar is trimmed before it is read: %j', (source, json) => {
  expect(evaluate(source)).toBe(json);
});

test.each([
  ['${', 'the expression that starts here has no closing brace', 1, 1],
  ['a ${ b', 'the expression that starts here has no closing brace', 1, 3],
  ["a\n  ${'}'", 'the expression that starts here has no closing brace', 2, 3],
  ['${record.id} ${ {"a": 1 }', 'the expression that starts here has no closing brace', 1, 14],
  ['${recrd.id}', 'Unknown variable: recrd', 1, 3],
  ['a ${ recrd.id } b', 'Unknown variable: recrd', 1, 6],
  ['\n\n  a\n  ${ recrd.id }\n', 'Unknown variable: recrd', 2, 6],
  ['😀 ${recrd.id}', 'Unknown variable: recrd', 1, 6],
  ['a\n${\n  record.id\n  + recrd.id }', 'Unknown variable: recrd', 4, 5],
  ['${record.id}\n${truncat(record.name, 1)}', "found no matching overload for 'truncat(dyn, int)'", 2, 3],
  ['${record.zz}', 'No such key: zz', 1, 10],
  ['a\n b ${record.name}\n c ${record.zz} d', 'No such key: zz', 3, 13],
  ["a\n\n  ${decimalAdd(record.name, '1')}", 'a decimal is written like 19.99, with at most 20 digits after the point', 3, 5],
])('X1: the fault of %j is reported where it is', (source, message, line, column) => {
  expect(problemOf(source)).toEqual({ message, line, column });
});

test.each([
  ['a ${record.lines}', 'a list', 1, 5],
  ['a\n b ${record.address} c', 'a map', 2, 6],
  ['a\n\n${record.none}|', 'null', 3, 3],
  ['${record.name} ${record.?zz}', 'absent', 1, 18],
])('X1: what has no text within a text is an error that says where: %j', (source, what, line, column) => {
  expect(problemOf(source)).toEqual({ message: `cannot be part of a text: it is ${what}; write text(x, '') or json(x)`, line, column });
});

test('X1: what has no text within a text is never left out', () => {
  for (const source of ['a ${record.lines}', 'a ${record.address}', 'a ${record.none}', 'a ${record.?zz}', 'a ${record.?none}']) {
    expect(() => evaluate(source)).toThrow(ExpressionError);
  }
});

test('any text without ${ is itself, but for the space around it', () => {
  const anyText = fc.array(fc.integer({ min: 0, max: 0x10ffff })).map((points) => String.fromCodePoint(...points));
  fc.assert(
    fc.property(fc.oneof(fc.string(), anyText), (text) => {
      fc.pre(!text.includes('${'));
      expect(compileTemplate(text, environment).evaluate({})).toBe(text.trim());
    }),
  );
});

test('any text may be a literal of an expression, whatever braces and quotes it holds', () => {
  const awkward = fc.array(fc.constantFrom('${', '}', '{', '"', "'", '\\', 'a', '$', ' ', '"""', "'''"), { maxLength: 12 });
  fc.assert(
    fc.property(awkward, awkward, (before, within) => {
      const around = before.join('');
      const text = within.join('');
      fc.pre(!around.includes('${'));
      const source = `[${around}\${${JSON.stringify(text)}}]`;
      expect(compileTemplate(source, environment).evaluate({})).toBe(`[${around}${text}]`);
    }),
  );
});

function render(tree: unknown): string {
  return compileTree(tree, environment).render(variables);
}

test.each<[string, unknown, string]>([
  [
    'constants',
    { n: 5, d: 1.5, t: true, none: null, list: [1, 'x'], map: {} },
    '{"n":5,"d":1.5,"t":true,"none":null,"list":[1,"x"],"map":{}}',
  ],
  ['whole expressions', { id: '${record.id}', price: '${record.price}' }, '{"id":9007199254740993,"price":1.10}'],
  ['mixed text', { ref: 'shopify-${record.id}' }, '{"ref":"shopify-9007199254740993"}'],
  ['nested lists', { item: { items: [{ sku: '${record.lines[0].sku}' }] } }, '{"item":{"items":[{"sku":"a"}]}}'],
  ['an absent optional', { a: '${record.?zz}', b: '${record.?name}', c: { d: '${record.?zz.y}' } }, '{"b":"#1001","c":{}}'],
  ['an optional that is null', { a: '${record.?none}' }, '{"a":null}'],
  ['an absent optional in a list', ['${record.?zz}', '${record.?name}'], '[null,"#1001"]'],
  ['an absent optional alone', '${record.?zz}', 'null'],
  ['an absent optional within a value', { a: '${ {"b": record.?zz, "c": 1} }' }, '{"a":{"c":1}}'],
  ['odd keys', { 'a.b': '${record.name}', '': 1, 'é"\n': '${record.paid}' }, '{"a.b":"#1001","":1,"é\\"\\n":true}'],
  ['keys that look like templates', { '${record.id}': 1 }, '{"${record.id}":1}'],
])('a tree with %s is rendered', (_, tree, json) => {
  expect(render(tree)).toBe(json);
});

test('C2: a tree may have a key named __proto__', () => {
  expect(render(JSON.parse('{"__proto__":"${record.id}"}'))).toBe('{"__proto__":9007199254740993}');
});

function fieldProblem(tree: unknown): unknown {
  try {
    return { text: render(tree) };
  } catch (error) {
    return error instanceof FieldExpressionError ? { field: error.field, problem: error.problem, message: error.message } : error;
  }
}

test.each<[unknown, string, string, number, number]>([
  [{ customer: { email: '${record.email}' } }, 'customer.email', 'No such key: email', 1, 10],
  [{ item: { items: [{ rate: 1 }, { rate: 'x\n${record.zz}' }] } }, 'item.items[1].rate', 'No such key: zz', 2, 10],
  [['${record.name}', ['${record.zz}']], '[1][0]', 'No such key: zz', 1, 10],
  ['${record.zz}', '', 'No such key: zz', 1, 10],
])('X1: what fails in the tree %j is reported with its path and position', (tree, field, message, line, column) => {
  expect(fieldProblem(tree)).toEqual({ field, problem: { message, line, column }, message: `${message} (line ${line}, column ${column})` });
});

test('X1: a number that JSON cannot hold is reported with its path', () => {
  expect(fieldProblem({ a: { b: '${1.0 / 0.0}' } })).toMatchObject({
    field: 'a.b',
    problem: { message: 'a number that is not finite has no JSON form', line: 1 },
  });
});
