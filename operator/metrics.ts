/** What the operator measures of itself. No label has unbounded values. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export interface OperatorMetrics {
  readonly registry: Registry;
  readonly reconciled: (kind: string, result: 'ok' | 'error', seconds: number) => void;
  readonly watchTrouble: (resource: string) => void;
}

/** What is asked when somebody reads the metrics. */
export interface Gauges {
  readonly queued: () => Readonly<Record<string, number>>;
  readonly silentSeconds: () => Readonly<Record<string, number>>;
  readonly isLeader: () => boolean;
  readonly isConnected: () => boolean;
}

export function createMetrics(gauges: Gauges): OperatorMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const seconds = new Histogram({
    name: 'peppasync_operator_reconcile_seconds',
    help: 'Length of reconciles, by kind and result.',
    labelNames: ['kind', 'result'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers: [registry],
  });
  const troubles = new Counter({
    name: 'peppasync_operator_watch_troubles_total',
    help: 'Lists and watches that failed, by resource.',
    labelNames: ['resource'],
    registers: [registry],
  });
  addGauges(registry, gauges);
  return {
    registry,
    reconciled: (kind, result, took) => seconds.observe({ kind, result }, took),
    watchTrouble: (resource) => troubles.inc({ resource }),
  };
}

function addGauges(registry: Registry, { queued, silentSeconds, isLeader, isConnected }: Gauges): void {
  const byLabel = (name: string, help: string, { label, read }: { label: string; read: () => Readonly<Record<string, number>> }): Gauge =>
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [registry],
      collect() {
        for (const [value, number] of Object.entries(read())) this.set({ [label]: value }, number);
      },
    });
  byLabel('peppasync_operator_queued', 'Objects that wait for a reconcile or are in one, by kind.', { label: 'kind', read: queued });
  byLabel('peppasync_operator_watch_silent_seconds', 'Time since the API server said anything, by resource.', {
    label: 'resource',
    read: silentSeconds,
  });
  byLabel('peppasync_operator_up', 'Whether this replica leads, and whether it is connected to NATS.', {
    label: 'what',
    read: () => ({ leads: Number(isLeader()), nats: Number(isConnected()) }),
  });
}
