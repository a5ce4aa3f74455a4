/**
 * The CEL that users write: strict names, optional chaining, mixed literals, bounded size, no clock and no randomness.
 * The functions beside CEL's own are documented in docs/spec/expressions.md.
 */
import { createHash } from 'node:crypto';
import { Environment, Optional } from '@marcbachmann/cel-js';
import { decimalAdd, decimalMul, decimalRound } from './decimal.ts';
import { dateText } from './date-text.ts';
import { jsonText } from './json.ts';

/** Thrown by our own functions; its text is shown to the user with the position of the call. */
class ExpressionFunctionError extends Error {}

/** An environment that knows the given variables and no others. */
export function environmentFor(variables: readonly string[]): Environment {
  const environment = new Environment({
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    unlistedVariablesAreDyn: false,
    limits: { maxAstNodes: 2_000, maxDepth: 50, maxListElements: 500, maxMapEntries: 500, maxCallArguments: 16 },
  });
  for (const name of variables) environment.registerVariable(name, 'dyn');
  return environment
    .registerFunction('list(dyn): list', toList)
    .registerFunction('text(dyn, string): string', toText)
    .registerFunction('truncate(string, int): string', truncate)
    .registerFunction('ascii(string): string', toAscii)
    .registerFunction('decimalAdd(string, string): string', decimalAdd)
    .registerFunction('decimalMul(string, string): string', decimalMul)
    .registerFunction('decimalRound(string, int): string', decimalRound)
    .registerFunction('dateText(google.protobuf.Timestamp, string, string): string', dateText)
    .registerFunction('json(dyn): string', (value: unknown) => jsonText(value))
    .registerFunction('hash(dyn): string', (value: unknown) => hash128(jsonText(unwrap(value))));
}

/** First 128 bits of SHA-256, as 32 hex digits. */
export function hash128(text: string): string {
  // Lone surrogates have no UTF-8 form: unescaped they would all hash alike.
  return createHash('sha256')
    .update(text.isWellFormed() ? text : JSON.stringify(text))
    .digest('hex')
    .slice(0, 32);
}

function unwrap(value: unknown): unknown {
  if (value instanceof Optional) return value.hasValue() ? (value.value() ?? null) : null;
  return value ?? null;
}

function toList(value: unknown): unknown[] {
  const inner = unwrap(value);
  if (inner === null) return [];
  if (Array.isArray(inner)) return inner;
  throw new ExpressionFunctionError('list() takes a list, null or an absent value');
}

function toText(value: unknown, fallback: string): string {
  const inner = unwrap(value);
  switch (typeof inner) {
    case 'string':
      return inner;
    case 'bigint':
    case 'number':
    case 'boolean':
      return String(inner);
    default:
      if (inner === null) return fallback;
      throw new ExpressionFunctionError('text() takes a text, a number, a boolean, null or an absent value');
  }
}

/** The first `length` code points. */
function truncate(text: string, length: bigint): string {
  return Array.from(text)
    .slice(0, Math.max(0, Number(length)))
    .join('');
}

function toAscii(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/ß/g, 'ss')
    .replace(/[^\x20-\x7e]/g, '');
}
