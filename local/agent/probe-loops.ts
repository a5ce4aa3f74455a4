/** The probes of one running container, looked at until it ends. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Probe } from './pod.ts';
import { countProbe, runProbe, type ProbeTarget } from './probe.ts';

interface ProbeReports {
  readonly onStarted: () => void;
  readonly onReady: (isReady: boolean, message: string) => void;
  /** The container has to be killed: its liveness or startup probe has failed for good. */
  readonly onDead: (probe: Probe, message: string) => void;
}

/** Until a container is ready for the first time it is looked at this often, whatever its period: a person waits for it. */
const eagerMs = 200;

const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  await delay(ms, undefined, { signal }).catch(() => undefined); // aborted: every loop here looks at its signal
};

const awaitStartup = async (probe: Probe, target: ProbeTarget, signal: AbortSignal): Promise<string | undefined> => {
  const giveUpMs = performance.now() + (probe.initialDelaySeconds + probe.failureThreshold * probe.periodSeconds) * 1000;
  await pause(probe.initialDelaySeconds * 1000, signal);
  for (;;) {
    const result = await runProbe(probe, target, signal);
    if (result.isSuccess || signal.aborted) return undefined;
    if (performance.now() >= giveUpMs) return result.message;
    await pause(Math.min(eagerMs, probe.periodSeconds * 1000), signal);
  }
};

const watchReadiness = async (input: { probe: Probe; target: ProbeTarget; reports: ProbeReports }, signal: AbortSignal): Promise<void> => {
  const { probe, target, reports } = input;
  let count = { isPassing: false, against: 0 };
  let hasBeenReady = false;
  await pause(probe.initialDelaySeconds * 1000, signal);
  while (!signal.aborted) {
    const result = await runProbe(probe, target, signal);
    if (signal.aborted) return;
    const next = countProbe(count, result.isSuccess, probe);
    if (next.isPassing !== count.isPassing) reports.onReady(next.isPassing, result.message);
    count = next;
    hasBeenReady ||= count.isPassing;
    await pause(hasBeenReady ? probe.periodSeconds * 1000 : Math.min(eagerMs, probe.periodSeconds * 1000), signal);
  }
};

const watchLiveness = async (input: { probe: Probe; target: ProbeTarget; reports: ProbeReports }, signal: AbortSignal): Promise<void> => {
  const { probe, target, reports } = input;
  let count = { isPassing: true, against: 0 };
  await pause(probe.initialDelaySeconds * 1000, signal);
  while (!signal.aborted) {
    const result = await runProbe(probe, target, signal);
    if (signal.aborted) return;
    count = countProbe(count, result.isSuccess, probe);
    if (!count.isPassing) {
      reports.onDead(probe, result.message);
      return;
    }
    await pause(probe.periodSeconds * 1000, signal);
  }
};

export const watchProbes = async (target: ProbeTarget, reports: ProbeReports, signal: AbortSignal): Promise<void> => {
  const { startupProbe, readinessProbe, livenessProbe } = target.container;
  if (startupProbe !== undefined) {
    const failure = await awaitStartup(startupProbe, target, signal);
    if (signal.aborted) return;
    if (failure !== undefined) {
      reports.onDead(startupProbe, failure);
      return;
    }
  }
  reports.onStarted();
  if (readinessProbe === undefined) reports.onReady(true, '');
  await Promise.all([
    readinessProbe === undefined ? undefined : watchReadiness({ probe: readinessProbe, target, reports }, signal),
    livenessProbe === undefined ? undefined : watchLiveness({ probe: livenessProbe, target, reports }, signal),
  ]);
};
