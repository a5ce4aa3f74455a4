/** Exact decimal arithmetic on texts such as "19.99", as prices are written. Pure. */

export class DecimalError extends Error {}

interface Decimal {
  readonly digits: bigint;
  /** Digits after the point. */
  readonly scale: number;
}

function parse(text: string): Decimal {
  const match = /^(-?)([0-9]{1,40})(?:\.([0-9]{1,20}))?$/.exec(text);
  if (match === null) throw new DecimalError('a decimal is written like 19.99, with at most 20 digits after the point');
  const [, sign, whole, fraction = ''] = match;
  return { digits: BigInt(`${sign}${whole}${fraction}`), scale: fraction.length };
}

function write({ digits, scale }: Decimal): string {
  const sign = digits < 0n ? '-' : '';
  const padded = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0');
  return scale === 0 ? `${sign}${padded}` : `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

function atScale({ digits, scale }: Decimal, wanted: number): bigint {
  return digits * 10n ** BigInt(wanted - scale);
}

/** Sum, with as many digits after the point as the longer operand. @throws DecimalError */
export function decimalAdd(a: string, b: string): string {
  const [left, right] = [parse(a), parse(b)];
  const scale = Math.max(left.scale, right.scale);
  return write({ digits: atScale(left, scale) + atScale(right, scale), scale });
}

/** Product, exact. @throws DecimalError */
export function decimalMul(a: string, b: string): string {
  const [left, right] = [parse(a), parse(b)];
  return write({ digits: left.digits * right.digits, scale: left.scale + right.scale });
}

/** Rounded half away from zero to `places` digits after the point (0 to 20). @throws DecimalError */
export function decimalRound(text: string, places: bigint): string {
  const value = parse(text);
  const scale = Number(places);
  if (scale < 0 || scale > 20) throw new DecimalError('decimalRound() takes 0 to 20 places');
  if (scale >= value.scale) return write({ digits: atScale(value, scale), scale });
  const divisor = 10n ** BigInt(value.scale - scale);
  const half = value.digits < 0n ? -divisor / 2n : divisor / 2n;
  return write({ digits: (value.digits + half) / divisor, scale });
}
