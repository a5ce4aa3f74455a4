/** Expressions made ready once and evaluated often. X1: an expression that fails is never false: it throws ExpressionError. */
import { EvaluationError, ParseError, TypeError as CelTypeError } from '@marcbachmann/cel-js';
import type { ASTNode, Environment } from '@marcbachmann/cel-js';
import { DateTextError } from './date-text.ts';
import { isAbsent } from './json.ts';

/** Where and why an expression is wrong or failed. Lines and columns count from 1. Quotes names, never values of a record. */
export interface ExpressionProblem {
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

export class ExpressionError extends Error {
  readonly problem: ExpressionProblem;

  constructor(problem: ExpressionProblem, options?: { cause: unknown }) {
    super(`${problem.message} (line ${problem.line}, column ${problem.column})`, options);
    this.problem = problem;
  }
}

export type Variables = Readonly<Record<string, unknown>>;

export interface CompiledExpression {
  readonly ast: ASTNode;
  /** @throws ExpressionError */
  readonly evaluate: (variables: Variables) => unknown;
}

/** Parses and type-checks. @throws ExpressionError with the position of the fault. */
export function compileExpression(text: string, environment: Environment): CompiledExpression {
  const run = attempt(text, () => environment.parse(text));
  const checked = attempt(text, () => run.check());
  if (!checked.valid) throw asExpressionError(text, checked.error);
  return {
    ast: run.ast,
    evaluate: (variables) => {
      try {
        const value: unknown = run(variables);
        return value;
      } catch (error) {
        throw asExpressionError(text, error);
      }
    },
  };
}

/** Value of an expression that must say yes or no. @throws ExpressionError, also for any other type. */
export function evaluateBoolean(expression: CompiledExpression, variables: Variables): boolean {
  const value = expression.evaluate(variables);
  if (typeof value === 'boolean') return value;
  throw new ExpressionError({ message: `must be true or false, but is ${typeName(value)}`, line: 1, column: 1 });
}

/** CEL's name for the kind of a value, for messages. */
export function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (isAbsent(value)) return 'absent';
  if (Array.isArray(value)) return 'a list';
  if (value instanceof Date) return 'a timestamp';
  switch (typeof value) {
    case 'bigint':
      return 'an int';
    case 'number':
      return 'a double';
    case 'string':
      return 'a text';
    case 'boolean':
      return 'a boolean';
    default:
      return 'a map';
  }
}

function attempt<T>(text: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw asExpressionError(text, error);
  }
}

function asExpressionError(text: string, error: unknown): ExpressionError {
  if (error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError) {
    return new ExpressionError({ message: summaryOf(text, error), ...position(text, error.range?.start ?? 0) }, { cause: error });
  }
  if (error instanceof DateTextError && text.includes(error.zone)) {
    return new ExpressionError(
      { message: `"${error.zone}" is no time zone: write for example Europe/Berlin`, line: 1, column: 1 },
      { cause: error },
    );
  }
  return new ExpressionError({ message: error instanceof Error ? error.message : 'failed', line: 1, column: 1 }, { cause: error });
}

/** A key that the expression does not name itself came from a record: it is not quoted. */
function summaryOf(text: string, { code, summary }: { code: string; summary: string }): string {
  if (code !== 'no_such_key') return summary;
  const [what = summary, key = ''] = summary.split(': ', 2);
  return text.includes(key) ? summary : what;
}

/** Line and column, from 1, of an offset in a text. */
export function position(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
