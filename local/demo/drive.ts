/** Lets the orders flow to their end: watches the progress, brings about what is due on the way, and sees when nothing is left to do. */
import { setTimeout as delay } from 'node:timers/promises';
import type { LiveView } from './live-view.ts';
import { isDue, type KillTarget, type Milestone, type Progress } from './milestones.ts';
import type { KillReport } from './report/build-report.ts';

const outageMs = 20_000;

/** Milestones during the burst are due for a fraction of a second; afterwards looking less often leaves the CPU to those who work. */
const burstPollMs = 40;
const pollMs = 150;
const atRestPollMs = 500;
/** Longer than an outage, a quarantine and the longest pause together. */
const nothingMovesMs = 120_000;

export interface Drive {
  readonly milestones: readonly Milestone[];
  readonly readProgress: (signal: AbortSignal) => Promise<Progress>;
  /** False also while it cannot be told. */
  readonly readAtRest: () => Promise<boolean>;
  readonly kill: (target: KillTarget, signal: AbortSignal) => Promise<readonly number[]>;
  readonly takeAway: (forMs: number, signal: AbortSignal) => Promise<void>;
  readonly view: LiveView;
}

export interface DriveResult {
  readonly kills: readonly KillReport[];
  readonly settled: boolean;
}

const reach = async (drive: Drive, { milestone, progress }: { milestone: Milestone; progress: Progress }, signal: AbortSignal) => {
  const { acknowledged, webhooksOpen, delivered, callsInFlight } = progress;
  if (milestone.kind === 'outage') {
    await drive.takeAway(outageMs, signal);
    drive.view.note(`NetSuite goes away for ${outageMs / 1000} s, with ${callsInFlight} calls in flight`);
    return undefined;
  }
  const { target } = milestone;
  const pids = await drive.kill(target, signal);
  drive.view.note(`SIGKILL to ${target} (process ${pids.join(', ')}), with ${webhooksOpen} webhooks and ${callsInFlight} calls in flight`);
  return { target, pids, webhooksAcknowledged: acknowledged, webhooksOpen, delivered, callsInFlight };
};

const fingerprint = ({ webhooks, acknowledged, webhooksOpen, delivered, isTargetUp }: Progress): string =>
  [webhooks, acknowledged, webhooksOpen, delivered, isTargetUp].join(' ');

const mayBeAtRest = ({ webhooks, webhooksOpen, callsInFlight, isTargetUp }: Progress): boolean =>
  webhooks > 0 && webhooksOpen === 0 && callsInFlight === 0 && isTargetUp;

export const driveToRest = async (drive: Drive, signal: AbortSignal): Promise<DriveResult> => {
  const startedMs = performance.now();
  const pending = new Set(drive.milestones);
  const kills: KillReport[] = [];
  let [lastSeen, movedMs, askedMs] = ['', startedMs, startedMs];
  for (;;) {
    const progress = await drive.readProgress(signal);
    const nowMs = performance.now();
    drive.view.saw(progress);
    for (const milestone of [...pending].filter((one) => isDue(one, progress))) {
      pending.delete(milestone);
      const killed = await reach(drive, { milestone, progress }, signal);
      if (killed !== undefined) kills.push({ ...killed, atSeconds: Math.round((nowMs - startedMs) / 10) / 100 });
    }
    const seen = fingerprint(progress);
    if (seen !== lastSeen) [lastSeen, movedMs] = [seen, nowMs];
    if (nowMs - movedMs > nothingMovesMs) return { kills, settled: false };
    if (mayBeAtRest(progress) && nowMs - askedMs > atRestPollMs) {
      askedMs = nowMs;
      if (await drive.readAtRest()) return { kills, settled: true };
    }
    await delay(progress.webhooksOpen > 0 ? burstPollMs : pollMs, undefined, { signal });
  }
};
