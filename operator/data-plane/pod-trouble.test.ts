import { expect, test } from 'vitest';
import { podFacts, podTrouble } from './pod-trouble.ts';

const now = Date.parse('2026-11-27T06:00:00Z');

/** A deliver pod of `netsuite` in a state. */
function pod(status: Record<string, unknown>, metadata: Record<string, unknown> = {}) {
  return {
    metadata: {
      name: 'p',
      uid: 'u',
      resourceVersion: '1',
      creationTimestamp: '2026-11-27T05:59:00Z',
      labels: { 'peppasync.io/connector': 'netsuite', 'app.kubernetes.io/component': 'deliver' },
      ...metadata,
    },
    spec: {
      volumes: [
        {
          name: 'config',
          projected: {
            sources: [{ configMap: { name: 'c' } }, { secret: { name: 'netsuite', items: [{ key: 'private-key', path: 'x' }] } }],
          },
        },
      ],
    },
    status,
  };
}

function waiting(reason: string, message?: string) {
  return { containerStatuses: [{ ready: false, state: { waiting: { reason, ...(message === undefined ? {} : { message }) } } }] };
}

function troubleOf(status: Record<string, unknown>, metadata?: Record<string, unknown>): string | undefined {
  const facts = podFacts(pod(status, metadata));
  const trouble = podTrouble(facts === undefined ? [] : [facts], now);
  return trouble === undefined ? undefined : `${trouble.reason}: ${trouble.message}`;
}

const missing =
  'WaitingForSecret: A pod of role deliver waits for what it mounts: check that Secret netsuite (private-key) exists, with the keys in brackets.';

test.each<[string, Record<string, unknown>, string | undefined]>([
  ['no status yet', {}, undefined],
  ['running', { containerStatuses: [{ ready: true, state: { running: {} } }] }, undefined],
  ['starting', { containerStatuses: [{ ready: false, state: { running: {} } }] }, undefined],
  ['a volume that does not come', waiting('ContainerCreating'), missing],
  [
    'a volume that does not come, with the reason',
    waiting('ContainerCreating', 'no such Secret'),
    `${missing} The node says: no such Secret`,
  ],
  ['a configuration error', waiting('CreateContainerConfigError'), missing],
  ['crashes', waiting('CrashLoopBackOff'), 'PodsFailing: A pod of role deliver ends again and again: see kubectl logs.'],
  ['no image', waiting('ImagePullBackOff'), 'ImageNotPulled: The image of a pod of role deliver cannot be pulled.'],
  [
    'no room',
    { conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable' }] },
    'PodUnschedulable: No node has room for a pod of role deliver.',
  ],
])('%s', (_name, status, expected) => {
  expect(troubleOf(status)).toBe(expected);
});

test('a pod that has just been made, is on its way out, or is of something else has no trouble', () => {
  expect(troubleOf(waiting('ContainerCreating'), { creationTimestamp: '2026-11-27T05:59:55Z' })).toBeUndefined();
  expect(troubleOf(waiting('CrashLoopBackOff'), { deletionTimestamp: '2026-11-27T06:00:00Z' })).toBeUndefined();
  expect(troubleOf(waiting('CrashLoopBackOff'), { labels: {} })).toBeUndefined();
});
