/**
 * JSON as records carry it. Integers of up to 64 bits are bigint and keep their digits; longer ones are text; other
 * numbers are doubles whose spelling survives when they are passed through. Lone surrogates and `__proto__` keys survive.
 */
import { isUtf8 } from 'node:buffer';
import { Duration, UnsignedInt } from '@marcbachmann/cel-js/evaluator';
import { Optional } from '@marcbachmann/cel-js';

/** Deeper nesting is refused: whoever walks a record recurses. */
const maxDepth = 200;

export type ParsedRecord = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string };

interface ReviverContext {
  readonly source?: string;
}

const integer = /^-?[0-9]+$/;
const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;

/** Spelling of doubles that `String(number)` would not give back: container → key → text. */
const spellings = new WeakMap<object, Map<string, string>>();

/** Reads the bytes of a record. A record that cannot be read gives a message, never an exception; no byte of it is quoted. */
export function parseRecord(bytes: Uint8Array): ParsedRecord {
  if (bytes.length === 0) return { ok: false, message: 'the body is empty' };
  const text = decodeUtf8(bytes);
  if (text === undefined) return { ok: false, message: 'the body is not valid UTF-8' };
  try {
    return { ok: true, value: parseJson(text, bytes) };
  } catch (error) {
    const isTooDeep = error instanceof TooDeepError || (error instanceof SyntaxError && nestsDeeperThan(bytes, maxDepth));
    if (isTooDeep) return { ok: false, message: `the body nests deeper than ${maxDepth} levels` };
    if (error instanceof SyntaxError) return { ok: false, message: 'the body is not valid JSON' };
    throw error;
  }
}

/**
 * The reviver costs three times what parsing does. So the text is parsed without it, and each number gets its spelling
 * from a scan of the text, in the order of the document. Where that order might not be the object's (keys that look like
 * indexes, keys that come twice) or a key is special to JavaScript, the reviver does it.
 */
function parseJson(text: string, bytes: Uint8Array): unknown {
  const plain: unknown = JSON.parse(text);
  const numbers = new NumberSpellings(text);
  if (typeof plain === 'object' && plain !== null && numbers.spell(plain, 1) && numbers.isAtEnd) return plain;
  if (nestsDeeperThan(bytes, maxDepth)) throw new TooDeepError();
  const revived: unknown = JSON.parse(text, revive);
  return revived;
}

class TooDeepError extends Error {}

/** The numbers of a JSON text as they are spelled, in its order. */
function numbersIn(text: string): string[] {
  const numbers: string[] = [];
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === quote) index = endOfText(text, index);
    else if (isDigit(code) || code === minus) {
      const end = endOfNumber(text, index);
      numbers.push(text.slice(index, end));
      index = end - 1;
    }
  }
  return numbers;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** Offset of the quote that ends the text which begins at `start`. */
function endOfText(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes += 1;
    if (slashes % 2 === 0) return end;
  }
  return text.length;
}

const numberCharacters = new Set(Array.from('+-.0123456789eE', (character) => character.charCodeAt(0)));

function endOfNumber(text: string, start: number): number {
  let end = start + 1;
  while (numberCharacters.has(text.charCodeAt(end))) end += 1;
  return end;
}

class NumberSpellings {
  readonly #spellings: readonly string[];
  #next = 0;

  constructor(text: string) {
    this.#spellings = numbersIn(text);
  }

  get isAtEnd(): boolean {
    return this.#next === this.#spellings.length;
  }

  /** Replaces the numbers below a container; false where the order is not certain. */
  spell(container: object, depth: number): boolean {
    if (depth > maxDepth) throw new TooDeepError();
    for (const key of Object.keys(container)) {
      if (!Array.isArray(container) && isSpecialKey(key)) return false;
      const item: unknown = Reflect.get(container, key);
      if (typeof item === 'object' && item !== null && !this.spell(item, depth + 1)) return false;
      if (typeof item === 'number' && !this.#spellNumber(container, key, item)) return false;
    }
    return true;
  }

  #spellNumber(container: object, key: string, item: number): boolean {
    const source = this.#spellings[this.#next] ?? '';
    this.#next += 1;
    if (Number(source) !== item) return false;
    Reflect.set(container, key, spelledNumber(container, key, source));
    return true;
  }
}

