/** Text with ${ CEL }: a template that is one whole expression keeps the value's type; otherwise everything becomes text. */
import { Optional } from '@marcbachmann/cel-js';
import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import { compileExpression, ExpressionError, position, typeName } from './compile.ts';
import type { CompiledExpression, Variables } from './compile.ts';
import { isAbsent, jsonText, NotJsonError, spellingOf, SpelledNumber } from './json.ts';

export interface CompiledTemplate {
  /** Value of the template: any CEL value when it is one whole expression, else text. @throws ExpressionError */
  readonly evaluate: (variables: Variables) => unknown;
  /** The same as text. @throws ExpressionError, also for what has no text, such as a list. */
  readonly evaluateText: (variables: Variables) => string;
}

type Part =
  { readonly kind: 'text'; readonly text: string } | { readonly kind: 'expression'; readonly text: string; readonly offset: number };

/** @throws ExpressionError with the position within the template. */
export function compileTemplate(source: string, environment: Environment): CompiledTemplate {
  const text = source.trim();
  const parts = split(text);
  const [only] = parts;
  if (parts.length === 1 && only?.kind === 'expression') {
    return compileWhole(located(text, only), environment);
  }
  const compiled = parts.map((part) => (part.kind === 'text' ? part.text : compileWhole(located(text, part), environment)));
  const evaluateText = (variables: Variables) =>
    compiled.map((part) => (typeof part === 'string' ? part : part.evaluateText(variables))).join('');
  return { evaluate: evaluateText, evaluateText };
}

interface Located {
  readonly expression: string;
  readonly template: string;
  readonly offset: number;
}

function located(template: string, part: { text: string; offset: number }): Located {
  return { expression: part.text, template, offset: part.offset };
}

function compileWhole(place: Located, environment: Environment): CompiledTemplate {
  const expression = inPlace(place, () => compileExpression(place.expression, environment));
  const container = compileContainer(expression, place.expression, environment);
  const whole: CompiledTemplate = {
    evaluate: (variables) =>
      inPlace(place, () => {
        const value = expression.evaluate(variables);
        return container === undefined ? value : spelled(value, container, variables);
      }),
    evaluateText: (variables) => {
      const value = whole.evaluate(variables);
      return inPlace(place, () => partText(value));
    },
  };
  return whole;
}

interface Container {
  readonly expression: CompiledExpression;
  readonly key: (variables: Variables) => unknown;
}

/** For `a.b`, `a[i]` and their optional forms, the expression `a` and the key: there a double's spelling is kept. */
function compileContainer({ ast }: CompiledExpression, text: string, environment: Environment): Container | undefined {
  const slice = (node: ASTNode) => compileExpression(text.slice(node.range.start, node.range.end), environment);
  switch (ast.op) {
    case '.':
    case '.?': {
      const [inner, field] = ast.args;
      return { expression: slice(inner), key: () => field };
    }
    case '[]':
    case '[?]': {
      const [inner, index] = ast.args;
      return { expression: slice(inner), key: slice(index).evaluate };
    }
    default:
      return undefined;
  }
}

function spelled(value: unknown, container: Container, variables: Variables): unknown {
  const number: unknown = value instanceof Optional && value.hasValue() ? value.value() : value;
  if (typeof number !== 'number') return value;
  const holder = container.expression.evaluate(variables);
  const spelling = spellingOf(holder instanceof Optional ? holder.value() : holder, String(container.key(variables)));
  return spelling === undefined ? value : new SpelledNumber(spelling);
}

function inPlace<T>(place: Located, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const inner = offsetOf(place.expression, error.problem);
    throw new ExpressionError({ message: error.problem.message, ...position(place.template, place.offset + inner) }, { cause: error });
  }
}

function offsetOf(text: string, { line, column }: { line: number; column: number }): number {
  const lines = text.split('\n').slice(0, line - 1);
  return lines.reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
}

function partText(given: unknown): string {
  const value: unknown = given instanceof Optional && given.hasValue() ? given.value() : given;
  switch (typeof value) {
    case 'string':
      return value;
    case 'bigint':
    case 'boolean':
    case 'number':
      return String(value);
    default:
      if (value instanceof SpelledNumber) return value.text;
      if (value instanceof Date) return value.toISOString();
      throw new ExpressionError({
        message: `cannot be part of a text: it is ${typeName(value)}; write text(x, '') or json(x)`,
        line: 1,
        column: 1,
      });
  }
}

