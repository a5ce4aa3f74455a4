/**
 * The kinds of field that users write, each defined once. A field's Kubernetes side (CEL rules, list types, what kind of
 * text it holds) is attached to its zod schema in `fieldFacts`, so that the CRD generator, the operator's checks, the
 * runtime and the docs all read it from the same place.
 */
import { z } from 'zod';

/** A CEL rule of the CRD. `optionalOldSelf` is never needed: transition rules sit on the parent of the field they guard. */
export interface CelRule {
  readonly rule: string;
  readonly message: string;
  readonly fieldPath?: string;
}

export interface FieldFacts {
  /** What the text of this field is: bare CEL, text with ${ CEL }, or (for `body`) a tree whose texts are templates. */
  readonly text?: 'expression' | 'template' | 'template-tree';
  readonly rules?: readonly CelRule[];
  /** For arrays: how server-side apply merges them. */
  readonly listType?: 'map' | 'set' | 'atomic';
  readonly listMapKeys?: readonly string[];
  readonly format?: 'duration' | 'date-time';
  readonly intOrString?: true;
  readonly preserveUnknownFields?: true;
}

export const fieldFacts = z.registry<FieldFacts>();

/** Name of an object or of an entry in a list: a DNS label of at most 52 characters. */
export function dnsLabel() {
  return z
    .string()
    .min(1)
    .max(52)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
}

/** Bare CEL, at most 4,096 characters. */
export function expression() {
  return z.string().min(1).max(4096).register(fieldFacts, { text: 'expression' });
}

/** Text with ${ CEL }, at most 8,192 characters. */
export function template() {
  return z.string().min(1).max(8192).register(fieldFacts, { text: 'template' });
}

/** The lengths of the parts are bounded: the API server's own parser overflows at 64 bits. */
const durationPattern = /^([0-9]{1,4}d)?([0-9]{1,5}h)?([0-9]{1,6}m)?([0-9]{1,8}s)?([0-9]{1,11}ms)?$/;

/** A length of time such as `90s`, `1h30m` or `30d`: the parts from the longest to the shortest. */
export function duration() {
  return z.string().min(2).max(32).regex(durationPattern).register(fieldFacts, { format: 'duration' });
}

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Length in ms of a text that `duration()` accepts. @throws RangeError for any other text. */
export function durationMs(text: string): number {
  if (text === '' || !durationPattern.test(text)) throw new RangeError(`"${text}" is no duration: write for example 90s, 1h30m or 30d`);
  let total = 0;
  for (const [, digits, unit] of text.matchAll(/([0-9]+)(ms|d|h|m|s)/g)) {
    total += Number(digits) * unitMs[z.enum(['ms', 's', 'm', 'h', 'd']).parse(unit)];
  }
  return total;
}

const quantityPattern = /^([0-9]+)(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$/;

/** A Kubernetes quantity of bytes: `2Mi`, `10Gi` or a plain number. */
export function byteQuantity() {
  return z.union([z.int().min(1), z.string().max(20).regex(quantityPattern)]).register(fieldFacts, { intOrString: true });
}

const unitBytes: Readonly<Record<string, number>> = {
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
};

/** Bytes of a value that `byteQuantity()` accepts. @throws RangeError for any other text. */
export function quantityBytes(value: number | string): number {
  if (typeof value === 'number') return value;
  const match = quantityPattern.exec(value);
  if (match === null) throw new RangeError(`"${value}" is no quantity of bytes: write for example 2Mi or 10Gi`);
  const [, whole = '0', point = '', unit = ''] = match;
  const fraction = point.slice(1);
  // In whole numbers: 1.001k is 1,001 bytes, which doubles make 1,000.999….
  return Number((BigInt(whole + fraction) * BigInt(unitBytes[unit] ?? 1)) / 10n ** BigInt(fraction.length));
}

/** One key of a Secret in the namespace of the resource. */
export function secretReference() {
  return z.strictObject({
    name: z
      .string()
      .min(1)
      .max(253)
      .regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/)
      .describe('Name of the Secret.'),
    key: z
      .string()
      .min(1)
      .max(253)
      .regex(/^([-_a-zA-Z0-9]|\.[-_a-zA-Z0-9])[-._a-zA-Z0-9]*$/)
      .describe('Key within the Secret.'),
  });
}

export type SecretReference = z.infer<ReturnType<typeof secretReference>>;
