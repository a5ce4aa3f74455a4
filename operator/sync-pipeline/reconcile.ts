/** One reconcile of a SyncPipeline: observe, decide, execute, status, outcome. */
import type { SyncPipelineStatus } from '../../crds/schema/sync-pipeline.ts';
import { TerminalError } from '../engine/errors.ts';
import type { Outcome } from '../engine/outcome.ts';
import { statusWrite } from '../engine/status-pace.ts';
import { readConfigMap } from '../data-plane/config-maps.ts';
import { freshReports } from '../data-plane/live-figures.ts';
import type { KubernetesClient } from '../kubernetes/client.ts';
import type { EventFact, EventWriter } from '../kubernetes/events.ts';
import { apiVersionOf, resourceTypes } from '../kubernetes/objects.ts';
import { versioned } from '../kubernetes/watch-source.ts';
import type { JetStream } from '../jetstream/connection.ts';
import { NatsUnavailableError } from '../jetstream/errors.ts';
import type { World } from '../world.ts';
import { checkExpressions } from './check-expressions.ts';
import type { SpecProblem } from './check-expressions.ts';
import { decide } from './decide.ts';
import { failedEvent, pipelineEvents } from './events.ts';
import type { FailedMemory } from './events.ts';
import { execute } from './execute.ts';
import type { ActionFailure } from './execute.ts';
import { figuresOf, keepSamples, perMinute } from './figures.ts';
import type { Figures, RateSample } from './figures.ts';
import { LaneStarts } from './lane-starts.ts';
import { observe } from './observe.ts';
import type { InstallFacts, Observed, PipelinePlan } from './plan.ts';
import { readPipeline } from './resource.ts';
import type { PipelineResource } from './resource.ts';
import { pipelineStatus, statusPace } from './status.ts';

export interface PipelineReconcilerParts {
  readonly world: World;
  readonly kubernetes: KubernetesClient;
  readonly events: EventWriter;
  /** @throws NatsUnavailableError */
  readonly jetStream: () => JetStream;
  readonly install: InstallFacts;
  /** Epoch ms. */
  readonly now: () => number;
}

/** What one reconcile leaves to the next. Losing it costs some figures for a while and nothing else. */
interface Memory {
  checked: { readonly of: string; readonly problems: readonly SpecProblem[] } | undefined;
  samples: RateSample[];
  failed: FailedMemory | undefined;
  readonly laneStarts: LaneStarts;
}

/** Figures are read this often while there is something to read. */
const sampleEveryMs = 5_000;
/** After actions the world is looked at again soon. */
const lookAgainMs = 250;
const stalledCheckMs = 30_000;

export class PipelineReconciler {
  readonly #parts: PipelineReconcilerParts;
  readonly #memories = new Map<string, Memory>();

  constructor(parts: PipelineReconcilerParts) {
    this.#parts = parts;
  }

