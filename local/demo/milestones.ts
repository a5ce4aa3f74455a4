/** What happens on the way, and at which progress. Pure. */

export const killTargets = ['ingest', 'deliver', 'operator', 'nats', 'apiserver'] as const;
export type KillTarget = (typeof killTargets)[number];

export type Milestone = { readonly kind: 'kill'; readonly target: KillTarget } | { readonly kind: 'outage' };

export interface Progress {
  /** Webhooks there are, those with a 2xx, and deliveries that have no end yet. */
  readonly webhooks: number;
  readonly acknowledged: number;
  readonly webhooksOpen: number;
  /** Writes that the target has answered, of those that are to be made. */
  readonly delivered: number;
  readonly toDeliver: number;
  readonly callsInFlight: number;
  readonly isTargetUp: boolean;
}

/** A deliver pod dies in the middle of its work, not in a pause. */
const leastCallsInFlight = 10;

const hasCaptured = ({ acknowledged, webhooks }: Progress, share: number): boolean => webhooks > 0 && acknowledged >= share * webhooks;
const hasDelivered = ({ delivered, toDeliver }: Progress, share: number): boolean => toDeliver > 0 && delivered >= share * toDeliver;

export const isDue = (milestone: Milestone, progress: Progress): boolean => {
  if (milestone.kind === 'outage') return hasDelivered(progress, 0.4);
  switch (milestone.target) {
    case 'ingest':
      return hasCaptured(progress, 0.3);
    case 'deliver':
      return hasDelivered(progress, 0.3) && progress.callsInFlight >= leastCallsInFlight;
    case 'nats':
      return hasDelivered(progress, 0.5);
    case 'operator':
    case 'apiserver':
      return hasDelivered(progress, 0.6);
  }
};
