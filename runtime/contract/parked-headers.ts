/** Headers of a parked unit: all that a list of failed records or a takeover needs without the payload. JSON strings, as captured records'. */
import { z } from 'zod';
import { captureProblem } from './capture-headers.ts';

export const parkedHeader = 'Pp-Parked';

export const parkedMeta = z.strictObject({
  v: z.literal(1),
  state: z.enum(['failed', 'blocked', 'retrying']),
  kind: z.enum(['Record', 'Cancel']),
  key: z.string(),
  seq: z.number().int(),
  unit: z.string(),
  topic: z.string(),
  sourceID: z.string(),
  version: z.string().optional(),
  capturedAt: z.string(),
  /** The record's own, where it could not be read at capture. */
  problem: captureProblem.optional(),
  /** Counts edits. */
  revision: z.number().int(),
  /** Calls made so far. */
  attempt: z.number().int(),
  /** Epoch ms. */
  parkedAt: z.number(),
  /** Epoch ms of the first failed try, where there was one. */
  firstFailedAt: z.number().optional(),
  /** Epoch ms before which it does not go again; only while retrying. */
  notBefore: z.number().optional(),
  /** Generation of the mapping its tries use. */
  generation: z.number().int(),
  reason: z.string().optional(),
  field: z.string().optional(),
  /** For the person who mends it; may quote the target. */
  message: z.string().optional(),
});
export type ParkedMeta = z.infer<typeof parkedMeta>;
