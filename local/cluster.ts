/**
 * A local cluster as its user sees it. The cluster itself lives in the supervisor, a process of its own.
 *
 * 1. The cluster ends with `stop`, or with this process, however it ends.
 * 2. Should the supervisor be killed, this process clears away what it leaves.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { ApiAccess } from './kubernetes-client.ts';
import { LocalError } from './local-error.ts';
import {
  fromSupervisorSchema,
  type ClusterProcess,
  type FromSupervisor,
  type Image,
  type ReadyMessage,
  type StartMessage,
  type Timings,
  type ToSupervisor,
} from './messages.ts';
import { silentProgress, type Progress } from './progress.ts';
import { runCommand, type CommandResult } from './run-command.ts';
import { killMarked, markVariable, newDataFolder, removeData, sweepAbandoned } from './sweep.ts';
import { ensureTools, readKubernetesVersion } from './tools.ts';

export interface ClusterOptions {
  /** What Pods can run: image name to local program. */
  readonly images?: Readonly<Record<string, Image>>;
  /** `api`: etcd and the API server alone, for tests of the API; nothing runs there. Default `all`. */
  readonly parts?: 'all' | 'api';
  /** Default true. */
  readonly nats?: boolean;
  /** Leaves the data folder behind, for looking into logs. Default false. */
  readonly keepData?: boolean;
  readonly progress?: Progress;
}

interface KubectlOptions {
  readonly input?: string;
}

type PodSignal = 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT';

export interface Cluster {
  /** 127.X.0.1, where the control plane and NATS listen. */
  readonly host: string;
  readonly dataFolder: string;
  readonly supervisorPid: number;
  readonly kubeconfigPath: string;
  /** The API server, and an administrator's certificate. */
  readonly apiserver: ApiAccess;
  /** Present unless NATS was left out. */
  readonly nats: { readonly url: string; readonly monitoringUrl: string } | undefined;
  readonly kubectlPath: string;
  readonly timings: Timings;
  readonly kubectl: (args: readonly string[], options: KubectlOptions, signal: AbortSignal) => Promise<CommandResult>;
  /** SIGKILL to a process of the cluster; resolves with its id when it is gone. It is started again at once, with the same data. */
  readonly kill: (process: ClusterProcess, signal: AbortSignal) => Promise<number>;
  /** A signal to the process groups of a Pod's containers (SIGTERM to their first processes alone); resolves with their ids. */
  readonly signalPod: (
    pod: { readonly namespace: string; readonly name: string; readonly signal: PodSignal },
    signal: AbortSignal,
  ) => Promise<readonly number[]>;
  /** Kills everything, removes the data and resolves when that is done. May be called twice. */
  readonly stop: () => Promise<void>;
  /** Resolves when the cluster has ended, after `stop` or by itself, with the last words of its supervisor. */
  readonly ended: Promise<string>;
}

const answerLimitMs = 10_000;
const shownErrorChars = 4_000;

/** Waits for `promise` until `signal` aborts. */
const orAbort = <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> => {
  if (signal.aborted) return Promise.reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  return Promise.race([promise, aborted.promise]).finally(() => signal.removeEventListener('abort', abort));
};

/** The channel to the supervisor: messages out, answers and the end in. */
class Supervisor {
  readonly dataFolder: string;
  readonly ready: Promise<ReadyMessage>;
  readonly ended: Promise<string>;
  readonly #child: ChildProcess;
  readonly #ready = Promise.withResolvers<ReadyMessage>();
  readonly #calls = new Map<number, (pids: readonly number[]) => void>();
  #nextCall = 1;
  #errorText = '';

