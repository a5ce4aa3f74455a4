/**
 * When each key runs next. Owns no timer and reads no clock, so its rules can be tested as a table:
 * 1. A key is in the schedule at most once; added twice, it runs at the earlier of the two times.
 * 2. A key that runs is not taken again before it is finished; added meanwhile, it runs once more afterwards.
 * 3. Of the keys that are due, the one that has been due longest is taken first.
 * 4. A key that is neither scheduled nor running nor failing leaves nothing behind.
 */

interface Entry {
  dueAt: number | undefined;
  running: boolean;
  failures: number;
}

export class KeySchedule {
  readonly #entries = new Map<string, Entry>();

  /** Keys that are scheduled or running. */
  get size(): number {
    let size = 0;
    for (const entry of this.#entries.values()) if (entry.running || entry.dueAt !== undefined) size += 1;
    return size;
  }

  add(key: string, dueAt: number): void {
    const entry = this.#entry(key);
    entry.dueAt = Math.min(entry.dueAt ?? Infinity, dueAt);
  }

  /** The key that runs now; undefined when none is due. The caller owes a `finish`. */
  take(now: number): string | undefined {
    let best: { key: string; entry: Entry; dueAt: number } | undefined;
    for (const [key, entry] of this.#entries) {
      if (entry.running || entry.dueAt === undefined || entry.dueAt > now) continue;
      if (best === undefined || entry.dueAt < best.dueAt) best = { key, entry, dueAt: entry.dueAt };
    }
    if (best === undefined) return undefined;
    best.entry.running = true;
    best.entry.dueAt = undefined;
    return best.key;
  }

  /** Ends a run that did not fail. */
  finish(key: string): void {
    const entry = this.#entry(key);
    entry.running = false;
    entry.failures = 0;
    if (entry.dueAt === undefined) this.#entries.delete(key);
  }

  /** Ends a run that failed. Returns how often in a row it has failed now. */
  fail(key: string): number {
    const entry = this.#entry(key);
    entry.running = false;
    entry.failures += 1;
    return entry.failures;
  }

  /** Earliest time at which a key that does not run is due; undefined when none is scheduled. */
  nextDueAt(): number | undefined {
    let next: number | undefined;
    for (const entry of this.#entries.values()) {
      if (!entry.running && entry.dueAt !== undefined && entry.dueAt < (next ?? Infinity)) next = entry.dueAt;
    }
    return next;
  }

  #entry(key: string): Entry {
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const entry: Entry = { dueAt: undefined, running: false, failures: 0 };
    this.#entries.set(key, entry);
    return entry;
  }
}
