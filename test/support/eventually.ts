/** Polls until a check passes; for what a real cluster brings about in its own time. */
import { setTimeout as delay } from 'node:timers/promises';

const limitMs = 30_000;
const pollMs = 50;

/** Repeats `check` until it throws nothing, and returns its value; at the deadline its last error is thrown. */
export const eventually = async <T>(check: () => Promise<T> | T, signal: AbortSignal): Promise<T> => {
  const giveUpMs = performance.now() + limitMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (signal.aborted || performance.now() > giveUpMs) throw error;
    }
    await delay(pollMs, undefined, { signal }).catch(() => undefined); // aborted: the next failure is thrown
  }
};
