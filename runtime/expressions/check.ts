/** What the control plane asks before it accepts a spec: do expressions and templates compile, and if not, where? Pure. */
import { compileExpression, ExpressionError } from './compile.ts';
import type { ExpressionProblem } from './compile.ts';
import { environmentFor } from './environment.ts';
import { compileTemplate, compileTree } from './template.ts';
import type { TreeProblem } from './template.ts';

export type { ExpressionProblem } from './compile.ts';

/** The fault of a bare expression that may use these variables; undefined when there is none. */
export function checkExpression(text: string, variables: readonly string[]): ExpressionProblem | undefined {
  return problemOf(() => compileExpression(text, environmentFor(variables)));
}

/** The fault of a template; its position counts from the start of the trimmed text. */
export function checkTemplate(text: string, variables: readonly string[]): ExpressionProblem | undefined {
  return problemOf(() => compileTemplate(text, environmentFor(variables)));
}

/** The faults of a JSON value whose texts are templates, each with its path, such as `item.items[0].rate`. */
export function checkTemplateTree(value: unknown, variables: readonly string[]): { path: string; problem: ExpressionProblem }[] {
  const problems: TreeProblem[] = [];
  compileTree(value, environmentFor(variables), problems);
  return problems.map(({ path, error }) => ({ path, problem: error.problem }));
}

function problemOf(action: () => unknown): ExpressionProblem | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof ExpressionError) return error.problem;
    throw error;
  }
}
