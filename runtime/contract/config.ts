/**
 * What the operator writes into ConfigMaps and the pods read once at start. Everything is resolved: defaults filled in,
 * durations in ms, sizes in bytes. A change reaches pods by a new checksum in their template.
 */
import { z } from 'zod';

export const unknownPolicy = z.enum(['Retry', 'Bin']);
export type UnknownPolicy = z.infer<typeof unknownPolicy>;

export const recordKind = z.enum(['Record', 'Cancel']);
export type RecordKind = z.infer<typeof recordKind>;

const validation = z.strictObject({
  name: z.string(),
  rule: z.string(),
  reason: z.string(),
  field: z.string().optional(),
  message: z.string(),
});

const operation = z.strictObject({
  name: z.string(),
  takes: z.array(recordKind).min(1),
  when: z.string().optional(),
  /** Member of the Connector's type and its fields, as the user wrote them: the connector's own schema parses them. */
  member: z.string(),
  target: z.record(z.string(), z.unknown()),
  /** JSON whose texts are templates; absent: the call has no body. */
  body: z.unknown().optional(),
});

const destination = z.strictObject({
  name: z.string(),
  connector: z.string(),
  suspended: z.boolean(),
  filter: z.string().optional(),
  validations: z.array(validation),
  operations: z.array(operation).min(1),
  retry: z.strictObject({ forMs: z.number(), onUnknown: unknownPolicy }),
});

/** One generation of a SyncPipeline, as the data plane sees it. */
export const pipelineConfig = z.strictObject({
  generation: z.number().int(),
  namespace: z.string(),
  name: z.string(),
  source: z.strictObject({
    connector: z.string(),
    /** Topics this pipeline takes. */
    topics: z.array(z.string()).min(1),
    key: z.string(),
    version: z.string().optional(),
    filter: z.string().optional(),
    cancel: z.string().optional(),
  }),
  lanes: z.number().int().min(1),
  destinations: z.array(destination),
});
export type PipelineConfig = z.infer<typeof pipelineConfig>;
export type DestinationConfig = z.infer<typeof destination>;
export type OperationConfig = z.infer<typeof operation>;

/** The ConfigMap of a pipeline: the running generation, and the one before it for calls that were made by it. */
export const pipelineFile = z.strictObject({
  v: z.literal(1),
  running: pipelineConfig,
  previous: pipelineConfig.optional(),
});
export type PipelineFile = z.infer<typeof pipelineFile>;

/** The ConfigMap of a Connector. */
export const connectorFile = z.strictObject({
  v: z.literal(1),
  generation: z.number().int(),
  namespace: z.string(),
  name: z.string(),
  type: z.string(),
  /** The member of `type` in the spec, parsed again by the connector's own schema. */
  account: z.record(z.string(), z.unknown()),
  limits: z.strictObject({ concurrency: z.number().int().min(1), lostCallHoldMs: z.number() }),
  timeoutMs: z.number(),
  circuit: z.strictObject({ failures: z.number().int().min(1), openForMs: z.number(), maxOpenForMs: z.number() }),
  maxBodyBytes: z.number(),
});
export type ConnectorFile = z.infer<typeof connectorFile>;

/** What a deliver pod says of its Connector in the live bucket, at most every 2 s. */
export const connectorLive = z.strictObject({
  v: z.literal(1),
  /** Epoch ms of the writer. */
  at: z.number(),
  pod: z.string(),
  inUse: z.number().int(),
  limit: z.number().int(),
  circuit: z.enum(['Closed', 'Open', 'Probing']),
  /** Since when the circuit is not closed, epoch ms. */
  openSince: z.number().optional(),
  /** When the next probe may go, epoch ms. */
  nextProbeAt: z.number().optional(),
  /** Why the circuit opened: a CamelCase constant. */
  circuitReason: z.string().optional(),
  credentials: z.enum(['Accepted', 'Refused', 'Unknown']),
});
export type ConnectorLive = z.infer<typeof connectorLive>;
