/** How many calls were in flight at each moment, kept as the moments at which it changed. */

export interface Timeline {
  /** Milliseconds since 1970 of the clock's zero. */
  startedAtMs: number;
  /** Milliseconds from there, never descending. */
  atMs: number[];
  /** In flight from that moment to the next. */
  inFlight: number[];
}

/** ∫ in flight dt between two moments in milliseconds since 1970; call-milliseconds. */
export const integrateInFlight = (timeline: Timeline, fromMs: number, toMs: number): number => {
  const from = fromMs - timeline.startedAtMs;
  const to = toMs - timeline.startedAtMs;
  return timeline.atMs.reduce((sum, at, index) => {
    const begin = Math.max(at, from);
    const end = Math.min(timeline.atMs[index + 1] ?? Infinity, to);
    return end > begin ? sum + (end - begin) * (timeline.inFlight[index] ?? 0) : sum;
  }, 0);
};
