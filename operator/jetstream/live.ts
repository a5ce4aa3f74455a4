/** What deliver pods say of their Connectors, in a bucket whose entries die by themselves. */
import { StorageType } from '@nats-io/jetstream';
import { connectorLive } from '../../runtime/contract/config.ts';
import type { ConnectorLive } from '../../runtime/contract/config.ts';
import { connectorLiveKey, liveBucket } from '../../runtime/contract/names.ts';
import type { JetStream } from './connection.ts';
import { jetStreamCall } from './errors.ts';
import { readStream } from './streams.ts';

const liveEntryMs = 60_000;

/** File storage: a restart of the server then leaves the bucket where the pods expect it. */
export async function createLiveBucket(
  { kvm }: JetStream,
  { install, replicas }: { install: string; replicas: number },
  signal: AbortSignal,
): Promise<void> {
  const options = { ttl: liveEntryMs, storage: StorageType.File, replicas, history: 1 };
  await jetStreamCall('creating the live bucket', () => kvm.create(liveBucket(install), options), signal);
}

/** What the pods of a Connector said last; undefined: there is no bucket. Entries that cannot be read are left out. */
export async function readLive(
  jetStream: JetStream,
  { install, connector }: { install: string; connector: { namespace: string; name: string } },
  signal: AbortSignal,
): Promise<ConnectorLive[] | undefined> {
  const stream = `KV_${liveBucket(install)}`;
  const subjects = `$KV.${liveBucket(install)}.${connectorLiveKey(connector, '*')}`;
  const facts = await readStream(jetStream, { name: stream, subjects }, signal);
  if (facts === undefined) return undefined;
  const entries = await Promise.all(
    [...facts.counts.keys()].map((subject) =>
      jetStreamCall('reading the live bucket', () => jetStream.jsm.streams.getMessage(stream, { last_by_subj: subject }), signal),
    ),
  );
  return entries.flatMap((entry) => {
    const live = entry === null ? undefined : parseLive(entry.string());
    return live === undefined ? [] : [live];
  });
}

function parseLive(text: string): ConnectorLive | undefined {
  if (text === '') return undefined;
  try {
    return connectorLive.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // Not JSON: written by something else.
  }
}