  constructor(dataFolder: string) {
    this.dataFolder = dataFolder;
    this.ready = this.#ready.promise;
    // A session of its own: Ctrl-C in the terminal reaches this process alone, which then ends the cluster in order.
    this.#child = spawn(process.execPath, [join(import.meta.dirname, 'supervisor', 'main.ts')], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, [markVariable]: dataFolder },
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errorText = (this.#errorText + text).slice(-shownErrorChars);
    });
    this.#child.on('message', (message) => this.#take(fromSupervisorSchema.parse(message)));
    this.#child.on('error', (cause) => this.#ready.reject(new LocalError('the supervisor could not be started', { cause })));
    this.ended = new Promise((resolve) => {
      this.#child.once('close', () => {
        const lastWords = this.#errorText.trim();
        this.#ready.reject(new LocalError(`the local cluster could not be started:\n${lastWords}`));
        resolve(lastWords);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  send(message: ToSupervisor): void {
    if (this.#child.connected) this.#child.send(message);
  }

  async ask(message: (call: number) => ToSupervisor, signal: AbortSignal): Promise<readonly number[]> {
    const call = this.#nextCall;
    this.#nextCall += 1;
    const answer = Promise.withResolvers<readonly number[]>();
    this.#calls.set(call, answer.resolve);
    this.send(message(call));
    const gone = this.ended.then(() => Promise.reject(new LocalError('the local cluster has ended')));
    return orAbort(Promise.race([answer.promise, gone]), AbortSignal.any([signal, AbortSignal.timeout(answerLimitMs)])).finally(() =>
      this.#calls.delete(call),
    );
  }

  #take(message: FromSupervisor): void {
    switch (message.kind) {
      case 'ready':
        this.#ready.resolve(message);
        return;
      case 'killed':
        this.#calls.get(message.call)?.(message.pids);
    }
  }
}

const createCluster = (supervisor: Supervisor, ready: ReadyMessage, input: { kubectlPath: string; ended: Promise<string> }): Cluster => {
  const { kubectlPath, ended } = input;
  const { dataFolder } = supervisor;
  const env = { ...process.env, KUBECONFIG: ready.kubeconfig, KUBECACHEDIR: join(dataFolder, 'kubectl-cache') };
  return {
    host: ready.host,
    dataFolder,
    supervisorPid: supervisor.pid,
    kubeconfigPath: ready.kubeconfig,
    apiserver: ready.apiserver,
    nats: ready.nats,
    kubectlPath,
    timings: ready.timings,
    kubectl: (args, options, signal) => runCommand({ file: kubectlPath, args, env, ...options }, signal),
    kill: async (target, signal) => {
      const [pid] = await supervisor.ask((call) => ({ kind: 'kill', call, process: target }), signal);
      if (pid === undefined) throw new LocalError(`${target} does not run just now`);
      return pid;
    },
    signalPod: (pod, signal) => supervisor.ask((call) => ({ kind: 'killPod', call, ...pod }), signal),
    stop: async () => {
      supervisor.send({ kind: 'stop' });
      await ended;
    },
    ended,
  };
};

const startSupervised = async (start: StartMessage, signal: AbortSignal): Promise<Cluster> => {
  const supervisor = new Supervisor(start.dataFolder);
  const ended = supervisor.ended.then((lastWords) => {
    killMarked(start.dataFolder);
    if (!start.keepData) removeData(start.dataFolder);
    return lastWords;
  });
  try {
    supervisor.send(start);
    const ready = await orAbort(supervisor.ready, signal);
    return createCluster(supervisor, ready, { kubectlPath: start.tools.kubectl, ended });
  } catch (error) {
    supervisor.send({ kind: 'stop' });
    await ended;
    throw error;
  }
};

/** `signal` bounds the start; afterwards the cluster lives until `stop` or the end of this process. */
export const startCluster = async (options: ClusterOptions, signal: AbortSignal): Promise<Cluster> => {
  if (process.platform !== 'linux') throw new LocalError('the local cluster needs Linux: it gives every Pod a loopback address of its own');
  const progress = options.progress ?? silentProgress;
  const tools = await ensureTools(progress, signal);
  sweepAbandoned();
  const start: StartMessage = {
    kind: 'start',
    tools,
    kubernetesVersion: await readKubernetesVersion(),
    dataFolder: newDataFolder(randomBytes(4).toString('hex')),
    parts: options.parts ?? 'all',
    nats: options.nats ?? true,
    keepData: options.keepData ?? false,
    images: options.images ?? {},
  };
  return progress.step('local cluster', () => startSupervised(start, signal));
};
