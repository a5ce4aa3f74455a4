/** Why pods do not come up, from their state alone: the operator may not read Secrets. */
import { z } from 'zod';
import type { Role } from '../../runtime/contract/names.ts';
import type { KubernetesObject } from '../kubernetes/objects.ts';
import { purposeOf } from './labels.ts';

export interface PodFacts {
  readonly connector: string;
  readonly role: Role;
  readonly createdAt: number;
  readonly isReady: boolean;
  /** Why its container does not run, as the node names it; '' when it runs. */
  readonly waitingReason: string;
  readonly waitingMessage: string;
  readonly isUnschedulable: boolean;
  /** Secrets it mounts, as "name (key, key)". */
  readonly secrets: readonly string[];
}

export interface PodTrouble {
  /** CamelCase constant. */
  readonly reason: 'WaitingForSecret' | 'ImageNotPulled' | 'PodsFailing' | 'PodUnschedulable';
  readonly message: string;
}

const waiting = z.looseObject({ reason: z.string().default(''), message: z.string().default('') });
const secretSource = z.looseObject({ name: z.string(), items: z.array(z.looseObject({ key: z.string() })).default([]) });
const projection = z.looseObject({ sources: z.array(z.looseObject({ secret: secretSource.optional() })).default([]) });

const pod = z.looseObject({
  spec: z.looseObject({ volumes: z.array(z.looseObject({ projected: projection.optional() })).default([]) }),
  status: z
    .looseObject({
      conditions: z.array(z.looseObject({ type: z.string(), reason: z.string().optional() })).default([]),
      containerStatuses: z
        .array(z.looseObject({ ready: z.boolean().default(false), state: z.looseObject({ waiting: waiting.optional() }).default({}) }))
        .default([]),
    })
    .default({ conditions: [], containerStatuses: [] }),
});

/** undefined for one that is not of a Connector, or on its way out. */
export function podFacts(object: KubernetesObject): PodFacts | undefined {
  const { labels, creationTimestamp, deletionTimestamp } = object.metadata;
  const purpose = purposeOf(labels);
  if (purpose === undefined || deletionTimestamp !== undefined) return undefined;
  const { spec, status } = pod.parse(object);
  const [container] = status.containerStatuses;
  const mounts = spec.volumes.flatMap(({ projected }) => projected?.sources ?? []).flatMap(({ secret }) => secret ?? []);
  return {
    ...purpose,
    createdAt: Date.parse(creationTimestamp),
    isReady: container?.ready ?? false,
    waitingReason: container?.state.waiting?.reason ?? '',
    waitingMessage: container?.state.waiting?.message ?? '',
    isUnschedulable: status.conditions.some(({ type, reason }) => type === 'PodScheduled' && reason === 'Unschedulable'),
    secrets: mounts.map(({ name, items }) => `${name} (${items.map(({ key }) => key).join(', ')})`),
  };
}

/** A container is created within this time, or something it mounts is missing. */
const creatingForMs = 10_000;

/** Pure. What keeps pods from coming up, the same text for the same trouble whatever pod has it. */
export function podTrouble(pods: readonly PodFacts[], now: number): PodTrouble | undefined {
  const troubles = pods.filter(({ isReady }) => !isReady).flatMap((facts) => troubleOf(facts, now) ?? []);
  return troubles.toSorted((a, b) => (a.message < b.message ? -1 : 1))[0];
}

function troubleOf(facts: PodFacts, now: number): PodTrouble | undefined {
  const { role, waitingReason, waitingMessage, isUnschedulable, createdAt } = facts;
  if (isUnschedulable) return { reason: 'PodUnschedulable', message: `No node has room for a pod of role ${role}.` };
  switch (waitingReason) {
    case 'CrashLoopBackOff':
      return { reason: 'PodsFailing', message: `A pod of role ${role} ends again and again: see kubectl logs.` };
    case 'ErrImagePull':
    case 'ImagePullBackOff':
    case 'InvalidImageName':
      return { reason: 'ImageNotPulled', message: `The image of a pod of role ${role} cannot be pulled.` };
    case 'CreateContainerConfigError':
      return waitsForVolumes(facts);
    case 'ContainerCreating':
      return waitingMessage !== '' || now - createdAt >= creatingForMs ? waitsForVolumes(facts) : undefined;
    default:
      return undefined;
  }
}

function waitsForVolumes({ role, secrets, waitingMessage }: PodFacts): PodTrouble {
  const which = secrets.length === 1 ? `Secret ${secrets.join()} exists` : `Secrets ${secrets.join(', ')} exist`;
  const quote = waitingMessage === '' ? '' : ` The node says: ${waitingMessage.slice(0, 200)}`;
  return {
    reason: 'WaitingForSecret',
    message: `A pod of role ${role} waits for what it mounts: check that ${which}, with the keys in brackets.${quote}`,
  };
}
