/**
 * Conditions of a resource's status, by the conventions of kstatus: all of positive polarity but Reconciling and Stalled.
 * 1. `lastTransitionTime` moves only when the status does.
 * 2. Conditions do not flap: their texts hold no times, counters or random order (the callers' duty).
 */

export type ConditionStatus = 'True' | 'False' | 'Unknown';

/** What a decision says of one condition. */
export interface ConditionFact {
  readonly type: string;
  readonly status: ConditionStatus;
  /** CamelCase constant. */
  readonly reason: string;
  readonly message: string;
}

export interface Condition extends ConditionFact {
  readonly observedGeneration: number;
  /** RFC 3339 in UTC, whole seconds. */
  readonly lastTransitionTime: string;
}

const longestMessage = 2_048;

/** The conditions to write: those of `facts` in their order, and no others. */
export function mergeConditions(
  current: readonly Pick<Condition, 'type' | 'status' | 'lastTransitionTime'>[],
  facts: readonly ConditionFact[],
  { generation, now }: { generation: number; now: number },
): Condition[] {
  return facts.map(({ type, status, reason, message }) => {
    const before = current.find((condition) => condition.type === type);
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : wholeSeconds(now);
    return { type, status, reason, message: message.slice(0, longestMessage), observedGeneration: generation, lastTransitionTime };
  });
}

export function findCondition<C extends ConditionFact>(conditions: readonly C[], type: string): C | undefined {
  return conditions.find((condition) => condition.type === type);
}

/** How far a resource is on its way to what its spec asks for. */
export interface Progress {
  /** Accepted, and what it asks for is in place. */
  readonly inPlace: boolean;
  /** Something is under way or missing that heals by itself. */
  readonly underway?: { readonly reason: string; readonly message: string };
  /** Nothing goes on until somebody changes something. */
  readonly stalled?: { readonly reason: string; readonly message: string };
  /** What Ready says when it is True. */
  readonly ready: { readonly reason: string; readonly message: string };
}

/** Ready, Reconciling and Stalled, computed together so that they cannot contradict each other. */
export function progressConditions({ inPlace, underway, stalled, ready }: Progress): ConditionFact[] {
  const why = stalled ?? underway ?? { reason: 'Progressing', message: 'The resource is being brought into place.' };
  const isReady = inPlace && stalled === undefined;
  const reconciling = stalled === undefined ? (underway ?? (inPlace ? undefined : why)) : undefined;
  return [
    { type: 'Ready', status: isReady ? 'True' : 'False', ...(isReady ? ready : why) },
    { type: 'Reconciling', ...yesOrNo(reconciling, 'Nothing is under way.') },
    { type: 'Stalled', ...yesOrNo(stalled, 'Nothing is in the way.') },
  ];
}

function yesOrNo(why: { reason: string; message: string } | undefined, otherwise: string): Omit<ConditionFact, 'type'> {
  return why === undefined ? { status: 'False', reason: 'None', message: otherwise } : { status: 'True', ...why };
}

/** Kubernetes times have no fractions of a second. */
export function wholeSeconds(epochMs: number): string {
  return new Date(epochMs).toISOString().replace(/\.\d+Z$/, 'Z');
}
