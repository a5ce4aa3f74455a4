/** The kind Connector: one account of one external system, with its limits, circuit, credentials and pods. */
import { z } from 'zod';
import { byteQuantity, duration, fieldFacts } from '../../runtime/contract/schema-fields.ts';
import type { CelRule } from '../../runtime/contract/schema-fields.ts';
import { accountMembers, connectorTypes, membersByType, typesWithoutSource } from './connector-members.ts';
import { connectorDefaults as defaults } from './defaults.ts';
import { apiVersion, conditions, count, objectMetadata, time } from './kubernetes-object.ts';
import { immutable, orDefault, quantityWithin, setExactlyWhenTypeIs } from './rules.ts';

const limits = z
  .strictObject({
    concurrency: z
      .int()
      .min(1)
      .max(1000)
      .optional()
      .describe(
        'Most calls in flight to the account at any instant, over all pipelines and pods. Needed as soon as a destination uses the Connector.',
      ),
    lostCallHold: duration()
      .optional()
      .describe(
        `How long a call whose end was not seen keeps its slot; between timeout and 1h. Default: timeout + ${defaults.lostCallHoldBeyondTimeout}.`,
      ),
  })
  .describe('What the account allows.');

const circuit = z
  .strictObject({
    failures: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe(`How many failures in a row of the target open the circuit. Default: ${defaults.circuit.failures}.`),
    openFor: duration()
      .optional()
      .describe(
        `Pause before the first probe, between 100ms and 1h; it grows with each probe that fails, up to maxOpenFor. Default: ${defaults.circuit.openFor}.`,
      ),
    maxOpenFor: duration().optional().describe(`Longest pause between probes, at most 1h. Default: ${defaults.circuit.maxOpenFor}.`),
  })
  .register(fieldFacts, {
    rules: [
      between('openFor', '100ms', '1h'),
      between('maxOpenFor', '100ms', '1h'),
      {
        rule: `${orDefault('self', 'maxOpenFor', `duration('${defaults.circuit.maxOpenFor}')`)} >= ${orDefault('self', 'openFor', `duration('${defaults.circuit.openFor}')`)}`,
        message: `maxOpenFor (default ${defaults.circuit.maxOpenFor}) must not be shorter than openFor (default ${defaults.circuit.openFor})`,
        fieldPath: '.maxOpenFor',
      },
    ],
  })
  .describe('When calls stop because the target is down or refuses the credentials, and how it is asked again.');

const ingest = z
  .strictObject({
    maxBodyBytes: byteQuantity()
      .optional()
      .describe(`Largest webhook that is taken, at most 64Mi; a larger one is answered 413. Default: ${defaults.ingest.maxBodyBytes}.`),
    scaling: z
      .strictObject({
        minReplicas: z.int().min(1).max(20).optional().describe(`Number of ingest pods. Default: ${defaults.ingest.minReplicas}.`),
      })
      .optional()
      .describe('How many pods receive webhooks.'),
  })
  .register(fieldFacts, {
    rules: [quantityWithin('maxBodyBytes', '<=', '64Mi')],
  })
  .describe('The pods that receive webhooks of this account. Only for types that send webhooks.');

export const connectorSpec = z
  .strictObject({
    type: z.enum(connectorTypes).describe('Which external system this is. Immutable.'),
    ...accountMembers(),
    limits: limits.optional(),
    timeout: duration()
      .optional()
      .describe(`How long one call may take before its connection is cut; between 100ms and 10m. Default: ${defaults.timeout}.`),
    circuit: circuit.optional(),
    ingest: ingest.optional(),
  })
  .register(fieldFacts, { rules: specRules() })
  .describe('What is wanted.');
export type ConnectorSpec = z.infer<typeof connectorSpec>;

const effective = z
  .strictObject({
    limits: z
      .strictObject({
        concurrency: z.int().optional().describe('Most calls in flight; absent when the spec names none.'),
        lostCallHold: z.string().describe('How long a call whose end was not seen keeps its slot.'),
      })
      .describe('Limits in force.'),
    timeout: z.string().describe('How long one call may take.'),
    circuit: z
      .strictObject({
        failures: z.int().describe('Failures in a row that open the circuit.'),
        openFor: z.string().describe('Pause before the first probe.'),
        maxOpenFor: z.string().describe('Longest pause between probes.'),
      })
      .describe('Circuit in force.'),
    ingest: z
      .strictObject({
        maxBodyBytes: byteQuantity().describe('Largest webhook that is taken.'),
        scaling: z.strictObject({ minReplicas: z.int().describe('Number of ingest pods.') }).describe('Replicas in force.'),
      })
      .optional()
      .describe('Ingest in force; absent for types that send no webhooks.'),
  })
  .describe('The spec with its defaults, as it is applied.');
export type ConnectorEffective = z.infer<typeof effective>;

export const connectorStatus = z
  .strictObject({
    observedGeneration: z.int().min(0).optional().describe('Generation of the spec that was last judged.'),
    runningGeneration: z
      .int()
      .min(0)
      .optional()
      .describe('Generation that the pods run; differs while a bad spec is refused or a rollout is under way.'),
    circuit: z
      .enum(['Closed', 'Open', 'Probing'])
      .optional()
      .describe('Whether calls go out: Closed lets them, Open none, Probing one at a time.'),
    inUse: count().optional().describe('Slots taken by calls in flight, quarantined ones included.'),
    limit: count().optional().describe('Slots there are.'),
    endpoint: z.string().max(2048).optional().describe('Where webhooks are received, within the cluster.'),
    observedAt: time().optional().describe('How fresh the figures are.'),
    effective: effective.optional(),
    summary: z
      .strictObject({
        replicas: z.string().max(64).optional().describe('Pods that are ready of those wanted: ingest, then deliver, as in 2/2+1/1.'),
      })
      .optional()
      .describe('Texts for the columns of kubectl get.'),
    conditions: conditions().optional(),
  })
  .describe('What is observed. Written by the operator only.');
export type ConnectorStatus = z.infer<typeof connectorStatus>;

/** A Connector as the API server sends it. */
export const connector = z.object({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('Connector'),
  metadata: objectMetadata,
  spec: connectorSpec,
  status: connectorStatus.optional(),
});

function specRules(): CelRule[] {
  const timeout = orDefault('self', 'timeout', `duration('${defaults.timeout}')`);
  return [
    immutable('type', 'it says which system this account belongs to; create another Connector'),
    ...membersByType.map(({ type, member }) => setExactlyWhenTypeIs(type, member, 'spec')),
    ...typesWithoutSource.map((type) => ({
      rule: `!(has(self.ingest) && self.type == '${type}')`,
      message: `spec.ingest must not be set when spec.type is ${type}: it sends no webhooks`,
      fieldPath: '.ingest',
    })),
    between('timeout', '100ms', '10m'),
    {
      rule: `!has(self.limits) || !has(self.limits.lostCallHold) || (self.limits.lostCallHold >= ${timeout} && self.limits.lostCallHold <= duration('1h'))`,
      message: `spec.limits.lostCallHold must be between spec.timeout (default ${defaults.timeout}) and 1h, or the account sees more calls than its limit`,
      fieldPath: '.limits.lostCallHold',
    },
  ];
}

/** An optional duration lies between two others, both included. */
function between(field: string, least: string, most: string): CelRule {
  return {
    rule: `!has(self.${field}) || (self.${field} >= duration('${least}') && self.${field} <= duration('${most}'))`,
    message: `${field} must be between ${least} and ${most}`,
    fieldPath: `.${field}`,
  };
}
