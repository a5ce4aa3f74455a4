/** The kind SyncPipeline: what is captured from one source, and what becomes of it at each destination. */
import { z } from 'zod';
import { byteQuantity, dnsLabel, duration, expression, fieldFacts } from '../../runtime/contract/schema-fields.ts';
import type { CelRule } from '../../runtime/contract/schema-fields.ts';
import { operationMemberNames, operationMembers, sourceMemberNames, sourceMembers } from './connector-members.ts';
import { syncPipelineDefaults as defaults } from './defaults.ts';
import { apiVersion, objectMetadata } from './kubernetes-object.ts';
import { exactlyOneOf, immutable, orDefault, quantityWithin } from './rules.ts';
import { syncPipelineStatus } from './sync-pipeline-status.ts';

export type { SyncPipelineEffective, SyncPipelineStatus, DestinationStatus } from './sync-pipeline-status.ts';
export { syncPipelineStatus } from './sync-pipeline-status.ts';

const byName = { listType: 'map', listMapKeys: ['name'] } as const;

function suspend(what: string) {
  return z.enum(['None', 'Deliveries']).describe(`${what} Capture is never suspended. Default: ${defaults.suspend}.`);
}

function connectorReference(description: string) {
  return z.strictObject({ name: dnsLabel().describe('Name of a Connector in the same namespace.') }).describe(description);
}

const source = z
  .strictObject({
    connectorRef: connectorReference('Where the records come from. Immutable.'),
    ...sourceMembers(),
    key: expression().describe('CEL over record and meta: records of one key keep their order, such as record.id. Text or int. Immutable.'),
    version: expression()
      .optional()
      .describe(
        'CEL over record and meta: a timestamp or an int that grows with each change of the record. A record older than one already seen of its key is filtered as stale.',
      ),
    filter: expression()
      .optional()
      .describe('CEL over record and meta: records for which it is false are captured, and filtered at each destination.'),
    cancel: expression()
      .optional()
      .describe(
        'CEL over record and meta: a record for which it is true withdraws what is parked for its key, then goes where an operation takes Cancel.',
      ),
  })
  .register(fieldFacts, {
    rules: [
      exactlyOneOf(sourceMemberNames, 'spec.source'),
      {
        rule: 'self.connectorRef.name == oldSelf.connectorRef.name',
        message: 'connectorRef cannot change: what was captured belongs to that account; create a new pipeline and drain this one',
        fieldPath: '.connectorRef',
      },
      immutable('key', 'it decides the order of records in flight; create a new pipeline and drain this one'),
    ],
  })
  .describe('What is captured.');

const capture = z
  .strictObject({
    lanes: z
      .int()
      .min(1)
      .max(64)
      .optional()
      .describe(`In how many lanes keys are spread; lanes are worked on side by side. Immutable. Default: ${defaults.capture.lanes}.`),
    maxBytes: byteQuantity()
      .optional()
      .describe(
        `How much the buffer holds, at least 64Ki. When it is full, senders are answered 503. Default: ${defaults.capture.maxBytes}.`,
      ),
  })
  .register(fieldFacts, {
    rules: [quantityWithin('maxBytes', '>=', '64Ki')],
  })
  .describe('How what came in is kept until every destination is done with it.');

const validation = z.strictObject({
  name: dnsLabel().describe('Name of the validation, unique in its destination.'),
  rule: expression().describe('CEL over record and meta that must be true. A record for which it is false goes to the error bin.'),
  reason: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[A-Z][A-Za-z0-9]*$/)
    .describe('Why the record failed, as a CamelCase constant such as InvalidAddress.'),
  field: z.string().min(1).max(256).optional().describe('Path of the field to mend, such as shipping_address.address1.'),
  message: z.string().min(1).max(512).describe('What is wrong, for the person who mends it.'),
});

