/** Names of all metrics of the data plane, with their help texts. No label has unbounded values. */
export const metricNames = {
  webhooks: { name: 'peppasync_webhooks_total', help: 'Webhooks answered, by connector and HTTP status.' },
  captured: { name: 'peppasync_captured_total', help: 'Records captured, by pipeline; a duplicate of one already stored is not counted.' },
  ignored: { name: 'peppasync_webhooks_ignored_total', help: 'Webhooks with a topic that no pipeline takes.' },
  captureSeconds: { name: 'peppasync_capture_seconds', help: 'Time from the first byte of a webhook to its answer.' },
} as const;
