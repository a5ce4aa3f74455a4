/**
 * Permission for calls to one account within this pod: at most `limit` at any instant, calls whose end nobody saw
 * included (L1), the oldest record first. Owns the waiting requests; reads no clock.
 */
import { closedCircuit, isNotMade, mayCall, onCall, onOutcome, onProbeDropped } from './circuit.ts';
import type { CircuitPolicy, CircuitState } from './circuit.ts';
import type { Outcome } from '../connectors/connector.ts';

export interface SlotRequest {
  /** Unique over all lanes of the pod. */
  readonly id: string;
  /** Epoch ms of the capture: the oldest goes first. */
  readonly capturedAt: number;
  readonly seq: number;
  readonly grant: () => void;
}

export interface Slots {
  readonly limit: number;
  readonly policy: CircuitPolicy;
}

export class SlotGovernor {
  readonly #slots: Slots;
  readonly #waiting: SlotRequest[] = [];
  readonly #inUse = new Set<string>();
  /** Calls whose end nobody saw: until when they count as running (epoch ms). */
  readonly #lost = new Map<string, number>();
  #circuit: CircuitState = closedCircuit;
  #hasAnswered = false;
  #lastProbe: string | undefined;

  constructor(slots: Slots) {
    this.#slots = slots;
  }

  request(request: SlotRequest, now: number): void {
    const before = (a: SlotRequest, b: SlotRequest) => a.capturedAt - b.capturedAt || a.seq - b.seq;
    let low = 0;
    let high = this.#waiting.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#waiting[middle];
      if (other !== undefined && before(other, request) <= 0) low = middle + 1;
      else high = middle;
    }
    this.#waiting.splice(low, 0, request);
    this.#grant(now);
  }

  /** A granted call was not made. */
  dropped(id: string, now: number): void {
    this.#circuit = onProbeDropped(this.#circuit, id, now);
    this.release(id, now);
  }

  /** The call has ended. */
  release(id: string, now: number): void {
    this.#inUse.delete(id);
    this.#grant(now);
  }

  /** Nobody saw the end of this call: it counts as running until then. */
  keep(id: string, until: number): void {
    this.#inUse.delete(id);
    this.#lost.set(id, Math.max(until, this.#lost.get(id) ?? 0));
  }

  /** Requests of a lane that is given up are taken back. */
  forget(isOurs: (id: string) => boolean): void {
    const kept = this.#waiting.filter(({ id }) => !isOurs(id));
    this.#waiting.splice(0, this.#waiting.length, ...kept);
  }

  /** How a call ended. `counted`: whether a failure is a try of its unit. `closedAfterMs`: the circuit closed by this, after so long. */
  report(id: string, outcome: Outcome, now: number): { readonly counted: boolean; readonly closedAfterMs: number | undefined } {
    const before = this.#circuit;
    if (outcome.kind === 'delivered' || outcome.kind === 'duplicate' || outcome.kind === 'rejected') this.#hasAnswered = true;
    this.#circuit = onOutcome(before, { id, outcome, now }, this.#slots.policy);
    return {
      counted: before.kind === 'closed' && this.#circuit.kind === 'closed' && !isNotMade(outcome),
      closedAfterMs: before.kind !== 'closed' && this.#circuit.kind === 'closed' ? now - before.since : undefined,
    };
  }

  /** Time has passed. */
  tick(now: number): void {
    this.#grant(now);
  }

  /** Epoch ms of the next moment at which a tick may grant something; Infinity when there is none. */
  nextWakeAt(): number {
    if (this.#waiting.length === 0) return Infinity;
    const isFull = this.#inUse.size + this.#lost.size >= this.#slots.limit;
    const probeAt = this.#circuit.kind === 'open' && !isFull ? this.#circuit.probeAt : Infinity;
    return Math.min(probeAt, ...this.#lost.values());
  }

  get circuit(): CircuitState {
    return this.#circuit;
  }

  inUse(now: number): number {
    this.#expire(now);
    return this.#inUse.size + this.#lost.size;
  }

  /** Whether the target has taken or refused a call for what it was: then the credentials were good. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  get limit(): number {
    return this.#slots.limit;
  }

  /** The oldest; as a probe rather another than the last one, which may fail for a reason of its own. */
  #takeNext(): SlotRequest | undefined {
    if (this.#circuit.kind !== 'open') return this.#waiting.shift();
    const other = this.#waiting.findIndex(({ id }) => id !== this.#lastProbe);
    return this.#waiting.splice(Math.max(0, other), 1)[0];
  }

  #expire(now: number): void {
    for (const [id, until] of this.#lost) {
      if (until <= now) this.#lost.delete(id);
    }
  }

  #grant(now: number): void {
    this.#expire(now);
    while (this.#inUse.size + this.#lost.size < this.#slots.limit && mayCall(this.#circuit, now)) {
      const next = this.#takeNext();
      if (next === undefined) return;
      if (this.#circuit.kind === 'open') this.#lastProbe = next.id;
      this.#inUse.add(next.id);
      this.#circuit = onCall(this.#circuit, next.id);
      next.grant();
    }
  }
}
