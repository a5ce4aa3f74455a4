import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Outcome } from '../connectors/connector.ts';
import { closedCircuit, mayCall, onCall, onOutcome, onProbeDropped } from './circuit.ts';
import type { CircuitState } from './circuit.ts';

const policy = { failures: 3, openForMs: 1_000, maxOpenForMs: 5_000 };
const response = { status: 200 };

const answered: Outcome[] = [
  { kind: 'delivered', response },
  { kind: 'duplicate', response },
  { kind: 'rejected', reason: 'InvalidContent' },
  { kind: 'throttled', afterMs: 100 },
];
const failed: Outcome[] = [
  { kind: 'transient', reason: 'ServerError' },
  { kind: 'unknown', reason: 'Timeout' },
];
const refused: Outcome = { kind: 'unauthorized', reason: 'TokenRefused' };

const open: CircuitState = { kind: 'open', reason: 'ServerError', since: 10, pauseMs: 1_000, probeAt: 1_010 };
const probing: CircuitState = { kind: 'probing', reason: 'ServerError', since: 10, pauseMs: 1_000, probe: 'p' };

function end(state: CircuitState, outcome: Outcome, { id = 'p', now = 2_000 } = {}): CircuitState {
  return onOutcome(state, { id, outcome, now }, policy);
}

test.each(answered)('closed: $kind ends the row of failures', (outcome) => {
  expect(end({ kind: 'closed', failures: 2 }, outcome)).toEqual({ kind: 'closed', failures: 0 });
});

test.each(failed)('closed: $kind counts, and the third in a row opens', (outcome) => {
  expect(end(closedCircuit, outcome)).toEqual({ kind: 'closed', failures: 1 });
  expect(end({ kind: 'closed', failures: 1 }, outcome)).toEqual({ kind: 'closed', failures: 2 });
  expect(end({ kind: 'closed', failures: 2 }, outcome)).toEqual({
    kind: 'open',
    reason: 'reason' in outcome ? outcome.reason : '',
    since: 2_000,
    pauseMs: 1_000,
    probeAt: 3_000,
  });
});

test('L2: refused credentials open the circuit at once', () => {
  expect(end(closedCircuit, refused)).toEqual({ kind: 'open', reason: 'CredentialsRefused', since: 2_000, pauseMs: 1_000, probeAt: 3_000 });
});

test.each([...answered, ...failed, refused])('open: $kind of a call from before changes nothing', (outcome) => {
  expect(end(open, outcome)).toBe(open);
});

test.each([...answered, ...failed, refused])('probing: $kind of another call changes nothing', (outcome) => {
  expect(end(probing, outcome, { id: 'other' })).toBe(probing);
});

test.each(answered)('probing: a probe that was answered with $kind closes', (outcome) => {
  expect(end(probing, outcome)).toEqual({ kind: 'closed', failures: 0 });
});

test.each<[Outcome, string]>([
  [{ kind: 'transient', reason: 'Maintenance' }, 'Maintenance'],
  [{ kind: 'unknown', reason: 'Timeout' }, 'Timeout'],
  [refused, 'CredentialsRefused'],
])('probing: a probe that failed opens for twice as long, by its own reason, since the same moment: %j', (outcome, reason) => {
  expect(end(probing, outcome)).toEqual({ kind: 'open', reason, since: 10, pauseMs: 2_000, probeAt: 4_000 });
});

test('L2: a call that was not made after all says nothing of the target', () => {
  const notSent: Outcome = { kind: 'transient', reason: 'NotSent' };
  expect(end({ kind: 'closed', failures: 2 }, notSent)).toEqual({ kind: 'closed', failures: 2 });
  expect(end(open, notSent)).toEqual(open);
  expect(end(probing, notSent, { id: 'other' })).toEqual(probing);
  expect(end(probing, notSent)).toEqual({ kind: 'open', reason: 'ServerError', since: 10, pauseMs: 1_000, probeAt: 2_000 });
});

