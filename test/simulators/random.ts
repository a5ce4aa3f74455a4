/**
 * Seeded random numbers: the same seed gives the same sequence on every machine, so that a run can be repeated.
 * Owns no entropy: nothing here reads a clock or Math.random.
 */

export interface Random {
  /** 32 random bits. */
  uint32(): number;
  /** In [0, 1). */
  unit(): number;
  /** In [min, max], both included. */
  integer(min: number, max: number): number;
  chance(probability: number): boolean;
  pick<T>(list: readonly T[]): T;
  shuffled<T>(list: readonly T[]): T[];
}

const mulberry32 = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
};

export const createRandom = (seed: number): Random => {
  const uint32 = mulberry32(seed);
  const unit = (): number => uint32() / 0x1_0000_0000;
  const integer = (min: number, max: number): number => min + Math.floor(unit() * (max - min + 1));
  const pick = <T>(list: readonly T[]): T => {
    const found = list.at(integer(0, list.length - 1));
    if (found === undefined) throw new RangeError('nothing to pick from an empty list');
    return found;
  };
  const shuffled = <T>(list: readonly T[]): T[] =>
    list
      .map((value) => ({ value, order: uint32() }))
      .toSorted((a, b) => a.order - b.order)
      .map(({ value }) => value);
  return { uint32, unit, integer, chance: (probability) => unit() < probability, pick, shuffled };
};

export interface LogNormal {
  /** Of the distribution before the cut. */
  meanMs: number;
  sigma: number;
  /** A longer sample is cut to this. */
  maxMs: number;
}

export const drawLogNormalMs = (random: Random, { meanMs, sigma, maxMs }: LogNormal): number => {
  // Box-Muller; 1 - unit() is in (0, 1], so its logarithm is finite.
  const normal = Math.sqrt(-2 * Math.log(1 - random.unit())) * Math.cos(2 * Math.PI * random.unit());
  return Math.min(maxMs, Math.exp(Math.log(meanMs) - (sigma * sigma) / 2 + sigma * normal));
};
