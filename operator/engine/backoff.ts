/** How long to wait after the n-th failure in a row. Pure: randomness is an argument. */

export interface BackoffPolicy {
  readonly baseMs: number;
  readonly maxMs: number;
  readonly factor: number;
}

/**
 * Grows from `baseMs` by `factor` up to `maxMs`; of that, between half and all, so that what failed together does not come
 * back together. Guarantees: at least `baseMs / 2`, at most `maxMs`.
 * @param failures in a row, from 1
 * @param random in [0, 1)
 */
export function backoffMs(failures: number, policy: BackoffPolicy, random: number): number {
  const exponent = Math.max(0, failures - 1);
  const full = Math.min(policy.maxMs, policy.baseMs * policy.factor ** exponent);
  return full / 2 + (full / 2) * random;
}
