/** The deliver role: one pod of a destination Connector, owner of all lanes of the destinations that use it. */
import { setTimeout as delay } from 'node:timers/promises';
import { Kvm } from '@nats-io/kv';
import type { ConnectorDefinition, Sink, SinkDefinition } from '../connectors/connector.ts';
import type { ConnectorFile, PipelineConfig, PipelineFile } from '../contract/config.ts';
import { connectorLiveKey, liveBucket } from '../contract/names.ts';
import type { LaneName } from '../contract/names.ts';
import { SlotGovernor } from '../governor/slots.ts';
import type { Nats } from '../jetstream/connection.ts';
import { ParkedPayloads } from '../jetstream/parked-payloads.ts';
import type { Publisher } from '../jetstream/publisher.ts';
import type { Logger } from '../logger.ts';
import { LaneLostError, LaneOwner } from './lane-owner.ts';
import type { LaneWorld } from './lane-owner.ts';
import { liveReport } from './live-report.ts';
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

export interface LanePlan {
  readonly lane: LaneName;
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
    circuitClosed: () => {
      for (const owner of owners) owner.circuitClosed();
    },
  };
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const beside = [tickGovernor(governor, both), reportLive(options, governor, both)];
  try {
    for (const plan of planLanes(options)) owners.push(await takePatiently(plan, { world, logger: options.logger, signal }));
    options.ready();
    await Promise.all(owners.map((owner) => owner.run(signal)));
  } finally {
    stop.abort();
    await Promise.allSettled(beside);
    await options.sink.close();
  }
}

/** The lanes of the destinations that use this Connector and are not suspended, each with its running and its previous mapping. */
function planLanes({ connector, definition, pipelines }: Pick<DeliverOptions, 'connector' | 'definition' | 'pipelines'>): LanePlan[] {
  const { sink } = definition;
  if (sink === undefined) return [];
  return pipelines.flatMap(({ running, previous }) =>
    running.destinations
      .filter((destination) => destination.connector === connector.name && !destination.suspended)
      .flatMap((destination) => {
        const earlier = previous === undefined ? [] : mappingsOf(previous, destination.name, sink);
        const mappings = [compileMapping(running, destination, sink), ...earlier] as const;
        return Array.from({ length: running.lanes }, (_, lane) => ({
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
