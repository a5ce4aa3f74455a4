/** Wakes one waiting loop. A ring while nobody waits is kept; several rings in a row are one. */
import { setTimeout as delay } from 'node:timers/promises';

export class Bell {
  #hasRung = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#hasRung = true;
    this.#wake?.();
  }

  /** Returns on a ring, after `limitMs`, or when `signal` aborts; which of them is for the caller to see. */
  async wait(limitMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#hasRung && !signal.aborted) {
      const rung = new AbortController();
      this.#wake = () => rung.abort();
      await delay(limitMs, undefined, { signal: AbortSignal.any([signal, rung.signal]) }).catch(() => undefined); // woken early
      this.#wake = undefined;
    }
    this.#hasRung = false;
  }
}
