/** Performs the actions of a plan, in their order, up to the first that fails. Each is idempotent (O2). */
import type { KubernetesClient } from '../kubernetes/client.ts';
import { applyOwn } from '../kubernetes/apply-own.ts';
import { resourceTypes } from '../kubernetes/objects.ts';
import type { KubernetesObject } from '../kubernetes/objects.ts';
import type { JetStream } from '../jetstream/connection.ts';
import { writeFirstJournal } from '../jetstream/journals.ts';
import { createLiveBucket } from '../jetstream/live.ts';
import { createStream, growStream } from '../jetstream/streams.ts';
import type { PipelineAction } from './plan.ts';

export interface Effects {
  readonly kubernetes: KubernetesClient;
  /** @throws NatsUnavailableError */
  readonly jetStream: () => JetStream;
  /** The local copy learns what was written. */
  readonly absorb: (object: KubernetesObject) => void;
  readonly now: () => number;
}

export interface ActionFailure {
  readonly action: PipelineAction['kind'];
  readonly error: unknown;
}

interface Target {
  readonly namespace: string;
  readonly name: string;
}

/** The failure that stopped it, if one did. */
export async function execute(
  { actions, pipeline }: { actions: readonly PipelineAction[]; pipeline: Target },
  effects: Effects,
  signal: AbortSignal,
): Promise<ActionFailure | undefined> {
  for (const action of actions) {
    try {
      await perform({ action, pipeline }, effects, signal);
    } catch (error) {
      return { action: action.kind, error };
    }
  }
  return undefined;
}

async function perform(
  { action, pipeline }: { action: PipelineAction; pipeline: Target },
  { kubernetes, jetStream, absorb, now }: Effects,
  signal: AbortSignal,
): Promise<void> {
  switch (action.kind) {
    case 'createStream':
      return createStream(jetStream(), action.stream, signal);
    case 'growStream':
      return growStream(jetStream(), { name: action.name, ...action.growth }, signal);
    case 'createLiveBucket':
      return createLiveBucket(jetStream(), action, signal);
    case 'writeFirstJournal': {
      const { destination, lane, cursor, generation } = action;
      return writeFirstJournal(jetStream(), { lane: { pipeline, destination, lane }, cursor, generation, at: now() }, signal);
    }
    case 'applyConfigMap':
      absorb(await applyOwn(kubernetes, { type: resourceTypes.configMap, ...action }, signal));
  }
}
