/** What the lane writes down of what it decides: the changes and events of each decision. Pure. */
import type { FilterReason, Intent } from '../contract/journal.ts';
import type { Change } from './checkpoint.ts';
import type { PreparedCall, Unit } from './unit.ts';

const wholeRecord = '_';

interface UnitIdentity {
  readonly seq: number;
  readonly keyHash: string;
  readonly parked?: { readonly unit: string } | undefined;
}

function identityOf({ seq, keyHash, parked }: UnitIdentity): { seq: number; keyHash: string; unit: string } {
  return { seq, keyHash, unit: parked?.unit ?? wholeRecord };
}

export function filteredChanges(unit: UnitIdentity, reason: FilterReason, at: number): Change[] {
  return [
    { kind: 'filtered', reason },
    { kind: 'event', event: { kind: 'filtered', ...identityOf(unit), at, reason } },
  ];
}

export function deliveredChanges(unit: Unit, { hash, duplicate }: { hash: string; duplicate: boolean }, at: number): Change[] {
  const { attempt, capturedAt } = unit;
  const facts = { attempt, hash, capturedAt, ...(duplicate ? { duplicate: true as const } : {}) };
  return [
    { kind: 'counted', as: 'delivered', count: 1 },
    { kind: 'event', event: { kind: 'delivered', ...identityOf(unit), at, ...facts } },
  ];
}

/** The version goes into the event: a takeover may not read the header of a record above the cursor before it needs it. */
export function cancelledChanges(cancel: Unit, withdrawn: number, at: number): Change[] {
  const version = cancel.record?.version;
  return [
    { kind: 'event', event: { kind: 'cancelled', ...identityOf(cancel), at, withdrawn, ...(version === undefined ? {} : { version }) } },
  ];
}

export function intentOf(unit: Unit, { call }: PreparedCall, { at, generation }: { at: number; generation: number }): Intent {
  return { ...identityOf(unit), attempt: unit.attempt, callKey: call.callKey, at, generation };
}
