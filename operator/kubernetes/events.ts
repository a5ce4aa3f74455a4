/**
 * Events, each once per change: the name of an event is made of what it says, so that a change reported twice, after a
 * restart too, is one event.
 */
import { createHash } from 'node:crypto';
import type { KubernetesClient } from './client.ts';
import { AlreadyExistsError } from './errors.ts';
import { apiVersionOf, resourceTypes } from './objects.ts';
import type { ResourceType } from './objects.ts';

export interface EventFact {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase constant. */
  readonly reason: string;
  readonly message: string;
  /** What tells this change from an earlier one that reads alike, such as a generation. */
  readonly change: string;
}

export interface Regarding {
  readonly type: ResourceType;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface EventWriter {
  readonly write: (regarding: Regarding, fact: EventFact, signal: AbortSignal) => Promise<void>;
}

export function eventWriter(client: KubernetesClient, instance: string, now: () => number): EventWriter {
  return {
    write: async ({ type, namespace, name, uid }, fact, signal) => {
      const identity = createHash('sha256').update([uid, fact.reason, fact.change].join('\n')).digest('hex').slice(0, 16);
      const event = {
        apiVersion: apiVersionOf(resourceTypes.event),
        kind: resourceTypes.event.kind,
        metadata: { namespace, name: `${name}.${identity}` },
        // Event times carry microseconds.
        eventTime: new Date(now()).toISOString().replace('Z', '000Z'),
        reportingController: 'peppasync.io/operator',
        reportingInstance: instance,
        action: 'Reconcile',
        type: fact.type,
        reason: fact.reason,
        note: fact.message.slice(0, 1024),
        regarding: { apiVersion: apiVersionOf(type), kind: type.kind, namespace, name, uid },
      };
      try {
        await client.create(resourceTypes.event, event, signal);
      } catch (error) {
        if (!(error instanceof AlreadyExistsError)) throw error;
      }
    },
  };
}
