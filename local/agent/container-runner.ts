/**
 * One container of a Pod, run again and again as its policy says.
 *
 * 1. It runs at most one process at a time, and none after the Pod has begun to stop.
 * 2. Whatever happens to it shows in `record`, and is announced by `onChange`.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Bell } from './bell.ts';
import { startContainerProcess, type ContainerProcess, type Launch, type ProcessEnd } from './container-process.ts';
import type { EventText } from './event-recorder.ts';
import type { LaunchPlan } from './launch-plan.ts';
import type { Container } from './pod.ts';
import type { ContainerRecord, ContainerState, Terminated } from './pod-status.ts';
import { watchProbes } from './probe-loops.ts';
import { decideRestart, type RestartPolicy } from './restart.ts';

interface RunnerInput {
  readonly podIp: string;
  /** As messages name the Pod. */
  readonly podTitle: string;
  readonly policy: RestartPolicy;
  readonly graceMs: number;
  readonly logFolder: string;
  /** The container as the Pod's object has it now; its image may change. */
  readonly container: () => Container;
  readonly plan: (container: Container, signal: AbortSignal) => Promise<LaunchPlan>;
  readonly onChange: () => void;
  readonly onEvent: (event: EventText) => void;
}

const keptLogs = 2;
const configRetryMs = 5_000;

export class ContainerRunner {
  readonly #input: RunnerInput;
  readonly #bell = new Bell();
  #state: ContainerState = { kind: 'waiting', reason: 'ContainerCreating', message: '' };
  #previous: Terminated | undefined;
  #restartCount = 0;
  #isReady = false;
  #isStarted = false;
  #process: ContainerProcess | undefined;
  #killTimer: NodeJS.Timeout | undefined;

  constructor(input: RunnerInput) {
    this.#input = input;
  }

  get record(): ContainerRecord {
    const { name, image } = this.#input.container();
    return {
      name,
      image,
      state: this.#state,
      previous: this.#previous,
      restartCount: this.#restartCount,
      isReady: this.#isReady,
      isStarted: this.#isStarted,
    };
  }

