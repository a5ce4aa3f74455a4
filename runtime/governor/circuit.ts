/**
 * The circuit of an account, as a pure state machine.
 * L2: while it is open no call is made but one probe at a time, with growing pauses, and no try is counted. Refused
 * credentials open it at once.
 */
import { notMade } from '../connectors/connector.ts';
import type { Outcome } from '../connectors/connector.ts';

export interface CircuitPolicy {
  /** Failures in a row that open it. */
  readonly failures: number;
  /** First pause before a probe, in ms; doubled after each failed probe up to `maxOpenForMs`. */
  readonly openForMs: number;
  readonly maxOpenForMs: number;
}

export type CircuitState =
  | { readonly kind: 'closed'; readonly failures: number }
  | { readonly kind: 'open'; readonly reason: string; readonly since: number; readonly pauseMs: number; readonly probeAt: number }
  | { readonly kind: 'probing'; readonly reason: string; readonly since: number; readonly pauseMs: number; readonly probe: string };

export const closedCircuit: CircuitState = { kind: 'closed', failures: 0 };

/** Whether a call may be made now. Epoch ms. */
export function mayCall(state: CircuitState, now: number): boolean {
  switch (state.kind) {
    case 'closed':
      return true;
    case 'open':
      return now >= state.probeAt;
    case 'probing':
      return false;
  }
}

/** A call with this id is about to be made: with an open circuit it is the probe. */
export function onCall(state: CircuitState, id: string): CircuitState {
  if (state.kind !== 'open') return state;
  return { kind: 'probing', reason: state.reason, since: state.since, pauseMs: state.pauseMs, probe: id };
}

/** The probe was not made after all. */
export function onProbeDropped(state: CircuitState, id: string, now: number): CircuitState {
  if (state.kind !== 'probing' || state.probe !== id) return state;
  return { kind: 'open', reason: state.reason, since: state.since, pauseMs: state.pauseMs, probeAt: now };
}

/** A call has ended. Calls from before the opening change nothing but that an answer of the target closes it never: only the probe's does. */
export function onOutcome(
  state: CircuitState,
  { id, outcome, now }: { id: string; outcome: Outcome; now: number },
  policy: CircuitPolicy,
): CircuitState {
  if (isNotMade(outcome)) return onProbeDropped(state, id, now);
  const failure = failureOf(outcome);
  switch (state.kind) {
    case 'closed':
      return afterCall(state.failures, failure, { now, policy });
    case 'open':
      return state;
    case 'probing': {
      if (state.probe !== id) return state;
      if (failure === undefined) return closedCircuit;
      const pauseMs = Math.min(state.pauseMs * 2, policy.maxOpenForMs);
      return { kind: 'open', reason: failure.reason, since: state.since, pauseMs, probeAt: now + pauseMs };
    }
  }
}

function afterCall(
  failures: number,
  failure: CallFailure | undefined,
  { now, policy }: { now: number; policy: CircuitPolicy },
): CircuitState {
  if (failure === undefined) return failures === 0 ? closedCircuit : { kind: 'closed', failures: 0 };
  const inARow = failures + 1;
  if (!failure.opensAtOnce && inARow < policy.failures) return { kind: 'closed', failures: inARow };
  return { kind: 'open', reason: failure.reason, since: now, pauseMs: policy.openForMs, probeAt: now + policy.openForMs };
}

/** Whether no call was made after all. */
export function isNotMade(outcome: Outcome): boolean {
  return outcome.kind === 'transient' && outcome.reason === notMade;
}

interface CallFailure {
  readonly reason: string;
  readonly opensAtOnce: boolean;
}

/** What speaks against the target as a whole; a refusal of one record or of one call too many does not. */
function failureOf(outcome: Outcome): CallFailure | undefined {
  switch (outcome.kind) {
    case 'delivered':
    case 'duplicate':
    case 'rejected':
    case 'throttled':
      return undefined;
    case 'transient':
    case 'unknown':
      return { reason: outcome.reason, opensAtOnce: false };
    case 'unauthorized':
      return { reason: 'CredentialsRefused', opensAtOnce: true };
  }
}
