import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decimalAdd, DecimalError, decimalMul, decimalRound } from './decimal.ts';

test.each([
  ['0.1', '0.2', '0.3'],
  ['19.99', '0.01', '20.00'],
  ['-0.05', '0.05', '0.00'],
  ['1', '-0.001', '0.999'],
  ['-1.5', '-2.25', '-3.75'],
  ['9007199254740993', '0.1', '9007199254740993.1'],
])('%s + %s = %s', (a, b, sum) => {
  expect(decimalAdd(a, b)).toBe(sum);
});

test.each([
  ['1.10', '3', '3.30'],
  ['-0.5', '0.5', '-0.25'],
  ['0.01', '0.01', '0.0001'],
  ['0', '-5.5', '0.0'],
])('%s × %s = %s', (a, b, product) => {
  expect(decimalMul(a, b)).toBe(product);
});

test.each([
  ['2.345', 2n, '2.35'],
  ['-2.345', 2n, '-2.35'],
  ['2.3449', 2n, '2.34'],
  ['0.5', 0n, '1'],
  ['-0.5', 0n, '-1'],
  ['0.4', 0n, '0'],
  ['-0.4', 0n, '0'],
  ['9.995', 2n, '10.00'],
  ['7', 2n, '7.00'],
  ['7.1', 1n, '7.1'],
])('%s rounded to %i places is %s: half goes away from zero', (text, places, rounded) => {
  expect(decimalRound(text, places)).toBe(rounded);
});

test.each(['', '1,5', '1e3', '.5', '5.', '+1', ' 1', 'NaN', '１', '1'.repeat(41), `0.${'1'.repeat(21)}`])('%j is no decimal', (text) => {
  expect(() => decimalAdd(text, '1')).toThrow(DecimalError);
});

test.each([-1n, 21n])('%i is no number of places', (places) => {
  expect(() => decimalRound('1.5', places)).toThrow(DecimalError);
});

const decimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.integer({ min: 0, max: 10 }))
  .map(([digits, scale]) => ({ digits, scale }));

function written({ digits, scale }: { digits: bigint; scale: number }): string {
  const text = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0');
  const point = scale === 0 ? text : `${text.slice(0, -scale)}.${text.slice(-scale)}`;
  return digits < 0n ? `-${point}` : point;
}

test('sums and products are exact', () => {
  fc.assert(
    fc.property(decimal, decimal, (a, b) => {
      const scale = Math.max(a.scale, b.scale);
      const sum = a.digits * 10n ** BigInt(scale - a.scale) + b.digits * 10n ** BigInt(scale - b.scale);
      expect(decimalAdd(written(a), written(b))).toBe(written({ digits: sum, scale }));
      expect(decimalMul(written(a), written(b))).toBe(written({ digits: a.digits * b.digits, scale: a.scale + b.scale }));
    }),
  );
});
