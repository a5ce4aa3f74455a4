/** The status of a Pod as Kubernetes shows it, computed from what the agent knows of its containers. */
import type { ProcessEnd } from './container-process.ts';
import type { RestartPolicy } from './restart.ts';

export interface Terminated {
  readonly startedAt: Date;
  readonly end: ProcessEnd;
}

export type ContainerState =
  | { readonly kind: 'waiting'; readonly reason: string; readonly message: string }
  | { readonly kind: 'running'; readonly startedAt: Date }
  | { readonly kind: 'terminated'; readonly last: Terminated };

export interface ContainerRecord {
  readonly name: string;
  readonly image: string;
  readonly state: ContainerState;
  /** The run before the present one. */
  readonly previous: Terminated | undefined;
  readonly restartCount: number;
  readonly isReady: boolean;
  readonly isStarted: boolean;
}

export interface PodRecord {
  readonly uid: string;
  readonly podIp: string;
  readonly hostIp: string;
  readonly startTime: Date;
  readonly restartPolicy: RestartPolicy;
  readonly initContainers: readonly ContainerRecord[];
  readonly containers: readonly ContainerRecord[];
  /** Condition types of readiness gates that are not True. */
  readonly openGates: readonly string[];
  /** The Pod is being deleted: what has ended does not run again. */
  readonly isStopping: boolean;
}

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

type Phase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

export const formatTime = (time: Date): string => time.toISOString().replace(/\.\d+Z$/u, 'Z');

const renderTerminated = ({ startedAt, end }: Terminated) => ({
  terminated: {
    exitCode: end.exitCode,
    reason: end.reason,
    ...(end.message === '' ? {} : { message: end.message }),
    startedAt: formatTime(startedAt),
    finishedAt: formatTime(end.finishedAt),
  },
});

const renderState = (state: ContainerState) => {
  switch (state.kind) {
    case 'waiting':
      return { waiting: { reason: state.reason, ...(state.message === '' ? {} : { message: state.message }) } };
    case 'running':
      return { running: { startedAt: formatTime(state.startedAt) } };
    case 'terminated':
      return renderTerminated(state.last);
  }
};

const renderContainer = (uid: string, record: ContainerRecord) => ({
  name: record.name,
  image: record.image,
  imageID: record.state.kind === 'waiting' && record.previous === undefined ? '' : record.image,
  ...(record.state.kind === 'waiting' ? {} : { containerID: `local://${uid}/${record.name}/${record.restartCount}` }),
  ready: record.isReady,
  started: record.isStarted,
  restartCount: record.restartCount,
  state: renderState(record.state),
  lastState: record.previous === undefined ? {} : renderTerminated(record.previous),
});

const exitCodeOf = ({ state }: ContainerRecord): number | undefined => (state.kind === 'terminated' ? state.last.end.exitCode : undefined);

const hasRun = ({ state, previous }: ContainerRecord): boolean => state.kind !== 'waiting' || previous !== undefined;

const isInitialized = (record: PodRecord): boolean => record.initContainers.every((one) => exitCodeOf(one) === 0);

export const phaseOf = (record: PodRecord): Phase => {
  const mayRestart = (code: number): boolean =>
    !record.isStopping && (record.restartPolicy === 'Always' || (record.restartPolicy === 'OnFailure' && code !== 0));
  const initCodes = record.initContainers.flatMap((one) => exitCodeOf(one) ?? []);
  if (initCodes.some((code) => code !== 0 && (record.isStopping || record.restartPolicy === 'Never'))) return 'Failed';
  if (!isInitialized(record)) return 'Pending';
  if (!record.containers.every(hasRun)) return 'Pending';
  const codes = record.containers.map(exitCodeOf);
  if (codes.some((code) => code === undefined || mayRestart(code))) return 'Running';
  return codes.every((code) => code === 0) ? 'Succeeded' : 'Failed';
};

const decideReady = (record: PodRecord, phase: Phase): Omit<Condition, 'type' | 'lastTransitionTime'> => {
  if (phase === 'Succeeded') return { status: 'False', reason: 'PodCompleted', message: '' };
  if (phase === 'Failed') return { status: 'False', reason: 'PodFailed', message: '' };
  const unready = record.containers.filter((one) => !one.isReady).map((one) => one.name);
  if (unready.length === 0) return { status: 'True', reason: '', message: '' };
  return { status: 'False', reason: 'ContainersNotReady', message: `containers with unready status: [${unready.join(' ')}]` };
};

const decideInitialized = (record: PodRecord): Omit<Condition, 'type' | 'lastTransitionTime'> => {
  if (isInitialized(record)) return { status: 'True', reason: '', message: '' };
  const open = record.initContainers.filter((one) => exitCodeOf(one) !== 0).map((one) => one.name);
  return { status: 'False', reason: 'ContainersNotInitialized', message: `containers with incomplete status: [${open.join(' ')}]` };
};

const withTimes = (
  conditions: readonly Omit<Condition, 'lastTransitionTime'>[],
  previous: readonly Condition[],
  now: Date,
): readonly Condition[] =>
  conditions.map((condition) => {
    const before = previous.find((one) => one.type === condition.type);
    const isSame = before?.status === condition.status;
    return { ...condition, lastTransitionTime: isSame ? before.lastTransitionTime : formatTime(now) };
  });

export const renderStatus = (record: PodRecord, previous: readonly Condition[], now: Date) => {
  const phase = phaseOf(record);
  const containersReady = decideReady(record, phase);
  const isGated = containersReady.status === 'True' && record.openGates.length > 0;
  const gated = { status: 'False' as const, reason: 'ReadinessGatesNotReady', message: `not true: [${record.openGates.join(' ')}]` };
  const conditions = withTimes(
    [
      { type: 'PodReadyToStartContainers', status: 'True', reason: '', message: '' },
      { type: 'Initialized', ...decideInitialized(record) },
      { type: 'ContainersReady', ...containersReady },
      { type: 'Ready', ...(isGated ? gated : containersReady) },
    ],
    previous,
    now,
  );
  return {
    phase,
    conditions,
    podIP: record.podIp,
    podIPs: [{ ip: record.podIp }],
    hostIP: record.hostIp,
    hostIPs: [{ ip: record.hostIp }],
    startTime: formatTime(record.startTime),
    initContainerStatuses: record.initContainers.map((one) => renderContainer(record.uid, one)),
    containerStatuses: record.containers.map((one) => renderContainer(record.uid, one)),
  };
};
export type PodStatus = ReturnType<typeof renderStatus>;
