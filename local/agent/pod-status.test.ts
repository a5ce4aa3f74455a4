import { expect, test } from 'vitest';
import { phaseOf, renderStatus, type ContainerRecord, type ContainerState, type PodRecord } from './pod-status.ts';

const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1, 0, 0, second, 500));
const ended = (exitCode: number): ContainerState => ({
  kind: 'terminated',
  last: { startedAt: at(1), end: { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', message: '', finishedAt: at(2) } },
});
const running: ContainerState = { kind: 'running', startedAt: at(1) };
const waiting: ContainerState = { kind: 'waiting', reason: 'ContainerCreating', message: '' };

const container = (state: ContainerState, more: Partial<ContainerRecord> = {}): ContainerRecord => ({
  name: 'c',
  image: 'i',
  state,
  previous: undefined,
  restartCount: 0,
  isReady: false,
  isStarted: false,
  ...more,
});
const pod = (more: Partial<PodRecord>): PodRecord => ({
  uid: 'u',
  podIp: '127.16.1.1',
  hostIp: '127.16.0.1',
  startTime: at(0),
  restartPolicy: 'Always',
  initContainers: [],
  containers: [],
  openGates: [],
  isStopping: false,
  ...more,
});
const crashed = container(
  { kind: 'waiting', reason: 'CrashLoopBackOff', message: '' },
  { previous: { startedAt: at(1), end: { exitCode: 1, reason: 'Error', message: '', finishedAt: at(2) } } },
);

test.each([
  ['Always', [waiting], false, 'Pending'],
  ['Always', [running, waiting], false, 'Pending'],
  ['Always', [running], false, 'Running'],
  ['Always', [ended(1)], false, 'Running'],
  ['Always', [ended(0)], true, 'Succeeded'],
  ['Always', [ended(0), ended(137)], true, 'Failed'],
  ['OnFailure', [ended(0)], false, 'Succeeded'],
  ['OnFailure', [ended(0), ended(1)], false, 'Running'],
  ['Never', [ended(0), running], false, 'Running'],
  ['Never', [ended(0), ended(1)], false, 'Failed'],
] as const)('policy %s, containers %j, stopping %s: phase %s', (restartPolicy, states, isStopping, phase) => {
  expect(phaseOf(pod({ restartPolicy, isStopping, containers: states.map((state) => container(state)) }))).toBe(phase);
});

test('a container in back-off has run, so its Pod is Running', () => {
  expect(phaseOf(pod({ containers: [crashed] }))).toBe('Running');
});

test('a failed init container fails a Pod that is never restarted, and keeps others Pending', () => {
  const initContainers = [container(ended(1))];
  expect(phaseOf(pod({ initContainers, restartPolicy: 'Never', containers: [container(waiting)] }))).toBe('Failed');
  expect(phaseOf(pod({ initContainers, containers: [container(waiting)] }))).toBe('Pending');
});

test('Ready needs every container and every gate; a condition keeps its time while its status stays', () => {
  const first = renderStatus(pod({ containers: [container(running, { isReady: true }), container(running, { name: 'd' })] }), [], at(5));
  expect(first.conditions.find((one) => one.type === 'Ready')).toEqual({
    type: 'Ready',
    status: 'False',
    reason: 'ContainersNotReady',
    message: 'containers with unready status: [d]',
    lastTransitionTime: '2026-01-01T00:00:05Z',
  });
  const ready = [container(running, { isReady: true })];
  const gated = renderStatus(pod({ containers: ready, openGates: ['example.com/gate'] }), first.conditions, at(6));
  expect(gated.conditions.map((one) => [one.type, one.status, one.lastTransitionTime])).toEqual([
    ['PodReadyToStartContainers', 'True', '2026-01-01T00:00:05Z'],
    ['Initialized', 'True', '2026-01-01T00:00:05Z'],
    ['ContainersReady', 'True', '2026-01-01T00:00:06Z'],
    ['Ready', 'False', '2026-01-01T00:00:05Z'],
  ]);
});

test('a killed container that runs again shows its last state and its restarts', () => {
  const previous = { startedAt: at(1), end: { exitCode: 137, reason: 'Error' as const, message: '', finishedAt: at(2) } };
  const status = renderStatus(
    pod({ containers: [container(running, { previous, restartCount: 1, isReady: true, isStarted: true })] }),
    [],
    at(5),
  );
  expect(status.containerStatuses).toEqual([
    {
      name: 'c',
      image: 'i',
      imageID: 'i',
      containerID: 'local://u/c/1',
      ready: true,
      started: true,
      restartCount: 1,
      state: { running: { startedAt: '2026-01-01T00:00:01Z' } },
      lastState: { terminated: { exitCode: 137, reason: 'Error', startedAt: '2026-01-01T00:00:01Z', finishedAt: '2026-01-01T00:00:02Z' } },
    },
  ]);
});