/** @throws ExpressionError for a `${` without its end. */
function split(text: string): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (let start = text.indexOf('${'); start !== -1; start = text.indexOf('${', from)) {
    if (start > from) parts.push({ kind: 'text', text: text.slice(from, start) });
    const end = endOfExpression(text, start + 2);
    parts.push({ kind: 'expression', text: text.slice(start + 2, end), offset: start + 2 });
    from = end + 1;
  }
  if (from < text.length || parts.length === 0) parts.push({ kind: 'text', text: text.slice(from) });
  return parts;
}

/** Offset of the `}` that closes an expression: braces within it and within its texts do not count. */
function endOfExpression(text: string, from: number): number {
  let depth = 0;
  for (let index = from; index < text.length; index += 1) {
    const character = text[index];
    if (character === '"' || character === "'") index = endOfText(text, index) - 1;
    else if (text.startsWith('//', index)) index = endOfLine(text, index);
    else if (character === '{') depth += 1;
    else if (character === '}') {
      if (depth === 0) return index;
      depth -= 1;
    }
  }
  throw new ExpressionError({ message: 'the expression that starts here has no closing brace', ...position(text, from - 2) });
}

/** Offset after a CEL text that starts at `start`: '…', "…", and the tripled forms. In raw texts too `\\'` does not end it. */
function endOfText(text: string, start: number): number {
  const mark = text.slice(start, start + 1);
  const closing = text.startsWith(mark.repeat(3), start) ? mark.repeat(3) : mark;
  for (let index = start + closing.length; index < text.length; index += 1) {
    if (text[index] === '\\') index += 1;
    else if (text.startsWith(closing, index)) return index + closing.length;
  }
  return text.length;
}

/** Offset of the end of the line, where a comment ends. */
function endOfLine(text: string, start: number): number {
  const end = text.indexOf('\n', start);
  return end === -1 ? text.length : end;
}

/** JSON with templates for its texts, made ready. `render` gives JSON text. */
export interface CompiledTree {
  /** @throws ExpressionError whose message begins with the path of the field. */
  readonly render: (variables: Variables) => string;
}

export interface TreeProblem {
  readonly path: string;
  readonly error: ExpressionError;
}

type Node = { readonly absent: (variables: Variables) => boolean; readonly render: (variables: Variables) => string };

/** Compiles every text of a JSON value. Faults are collected in `problems`; the tree is usable only when there are none. */
export function compileTree(value: unknown, environment: Environment, problems: TreeProblem[] = []): CompiledTree {
  const node = compileNode(value, { environment, problems, path: '' });
  return { render: node.render };
}

interface TreePlace {
  readonly environment: Environment;
  readonly problems: TreeProblem[];
  readonly path: string;
}

function compileNode(value: unknown, place: TreePlace): Node {
  if (typeof value === 'string') return compileLeaf(value, place);
  if (Array.isArray(value)) {
    const items = value.map((item: unknown, index) => compileNode(item, { ...place, path: `${place.path}[${index}]` }));
    return { absent: () => false, render: (variables) => `[${items.map((item) => item.render(variables)).join(',')}]` };
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).map(([key, item]): [string, Node] => [
      JSON.stringify(key),
      compileNode(item, { ...place, path: place.path === '' ? key : `${place.path}.${key}` }),
    ]);
    return { absent: () => false, render: (variables) => renderMembers(members, variables) };
  }
  const text = jsonText(value);
  return { absent: () => false, render: () => text };
}

function renderMembers(members: readonly [string, Node][], variables: Variables): string {
  const present = members.filter(([, node]) => !node.absent(variables));
  return `{${present.map(([key, node]) => `${key}:${node.render(variables)}`).join(',')}}`;
}

function compileLeaf(text: string, { environment, problems, path }: TreePlace): Node {
  try {
    const template = compileTemplate(text, environment);
    const evaluate = (variables: Variables) => atField(path, () => template.evaluate(variables));
    return {
      absent: (variables) => isAbsent(evaluate(variables)),
      render: (variables) => atField(path, () => jsonText(evaluate(variables))),
    };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    problems.push({ path, error });
    return { absent: () => true, render: () => 'null' };
  }
}

/** An error of one field of a tree; `field` is its path. */
export class FieldExpressionError extends ExpressionError {
  readonly field: string;

  constructor(field: string, cause: ExpressionError) {
    super(cause.problem, { cause });
    this.field = field;
  }
}

/** Names the field in what `action` throws. @throws FieldExpressionError */
export function atField<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    if (error instanceof FieldExpressionError) throw error;
    if (error instanceof ExpressionError) throw new FieldExpressionError(path, error);
    if (error instanceof NotJsonError)
      throw new FieldExpressionError(path, new ExpressionError({ message: error.message, line: 1, column: 1 }));
    throw error;
  }
}
