/**
 * When a status is written. Pure.
 * 1. What somebody waits for (conditions, phases) is written at once; figures that only move, at most every `figuresEveryMs`.
 * 2. A status that says the same is not written, however fresh it is.
 */

export type StatusWrite = { readonly kind: 'none' } | { readonly kind: 'now' } | { readonly kind: 'later'; readonly afterMs: number };

export interface Pace<S> {
  /** Without what merely says when it was observed. */
  readonly figures: (status: S) => unknown;
  /** All the rest. */
  readonly matters: (status: S) => unknown;
  readonly observedAt: (status: S) => string | undefined;
  readonly figuresEveryMs: number;
}

export function statusWrite<S>(before: S, after: S, { pace, now }: { pace: Pace<S>; now: number }): StatusWrite {
  if (!isSame(pace.matters(before), pace.matters(after))) return { kind: 'now' };
  if (isSame(pace.figures(before), pace.figures(after))) return { kind: 'none' };
  const last = Date.parse(pace.observedAt(before) ?? '');
  const afterMs = Number.isNaN(last) ? 0 : last + pace.figuresEveryMs - now;
  // A time in the future is another clock's: it must not hold figures back for ever.
  return afterMs <= 0 || afterMs > pace.figuresEveryMs ? { kind: 'now' } : { kind: 'later', afterMs };
}

function isSame(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, field: unknown) =>
    typeof field === 'object' && field !== null && !Array.isArray(field)
      ? Object.fromEntries(Object.entries(field).toSorted(([x], [y]) => (x < y ? -1 : 1)))
      : field,
  );
}
