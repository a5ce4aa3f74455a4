/** The streams of a pipeline as they should be, and what may be done about a stream that is different. Pure. */
import { captureStream, captureSubjects, stateStream, stateSubjects } from '../../runtime/contract/names.ts';
import type { Growth, StreamFacts, WantedStream } from '../jetstream/streams.ts';
import type { InstallFacts } from './plan.ts';

interface StreamWish {
  readonly namespace: string;
  readonly name: string;
  readonly lanes: number;
  readonly install: InstallFacts;
}

const duplicateWindowMs = 5 * 60_000;

export function wantedCapture(wish: StreamWish & { maxBytes: number; firstSequence: number }): WantedStream {
  return {
    name: captureStream(wish),
    description: `Records captured by SyncPipeline ${wish.namespace}/${wish.name}`,
    subjects: [captureSubjects(wish)],
    maxBytes: wish.maxBytes,
    replicas: wish.install.streamReplicas,
    duplicateWindowMs,
    holdsState: false,
    metadata: metadataOf(wish),
    ...(wish.firstSequence > 1 ? { firstSequence: wish.firstSequence } : {}),
  };
}

export function wantedState(wish: StreamWish): WantedStream {
  return {
    name: stateStream(wish),
    description: `Journals and parked units of SyncPipeline ${wish.namespace}/${wish.name}`,
    subjects: stateSubjects(wish),
    replicas: wish.install.streamReplicas,
    duplicateWindowMs,
    holdsState: true,
    metadata: metadataOf(wish),
  };
}

/** Whose a stream is, and what must never be different. */
function metadataOf({ install, namespace, name, lanes }: StreamWish): Record<string, string> {
  return { install: install.install, namespace, pipeline: name, lanes: String(lanes) };
}

export type StreamDifference =
  | { readonly kind: 'none' }
  | { readonly kind: 'growth'; readonly growth: Growth }
  /** It is left alone. */
  | { readonly kind: 'conflict'; readonly message: string };

/** O1: what differs is made larger, left as it is where that loses nothing, or reported. */
export function differenceOf(wanted: WantedStream, live: StreamFacts): StreamDifference {
  const foreign = Object.entries(wanted.metadata).filter(([key, value]) => live.metadata[key] !== value);
  if (foreign.length > 0) {
    if (foreign.every(([key]) => key === 'lanes')) {
      return conflict(wanted, `was made with ${live.metadata['lanes'] ?? 'an unknown number of'} lanes, not ${wanted.metadata['lanes']}`);
    }
    const has = foreign.map(([key, value]) => `${key} ${live.metadata[key] ?? 'unknown'} instead of ${value}`).join(', ');
    return conflict(wanted, `belongs to another pipeline (${has})`);
  }
  const broken = brokenPromise(wanted, live);
  if (broken !== undefined) return conflict(wanted, broken);
  const growth = {
    ...(wanted.maxBytes !== undefined && live.maxBytes !== -1 && wanted.maxBytes > live.maxBytes ? { maxBytes: wanted.maxBytes } : {}),
    ...(wanted.replicas > live.replicas ? { replicas: wanted.replicas } : {}),
  };
  return Object.keys(growth).length === 0 ? { kind: 'none' } : { kind: 'growth', growth };
}

function conflict({ name }: WantedStream, why: string): StreamDifference {
  return {
    kind: 'conflict',
    message: `stream ${name} ${why}; it is left as it is. Give the pipeline another name, or delete the stream if its records are not needed`,
  };
}

/** A setting under which records could be lost or the lanes could not work. */
function brokenPromise({ subjects, holdsState }: WantedStream, live: StreamFacts): string | undefined {
  if (live.retention !== 'limits') return `has retention ${live.retention}, which drops records`;
  if (live.discard !== 'new') return `discards ${live.discard} records when it is full`;
  if (live.maxAgeMs > 0) return 'drops records by age';
  if (subjects.toSorted().join() !== live.subjects.toSorted().join()) return `has the subjects ${live.subjects.join(', ')}`;
  if (holdsState && live.maxBytes !== -1) return 'has a limit of bytes, which would stop deliveries';
  const allows = live.allowsAtomic && live.allowsTTL && live.allowsRollup;
  return holdsState && !allows ? 'does not allow batches, messages with a time to live and messages that replace others' : undefined;
}
