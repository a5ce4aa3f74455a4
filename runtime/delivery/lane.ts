/**
 * The logic of one lane of one destination, as a step: what came from outside goes in, what to do comes out. It reads no
 * clock and does no I/O; the same step runs in production, in tables and in simulation. It owns the lane's state.
 *
 * D1: a record passes only in the commit that holds its outcome.
 * D2: one unit of a key at a time, in the order of capture; a call is made only after its intent is durable, and a call
 *     whose end nobody saw keeps its key until its quarantine ends.
 * D3: a failed record blocks only later records of its own key.
 * C3: duplicates, older versions and what comes after its cancel are filtered when they are read.
 */
import type { RecordKind } from '../contract/config.ts';
import type { FilterReason, Intent, JournalMessage } from '../contract/journal.ts';
import { Chains } from './chains.ts';
import { checkpointFrom, takeCommit, unitID } from './checkpoint.ts';
import type { Change, Checkpoint } from './checkpoint.ts';
import type { KeyMemory } from './key-memory.ts';
import { quarantineEnd } from './lane-io.ts';
import type { LaneEffect, LaneInput, LaneSetup } from './lane-io.ts';
import { cancelledChanges, deliveredChanges, filteredChanges, intentOf } from './lane-changes.ts';
import type { Mapping } from './mapping.ts';
import { Outbox } from './outbox.ts';
import type { Group } from './outbox.ts';
import { Parking } from './parking.ts';
import { inspect, planUnit } from './plan-unit.ts';
import type { Inspection } from './plan-unit.ts';
import type { CapturedRecord } from './record.ts';
import { isExhausted, resolveUnknown, settle } from './settle.ts';
import type { Settlement } from './settle.ts';
import { parkedUnit, windowUnit } from './unit.ts';
import type { Chain, PreparedCall, Unit } from './unit.ts';

/** Limits of what is read ahead. */
const maxWindowRecords = 500;
/** Each journal message names them. */
const maxPassedAboveCursor = 5_000;
const maxWindowBytes = 16 * 1024 * 1024;

export class Lane {
  readonly #checkpoint: Checkpoint;
  readonly #mappings: readonly [Mapping, ...Mapping[]];
  readonly #memory: KeyMemory;
  readonly #lostCallHoldMs: number;
  readonly #chains = new Chains();
  readonly #outbox = new Outbox();
  readonly #parking = new Parking();
  /** Until when a key waits for a call that the owner before us made. */
  readonly #quarantined = new Map<string, number>();
  #inFlight: readonly Group[] | undefined;
  #now = 0;
  #effects: LaneEffect[] = [];

  constructor({ last, owner, mappings, memory, parked, lastOrder, lostCallHoldMs }: LaneSetup) {
    this.#checkpoint = checkpointFrom(last, { name: owner, generation: mappings[0].generation });
    this.#mappings = mappings;
    this.#memory = memory;
    this.#lostCallHoldMs = lostCallHoldMs;
    for (const intent of last.intents) this.#quarantine(intent);
    this.#parking.sawOrder(lastOrder);
    for (const place of parked) {
      const unit = parkedUnit(place);
      this.#chains.of(unit.keyHash).parked.push(unit);
    }
  }