const operation = z
  .strictObject({
    name: dnsLabel().describe('Name of the operation, unique in its destination.'),
    takes: z
      .array(z.enum(['Record', 'Cancel']))
      .min(1)
      .max(2)
      .register(fieldFacts, { listType: 'set' })
      .optional()
      .describe(
        `Which records it is for. A record for which source.cancel is true is a Cancel, any other a Record. Default: [${defaults.operation.takes.join(', ')}].`,
      ),
    when: expression().optional().describe('CEL over record and meta: the operation is for records for which it is true. Absent: all.'),
    ...operationMembers(),
    body: z
      .record(z.string(), z.unknown())
      .register(fieldFacts, { text: 'template-tree', preserveUnknownFields: true })
      .optional()
      .describe(
        'What is sent: any object, whose texts are templates with ${ CEL } over record and meta. A text that is one whole expression keeps the type of its value.',
      ),
  })
  .register(fieldFacts, { rules: [exactlyOneOf(operationMemberNames, 'an operation')] });

const retry = z
  .strictObject({
    for: duration()
      .optional()
      .describe(
        `How long a unit is tried again after its first failure for a passing reason, at most 30d; then it goes to the error bin. Default: ${defaults.retry.for}.`,
      ),
    onUnknown: z
      .enum(['Retry', 'Bin'])
      .optional()
      .describe(
        `What becomes of a call whose outcome nobody saw: Retry sends it again, Bin puts it in the error bin. Default: ${defaults.retry.onUnknown}.`,
      ),
  })
  .register(fieldFacts, {
    rules: [{ rule: "!has(self.for) || self.for <= duration('720h')", message: 'for must be at most 30d', fieldPath: '.for' }],
  })
  .describe('How failures that may pass are tried again.');

const destination = z
  .strictObject({
    name: dnsLabel().describe('Name of the destination, unique in the pipeline. Another name is another destination.'),
    connectorRef: connectorReference('Where the records go.'),
    startFrom: z
      .enum(['Now', 'Earliest'])
      .optional()
      .describe(
        `Which records a new destination gets: those captured from Now on, or all that are still kept. Immutable. Default: ${defaults.destination.startFrom}.`,
      ),
    suspend: suspend('Deliveries stops the calls to this destination.').optional(),
    filter: expression().optional().describe('CEL over record and meta: records for which it is false do not go to this destination.'),
    validations: z
      .array(validation)
      .max(32)
      .register(fieldFacts, byName)
      .optional()
      .describe('What must be true before a call is made; the first that is not decides. A cancel is not validated.'),
    operations: z
      .array(operation)
      .min(1)
      .max(16)
      .register(fieldFacts, byName)
      .describe('What may be done with a record: the first operation whose takes and when hold. None: the record is filtered.'),
    retry: retry.optional(),
  })
  .register(fieldFacts, { rules: [startFromRule()] });

export const syncPipelineSpec = z
  .strictObject({
    suspend: suspend('Deliveries stops the calls to all destinations.').optional(),
    source,
    capture: capture.optional(),
    destinations: z
      .array(destination)
      .min(1)
      .max(16)
      .register(fieldFacts, byName)
      .describe('Where the records go. Each destination works by itself: a slow one holds up no other.'),
  })
  .register(fieldFacts, { rules: [lanesRule()] })
  .describe('What is wanted.');
export type SyncPipelineSpec = z.infer<typeof syncPipelineSpec>;
export type DestinationSpec = z.infer<typeof destination>;

/** A SyncPipeline as the API server sends it. */
export const syncPipeline = z.object({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('SyncPipeline'),
  metadata: objectMetadata,
  spec: syncPipelineSpec,
  status: syncPipelineStatus.optional(),
});

function lanesRule(): CelRule {
  const lanes = String(defaults.capture.lanes);
  return {
    rule: `${orDefault('self', 'capture.lanes', lanes)} == ${orDefault('oldSelf', 'capture.lanes', lanes)}`,
    message: 'lanes cannot change: it decides the order of records in flight; create a new pipeline and drain this one',
    fieldPath: '.capture.lanes',
  };
}

function startFromRule(): CelRule {
  const startFrom = `'${defaults.destination.startFrom}'`;
  return {
    rule: `${orDefault('self', 'startFrom', startFrom)} == ${orDefault('oldSelf', 'startFrom', startFrom)}`,
    message: 'startFrom cannot change: the destination has started; add a destination with another name',
    fieldPath: '.startFrom',
  };
}
