/** Waits for a signal. */
import { setTimeout as delay } from 'node:timers/promises';

export async function untilAborted(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await delay(3_600_000, undefined, { signal }).catch(() => undefined); // aborted: the loop ends
}