  /** The journal message by which this owner claims the lane: an epoch later, nothing else changed. */
  claim(now: number): JournalMessage {
    return takeCommit(this.#checkpoint, [], now);
  }

  /** Where reading goes on: everything above this sequence. */
  get cursor(): number {
    return this.#checkpoint.cursor;
  }

  /** How many more records may be read now. */
  get room(): number {
    const isFull = this.#chains.windowBytes >= maxWindowBytes || this.#outbox.bytes >= maxWindowBytes;
    if (isFull || this.#checkpoint.passed.size >= maxPassedAboveCursor) return 0;
    return Math.max(0, maxWindowRecords - this.#chains.windowRecords);
  }

  /** Epoch ms of the next moment at which a tick has something to do; Infinity when there is none. */
  get nextWakeAt(): number {
    return this.#chains.nextWakeAt;
  }

  /** Starts what was parked and may go; called once, after the claim is durable. */
  start(now: number): LaneEffect[] {
    this.#now = now;
    for (const chain of this.#chains.all()) this.#advance(chain);
    return this.#done();
  }

  step(input: LaneInput, now: number): LaneEffect[] {
    this.#now = now;
    switch (input.kind) {
      case 'record':
        this.#read(input.record);
        break;
      case 'payload':
        this.#loaded(input.id, input.record);
        break;
      case 'granted':
        this.#granted(input.id);
        break;
      case 'answered':
        this.#answered(input);
        break;
      case 'committed':
        this.#committed(input.firstSeq);
        break;
      case 'circuit closed':
        this.#hurry(input.openMs);
        break;
      case 'tick':
        this.#wake();
        break;
    }
    return this.#done();
  }

  #done(): LaneEffect[] {
    if (this.#inFlight === undefined && !this.#outbox.isEmpty) this.#commit();
    const effects = this.#effects;
    this.#effects = [];
    return effects;
  }

  #commit(): void {
    const groups = this.#outbox.take();
    this.#inFlight = groups;
    const message = takeCommit(
      this.#checkpoint,
      groups.flatMap((group) => group.changes),
      this.#now,
    );
    this.#effects.push({ kind: 'commit', message, writes: groups.flatMap((group) => group.write ?? []) });
  }

  #committed(firstSeq: number): void {
    const groups = this.#inFlight ?? [];
    this.#inFlight = undefined;
    groups
      .flatMap((group) => group.write ?? [])
      .forEach(({ place, unit }, index) => {
        place.seq = firstSeq + index;
        // From here its payload can be read again, so it need not be kept.
        if (!this.#chains.isActive(unit)) unit.record = undefined;
      });
    for (const { thenCall } of groups) {
      if (thenCall !== undefined) this.#call(thenCall);
    }
  }

  #read(record: CapturedRecord): void {
    const { seq, keyHash } = record;
    if (seq <= this.#checkpoint.cursor) return;
    if (this.#checkpoint.passed.has(seq)) {
      this.#memory.saw(record, this.#now);
      this.#outbox.add({ changes: [{ kind: 'read', seq }] });
      return;
    }
    // A call of the owner before us may be running: its record is judged by the mapping that made it, and not refused.
    const intent = this.#checkpoint.intents.get(unitID({ seq, unit: '_' }));
    const mapping = this.#mappings.find(({ generation }) => generation === intent?.generation) ?? this.#mappings[0];
    const inspection = inspect(mapping, record);
    const kind: RecordKind = inspection.kind === 'Cancel' ? 'Cancel' : 'Record';
    const refusal = intent === undefined ? this.#refusal(record, inspection) : undefined;
    this.#memory.saw(record, this.#now);
    this.#outbox.add({ changes: [{ kind: 'read', seq }] });
    if (refusal !== undefined) {
      this.#outbox.add({ changes: [{ kind: 'passed', seq }, ...filteredChanges(record, refusal, this.#now)] });
      return;
    }
    const chain = this.#chains.of(keyHash);
    this.#chains.enterWindow(chain, windowUnit(record, kind));
    this.#advance(chain);
  }

  #refusal(record: CapturedRecord, inspection: Inspection): FilterReason | undefined {
    return this.#memory.refusal(record) ?? (inspection.kind === 'filtered' ? inspection.reason : undefined);
  }

  /** Starts the head of a chain, and parks what waits behind a parked one. */
  #advance(chain: Chain): void {
    while (chain.active === undefined) {
      const [head] = chain.parked;
      const [next] = chain.window;
      if (next?.kind === 'Cancel') this.#beginCancel(chain, next);
      else if (head !== undefined && next !== undefined) this.#park(chain, next, { state: 'blocked' });
      else if (head !== undefined) {
        if (!this.#mayGo(chain, head)) return;
        this.#begin(chain, head);
      } else if (next === undefined) {
        this.#chains.remove(chain);
        return;
      } else this.#begin(chain, next);
    }
  }

  #mayGo(chain: Chain, head: Unit): boolean {
    if (head.parked?.meta.state === 'failed') return false;
    if (head.wakeAt !== undefined && head.wakeAt > this.#now) {
      this.#chains.retrying.add(chain);
      return false;
    }
    this.#chains.retrying.delete(chain);
    return true;
  }

  /** A cancel waits behind a running call, not behind parked units: those it withdraws. */
  #beginCancel(chain: Chain, cancel: Unit): void {
    const { keyHash, record } = cancel;
    const withdrawn = chain.parked.splice(0);
    this.#chains.retrying.delete(chain);
    for (const unit of withdrawn) {
      this.#outbox.add(this.#parking.withdraw(unit, [{ kind: 'counted', as: 'cancelled', count: 1 }, ...this.#closedIntent(unit)]));
    }
    this.#memory.cancelled(keyHash, record?.version, this.#now);
    this.#outbox.add({ changes: cancelledChanges(cancel, withdrawn.length, this.#now) });
    this.#begin(chain, cancel);
  }

