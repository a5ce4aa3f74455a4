/**
 * Lint rules of this project that oxlint does not have. `.oxlintrc.json` loads them as the plugin `house`.
 *
 * pure: a file of runtime or operator that calls itself Pure, says that it reads no clock, or is pure by its name decides and does
 *   nothing else: no client, no Node module, no logger, no clock, no randomness, no timer. `now` is an argument.
 * no-silent-catch: a rejection is not thrown away without a word why.
 * no-text-decision: nothing is decided on the text of an error.
 */
import { relative } from 'node:path';
import type { RuleTester } from 'oxlint/plugins-dev';

type Rule = Extract<Parameters<RuleTester['run']>[1], { create: unknown }>;
type Context = Parameters<Rule['create']>[0];
type Visitor = ReturnType<Rule['create']>;
type VisitedBy<K extends 'ImportDeclaration' | 'ExportAllDeclaration' | 'ExportNamedDeclaration' | 'CallExpression' | 'Identifier'> =
  Parameters<NonNullable<Visitor[K]>>[0];
type ImportFrom = VisitedBy<'ImportDeclaration' | 'ExportAllDeclaration' | 'ExportNamedDeclaration'>;

export const pureNames = new RegExp(
  '/(decide|plan|status|render-[a-z-]+|settle|lane|checkpoint|plan-units?|circuit|slots|budget|books|gates|unit|record|chains|' +
    'key-memory|outbox|parking|backoff|conditions|outcome)\\.ts$',
);
export const claimsPurity = /\bPure\b|\bno clock\b/;

const effectfulModule =
  /^(node:.+|@nats-io\/.+|@kubernetes\/.+|undici|pino|prom-client|jose|fastify)$|\/(logger|config-files|settings)\.ts$/;
const effectfulCalls = new Set(['fetch', 'setTimeout', 'setImmediate', 'queueMicrotask']);
const effectfulObjects = new Set(['performance', 'process', 'crypto']);
const effectfulMembers = new Set(['Date.now', 'Math.random']);

function isPureFile({ filename, cwd, sourceCode }: Context): boolean {
  const path = relative(cwd, filename);
  if (!/^(runtime|operator)\//.test(path) || path.endsWith('.test.ts')) return false;
  const [header] = sourceCode.getAllComments();
  return pureNames.test(`/${path}`) || (header !== undefined && claimsPurity.test(header.value));
}

/** A hash of its input is a pure function; the rest of node:crypto is randomness and keys. */
function takesHashOnly(node: ImportFrom): boolean {
  if (node.type !== 'ImportDeclaration' || node.source.value !== 'node:crypto') return false;
  return node.specifiers.every(({ type, local }) => type === 'ImportSpecifier' && local.name === 'createHash');
}

const pure: Rule = {
  create(context) {
    if (!isPureFile(context)) return {};
    const refuse = (node: VisitedBy<'Identifier' | 'CallExpression'> | ImportFrom, what: string) =>
      context.report({ node, message: `A pure file has no ${what}: take it as an argument, or move this to the edge.` });
    const checkModule = (node: ImportFrom) => {
      if (node.source !== null && effectfulModule.test(node.source.value) && !takesHashOnly(node)) refuse(node, node.source.value);
    };
    return {
      ImportDeclaration: checkModule,
      ExportAllDeclaration: checkModule,
      ExportNamedDeclaration: checkModule,
      ImportExpression(node) {
        context.report({ node, message: 'A pure file loads nothing while it runs.' });
      },
      NewExpression(node) {
        if (node.callee.type === 'Identifier' && node.callee.name === 'Date' && node.arguments.length === 0) refuse(node.callee, 'clock');
      },
      CallExpression(node) {
        if (node.callee.type !== 'Identifier') return;
        if (node.callee.name === 'Date' || effectfulCalls.has(node.callee.name)) refuse(node, `${node.callee.name}()`);
      },
      MemberExpression({ object, property }) {
        if (object.type !== 'Identifier' || property.type !== 'Identifier') return;
        const name = `${object.name}.${property.name}`;
        if (effectfulObjects.has(object.name) || effectfulMembers.has(name)) refuse(object, name);
      },
    };
  },
};

/** Whether a handler does nothing and gives nothing back. */
function isSilent(handler: VisitedBy<'CallExpression'>['arguments'][number] | undefined): boolean {
  if (handler?.type !== 'ArrowFunctionExpression') return false;
  const { body } = handler;
  if (body.type === 'BlockStatement') return body.body.length === 0;
  return (body.type === 'Identifier' && body.name === 'undefined') || (body.type === 'Literal' && body.value === null);
}

const noSilentCatch: Rule = {
  create(context) {
    const explained = new Set(context.sourceCode.getAllComments().flatMap(({ loc }) => [loc.start.line, loc.end.line, loc.end.line + 1]));
    return {
      CallExpression(node) {
        const { callee } = node;
        if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier' || callee.property.name !== 'catch') return;
        if (!isSilent(node.arguments[0]) || explained.has(callee.property.loc.start.line)) return;
        context.report({ node, message: 'Say in a comment why this failure needs nothing done, or act on it.' });
      },
    };
  },
};

const decidesOnText = new Set(['includes', 'startsWith', 'endsWith', 'match', 'search', 'indexOf']);

const noTextDecision: Rule = {
  create(context) {
    return {
      MemberExpression(node) {
        const { object, property } = node;
        if (property.type !== 'Identifier' || !decidesOnText.has(property.name)) return;
        if (object.type !== 'MemberExpression' || object.property.type !== 'Identifier' || object.property.name !== 'message') return;
        context.report({ node, message: 'Decide on the class, code or status of an error, never on its text.' });
      },
    };
  },
};

export default {
  meta: { name: 'house' },
  rules: { pure, 'no-silent-catch': noSilentCatch, 'no-text-decision': noTextDecision },
};
