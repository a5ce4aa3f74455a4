/** How keys and versions become text, by one rule: so 5 and "5" are the same key. Pure. */
import { ExpressionError, typeName } from './compile.ts';

/** Text of a key or correlation: int → its digits, text as it is. @throws ExpressionError for anything else, "" included. */
export function keyText(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'string' && value !== '') return value;
  const what = value === '' ? 'an empty text' : typeName(value);
  throw new ExpressionError({ message: `a key must be a text or an int, but is ${what}`, line: 1, column: 1 });
}

/** Text of a version: timestamp → RFC 3339 in UTC with milliseconds, int → its digits. @throws ExpressionError */
export function versionText(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (value instanceof Date) return value.toISOString();
  throw new ExpressionError({ message: `a version must be a timestamp or an int, but is ${typeName(value)}`, line: 1, column: 1 });
}

/** Below 0 when `a` is older than `b`. Texts of different kinds (a mapping changed from one to the other) count as equal. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [asNumber(a), asNumber(b)];
  if (left.kind !== right.kind) return 0;
  return left.value < right.value ? -1 : Number(left.value > right.value);
}

function asNumber(text: string): { kind: 'int' | 'timestamp'; value: bigint } {
  return /^-?[0-9]+$/.test(text) ? { kind: 'int', value: BigInt(text) } : { kind: 'timestamp', value: BigInt(Date.parse(text)) };
}
