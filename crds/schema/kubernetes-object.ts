/** What every kind of ours has in common: its group and version, its metadata as we read it, and conditions. */
import { z } from 'zod';
import { fieldFacts } from '../../runtime/contract/schema-fields.ts';

export const apiGroup = 'peppasync.io';
export const apiVersionName = 'v1alpha1';
export const apiVersion = `${apiGroup}/${apiVersionName}` as const;

/** Metadata as the API server sends it; what we do not read is kept as it is. */
export const objectMetadata = z.looseObject({
  name: z.string(),
  namespace: z.string(),
  uid: z.string(),
  resourceVersion: z.string(),
  generation: z.number().int(),
  creationTimestamp: z.string(),
  deletionTimestamp: z.string().optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  labels: z.record(z.string(), z.string()).optional(),
});

/** A point in time, RFC 3339. */
export function time() {
  return z.string().register(fieldFacts, { format: 'date-time' });
}

/** A figure that was counted: absent when it could not be read. */
export function count() {
  return z.int().min(0);
}

export const condition = z.strictObject({
  type: z.string().max(316).describe('What the condition is about, in CamelCase.'),
  status: z.enum(['True', 'False', 'Unknown']).describe('Whether it holds.'),
  observedGeneration: z.int().min(0).optional().describe('Generation of the spec that the condition was judged by.'),
  lastTransitionTime: time().describe('When status last changed.'),
  reason: z.string().min(1).max(1024).describe('Why, as a CamelCase constant.'),
  message: z.string().max(32768).describe('Why, for people.'),
});

export function conditions() {
  return z
    .array(condition)
    .max(32)
    .register(fieldFacts, { listType: 'map', listMapKeys: ['type'] })
    .describe('What is known about the object, one entry for each type.');
}
