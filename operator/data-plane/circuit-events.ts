/** CircuitOpened and CircuitClosed, from the conditions before and after. Pure. */
import { findCondition } from '../engine/conditions.ts';
import type { EventFact } from '../kubernetes/events.ts';

type Conditions = readonly {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  lastTransitionTime: string;
}[];

const unseen = { status: 'Unknown', lastTransitionTime: '', message: '' } as const;

export function circuitEvents(before: Conditions | undefined, after: Conditions | undefined): EventFact[] {
  const was = findCondition(before ?? [], 'TargetReachable') ?? unseen;
  const is = findCondition(after ?? [], 'TargetReachable') ?? unseen;
  if (was.status === is.status) return [];
  // The transition before this one names the change, so that a repeated reconcile finds the same name.
  const change = `${was.status} ${was.lastTransitionTime}`;
  if (is.status === 'False') return [{ type: 'Warning', reason: 'CircuitOpened', message: is.message, change }];
  return is.status === 'True' && was.status === 'False' ? [{ type: 'Normal', reason: 'CircuitClosed', message: is.message, change }] : [];
}
