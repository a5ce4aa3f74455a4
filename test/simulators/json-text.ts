/**
 * JSON whose integers keep all their digits, in both directions: a 64-bit id is a bigint here, never a rounded number.
 */

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export interface JsonStyle {
  /** Escape & < > and the line separators, as Shopify's serialiser does. */
  escapeHtml?: boolean;
  /** Members in the order of their names: one text for one value. */
  sortMembers?: boolean;
}

const htmlCharacter = /[&<>\u2028\u2029]/g;
const escapeCharacter = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

const writeObject = (value: Record<string, unknown>, style: JsonStyle): string => {
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  const ordered = style.sortMembers === true ? members.toSorted(([a], [b]) => (a < b ? -1 : 1)) : members;
  return `{${ordered.map(([name, member]) => `${writeJson(name, style)}:${writeJson(member, style)}`).join(',')}}`;
};

/** Lone surrogates and control characters are written as escapes. Throws TypeError on what JSON cannot hold. */
export const writeJson = (value: unknown, style: JsonStyle = {}): string => {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  if (typeof value === 'string') {
    const text = JSON.stringify(value);
    return style.escapeHtml === true ? text.replace(htmlCharacter, escapeCharacter) : text;
  }
  if (Array.isArray(value)) return `[${value.map((item: unknown) => writeJson(item, style)).join(',')}]`;
  if (isObject(value)) return writeObject(value, style);
  throw new TypeError(`JSON has no ${typeof value}`);
};

/** Integers beyond 2^53 become bigint. Throws SyntaxError as JSON.parse does. */
export const parseJson = (text: string): unknown =>
  JSON.parse(text, (_name, value: unknown, context?: { source?: string }) => {
    const isRounded = typeof value === 'number' && !Number.isSafeInteger(value);
    return isRounded && context?.source !== undefined && /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
  });