/** Keys whose order or meaning JavaScript changes. */
function isSpecialKey(key: string): boolean {
  return isDigit(key.charCodeAt(0)) || key === 'constructor' || key === '__proto__';
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  return text.startsWith(byteOrderMark) ? text.slice(1) : text;
}

const byteOrderMark = '\ufeff';
const quote = 0x22;
const backslash = 0x5c;
const minus = 0x2d;

function nestsDeeperThan(bytes: Uint8Array, limit: number): boolean {
  let depth = 0;
  let inText = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (byte === quote) inText = !inText;
    else if (inText && byte === backslash) index += 1;
    else if (!inText && (byte === 0x5b || byte === 0x7b)) {
      depth += 1;
      if (depth > limit) return true;
    } else if (!inText && (byte === 0x5d || byte === 0x7d)) depth -= 1;
  }
  return false;
}

/** The fourth argument (ES2026) is not in the compiler's library yet. */
// oxlint-disable-next-line max-params -- the signature is JSON.parse's
function revive(this: unknown, key: string, value: unknown, context?: ReviverContext): unknown {
  if (typeof value === 'object' && value !== null && Object.hasOwn(value, 'constructor')) return asMap(value);
  if (typeof value !== 'number') return value;
  const source = context?.source ?? String(value);
  return typeof this === 'object' && this !== null ? spelledNumber(this, key, source) : value;
}

/** The value of a number by its spelling; what a double's text would lose is remembered beside its container. */
function spelledNumber(container: object, key: string, source: string): unknown {
  if (integer.test(source)) return integerOf(source);
  const value = Number(source);
  if (String(value) !== source) rememberSpelling(container, key, source);
  return value;
}

function integerOf(source: string): bigint | string {
  const big = BigInt(source);
  return big < int64Min || big > int64Max ? source : big;
}

/** CEL tells maps from other objects by their constructor, which a member of this name would hide. */
function asMap(value: object): Map<string, unknown> {
  const map = new Map<string, unknown>(Object.entries(value));
  const known = spellings.get(value);
  if (known !== undefined) spellings.set(map, known);
  return map;
}

function rememberSpelling(container: object, key: string, source: string): void {
  const known = spellings.get(container);
  if (known === undefined) spellings.set(container, new Map([[key, source]]));
  else known.set(key, source);
}

/** How the number under a key of a parsed container was spelled, where that differs from `String(number)`. */
export function spellingOf(container: unknown, key: string): string | undefined {
  return typeof container === 'object' && container !== null ? spellings.get(container)?.get(key) : undefined;
}

/** A double with the spelling to write it with. */
export class SpelledNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A value that JSON cannot hold, such as NaN. */
export class NotJsonError extends Error {}

/**
 * JSON text of a CEL value: int as its digits, timestamp as RFC 3339 in UTC, duration as text, bytes as base64, an absent
 * optional as null (as a member of an object: left out). @throws NotJsonError
 */
export function jsonText(value: unknown): string {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value);
    case 'bigint':
      return value.toString();
    case 'number':
      if (!Number.isFinite(value)) throw new NotJsonError('a number that is not finite has no JSON form');
      return String(value);
    case 'object':
      return value === null ? 'null' : objectText(value);
    case 'undefined':
      return 'null';
    case 'function':
    case 'symbol':
      throw new NotJsonError(`a ${typeof value} has no JSON form`);
  }
}

function objectText(value: object): string {
  if (value instanceof Optional) return value.hasValue() ? jsonText(value.value()) : 'null';
  if (Array.isArray(value)) return `[${value.map((item: unknown, index) => memberText(value, String(index), item)).join(',')}]`;
  if (value instanceof SpelledNumber) return value.text;
  if (value instanceof Date) return JSON.stringify(value.toISOString());
  if (value instanceof UnsignedInt || value instanceof Duration) {
    return value instanceof UnsignedInt ? value.toString() : JSON.stringify(value.toString());
  }
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'));
  const members = value instanceof Map ? [...value.entries()] : Object.entries(value);
  return `{${members
    .filter(([, item]) => !isAbsent(item))
    .map(([key, item]) => `${JSON.stringify(String(key))}:${memberText(value, String(key), item)}`)
    .join(',')}}`;
}

function memberText(container: object, key: string, item: unknown): string {
  return (typeof item === 'number' ? spellingOf(container, key) : undefined) ?? jsonText(item);
}

/** Whether a value is an optional without a value. */
export function isAbsent(value: unknown): boolean {
  return value instanceof Optional && !value.hasValue();
}
