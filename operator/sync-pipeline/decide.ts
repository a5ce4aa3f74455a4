/**
 * What to do about a SyncPipeline. Pure: the whole truth table.
 * 1. A spec that is not accepted leaves everything as it is: the last good configuration runs on.
 * 2. Streams, bucket and first journal messages come before the ConfigMap from which ingest learns of the pipeline.
 * 3. O1: streams are made and grown, never deleted or shrunk. What is as it should be is not written.
 */
import { journalSubject, stateSubjects } from '../../runtime/contract/names.ts';
import type { PipelineConfig, PipelineFile } from '../../runtime/contract/config.ts';
import type { SyncPipelineSpec } from '../../crds/schema/sync-pipeline.ts';
import { effectiveConnector, effectiveSyncPipeline } from '../../crds/schema/effective.ts';
import { quantityBytes } from '../../runtime/contract/schema-fields.ts';
import { isApplied, withRenderedHash } from '../kubernetes/applied.ts';
import type { SpecProblem } from './check-expressions.ts';
import { checkReferences, connectorNotFound } from './check-references.ts';
import { isInPlace } from './data-plane.ts';
import type { BufferObservation, Observed, PipelineAction, PipelinePlan, Verdict } from './plan.ts';
import { captureBytes, renderConfig, renderPipelineConfigMap } from './render-config.ts';
import { differenceOf, wantedCapture, wantedState } from './render-streams.ts';

type ObservedBuffer = Extract<BufferObservation, { kind: 'observed' }>;

/** Headers of a captured record, on top of its body. */
const headerRoomBytes = 65_536;

export function decide(observed: Observed): PipelinePlan {
  const { pipeline, config, buffer } = observed;
  const lastGood = config?.isOurs === true ? config.file : undefined;
  const rest = (verdict: Verdict): PipelinePlan => ({ actions: [], verdict, file: lastGood, adopts: false });
  const { spec } = pipeline;
  if (spec === undefined) return rest({ kind: 'invalid', reason: 'UnreadableSpec', message: pipeline.specProblem });
  const verdict = judge(spec, observed);
  // A newer generation is in force than the one that was read: this view of the pipeline is old, a newer one is on its way.
  const isOldView = lastGood !== undefined && lastGood.running.generation > pipeline.generation;
  if (verdict.kind !== 'accepted' || buffer.kind === 'unreachable' || isOldView) return rest(verdict);
  const running = renderConfig(pipeline, { spec, connectors: observed.connectors });
  const streams = streamActions(spec, { observed, buffer, lanes: running.lanes });
  if (streams.kind === 'conflict') return rest({ kind: 'invalid', reason: 'StreamConflict', message: streams.message });
  const file: PipelineFile = { v: 1, running, ...previousOf(observed, lastGood, running) };
  return {
    actions: [
      ...streams.actions,
      ...bucketActions(observed, buffer),
      ...journalActions(spec, { observed, buffer, running, lastGood }),
      ...configActions(observed, file),
    ],
    verdict,
    file,
    adopts: lastGood === undefined && [buffer.capture, buffer.state].some((stream) => (stream?.lastSequence ?? 0) > 0),
  };
}

function judge(spec: SyncPipelineSpec, { expressionProblems, connectors, buffer }: Observed): Verdict {
  const problems = [...checkReferences(spec, connectors), ...expressionProblems, ...payloadProblems(spec, { connectors, buffer })];
  const lasting = problems.filter(({ reason }) => reason !== connectorNotFound);
  const [first] = lasting.length > 0 ? lasting : problems;
  if (first === undefined) return { kind: 'accepted', message: 'The spec is accepted.' };
  return { kind: lasting.length > 0 ? 'invalid' : 'waiting', reason: first.reason, message: describe(problems) };
}

const shownProblems = 5;

function describe(problems: readonly SpecProblem[]): string {
  const shown = problems.slice(0, shownProblems).map(({ path, message }) => `${path}: ${message}`);
  const more = problems.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join('; ');
}

/** NATS refuses what is larger than its `max_payload`, however often it is sent. */
function payloadProblems(spec: SyncPipelineSpec, { connectors, buffer }: Pick<Observed, 'connectors' | 'buffer'>): SpecProblem[] {
  const source = connectors.get(spec.source.connectorRef.name)?.spec;
  if (source === undefined || buffer.kind === 'unreachable') return [];
  const maxBody = effectiveConnector(source).ingest?.maxBodyBytes;
  if (maxBody === undefined || quantityBytes(maxBody) + headerRoomBytes <= buffer.maxPayload) return [];
  const message = `ingest.maxBodyBytes of the Connector is ${maxBody}, but the NATS server takes messages of at most ${buffer.maxPayload} bytes: its max_payload must be larger by ${headerRoomBytes}`;
  return [{ reason: 'PayloadTooLarge', path: 'spec.source.connectorRef', message }];
}

