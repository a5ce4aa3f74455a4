import { expect, test } from 'vitest';
import { createRandom, drawLogNormalMs } from './random.ts';

const draw = (seed: number, count: number, shape = { meanMs: 300, sigma: 0.45, maxMs: Infinity }): number[] => {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => drawLogNormalMs(random, shape));
};

test('the same seed draws the same latencies, another one does not', () => {
  expect(draw(7, 50)).toEqual(draw(7, 50));
  expect(draw(7, 50)).not.toEqual(draw(8, 50));
});

test.each([1, 2, 3, 4_294_967_295])('lognormal latencies of seed %i have the mean and the spread asked for', (seed) => {
  const samples = draw(seed, 20_000);
  const mean = samples.reduce((sum, ms) => sum + ms, 0) / samples.length;
  const logs = samples.map((ms) => Math.log(ms));
  const logMean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const sigma = Math.sqrt(logs.reduce((sum, log) => sum + (log - logMean) ** 2, 0) / logs.length);
  expect(Math.abs(mean - 300) / 300).toBeLessThan(0.02);
  expect(Math.abs(sigma - 0.45)).toBeLessThan(0.01);
});

test('no latency is longer than the cut, and the tail is cut there', () => {
  const samples = draw(1, 5000, { meanMs: 300, sigma: 0.45, maxMs: 400 });
  expect(Math.max(...samples)).toBe(400);
  expect(samples.filter((ms) => ms === 400).length).toBeGreaterThan(500);
});

test('integers and picks stay within their bounds and reach them', () => {
  const random = createRandom(3);
  const integers = Array.from({ length: 2000 }, () => random.integer(2, 5));
  expect(new Set(integers)).toEqual(new Set([2, 3, 4, 5]));
  expect(random.shuffled(['a', 'b', 'c', 'd', 'e']).toSorted()).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(() => random.pick([])).toThrow(RangeError);
});