  reconcile = async (key: string, signal: AbortSignal): Promise<Outcome> => {
    const { world, now } = this.#parts;
    const pipeline = world.pipelines.get(key);
    if (pipeline === undefined || pipeline.isDeleting) {
      this.#memories.delete(key);
      return { kind: 'done' };
    }
    const memory = this.#memory(key);
    const expressionProblems = problemsOf(pipeline, memory);
    const observed = await observe(pipeline, { ...this.#parts, laneStarts: memory.laneStarts, expressionProblems }, signal);
    const plan = decide(observed);
    const absorb = (object: Parameters<typeof versioned>[0]): void => world.configMaps.absorb(versioned(object, readConfigMap));
    const failure = await execute({ actions: plan.actions, pipeline }, { ...this.#parts, absorb }, signal);
    const seen = { observed, plan, failure, figures: figuresIn(observed, plan), now: now() };
    const status = this.#status(seen, memory);
    const eventFailure = await this.#tell(seen, { status, memory }, signal);
    const again = await this.#writeStatus(pipeline, status, signal);
    if (failure !== undefined) throw failure.error;
    if (eventFailure !== undefined) throw eventFailure.error;
    return outcomeOf(plan, again);
  };

  #memory(key: string): Memory {
    const known = this.#memories.get(key);
    if (known !== undefined) return known;
    const memory: Memory = { checked: undefined, samples: [], failed: undefined, laneStarts: new LaneStarts() };
    this.#memories.set(key, memory);
    return memory;
  }

  #status(seen: Seen, memory: Memory): SyncPipelineStatus {
    const { observed, failure, figures, now } = seen;
    if (figures?.delivered !== undefined) memory.samples = keepSamples(memory.samples, { at: now, delivered: figures.delivered });
    const { buffer } = observed;
    const reports = buffer.kind === 'observed' ? buffer.live : new Map<string, never[]>();
    const destinations = seen.plan.file?.running.destinations ?? [];
    const live = new Map(destinations.map(({ connector }) => [connector, freshReports(reports.get(connector) ?? [], now)]));
    const deliveredPerMinute = figures?.delivered === undefined ? undefined : perMinute(memory.samples);
    return pipelineStatus({ ...seen, failure: failure === undefined ? undefined : describe(failure), live, deliveredPerMinute });
  }

  /** Events come before the status from which they are computed: what a crash in between repeats has the same names. */
  async #tell(
    { observed, plan, figures, now }: Seen,
    { status, memory }: { status: SyncPipelineStatus; memory: Memory },
    signal: AbortSignal,
  ): Promise<{ error: unknown } | undefined> {
    const { pipeline } = observed;
    const failed = failedEvent(memory.failed, figures, { before: pipeline.status, now });
    const facts: EventFact[] = [...pipelineEvents(pipeline, plan, status), ...(failed.event === undefined ? [] : [failed.event])];
    try {
      for (const fact of facts) await this.#parts.events.write({ ...pipeline, type: resourceTypes.syncPipeline }, fact, signal);
      memory.failed = failed.memory;
      return undefined;
    } catch (error) {
      return { error }; // The status must not wait for it.
    }
  }

  /** When figures that it is too early to write are due; undefined when nothing is. */
  async #writeStatus(pipeline: PipelineResource, status: SyncPipelineStatus, signal: AbortSignal): Promise<number | undefined> {
    const { kubernetes, world, now } = this.#parts;
    const write = statusWrite(pipeline.status, status, { pace: statusPace, now: now() });
    if (write.kind === 'later') return write.afterMs;
    if (write.kind === 'none') return undefined;
    const type = resourceTypes.syncPipeline;
    const { namespace, name, uid } = pipeline;
    const object = { apiVersion: apiVersionOf(type), kind: type.kind, metadata: { namespace, name, uid }, status };
    world.pipelines.absorb(versioned(await kubernetes.applyStatus(type, object, signal), readPipeline));
    return undefined;
  }
}

interface Seen {
  readonly observed: Observed;
  readonly plan: PipelinePlan;
  readonly failure: ActionFailure | undefined;
  readonly figures: Figures | undefined;
  readonly now: number;
}

/** Compiling is the dearest part of a reconcile, and a generation never changes. */
function problemsOf(pipeline: PipelineResource, memory: Memory): readonly SpecProblem[] {
  const of = `${pipeline.uid}/${pipeline.generation}`;
  if (memory.checked?.of !== of) {
    memory.checked = { of, problems: pipeline.spec === undefined ? [] : checkExpressions(pipeline.spec) };
  }
  return memory.checked.problems;
}

function figuresIn({ buffer }: Observed, { file }: PipelinePlan): Figures | undefined {
  return buffer.kind === 'observed' && file !== undefined ? figuresOf(file.running, buffer) : undefined;
}

function describe({ action, error }: ActionFailure): { reason: string; message: string } {
  const doing = {
    createStream: 'StreamsNotInPlace',
    growStream: 'StreamsNotInPlace',
    createLiveBucket: 'StreamsNotInPlace',
    writeFirstJournal: 'JournalsNotInPlace',
    applyConfigMap: 'ConfigNotWritten',
  } as const;
  if (error instanceof NatsUnavailableError) return { reason: 'NatsUnreachable', message: 'NATS does not answer.' };
  const reason = error instanceof TerminalError ? error.reason : doing[action];
  return { reason, message: error instanceof Error ? error.message : 'It failed.' };
}

function outcomeOf({ verdict, file, actions }: PipelinePlan, figuresDueMs: number | undefined): Outcome {
  if (actions.length > 0) return { kind: 'again', afterMs: lookAgainMs };
  if (figuresDueMs !== undefined) return { kind: 'again', afterMs: Math.min(figuresDueMs, sampleEveryMs) };
  if (file !== undefined || verdict.kind === 'accepted') return { kind: 'again', afterMs: sampleEveryMs };
  // Streams and the server's limits are not watched.
  const dependsOnNats = verdict.kind === 'invalid' && ['StreamConflict', 'PayloadTooLarge'].includes(verdict.reason);
  if (dependsOnNats) return { kind: 'again', afterMs: stalledCheckMs };
  return verdict.kind === 'invalid' ? { kind: 'stalled', reason: verdict.reason } : { kind: 'done' };
}
