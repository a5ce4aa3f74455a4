/** The Lease by which replicas of the operator agree who works. */
import { z } from 'zod';
import type { LeaseRecord, LeaseStore } from '../engine/leader-election.ts';
import type { KubernetesClient, ObjectName } from './client.ts';
import { AlreadyExistsError, ConflictError, NotFoundError } from './errors.ts';
import { apiVersionOf, resourceTypes } from './objects.ts';
import type { KubernetesObject } from './objects.ts';

const leaseSpec = z.object({ holderIdentity: z.string().optional(), leaseTransitions: z.number().int().optional() });

export interface LeaseOptions extends ObjectName {
  readonly durationMs: number;
  readonly now: () => number;
}

export function leaseStore(client: KubernetesClient, options: LeaseOptions): LeaseStore {
  const { namespace, name, durationMs, now } = options;
  const type = resourceTypes.lease;
  return {
    read: async (signal) => {
      try {
        return recordOf(await client.get(type, options, signal));
      } catch (error) {
        if (error instanceof NotFoundError) return undefined;
        throw error;
      }
    },
    write: async ({ holder, transitions, previous }, signal) => {
      const version = previous === undefined ? {} : { resourceVersion: previous.version };
      const lease = {
        apiVersion: apiVersionOf(type),
        kind: type.kind,
        metadata: { namespace, name, ...version },
        spec: {
          holderIdentity: holder,
          leaseDurationSeconds: Math.ceil(durationMs / 1000),
          leaseTransitions: transitions,
          renewTime: new Date(now()).toISOString().replace('Z', '000Z'),
        },
      };
      try {
        const write = previous === undefined ? client.create(type, lease, signal) : client.replace(type, lease, signal);
        return recordOf(await write);
      } catch (error) {
        if (error instanceof ConflictError || error instanceof AlreadyExistsError || error instanceof NotFoundError) return undefined;
        throw error;
      }
    },
  };
}

function recordOf(object: KubernetesObject): LeaseRecord {
  const { holderIdentity, leaseTransitions } = leaseSpec.parse(object['spec']);
  return { holder: holderIdentity ?? '', transitions: leaseTransitions ?? 0, version: object.metadata.resourceVersion };
}
