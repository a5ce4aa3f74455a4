/**
 * The account's concurrency limit.
 * Invariants: a call is in flight from its arrival until it ends here, whatever becomes of its caller; never more than the limit;
 * a refused call is never in flight.
 */
import { steadyNowMs } from '../listener.ts';
import type { Timeline } from './timeline.ts';

const round = (ms: number): number => Math.round(ms * 100) / 100;

export class Concurrency {
  readonly limit: number;
  readonly timeline: Timeline = { startedAtMs: steadyNowMs(), atMs: [], inFlight: [] };
  #inFlight = 0;
  #peak = 0;
  #refused = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get peak(): number {
    return this.#peak;
  }

  get refused(): number {
    return this.#refused;
  }

  /** False is a refusal. Each true is followed by one end(). */
  tryBegin(): boolean {
    if (this.#inFlight >= this.limit) {
      this.#refused += 1;
      return false;
    }
    this.#change(1);
    this.#peak = Math.max(this.#peak, this.#inFlight);
    return true;
  }

  end(): void {
    this.#change(-1);
  }

  #change(by: 1 | -1): void {
    this.#inFlight += by;
    this.timeline.atMs.push(round(steadyNowMs() - this.timeline.startedAtMs));
    this.timeline.inFlight.push(this.#inFlight);
  }
}
