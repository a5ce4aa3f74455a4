/** Status of a SyncPipeline. A figure that could not be read is absent, never zero. */
import { z } from 'zod';
import { byteQuantity, fieldFacts } from '../../runtime/contract/schema-fields.ts';
import { conditions, count, time } from './kubernetes-object.ts';

const byName = { listType: 'map', listMapKeys: ['name'] } as const;
const nameOfDestination = 'Name of the destination.';

const destinationStatus = z.strictObject({
  name: z.string().max(52).describe(nameOfDestination),
  state: z
    .enum(['Starting', 'Delivering', 'Suspended', 'TargetDown', 'Orphaned', 'Unknown'])
    .optional()
    .describe('For people. Orphaned: it is no longer in the spec and has work left.'),
  lag: count().optional().describe('Records captured and not yet passed.'),
  held: count().optional().describe('Units that wait for a gate.'),
  failed: count().optional().describe('Units in the error bin.'),
  blocked: count().optional().describe('Units that wait behind a failed one of their key.'),
  waiting: count().optional().describe('Units that wait for the result of another destination.'),
  retrying: count().optional().describe('Units that are tried again.'),
  delivered: count().optional().describe('Units that the target has taken.'),
  filtered: count().optional().describe('Units that were not to go.'),
  oldestPendingTime: time().optional().describe('When the oldest record that is not passed was captured.'),
});
export type DestinationStatus = z.infer<typeof destinationStatus>;

const effectiveDestination = z.strictObject({
  name: z.string().max(52).describe(nameOfDestination),
  suspend: z.string().describe('What is suspended.'),
  startFrom: z.string().describe('Which records it began with.'),
  retry: z
    .strictObject({
      for: z.string().describe('How long a unit is tried again.'),
      onUnknown: z.string().describe('What becomes of a call of unknown outcome.'),
    })
    .describe('Retry in force.'),
  operations: z
    .array(
      z.strictObject({
        name: z.string().max(52).describe('Name of the operation.'),
        takes: z.array(z.string()).register(fieldFacts, { listType: 'set' }).describe('Which records it is for.'),
      }),
    )
    .register(fieldFacts, byName)
    .describe('Operations, with what they take.'),
});

const effective = z
  .strictObject({
    suspend: z.string().describe('What is suspended.'),
    capture: z
      .strictObject({ lanes: z.int().describe('Number of lanes.'), maxBytes: byteQuantity().describe('How much the buffer holds.') })
      .describe('Capture in force.'),
    destinations: z.array(effectiveDestination).register(fieldFacts, byName).describe('Destinations, with their defaults.'),
  })
  .describe('The spec with its defaults, as it is applied.');
export type SyncPipelineEffective = z.infer<typeof effective>;

export const syncPipelineStatus = z
  .strictObject({
    observedGeneration: z.int().min(0).optional().describe('Generation of the spec that was last judged.'),
    runningGeneration: z
      .int()
      .min(0)
      .optional()
      .describe('Generation that the pods run; differs while a bad spec is refused or a rollout is under way.'),
    phase: z
      .enum(['Starting', 'Running', 'Suspended', 'TargetDown', 'BufferFull', 'Invalid'])
      .optional()
      .describe('How it goes, for people; programs read the conditions.'),
    message: z.string().max(4096).optional().describe('What a person should know now, in one line.'),
    observedAt: time().optional().describe('How fresh the figures are.'),
    captured: count().optional().describe('Records captured since the pipeline was made.'),
    lag: count().optional().describe('Records captured and not yet passed, at the destination where they are most.'),
    oldestPendingTime: time().optional().describe('When the oldest record that is not passed somewhere was captured.'),
    held: count().optional().describe('Units that wait for a gate, over all destinations.'),
    failed: count().optional().describe('Units in the error bin, over all destinations.'),
    deliveredPerMinute: count()
      .optional()
      .describe('Units delivered per minute, over all destinations; measured over the last minute, or since the operator began to look.'),
    destinations: z.array(destinationStatus).register(fieldFacts, byName).optional().describe('Figures of each destination.'),
    effective: effective.optional(),
    summary: z
      .strictObject({
        destinations: z.string().max(64).optional().describe('Destinations that are delivering, of all: 3/4.'),
      })
      .optional()
      .describe('Texts for the columns of kubectl get.'),
    conditions: conditions().optional(),
  })
  .describe('What is observed. Written by the operator only.');
export type SyncPipelineStatus = z.infer<typeof syncPipelineStatus>;