test('a call that is made with a closed circuit, or beside a probe, is no probe', () => {
  expect(onCall(closedCircuit, 'x')).toBe(closedCircuit);
  expect(onCall(probing, 'x')).toBe(probing);
  expect(onCall(open, 'p')).toEqual(probing);
});

test('a probe that was not made leaves the next one due, with the same pause', () => {
  expect(onProbeDropped(probing, 'p', 1_500)).toEqual({ kind: 'open', reason: 'ServerError', since: 10, pauseMs: 1_000, probeAt: 1_500 });
  expect(onProbeDropped(probing, 'other', 1_500)).toBe(probing);
  expect(onProbeDropped(open, 'p', 1_500)).toBe(open);
  expect(onProbeDropped(closedCircuit, 'p', 1_500)).toBe(closedCircuit);
});

test.each<[CircuitState, number, boolean]>([
  [closedCircuit, 0, true],
  [{ kind: 'closed', failures: 2 }, 0, true],
  [open, 1_009, false],
  [open, 1_010, true],
  [probing, 9_999, false],
])('L2: with %j at %d a call may be made: %s', (state, now, may) => {
  expect(mayCall(state, now)).toBe(may);
});

test('pauses double from probe to probe up to the longest', () => {
  let state = end(closedCircuit, refused, { now: 0 });
  const pauses: number[] = [];
  for (let probe = 0; probe < 5 && state.kind === 'open'; probe += 1) {
    pauses.push(state.pauseMs);
    const now = state.probeAt;
    state = end(onCall(state, 'p'), { kind: 'transient', reason: 'ServerError' }, { now });
  }
  expect(pauses).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
});

interface Step {
  readonly afterMs: number;
  /** Which of the open calls ends; none: one is begun. */
  readonly ends?: number;
  readonly outcome: Outcome | 'dropped';
}

const step: fc.Arbitrary<Step> = fc.record(
  {
    afterMs: fc.constantFrom(0, 1, 400, 999, 1_000, 3_000),
    ends: fc.nat(20),
    outcome: fc.constantFrom<Outcome | 'dropped'>(...answered, ...failed, ...failed, refused, 'dropped'),
  },
  { requiredKeys: ['afterMs', 'outcome'] },
);

test('L2: never more than one probe, never a call before it is due, and only its answer closes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      let state: CircuitState = closedCircuit;
      let now = 0;
      let calls: { readonly id: string; readonly isProbe: boolean }[] = [];
      steps.forEach(({ afterMs, ends, outcome }, index) => {
        now += afterMs;
        const before = state;
        const ended = ends === undefined ? undefined : calls[ends % Math.max(1, calls.length)];
        if (ended === undefined) {
          if (!mayCall(state, now)) return;
          const id = `call-${index}`;
          expect(before.kind === 'closed' || (before.kind === 'open' && now >= before.probeAt)).toBe(true);
          state = onCall(state, id);
          calls.push({ id, isProbe: before.kind === 'open' });
        } else {
          calls = calls.filter((call) => call !== ended);
          const wasAnswered = outcome !== 'dropped' && answered.includes(outcome);
          if (outcome === 'dropped') state = onProbeDropped(state, ended.id, now);
          else state = onOutcome(state, { id: ended.id, outcome, now }, policy);
          if (before.kind !== 'closed') expect(state.kind === 'closed').toBe(ended.isProbe && wasAnswered);
          if (state.kind === 'open' && before.kind === 'probing' && outcome !== 'dropped') {
            expect(state).toMatchObject({ pauseMs: Math.min(before.pauseMs * 2, policy.maxOpenForMs), probeAt: now + state.pauseMs });
          }
        }
        expect(calls.filter(({ isProbe }) => isProbe).length).toBeLessThanOrEqual(1);
        expect(state.kind === 'probing').toBe(calls.some(({ isProbe }) => isProbe));
      });
    }),
    { numRuns: 500 },
  );
});
