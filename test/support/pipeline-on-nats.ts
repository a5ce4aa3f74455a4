/** Brings up a pipeline's streams, lanes and bucket as the operator does, for tests that need no Kubernetes. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import type { JetStream } from '../../operator/jetstream/connection.ts';
import { writeFirstJournal } from '../../operator/jetstream/journals.ts';
import { createStream } from '../../operator/jetstream/streams.ts';
import { wantedCapture, wantedState } from '../../operator/sync-pipeline/render-streams.ts';
import type { PipelineConfig } from '../../runtime/contract/config.ts';
import { liveBucket } from '../../runtime/contract/names.ts';
import type { Nats } from '../../runtime/jetstream/connection.ts';

const testInstall = 'test';

export async function createPipeline(
  nats: Nats,
  pipeline: PipelineConfig,
  { maxBytes, signal }: { maxBytes: number; signal: AbortSignal },
): Promise<JetStream> {
  const { connection } = nats;
  const jetStream: JetStream = {
    js: jetstream(connection),
    jsm: await jetstreamManager(connection),
    kvm: new Kvm(connection),
    maxPayload: 8 * 1024 * 1024,
  };
  const install = { install: testInstall, streamReplicas: 1, natsSyncInterval: undefined };
  const wish = { namespace: pipeline.namespace, name: pipeline.name, lanes: pipeline.lanes, install };
  await createStream(jetStream, wantedCapture({ ...wish, maxBytes, firstSequence: 1 }), signal);
  await createStream(jetStream, wantedState(wish), signal);
  await jetStream.kvm.create(liveBucket(testInstall), { ttl: 60_000 });
  for (const destination of pipeline.destinations) {
    for (let lane = 0; lane < pipeline.lanes; lane += 1) {
      const name = { pipeline: { namespace: pipeline.namespace, name: pipeline.name }, destination: destination.name, lane };
      await writeFirstJournal(jetStream, { lane: name, cursor: 0, at: Date.now(), generation: pipeline.generation }, signal);
    }
  }
  return jetStream;
}
