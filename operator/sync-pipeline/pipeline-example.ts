/** A SyncPipeline that runs, for tests to change one thing about. */
import { connectorStatus } from '../../crds/schema/connector.ts';
import type { ConnectorSpec } from '../../crds/schema/connector.ts';
import type { SyncPipelineSpec } from '../../crds/schema/sync-pipeline.ts';
import type { PipelineFile } from '../../runtime/contract/config.ts';
import { emptyCounters, firstJournalMessage } from '../../runtime/contract/journal.ts';
import type { JournalMessage } from '../../runtime/contract/journal.ts';
import {
  captureStream,
  captureSubject,
  captureSubjects,
  journalSubject,
  stateStream,
  stateSubjects,
} from '../../runtime/contract/names.ts';
import type { ConnectorResource } from '../connector/resource.ts';
import { connectorsOf, pipelineChecksum } from '../data-plane/config-maps.ts';
import type { DeploymentFacts } from '../data-plane/deployment-facts.ts';
import { checksumOf } from '../data-plane/labels.ts';
import { withRenderedHash } from '../kubernetes/applied.ts';
import { kubernetesObject } from '../kubernetes/objects.ts';
import type { StreamFacts } from '../jetstream/streams.ts';
import type { BufferObservation, InstallFacts, LaneObservation, Observed, ObservedConfig } from './plan.ts';
import { renderConfig, renderPipelineConfigMap } from './render-config.ts';
import type { PipelineResource } from './resource.ts';

const install: InstallFacts = { install: 'test', streamReplicas: 1, natsSyncInterval: undefined };

export const spec: SyncPipelineSpec = {
  source: { connectorRef: { name: 'shopify' }, shopify: { topics: ['orders/create'] }, key: 'record.id' },
  capture: { lanes: 2, maxBytes: '1Mi' },
  destinations: [
    {
      name: 'erp',
      connectorRef: { name: 'netsuite' },
      operations: [
        { name: 'upsert', netSuite: { record: 'salesOrder', operation: 'Upsert', externalID: '${record.id}' }, body: { a: '${record.b}' } },
      ],
    },
  ],
};

export function pipelineResource(more: Partial<PipelineResource> = {}): PipelineResource {
  return { namespace: 'shop', name: 'orders', uid: 'u1', generation: 1, isDeleting: false, spec, specProblem: '', status: {}, ...more };
}

export const shopifySpec: ConnectorSpec = {
  type: 'Shopify',
  shopify: { shop: 'a.myshopify.com', apiVersion: '2026-07', webhookSecretRefs: [{ name: 'shopify', key: 'secret' }] },
};

export const netSuiteSpec: ConnectorSpec = {
  type: 'NetSuite',
  netSuite: {
    account: '1',
    auth: {
      type: 'ClientCredentials',
      clientCredentials: { clientID: 'a', certificateID: 'b', algorithm: 'ES256', privateKeySecretRef: { name: 'netsuite', key: 'key' } },
    },
  },
  limits: { concurrency: 15 },
};

export function connectorResource(name: string, connectorSpec: ConnectorSpec, more: Partial<ConnectorResource> = {}): ConnectorResource {
  return {
    namespace: 'shop',
    name,
    uid: `uid-${name}`,
    generation: 1,
    createdAt: 0,
    isDeleting: false,
    spec: connectorSpec,
    specProblem: '',
    status: connectorStatus.parse({}),
    ...more,
  };
}

export const connectors: ReadonlyMap<string, ConnectorResource> = new Map([
  ['shopify', connectorResource('shopify', shopifySpec)],
  ['netsuite', connectorResource('netsuite', netSuiteSpec)],
]);

export function stream(kind: 'capture' | 'state', more: Partial<StreamFacts> = {}): StreamFacts {
  const name = { namespace: 'shop', name: 'orders' };
  const isState = kind === 'state';
  return {
    name: isState ? stateStream(name) : captureStream(name),
    created: '2026-01-01T00:00:00Z',
    subjects: isState ? stateSubjects(name) : [captureSubjects(name)],
    retention: 'limits',
    discard: 'new',
    maxBytes: isState ? -1 : 2 ** 20,
    maxAgeMs: 0,
    replicas: 1,
    allowsAtomic: isState,
    allowsTTL: isState,
    allowsRollup: isState,
    metadata: { install: 'test', namespace: 'shop', pipeline: 'orders', lanes: '2' },
    bytes: 0,
    lastSequence: 0,
    counts: isState ? journals(['erp']) : new Map(),
    ...more,
  };
}

/** Subjects of the journals of destinations. */
export function journals(destinations: readonly string[]): Map<string, number> {
  const pipeline = { namespace: 'shop', name: 'orders' };
  return new Map(
    destinations.flatMap((destination) => [0, 1].map((lane) => [journalSubject({ pipeline, destination, lane }), 1] as const)),
  );
}

export function captured(...counts: number[]): Map<string, number> {
  return new Map(counts.map((count, lane) => [captureSubject({ namespace: 'shop', name: 'orders' }, lane), count]));
}

export function lane(
  number: number,
  more: Partial<JournalMessage> & { counts?: Partial<JournalMessage['counters']> } = {},
): LaneObservation {
  const { counts, ...message } = more;
  const counters = { ...emptyCounters(), ...counts };
  return {
    destination: 'erp',
    lane: number,
    journal: { ...firstJournalMessage({ cursor: 0, at: 0, generation: 1 }), counters, ...message },
    skipped: 0,
    oldestPendingAt: undefined,
  };
}

export type ObservedBuffer = Extract<BufferObservation, { kind: 'observed' }>;

export function buffer(more: Partial<ObservedBuffer> = {}): ObservedBuffer {
  return {
    kind: 'observed',
    maxPayload: 8 * 2 ** 20,
    capture: stream('capture'),
    state: stream('state'),
    hasLiveBucket: true,
    lanes: [lane(0), lane(1)],
    live: new Map(),
    ...more,
  };
}

export function file(more: Partial<PipelineFile> = {}): PipelineFile {
  return { v: 1, running: renderConfig(pipelineResource(), { spec, connectors }), ...more };
}

/** The ConfigMap as the API server holds it. */
export function config(content: PipelineFile, pipeline = pipelineResource()): ObservedConfig {
  const rendered = withRenderedHash(renderPipelineConfigMap(pipeline, { file: content, install: 'test' }));
  const metadata = { ...rendered.metadata, uid: 'c', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
  return { object: kubernetesObject.parse({ ...rendered, metadata }), file: content, isOurs: true };
}

/** Deployments whose pods run a configuration. */
export function deployments(content: PipelineFile, more: Partial<DeploymentFacts> = {}): DeploymentFacts[] {
  return connectorsOf(content.running).map(({ connector, role }) => ({
    namespace: 'shop',
    name: `pp-${connector}-${role}`,
    connector,
    role,
    wanted: 1,
    ready: 1,
    rolledOut: true,
    checksums: { [checksumOf.pipeline('orders')]: pipelineChecksum(content, role) },
    object: { metadata: { name: 'x', uid: 'd', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' } },
    ...more,
  }));
}

/** A pipeline in its first generation that has come up. */
export function observed(more: Partial<Observed> = {}): Observed {
  const content = file();
  return {
    pipeline: pipelineResource({ status: { observedGeneration: 1, runningGeneration: 1 } }),
    expressionProblems: [],
    connectors,
    config: config(content),
    deployments: deployments(content),
    pods: [],
    buffer: buffer(),
    install,
    ...more,
  };
}
