/** Applies objects that the operator makes. One that somebody else made under the same name is left alone. */
import { TerminalError } from '../engine/errors.ts';
import type { KubernetesClient } from './client.ts';
import { ConflictError } from './errors.ts';
import type { KubernetesObject, RenderedObject, ResourceType } from './objects.ts';

export interface OwnObject {
  readonly type: ResourceType;
  readonly object: RenderedObject;
  /** It is known to be ours: fields that somebody changed are taken back. */
  readonly force: boolean;
}

/** @throws TerminalError with reason ObjectNotOurs */
export async function applyOwn(
  client: KubernetesClient,
  { type, object, force }: OwnObject,
  signal: AbortSignal,
): Promise<KubernetesObject> {
  try {
    return await client.apply(type, { object, force }, signal);
  } catch (error) {
    if (force || !(error instanceof ConflictError)) throw error;
    const message = `${type.kind} ${object.metadata.name} was made by somebody else; rename or delete it.`;
    throw new TerminalError(message, 'ObjectNotOurs', { cause: error });
  }
}
