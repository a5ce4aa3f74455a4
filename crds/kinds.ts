/** Our kinds as the API server shows them: names, columns of `kubectl get`, schemas. */
import type { z } from 'zod';
import { connectorSpec, connectorStatus } from './schema/connector.ts';
import { syncPipelineSpec, syncPipelineStatus } from './schema/sync-pipeline.ts';

export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  /** Shown with `-o wide` only. */
  readonly wide?: true;
}

export interface Kind {
  readonly kind: string;
  readonly singular: string;
  readonly plural: string;
  readonly shortName: string;
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  readonly columns: readonly PrinterColumn[];
}

const ready = '.status.conditions[?(@.type=="Ready")].status';
const age: PrinterColumn = { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Since when it exists.' };

const syncPipelineKind: Kind = {
  kind: 'SyncPipeline',
  singular: 'syncpipeline',
  plural: 'syncpipelines',
  shortName: 'spl',
  description: 'Captures records from one source and delivers them to destinations, in order for each key and at the pace of each target.',
  spec: syncPipelineSpec,
  status: syncPipelineStatus,
  columns: [
    { name: 'Phase', type: 'string', jsonPath: '.status.phase', description: 'How it goes.' },
    { name: 'Ready', type: 'string', jsonPath: ready, description: 'Whether the spec is accepted and in place.' },
    { name: 'Lag', type: 'integer', jsonPath: '.status.lag', description: 'Records captured and not yet passed.' },
    { name: 'Oldest', type: 'date', jsonPath: '.status.oldestPendingTime', description: 'Age of the oldest of them.' },
    { name: 'Held', type: 'integer', jsonPath: '.status.held', description: 'Units that wait for a gate.' },
    { name: 'Errors', type: 'integer', jsonPath: '.status.failed', description: 'Units in the error bin.' },
    { name: 'Rate/Min', type: 'integer', jsonPath: '.status.deliveredPerMinute', description: 'Units delivered per minute.' },
    age,
    { name: 'Captured', type: 'integer', jsonPath: '.status.captured', description: 'Records captured.', wide: true },
    { name: 'Destinations', type: 'string', jsonPath: '.status.summary.destinations', description: 'Delivering, of all.', wide: true },
    { name: 'Seen', type: 'date', jsonPath: '.status.observedAt', description: 'How fresh the figures are.', wide: true },
    { name: 'Message', type: 'string', jsonPath: '.status.message', description: 'What a person should know now.', wide: true },
  ],
};

const connectorKind: Kind = {
  kind: 'Connector',
  singular: 'connector',
  plural: 'connectors',
  shortName: 'pcn',
  description: 'One account of one external system: its credentials, its limits, its circuit and its pods.',
  spec: connectorSpec,
  status: connectorStatus,
  columns: [
    { name: 'Type', type: 'string', jsonPath: '.spec.type', description: 'The external system.' },
    { name: 'Ready', type: 'string', jsonPath: ready, description: 'Whether the spec is accepted and in place.' },
    { name: 'Circuit', type: 'string', jsonPath: '.status.circuit', description: 'Whether calls go out.' },
    { name: 'In-Use', type: 'integer', jsonPath: '.status.inUse', description: 'Slots taken by calls in flight.' },
    { name: 'Limit', type: 'integer', jsonPath: '.status.limit', description: 'Slots there are.' },
    {
      name: 'Replicas',
      type: 'string',
      jsonPath: '.status.summary.replicas',
      description: 'Pods ready of those wanted: ingest + deliver.',
    },
    age,
    { name: 'Endpoint', type: 'string', jsonPath: '.status.endpoint', description: 'Where webhooks are received.', wide: true },
  ],
};

export const kinds: readonly Kind[] = [connectorKind, syncPipelineKind];
