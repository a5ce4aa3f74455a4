/** Whether an object has to be written again. Pure. */
import { hashOf } from './hash.ts';
import type { KubernetesObject, RenderedObject } from './objects.ts';

/** Hash of all that was rendered: shows a field that is no longer rendered, which comparing field by field cannot. */
const renderedAnnotation = 'peppasync.io/rendered';

/** The object with the hash of what it says. */
export function withRenderedHash(object: RenderedObject): RenderedObject {
  const annotations = { ...object.metadata.annotations, [renderedAnnotation]: hashOf(object) };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

/**
 * O1: does the live object hold everything that was rendered? Fields that others or the server's defaults added do not
 * matter; lists are compared as a whole.
 */
export function isApplied(rendered: RenderedObject, live: KubernetesObject): boolean {
  return contains(live, rendered);
}

function contains(live: unknown, wanted: unknown): boolean {
  if (wanted === undefined) return true;
  if (Array.isArray(wanted)) {
    if (!Array.isArray(live)) return wanted.length === 0 && live === undefined;
    return wanted.length === live.length && wanted.every((item, index) => contains(live[index], item));
  }
  if (isRecord(wanted)) {
    if (!isRecord(live)) return Object.keys(wanted).length === 0 && live === undefined;
    return Object.entries(wanted).every(([field, value]) => contains(live[field], value));
  }
  return live === wanted;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
