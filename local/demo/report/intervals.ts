/** Sets of time as lists of intervals. */

export interface Interval {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The same time as sorted intervals that do not touch; empty and reversed ones are nothing. */
export const unite = (intervals: readonly Interval[]): Interval[] => {
  const united: { fromMs: number; toMs: number }[] = [];
  const sorted = intervals.filter(({ fromMs, toMs }) => toMs > fromMs).toSorted((a, b) => a.fromMs - b.fromMs);
  for (const { fromMs, toMs } of sorted) {
    const last = united.at(-1);
    if (last === undefined || fromMs > last.toMs) united.push({ fromMs, toMs });
    else last.toMs = Math.max(last.toMs, toMs);
  }
  return united;
};

/** What of `intervals` lies in none of `holes`; both may overlap. */
export const subtract = (intervals: readonly Interval[], holes: readonly Interval[]): Interval[] =>
  unite(holes).reduce<Interval[]>(
    (left, hole) =>
      left.flatMap(({ fromMs, toMs }) =>
        [
          { fromMs, toMs: Math.min(toMs, hole.fromMs) },
          { fromMs: Math.max(fromMs, hole.toMs), toMs },
        ].filter((part) => part.toMs > part.fromMs),
      ),
    unite(intervals),
  );

export const totalMs = (intervals: readonly Interval[]): number => intervals.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