type StreamPlan =
  { readonly kind: 'actions'; readonly actions: readonly PipelineAction[] } | { readonly kind: 'conflict'; readonly message: string };

function streamActions(
  spec: SyncPipelineSpec,
  { observed, buffer, lanes }: { observed: Observed; buffer: ObservedBuffer; lanes: number },
): StreamPlan {
  const { pipeline, install } = observed;
  const wish = { namespace: pipeline.namespace, name: pipeline.name, lanes, install };
  // A capture stream that was lost must not reuse sequences that journals call passed.
  const firstSequence = Math.max(0, ...buffer.lanes.map(({ journal }) => highestSequence(journal))) + 1;
  const pairs = [
    { wanted: wantedCapture({ ...wish, maxBytes: captureBytes(spec), firstSequence }), live: buffer.capture },
    { wanted: wantedState(wish), live: buffer.state },
  ];
  const actions: PipelineAction[] = [];
  for (const { wanted, live } of pairs) {
    if (live === undefined) {
      actions.push({ kind: 'createStream', stream: wanted });
      continue;
    }
    const difference = differenceOf(wanted, live);
    if (difference.kind === 'conflict') return difference;
    if (difference.kind === 'growth') actions.push({ kind: 'growStream', name: wanted.name, growth: difference.growth });
  }
  return { kind: 'actions', actions };
}

function highestSequence(journal: ObservedBuffer['lanes'][number]['journal']): number {
  return journal === undefined ? 0 : journal.cursor + Math.max(0, journal.done.at(-1) ?? 0);
}

function bucketActions({ install }: Observed, buffer: ObservedBuffer): PipelineAction[] {
  return buffer.hasLiveBucket ? [] : [{ kind: 'createLiveBucket', install: install.install, replicas: install.streamReplicas }];
}

interface JournalPlace {
  readonly observed: Observed;
  readonly buffer: ObservedBuffer;
  readonly running: PipelineConfig;
  readonly lastGood: PipelineFile | undefined;
}

function journalActions(spec: SyncPipelineSpec, place: JournalPlace): PipelineAction[] {
  const { buffer, running } = place;
  return running.destinations.flatMap(({ name }) =>
    Array.from({ length: running.lanes }, (_, lane) => lane)
      .filter((lane) => !buffer.state?.counts.has(journalSubject({ pipeline: running, destination: name, lane })))
      .map((lane) => ({
        kind: 'writeFirstJournal' as const,
        destination: name,
        lane,
        cursor: startCursor(name, spec, place),
        generation: running.generation,
      })),
  );
}

/**
 * Where a destination begins. With nothing captured, Now and Earliest are the same, so a new pipeline begins at 0 whatever
 * it says. A destination that was there before, and whose journal is lost, begins anew: twice is better than never.
 */
function startCursor(name: string, spec: SyncPipelineSpec, { buffer, lastGood }: JournalPlace): number {
  const startFrom = effectiveSyncPipeline(spec).destinations.find((destination) => destination.name === name)?.startFrom;
  const wasThere = buffer.state === undefined || (lastGood?.running.destinations.some((destination) => destination.name === name) ?? false);
  return startFrom === 'Earliest' || wasThere ? 0 : (buffer.capture?.lastSequence ?? 0);
}

function configActions({ pipeline, config, install }: Observed, file: PipelineFile): PipelineAction[] {
  const object = withRenderedHash(renderPipelineConfigMap(pipeline, { file, install: install.install }));
  if (config !== undefined && isApplied(object, config.object)) return [];
  return [{ kind: 'applyConfigMap', object, force: config !== undefined }];
}

/**
 * The generation before the running one, for calls that were made by it. One that never came up made no calls: the one
 * before it stays.
 */
function previousOf(observed: Observed, lastGood: PipelineFile | undefined, next: PipelineConfig): { previous?: PipelineConfig } {
  if (lastGood === undefined) return {};
  if (lastGood.running.generation === next.generation) return previousField(lastGood.previous);
  return previousField(isInPlace(observed, lastGood) ? lastGood.running : (lastGood.previous ?? lastGood.running));
}

function previousField(previous: PipelineConfig | undefined): { previous?: PipelineConfig } {
  return previous === undefined ? {} : { previous };
}

/** Destinations and lanes whose journals the state stream holds. */
export function journaledLanes(
  observed: { namespace: string; name: string },
  counts: ReadonlyMap<string, number>,
): { destination: string; lane: number }[] {
  const prefix = (stateSubjects(observed)[0] ?? '').replace(/\*\.\*$/, '');
  return [...counts.keys()]
    .filter((subject) => subject.startsWith(prefix))
    .map((subject) => subject.slice(prefix.length).split('.'))
    .flatMap(([destination, lane]) => (destination === undefined || lane === undefined ? [] : [{ destination, lane: Number(lane) }]));
}