  #begin(chain: Chain, unit: Unit): void {
    unit.wakeAt = undefined;
    this.#chains.activate(chain, unit);
    const until = this.#quarantined.get(unit.keyHash) ?? 0;
    if (until > this.#now) {
      unit.phase = 'quarantine';
      unit.wakeAt = until;
    } else this.#prepare(chain, unit);
  }

  #prepare(chain: Chain, unit: Unit): void {
    const { record } = unit;
    if (record === undefined) {
      unit.phase = 'loading';
      if (unit.parked !== undefined) this.#effects.push({ kind: 'load', id: unit.id, place: unit.parked });
      return;
    }
    const intent = this.#checkpoint.intents.get(unit.id);
    const mapping = this.#mappingOf(unit, intent);
    unit.mapping = mapping;
    const plan = planUnit(mapping, record, unit.kind);
    if (plan.kind === 'filtered') this.#finishFiltered(chain, unit, plan.reason);
    else if (plan.kind === 'failed') this.#park(chain, unit, { state: 'failed', ...plan.failure });
    else if (intent !== undefined) this.#resolve(chain, unit, { ...plan, attempt: intent.attempt });
    else if (unit.kind === 'Record' && this.#memory.isAfterCancel(unit.keyHash, record.version))
      this.#finishFiltered(chain, unit, 'AfterCancel');
    else if (this.#memory.isUnchanged(unit.keyHash, plan.hash)) this.#finishFiltered(chain, unit, 'Unchanged');
    else {
      unit.prepared = plan;
      this.#acquire(unit);
    }
  }

  /** A call by the owner before us, of which nobody saw the end, and whose quarantine is over. */
  #resolve(chain: Chain, unit: Unit, prepared: PreparedCall & { readonly attempt: number }): void {
    unit.prepared = prepared;
    unit.attempt = prepared.attempt;
    this.#afterQuarantine(chain, unit, prepared);
  }

  #afterQuarantine(chain: Chain, unit: Unit, { idempotency }: PreparedCall): void {
    const policy = this.#policy(unit);
    switch (isExhausted(unit.tries, policy, this.#now) ? 'bin' : resolveUnknown(idempotency, policy.onUnknown)) {
      case 'send again':
        this.#acquire(unit);
        return;
      case 'bin':
        this.#park(chain, unit, {
          state: 'failed',
          reason: 'OutcomeUnknown',
          message: 'the call may or may not have had its effect: look at the target',
        });
    }
  }

  #mappingOf(unit: Unit, intent: Intent | undefined): Mapping {
    const wanted = intent?.generation ?? (unit.parked?.meta.state === 'retrying' ? unit.parked.meta.generation : undefined);
    return unit.mapping ?? this.#mappings.find(({ generation }) => generation === wanted) ?? this.#mappings[0];
  }

  #policy(unit: Unit): Mapping['retry'] {
    return (unit.mapping ?? this.#mappings[0]).retry;
  }

  #acquire(unit: Unit): void {
    unit.phase = 'slot';
    unit.wakeAt = undefined;
    this.#effects.push({ kind: 'acquire', id: unit.id, capturedAt: unit.capturedAt, seq: unit.seq });
  }

  #granted(id: string): void {
    const unit = this.#chains.activeIn(id, 'slot');
    if (unit?.prepared === undefined) {
      this.#effects.push({ kind: 'drop', id });
      return;
    }
    unit.phase = 'intent';
    unit.attempt += 1;
    unit.intentAt = this.#now;
    this.#memory.calling(unit.keyHash);
    const generation = (unit.mapping ?? this.#mappings[0]).generation;
    const intent = intentOf(unit, unit.prepared, { at: this.#now, generation });
    this.#outbox.add({ changes: [{ kind: 'intent', intent }], thenCall: unit });
  }

  #call(unit: Unit): void {
    if (unit.prepared === undefined || unit.intentAt === undefined) return;
    unit.phase = 'calling';
    this.#effects.push({ kind: 'call', id: unit.id, prepared: unit.prepared, intentAt: unit.intentAt });
  }

  #loaded(id: string, record: CapturedRecord): void {
    const unit = this.#chains.activeIn(id, 'loading');
    if (unit === undefined) return;
    const chain = this.#chains.of(unit.keyHash);
    unit.record = record;
    this.#prepare(chain, unit);
    this.#advance(chain);
  }

  #answered({ id, outcome, counted, random }: Extract<LaneInput, { kind: 'answered' }>): void {
    const unit = this.#chains.activeIn(id, 'calling');
    if (unit === undefined) return;
    const chain = this.#chains.of(unit.keyHash);
    const settlement = settle({ outcome, recordKind: unit.kind, counted, random, at: this.#now }, unit.tries, this.#policy(unit));
    if (settlement.kind !== 'quarantine') this.#effects.push({ kind: 'release', id });
    this.#settle(chain, unit, { settlement, throttled: outcome.kind === 'throttled' });
    this.#advance(chain);
  }

  #settle(chain: Chain, unit: Unit, { settlement, throttled }: { settlement: Settlement; throttled: boolean }): void {
    switch (settlement.kind) {
      case 'done':
        this.#finishDelivered(chain, unit, settlement.duplicate);
        return;
      case 'failed':
        this.#park(chain, unit, { state: 'failed', ...settlement.failure });
        return;
      case 'again':
        unit.tries = settlement.tries;
        this.#outbox.add({ changes: [{ kind: 'intent closed', id: unit.id, throttled }] });
        unit.intentAt = undefined;
        if (settlement.delayMs === 0) this.#acquire(unit);
        else {
          unit.phase = 'backoff';
          unit.wakeAt = this.#now + settlement.delayMs;
        }
        return;
      case 'retry':
        unit.tries = settlement.tries;
        this.#outbox.add({ changes: [{ kind: 'intent closed', id: unit.id, throttled }] });
        this.#park(chain, unit, { state: 'retrying', reason: settlement.reason, notBefore: this.#now + settlement.delayMs });
        return;
      case 'quarantine':
        unit.tries = settlement.tries;
        unit.phase = 'quarantine';
        unit.wakeAt = quarantineEnd(unit.intentAt ?? this.#now, this.#lostCallHoldMs);
        this.#outbox.add({ changes: [{ kind: 'intent unknown', id: unit.id }] });
        this.#effects.push({ kind: 'keep slot', id: unit.id, until: unit.wakeAt });
    }
  }

  #finishDelivered(chain: Chain, unit: Unit, duplicate: boolean): void {
    const hash = unit.prepared?.hash ?? '';
    this.#memory.delivered(unit.keyHash, hash, this.#now);
    this.#finish(chain, unit, deliveredChanges(unit, { hash, duplicate }, this.#now));
  }

  #finishFiltered(chain: Chain, unit: Unit, reason: FilterReason): void {
    this.#finish(chain, unit, filteredChanges(unit, reason, this.#now));
  }

  /** A unit has reached its end: its record passes, or its parked copy goes. */
  #finish(chain: Chain, unit: Unit, changes: Change[]): void {
    const closed = this.#closedIntent(unit);
    if (unit.parked === undefined) {
      this.#outbox.add({ changes: [{ kind: 'passed', seq: unit.seq }, ...closed, ...changes] });
      this.#chains.leaveWindow(chain, unit);
    } else {
      this.#outbox.add(this.#parking.withdraw(unit, [...closed, ...changes]));
      chain.parked.shift();
    }
    this.#chains.deactivate(chain, unit);
  }

  /** D1: the copy among the parked units and the passing of the record are one commit. */
  #park(chain: Chain, unit: Unit, label: Parameters<Parking['park']>[1]): void {
    const wasParked = unit.parked !== undefined;
    const closed = this.#closedIntent(unit);
    const generation = (unit.mapping ?? this.#mappings[0]).generation;
    const group = this.#parking.park(unit, { ...label, generation }, { at: this.#now, changes: closed });
    if (group === undefined) return;
    this.#outbox.add(group);
    if (!wasParked) {
      this.#chains.leaveWindow(chain, unit);
      chain.parked.push(unit);
    }
    unit.prepared = undefined;
    unit.mapping = undefined;
    unit.wakeAt = label.notBefore;
    this.#chains.deactivate(chain, unit);
  }

  #closedIntent(unit: Unit): Change[] {
    return unit.intentAt !== undefined || this.#checkpoint.intents.has(unit.id)
      ? [{ kind: 'intent closed', id: unit.id, throttled: false }]
      : [];
  }

  #quarantine(intent: Intent): void {
    const until = quarantineEnd(intent.at, this.#lostCallHoldMs);
    this.#quarantined.set(intent.keyHash, Math.max(until, this.#quarantined.get(intent.keyHash) ?? 0));
  }

  #wake(): void {
    for (const unit of this.#chains.activeUnits()) {
      if (unit.wakeAt !== undefined && unit.wakeAt <= this.#now) this.#wakeUnit(this.#chains.of(unit.keyHash), unit);
    }
    for (const chain of Array.from(this.#chains.retrying)) this.#advance(chain);
  }

  #wakeUnit(chain: Chain, unit: Unit): void {
    unit.wakeAt = undefined;
    if (unit.phase === 'backoff') this.#acquire(unit);
    else if (unit.phase === 'quarantine' && unit.prepared !== undefined) this.#afterQuarantine(chain, unit, unit.prepared);
    else if (unit.phase === 'quarantine') this.#prepare(chain, unit);
    this.#advance(chain);
  }

  /** P3: what failed for a passing reason goes again by itself when the target is back. */
  #hurry(openMs: number): void {
    this.#chains.hurry(this.#now, openMs);
    this.#wake();
  }
}
