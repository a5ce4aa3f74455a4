/** Performs the actions of a plan, in their order, up to the first that fails. Each is idempotent (O2). */
import { applyOwn } from '../kubernetes/apply-own.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import { ConflictError, NotFoundError } from '../kubernetes/errors.ts';
import { resourceTypes } from '../kubernetes/objects.ts';
import type { KubernetesObject } from '../kubernetes/objects.ts';
import type { ConnectorAction } from './plan.ts';

export interface ConnectorEffects {
  readonly kubernetes: KubernetesClient;
  /** The local copy learns what was written. */
  readonly absorb: (type: 'configMap' | 'deployment' | 'service', object: KubernetesObject) => void;
}

export interface ConnectorActionFailure {
  readonly action: ConnectorAction;
  readonly error: unknown;
}

/** The failure that stopped it, if one did. */
export async function executeConnector(
  actions: readonly ConnectorAction[],
  effects: ConnectorEffects,
  signal: AbortSignal,
): Promise<ConnectorActionFailure | undefined> {
  for (const action of actions) {
    try {
      await perform(action, effects, signal);
    } catch (error) {
      return { action, error };
    }
  }
  return undefined;
}

async function perform(action: ConnectorAction, { kubernetes, absorb }: ConnectorEffects, signal: AbortSignal): Promise<void> {
  switch (action.kind) {
    case 'apply':
      absorb(action.type, await applyOwn(kubernetes, { ...action, type: resourceTypes[action.type] }, signal));
      return;
    case 'remove':
      try {
        await kubernetes.remove(resourceTypes[action.type], action.object, signal);
      } catch (error) {
        // Gone already, or a namesake of another uid: nothing of ours is left.
        if (!(error instanceof NotFoundError || error instanceof ConflictError)) throw error;
      }
  }
}
