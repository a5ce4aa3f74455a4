/**
 * A pipeline's streams as they are and as they should be.
 * O1: no stream is deleted, and none is made smaller: there is no call for it here.
 */
import { DiscardPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import type { StreamConfig, StreamInfo } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import type { JetStream } from './connection.ts';
import { jetStreamCall, JetStreamRefusedError } from './errors.ts';

/** A stream as the operator wants it. */
export interface WantedStream {
  readonly name: string;
  readonly description: string;
  readonly subjects: readonly string[];
  /** Absent: no limit. */
  readonly maxBytes?: number;
  readonly replicas: number;
  readonly duplicateWindowMs: number;
  /** For batches, and messages that end by themselves or replace others. */
  readonly holdsState: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  /** Sequence of the first message of a new stream. */
  readonly firstSequence?: number;
}

/** A stream as it is. */
export interface StreamFacts {
  readonly name: string;
  /** When it was made: a stream of the same name and another time is another stream. */
  readonly created: string;
  readonly subjects: readonly string[];
  readonly retention: string;
  readonly discard: string;
  /** −1: no limit. */
  readonly maxBytes: number;
  readonly maxAgeMs: number;
  readonly replicas: number;
  readonly allowsAtomic: boolean;
  readonly allowsTTL: boolean;
  readonly allowsRollup: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  readonly bytes: number;
  readonly lastSequence: number;
  /** Messages by subject, of the subjects that were asked for. */
  readonly counts: ReadonlyMap<string, number>;
}

const streamNotFound = 10059;

/** undefined: there is none. */
export async function readStream(
  { jsm }: JetStream,
  { name, subjects }: { name: string; subjects: string },
  signal: AbortSignal,
): Promise<StreamFacts | undefined> {
  try {
    return factsOf(await jetStreamCall(`reading stream ${name}`, () => jsm.streams.info(name, { subjects_filter: subjects }), signal));
  } catch (error) {
    if (error instanceof JetStreamRefusedError && error.code === streamNotFound) return undefined;
    throw error;
  }
}

export async function createStream({ jsm }: JetStream, wanted: WantedStream, signal: AbortSignal): Promise<void> {
  await jetStreamCall(`creating stream ${wanted.name}`, () => jsm.streams.add(configOf(wanted)), signal);
}

export interface Growth {
  readonly maxBytes?: number;
  readonly replicas?: number;
}

/** O1: the caller has seen that nothing gets smaller. */
export async function growStream(
  { jsm }: JetStream,
  { name, maxBytes, replicas }: Growth & { name: string },
  signal: AbortSignal,
): Promise<void> {
  const change = {
    ...(maxBytes === undefined ? {} : { max_bytes: maxBytes }),
    ...(replicas === undefined ? {} : { num_replicas: replicas }),
  };
  await jetStreamCall(`growing stream ${name}`, () => jsm.streams.update(name, change), signal);
}

function configOf(wanted: WantedStream): Partial<StreamConfig> & { name: string } {
  return {
    name: wanted.name,
    description: wanted.description,
    subjects: [...wanted.subjects],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: DiscardPolicy.New,
    max_bytes: wanted.maxBytes ?? -1,
    max_age: 0,
    num_replicas: wanted.replicas,
    duplicate_window: nanos(wanted.duplicateWindowMs),
    allow_direct: true,
    allow_atomic: wanted.holdsState,
    allow_msg_ttl: wanted.holdsState,
    allow_rollup_hdrs: wanted.holdsState,
    metadata: { ...wanted.metadata },
    ...(wanted.firstSequence === undefined ? {} : { first_seq: wanted.firstSequence }),
  };
}

function factsOf({ config, state, created }: StreamInfo): StreamFacts {
  return {
    name: config.name,
    created,
    subjects: config.subjects,
    retention: config.retention,
    discard: config.discard,
    maxBytes: config.max_bytes,
    maxAgeMs: config.max_age / 1e6,
    replicas: config.num_replicas,
    allowsAtomic: config.allow_atomic === true,
    allowsTTL: config.allow_msg_ttl === true,
    allowsRollup: config.allow_rollup_hdrs,
    metadata: config.metadata ?? {},
    bytes: state.bytes,
    lastSequence: state.last_seq,
    counts: new Map(Object.entries(state.subjects ?? {})),
  };
}
