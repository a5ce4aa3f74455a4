/** The deliver role: one pod of a destination Connector, owner of all lanes of the destinations that use it. */
import { setTimeout as delay } from 'node:timers/promises';
import { JetStreamApiCodes, JetStreamApiError } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { ConnectorDefinition, Sink, SinkDefinition } from '../connectors/connector.ts';
import type { ConnectorFile, PipelineConfig, PipelineFile } from '../contract/config.ts';
import { connectorLiveKey, liveBucket } from '../contract/names.ts';
import type { LaneName } from '../contract/names.ts';
import { SlotGovernor } from '../governor/slots.ts';
import type { Nats } from '../jetstream/connection.ts';
import { ParkedPayloads } from '../jetstream/parked-payloads.ts';
import type { Publisher } from '../jetstream/publisher.ts';
import { JournalStore, JournalUnreadableError } from '../jetstream/journal-store.ts';
import type { Logger } from '../logger.ts';
import { untilAborted } from '../until-aborted.ts';
import { LaneLostError, LaneOwner, slotID } from './lane-owner.ts';
import type { LaneWorld } from './lane-owner.ts';
import { liveReport } from './live-report.ts';
import { openCalls } from './lane-io.ts';
import { compileMapping } from './mapping.ts';
import type { Mapping } from './mapping.ts';

export interface DeliverOptions {
  readonly connector: ConnectorFile;
  readonly definition: ConnectorDefinition;
  readonly sink: Sink;
  readonly pipelines: readonly PipelineFile[];
  readonly nats: Nats;
  readonly publisher: Publisher;
  readonly install: string;
  readonly pod: string;
  readonly logger: Logger;
  /** Called when all lanes are owned. */
  readonly ready: () => void;
}

interface LanePlan {
  readonly lane: LaneName;
  readonly suspended: boolean;
  readonly mappings: readonly [Mapping, ...Mapping[]];
}

/** Runs until the signal aborts. @throws LaneLostError, or what made going on impossible: the pod is then started again */
export async function deliver(options: DeliverOptions, signal: AbortSignal): Promise<void> {
  const { connector } = options;
  const governor = new SlotGovernor({ limit: connector.limits.concurrency, policy: connector.circuit });
  const owners: LaneOwner[] = [];
  const world: LaneWorld = {
    nats: options.nats,
    publisher: options.publisher,
    payloads: new ParkedPayloads(options.nats),
    governor,
    sink: options.sink,
    lostCallHoldMs: connector.limits.lostCallHoldMs,
    startWithinMs: Math.max(100, connector.limits.lostCallHoldMs - connector.timeoutMs),
    owner: options.pod,
    now: Date.now,
    random: Math.random,
    circuitClosed: (openMs) => {
      for (const owner of owners) owner.circuitClosed(openMs);
    },
  };
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const beside = [tickGovernor(governor, both), reportLive(options, governor, both)];
  try {
    const plans = planLanes(options);
    // L1: calls that may still run occupy the account before the first new one is made, those of suspended lanes too.
    await Promise.all(plans.map(({ lane }) => keepOpenCalls(lane, world, signal)));
    const active = plans.filter(({ suspended }) => !suspended);
    let untaken = active.length;
    if (untaken === 0) options.ready();
    // P4: each lane goes as soon as it is taken, whatever keeps another from it.
    const runs = active.map(async (plan) => {
      const owner = await takePatiently(plan, { world, logger: options.logger, signal });
      owners.push(owner);
      untaken -= 1;
      if (untaken === 0) options.ready();
      await owner.run(signal);
    });
    await Promise.all([untilAborted(signal), ...runs]);
  } finally {
    stop.abort();
    await Promise.allSettled(beside);
    await options.sink.close();
  }
}

/** The lanes of the destinations that use this Connector, each with its running and its previous mapping. */
function planLanes({ connector, definition, pipelines }: Pick<DeliverOptions, 'connector' | 'definition' | 'pipelines'>): LanePlan[] {
  const { sink } = definition;
  if (sink === undefined) return [];
  return pipelines.flatMap(({ running, previous }) =>
    running.destinations
      .filter((destination) => destination.connector === connector.name)
      .flatMap((destination) => {
        const earlier = previous === undefined ? [] : mappingsOf(previous, destination.name, sink);
        const mappings = [compileMapping(running, destination, sink), ...earlier] as const;
        return Array.from({ length: running.lanes }, (_, lane) => ({
          suspended: destination.suspended,
          lane: { pipeline: { namespace: running.namespace, name: running.name }, destination: destination.name, lane },
          mappings,
        }));
      }),
  );
}

function mappingsOf(pipeline: PipelineConfig, name: string, sink: SinkDefinition): Mapping[] {
  return pipeline.destinations
    .filter((destination) => destination.name === name)
    .map((destination) => compileMapping(pipeline, destination, sink));
}

async function keepOpenCalls(lane: LaneName, { nats, publisher, governor, lostCallHoldMs }: LaneWorld, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    try {
      const { message } = await (await JournalStore.open(lane, nats.connection, publisher)).readHead();
      for (const { id, until } of openCalls(message, lostCallHoldMs)) governor.keep(slotID(lane, id), until);
      return;
    } catch (error) {
      // Without a journal there is no call to know of; taking the lane will say what is wrong.
      if (
        error instanceof JournalUnreadableError ||
        (error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound)
      )
        return;
      await delay(1_000, undefined, { signal }); // NATS is away
    }
  }
}

/** While NATS is away or the operator has not yet made the lane, it is tried again. */
async function takePatiently(
  { lane, mappings }: LanePlan,
  { world, logger, signal }: { world: LaneWorld; logger: Logger; signal: AbortSignal },
): Promise<LaneOwner> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await LaneOwner.take(lane, mappings, { world, signal });
    } catch (err) {
      if (err instanceof LaneLostError) throw err;
      logger.warn({ err, pipeline: lane.pipeline.name, destination: lane.destination, lane: lane.lane }, 'the lane cannot be taken yet');
      await delay(1_000, undefined, { signal });
    }
  }
}

async function tickGovernor(governor: SlotGovernor, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const wait = Math.min(250, Math.max(10, governor.nextWakeAt() - Date.now()));
    await delay(wait, undefined, { signal }).catch(() => undefined); // aborted: the loop ends
    governor.tick(Date.now());
  }
}

/** Says every 2 s how the account is doing. What cannot be said is said next time. */
async function reportLive(
  { nats, connector, install, pod, logger }: DeliverOptions,
  governor: SlotGovernor,
  signal: AbortSignal,
): Promise<void> {
  const key = connectorLiveKey(connector, pod);
  while (!signal.aborted) {
    try {
      const bucket = await new Kvm(nats.connection).open(liveBucket(install));
      await bucket.put(key, JSON.stringify(liveReport(governor, { pod, now: Date.now() })));
    } catch (err) {
      logger.debug({ err, connector: connector.name }, 'the live figures could not be written');
    }
    await delay(2_000, undefined, { signal }).catch(() => undefined); // aborted: the loop ends
  }
}
