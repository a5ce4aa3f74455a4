/**
 * Headers of a captured record. Each value is written as a JSON string: a plain header value loses line breaks, outer
 * spaces and lone surrogates (tried on the server).
 */
import { z } from 'zod';

export const captureHeader = {
  key: 'Pp-Key',
  topic: 'Pp-Topic',
  sourceID: 'Pp-Source-Id',
  version: 'Pp-Version',
  capturedAt: 'Pp-Captured-At',
  problem: 'Pp-Problem',
} as const;

/** Why a record got a key of its own: it could not be read, or its key or version could not be computed. */
export const captureProblem = z.strictObject({
  reason: z.enum(['Unreadable', 'ExpressionError']),
  field: z.string().optional(),
  message: z.string(),
});
export type CaptureProblem = z.infer<typeof captureProblem>;

export interface CaptureMeta {
  /** What keeps order; `raw:<source id>` where none could be computed. */
  readonly key: string;
  readonly topic: string;
  /** What a duplicate is known by. */
  readonly sourceID: string;
  /** RFC 3339 in UTC with milliseconds, or digits; absent where the pipeline names none. */
  readonly version?: string;
  /** RFC 3339 in UTC. */
  readonly capturedAt: string;
  readonly problem?: CaptureProblem;
}

/** Header names and values of a captured record, in the order they are written. */
export function captureHeaders(meta: CaptureMeta): [string, string][] {
  const headers: [string, string][] = [
    [captureHeader.key, JSON.stringify(meta.key)],
    [captureHeader.topic, JSON.stringify(meta.topic)],
    [captureHeader.sourceID, JSON.stringify(meta.sourceID)],
    [captureHeader.capturedAt, JSON.stringify(meta.capturedAt)],
  ];
  if (meta.version !== undefined) headers.push([captureHeader.version, JSON.stringify(meta.version)]);
  if (meta.problem !== undefined) headers.push([captureHeader.problem, JSON.stringify(meta.problem)]);
  return headers;
}

/** Reads what `captureHeaders` wrote. @throws SyntaxError or ZodError when a header is not one of ours. */
export function parseCaptureHeaders(get: (name: string) => string): CaptureMeta {
  const version = get(captureHeader.version);
  const problem = get(captureHeader.problem);
  return {
    key: readText(get(captureHeader.key)),
    topic: readText(get(captureHeader.topic)),
    sourceID: readText(get(captureHeader.sourceID)),
    capturedAt: readText(get(captureHeader.capturedAt)),
    ...(version === '' ? {} : { version: readText(version) }),
    ...(problem === '' ? {} : { problem: captureProblem.parse(JSON.parse(problem)) }),
  };
}

function readText(json: string): string {
  return z.string().parse(JSON.parse(json));
}
