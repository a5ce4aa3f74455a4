/** The chains of a lane's keys, which unit of each is being worked on, and how much is read ahead. Owns these maps; no rules. */
import type { Chain, Unit } from './unit.ts';

export class Chains {
  readonly #byKey = new Map<string, Chain>();
  readonly #active = new Map<string, Unit>();
  /** Chains whose parked head waits for a time. */
  readonly retrying = new Set<Chain>();
  windowRecords = 0;
  windowBytes = 0;

  /** The chain of a key, made if there is none. */
  of(keyHash: string): Chain {
    const known = this.#byKey.get(keyHash);
    if (known !== undefined) return known;
    const chain: Chain = { keyHash, parked: [], window: [], active: undefined };
    this.#byKey.set(keyHash, chain);
    return chain;
  }

  isActive(unit: Unit): boolean {
    return this.#active.has(unit.id);
  }

  all(): Chain[] {
    return [...this.#byKey.values()];
  }

  /** Nothing is left of this key. */
  remove(chain: Chain): void {
    this.#byKey.delete(chain.keyHash);
  }

  enterWindow(chain: Chain, unit: Unit): void {
    chain.window.push(unit);
    this.windowRecords += 1;
    this.windowBytes += unit.record?.body.length ?? 0;
  }

  leaveWindow(chain: Chain, unit: Unit): void {
    chain.window.splice(chain.window.indexOf(unit), 1);
    this.windowRecords -= 1;
    this.windowBytes -= unit.record?.body.length ?? 0;
  }

  activate(chain: Chain, unit: Unit): void {
    chain.active = unit;
    this.#active.set(unit.id, unit);
  }

  deactivate(chain: Chain, unit: Unit): void {
    if (chain.active === unit) chain.active = undefined;
    this.#active.delete(unit.id);
    unit.phase = 'waiting';
    unit.intentAt = undefined;
  }

  /** The unit with this id that is being worked on, if it is in this phase. */
  activeIn(id: string, phase: Unit['phase']): Unit | undefined {
    const unit = this.#active.get(id);
    return unit?.phase === phase ? unit : undefined;
  }

  /** What is being worked on now; a copy, since working on it changes the set. */
  activeUnits(): Unit[] {
    return [...this.#active.values()];
  }

  /**
   * Whatever waits after a failure goes now, and the time the circuit was open counts for no try. What was refused for
   * the account's limit or credentials keeps its pause: one such record must not open the circuit again and again.
   */
  hurry(now: number, openMs: number): void {
    const heads = [...this.retrying].flatMap(({ parked }) => parked.slice(0, 1));
    for (const unit of [...this.activeUnits(), ...heads]) {
      const { firstFailedAt, throttled } = unit.tries;
      unit.tries = {
        failed: 0,
        throttled,
        ...(firstFailedAt === undefined ? {} : { firstFailedAt: Math.min(now, firstFailedAt + openMs) }),
      };
      if (throttled > 0) continue;
      // A quarantine ends at its own time: the call may still be running.
      if (unit.phase === 'backoff' || unit.phase === 'waiting') unit.wakeAt = now;
    }
  }

  /** Epoch ms of the next moment at which something waits to be woken; Infinity when there is none. */
  get nextWakeAt(): number {
    let next = Infinity;
    for (const { wakeAt } of this.#active.values()) next = Math.min(next, wakeAt ?? Infinity);
    for (const { active, parked } of this.retrying) if (active === undefined) next = Math.min(next, parked[0]?.wakeAt ?? Infinity);
    return next;
  }
}
