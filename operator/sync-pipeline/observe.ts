/** Reads once all that a reconcile of a SyncPipeline decides about. */
import {
  captureStream,
  captureSubject,
  captureSubjects,
  journalSubject,
  liveBucket,
  pipelineConfigMap,
  stateStream,
} from '../../runtime/contract/names.ts';
import type { PipelineFile } from '../../runtime/contract/config.ts';
import { RetryableError } from '../engine/errors.ts';
import type { ConnectorResource } from '../connector/resource.ts';
import { connectorsOf } from '../data-plane/config-maps.ts';
import type { JetStream } from '../jetstream/connection.ts';
import { describeTrouble } from '../jetstream/errors.ts';
import { readJournalHead, readOldestPending } from '../jetstream/journals.ts';
import { readLive } from '../jetstream/live.ts';
import { readStream } from '../jetstream/streams.ts';
import type { StreamFacts } from '../jetstream/streams.ts';
import { isOwnedBy, keyOf } from '../kubernetes/objects.ts';
import type { World } from '../world.ts';
import { journaledLanes } from './decide.ts';
import type { LaneStarts } from './lane-starts.ts';
import type { SpecProblem } from './check-expressions.ts';
import type { BufferObservation, InstallFacts, LaneObservation, Observed, ObservedConfig } from './plan.ts';
import { referencedConnectors } from './resource.ts';
import type { PipelineResource } from './resource.ts';

export interface ObserveParts {
  readonly world: World;
  /** @throws NatsUnavailableError */
  readonly jetStream: () => JetStream;
  readonly install: InstallFacts;
  readonly laneStarts: LaneStarts;
  readonly expressionProblems: readonly SpecProblem[];
}

export async function observe(pipeline: PipelineResource, parts: ObserveParts, signal: AbortSignal): Promise<Observed> {
  const { world, install, expressionProblems } = parts;
  const config = observeConfig(pipeline, world);
  const names = new Set([...referencedConnectors(pipeline.spec), ...namesIn(config?.file)]);
  const deployments = world.deployments.values().filter((facts) => facts !== undefined);
  const isOurs = ({ namespace, connector }: { namespace: string; connector: string }): boolean =>
    namespace === pipeline.namespace && names.has(connector);
  return {
    pipeline,
    expressionProblems,
    connectors: observeConnectors(pipeline.namespace, names, world),
    config,
    deployments: deployments.filter(isOurs),
    pods: world.pods
      .values()
      .flatMap((pod) => (pod !== undefined && isOurs({ ...pod.facts, namespace: pod.namespace }) ? [pod.facts] : [])),
    buffer: await observeBuffer(pipeline, { ...parts, file: config?.isOurs === true ? config.file : undefined }, signal),
    install,
  };
}

function observeConfig({ namespace, name, uid }: PipelineResource, { configMaps }: World): ObservedConfig | undefined {
  const found = configMaps.get(keyOf({ namespace, name: pipelineConfigMap(name) }));
  return found === undefined ? undefined : { object: found.object, file: found.pipelineFile, isOurs: isOwnedBy(found.object, uid) };
}

function namesIn(file: PipelineFile | undefined): string[] {
  return file === undefined ? [] : connectorsOf(file.running).map(({ connector }) => connector);
}

function observeConnectors(namespace: string, names: ReadonlySet<string>, { connectors }: World): Map<string, ConnectorResource> {
  const found = [...names].flatMap((name) => connectors.get(keyOf({ namespace, name })) ?? []);
  return new Map(found.filter(({ isDeleting }) => !isDeleting).map((connector) => [connector.name, connector]));
}

type BufferParts = ObserveParts & { readonly file: PipelineFile | undefined };

async function observeBuffer(pipeline: PipelineResource, parts: BufferParts, signal: AbortSignal): Promise<BufferObservation> {
  try {
    return await readBuffer(pipeline, { ...parts, connection: parts.jetStream() }, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof RetryableError)) throw error;
    return { kind: 'unreachable', message: describeTrouble(error) };
  }
}

async function readBuffer(
  pipeline: PipelineResource,
  { connection, install, laneStarts, file }: BufferParts & { connection: JetStream },
  signal: AbortSignal,
): Promise<BufferObservation> {
  const everyJournal = journalSubject({ pipeline, destination: '*', lane: 0 }).replace(/0$/, '*');
  const state = await readStream(connection, { name: stateStream(pipeline), subjects: everyJournal }, signal);
  const bucket = await readStream(connection, { name: `KV_${liveBucket(install.install)}`, subjects: 'none' }, signal);
  const found = state === undefined ? [] : journaledLanes(pipeline, state.counts);
  const heads = await inGroups(found, async (lane) => ({
    ...lane,
    journal: await readJournalHead(connection, { pipeline, ...lane }, signal),
  }));
  const capture = await readStream(connection, { name: captureStream(pipeline), subjects: captureSubjects(pipeline) }, signal);
  const streams = `${state?.created} ${capture?.created}`;
  const lanes = await inGroups(heads, async (head) => ({
    ...head,
    skipped: capture === undefined ? undefined : await laneStarts.skipped(connection, { lane: { pipeline, ...head }, streams }, signal),
    oldestPendingAt: await oldestPending({ pipeline, head, capture, connection }, signal),
  }));
  return {
    kind: 'observed',
    maxPayload: connection.maxPayload,
    capture,
    state,
    hasLiveBucket: bucket !== undefined,
    lanes,
    live: await observeLive(pipeline, { connection, install, file }, signal),
  };
}

interface PendingQuestion {
  readonly pipeline: PipelineResource;
  readonly head: Pick<LaneObservation, 'destination' | 'lane' | 'journal'>;
  readonly capture: StreamFacts | undefined;
  readonly connection: JetStream;
}

async function oldestPending({ pipeline, head, capture, connection }: PendingQuestion, signal: AbortSignal): Promise<string | undefined> {
  const { journal, destination, lane } = head;
  if (journal === undefined || capture === undefined || capture.lastSequence <= journal.cursor) return undefined;
  if (!capture.counts.has(captureSubject(pipeline, lane))) return undefined;
  return readOldestPending(connection, { lane: { pipeline, destination, lane }, cursor: journal.cursor }, signal);
}

async function observeLive(
  { namespace }: PipelineResource,
  { connection, install, file }: { connection: JetStream; install: InstallFacts; file: PipelineFile | undefined },
  signal: AbortSignal,
) {
  const names = new Set(file?.running.destinations.map(({ connector }) => connector));
  const reports = await inGroups([...names], async (name) => {
    const live = await readLive(connection, { install: install.install, connector: { namespace, name } }, signal);
    return [name, live ?? []] as const;
  });
  return new Map(reports);
}

const atOnce = 16;

/** Results in the order of the items, with a bound on what is under way at once. */
async function inGroups<T, R>(items: readonly T[], read: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += atOnce) {
    results.push(...(await Promise.all(items.slice(start, start + atOnce).map(read))));
  }
  return results;
}
