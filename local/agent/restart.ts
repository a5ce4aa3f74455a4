/** Whether and when an ended container runs again. */
import type { ProcessEnd } from './container-process.ts';

export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';

interface RestartInput {
  readonly policy: RestartPolicy;
  readonly end: ProcessEnd;
  readonly ranMs: number;
  /** The pause before the run that has ended. */
  readonly previousPauseMs: number;
}

type RestartDecision = { readonly kind: 'stop' } | { readonly kind: 'restart'; readonly pauseMs: number };

// The kubelet's shorter settings (feature ReduceDefaultCrashLoopBackOffDecay): a person waits here.
const firstPauseMs = 1_000;
const longestPauseMs = 60_000;
const steadyMs = 60_000;

/** The first restart, and one after a steady run, comes at once; then the pause doubles. */
export const decideRestart = ({ policy, end, ranMs, previousPauseMs }: RestartInput, hasRestarted: boolean): RestartDecision => {
  if (policy === 'Never' || (policy === 'OnFailure' && end.exitCode === 0)) return { kind: 'stop' };
  if (!hasRestarted || ranMs >= steadyMs) return { kind: 'restart', pauseMs: 0 };
  return { kind: 'restart', pauseMs: previousPauseMs === 0 ? firstPauseMs : Math.min(previousPauseMs * 2, longestPauseMs) };
};