  /** The log of the present run or of the one before it; in back-off both are the run that ended last. */
  logOf(isPrevious: boolean): { path: string; isOver: () => boolean } | undefined {
    const isBetweenRuns = this.#state.kind === 'waiting';
    if (isBetweenRuns && this.#previous === undefined) return undefined;
    const run = isPrevious && !isBetweenRuns ? this.#restartCount - 1 : this.#restartCount;
    if (run < 0) return undefined;
    return { path: this.#logFile(run), isOver: () => this.#restartCount !== run || this.#state.kind !== 'running' };
  }

  /** Something that the container waits for may have come. */
  wake(): void {
    this.#bell.ring();
  }

  showWaiting(reason: string, message: string): void {
    this.#set({ kind: 'waiting', reason, message });
  }

  /** Asks the process to end and kills it after the grace time; a later call may shorten that time. */
  terminate(graceMs: number): void {
    const running = this.#process;
    if (running === undefined) return;
    if (this.#killTimer === undefined && graceMs > 0) running.signal('SIGTERM');
    clearTimeout(this.#killTimer);
    this.#killTimer = setTimeout(() => running.signal('SIGKILL'), graceMs);
  }

  signal(name: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): number | undefined {
    this.#process?.signal(name);
    return this.#process?.pid;
  }

  /** Returns the end of the last run, undefined if there was none. `stopping` forbids new runs; `terminate` ends the present one. */
  async run(stopping: AbortSignal): Promise<ProcessEnd | undefined> {
    let previousPauseMs = 0;
    let last: ProcessEnd | undefined;
    while (!stopping.aborted) {
      const launch = await this.#awaitLaunch(stopping);
      await rm(this.#logFile(this.#restartCount + 1 - keptLogs), { force: true });
      // Nothing may come between this look and the start, or a stop could miss the new process.
      if (launch === undefined || stopping.aborted) return last;
      if (last !== undefined) this.#restartCount += 1;
      const startedMs = performance.now();
      last = await this.#runOnce(launch);
      if (stopping.aborted) return last;
      const ranMs = performance.now() - startedMs;
      const decision = decideRestart({ policy: this.#input.policy, end: last, ranMs, previousPauseMs }, this.#restartCount > 0);
      if (decision.kind === 'stop') return last;
      previousPauseMs = decision.pauseMs;
      await this.#backOff(decision.pauseMs, stopping);
    }
    return last;
  }

  #logFile(run: number): string {
    return join(this.#input.logFolder, `${this.#input.container().name}.${run}.log`);
  }

  #set(state: ContainerState): void {
    this.#state = state;
    this.#input.onChange();
  }

  /** Keeps asking for a plan until there is one; undefined when the Pod stops before. */
  async #awaitLaunch(stopping: AbortSignal): Promise<Launch | undefined> {
    let shown = '';
    while (!stopping.aborted) {
      const plan = await this.#input.plan(this.#input.container(), stopping).catch((error: unknown) => ({
        kind: 'waiting' as const,
        reason: 'CreateContainerConfigError' as const,
        message: error instanceof Error ? error.message : String(error),
      }));
      if (stopping.aborted) return undefined;
      if (plan.kind === 'launch') return plan.launch;
      if (plan.message !== shown) this.#input.onEvent({ type: 'Warning', reason: 'Failed', message: plan.message });
      shown = plan.message;
      this.#leaveRun();
      this.#set({ kind: 'waiting', reason: plan.reason, message: plan.message });
      await this.#bell.wait(configRetryMs, stopping);
    }
    return undefined;
  }

  /** From the end of a run to what follows it: the ended run becomes the previous one. */
  #leaveRun(): void {
    if (this.#state.kind === 'terminated') this.#previous = this.#state.last;
  }

  async #backOff(pauseMs: number, stopping: AbortSignal): Promise<void> {
    this.#leaveRun();
    if (pauseMs === 0) return;
    const { name } = this.#input.container();
    const message = `back-off ${pauseMs / 1000}s restarting failed container=${name} pod=${this.#input.podTitle}`;
    this.#set({ kind: 'waiting', reason: 'CrashLoopBackOff', message });
    this.#input.onEvent({ type: 'Warning', reason: 'BackOff', message });
    await delay(pauseMs, undefined, { signal: stopping }).catch(() => undefined); // stopping: the caller's loop sees it
  }

  async #runOnce(launch: Launch): Promise<ProcessEnd> {
    const container = this.#input.container();
    const running = startContainerProcess(launch, this.#logFile(this.#restartCount));
    this.#process = running;
    this.#killTimer = undefined;
    this.#set({ kind: 'running', startedAt: running.startedAt });
    this.#input.onEvent({ type: 'Normal', reason: 'Started', message: `Container started: ${container.name}` });
    const ended = new AbortController();
    const probing = watchProbes({ podIp: this.#input.podIp, container, launch }, this.#reports(container), ended.signal);
    const end = await running.end;
    ended.abort();
    clearTimeout(this.#killTimer);
    this.#process = undefined;
    this.#isReady = false;
    this.#isStarted = false;
    this.#set({ kind: 'terminated', last: { startedAt: running.startedAt, end } });
    await probing;
    return end;
  }

  #reports(container: Container) {
    const { onChange, onEvent, graceMs } = this.#input;
    const unhealthy = (what: string, message: string): void =>
      onEvent({ type: 'Warning', reason: 'Unhealthy', message: `${what} probe failed: ${message}` });
    return {
      onStarted: () => {
        this.#isStarted = true;
        onChange();
      },
      onReady: (isReady: boolean, message: string) => {
        this.#isReady = isReady;
        if (!isReady) unhealthy('Readiness', message);
        onChange();
      },
      onDead: (probe: { terminationGracePeriodSeconds?: number | undefined }, message: string) => {
        unhealthy('Liveness', message);
        onEvent({ type: 'Normal', reason: 'Killing', message: `Container ${container.name} failed liveness probe, will be restarted` });
        this.terminate(probe.terminationGracePeriodSeconds === undefined ? graceMs : probe.terminationGracePeriodSeconds * 1000);
      },
    };
  }
}
