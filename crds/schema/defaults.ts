/**
 * What holds where a spec says nothing. The CRDs carry no defaults (a GitOps tool would see a difference for ever), so
 * these are the only ones; `status.effective` shows them as applied.
 */
import { durationMs } from '../../runtime/contract/schema-fields.ts';

export const syncPipelineDefaults = {
  suspend: 'None',
  /** `lanes` must stay what it is: pipelines that say nothing keep the order of their records by it. */
  capture: { lanes: 4, maxBytes: '10Gi' },
  destination: { suspend: 'None', startFrom: 'Now' },
  operation: { takes: ['Record'] },
  retry: { for: '15m', onUnknown: 'Retry' },
} as const;

export const connectorDefaults = {
  timeout: '60s',
  /** A call whose end nobody saw keeps its slot for `timeout` and this long. */
  lostCallHoldBeyondTimeout: '30s',
  circuit: { failures: 5, openFor: '10s', maxOpenFor: '2m' },
  ingest: { maxBodyBytes: '2Mi', minReplicas: 1 },
} as const;

/** `limits.lostCallHold` of a Connector that has this timeout and says nothing. */
export function defaultLostCallHold(timeout: string): string {
  const holdMs = durationMs(timeout) + durationMs(connectorDefaults.lostCallHoldBeyondTimeout);
  return holdMs % 1000 === 0 ? `${holdMs / 1000}s` : `${holdMs}ms`;
}
