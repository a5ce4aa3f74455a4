import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { z } from 'zod';
import { kinds } from '../../crds/kinds.ts';
import { crdName, renderCrd } from '../../crds/render-crd.ts';
import { connector } from '../../crds/schema/connector.ts';
import type { ConnectorStatus } from '../../crds/schema/connector.ts';
import { effectiveConnector, effectiveSyncPipeline } from '../../crds/schema/effective.ts';
import { syncPipeline } from '../../crds/schema/sync-pipeline.ts';
import type { SyncPipelineStatus } from '../../crds/schema/sync-pipeline.ts';
import { startCluster } from '../../local/cluster.ts';
import type { Cluster } from '../../local/cluster.ts';
import { KubernetesClient } from '../../local/kubernetes-client.ts';
import type { ApiAnswer, ApiCall } from '../../local/kubernetes-client.ts';
import type { CommandResult } from '../../local/run-command.ts';
import { changedObject, good } from './crd-objects.ts';
import type { KubernetesObject } from './crd-objects.ts';
import { acceptedUpdates, refusedObjects, refusedUpdates } from './crd-refusals.ts';

const signal = AbortSignal.timeout(120_000);
const goodObjects = Object.entries(good);

let cluster: Cluster;
let client: KubernetesClient;
let folder: string;

beforeAll(async () => {
  cluster = await startCluster({ parts: 'api', nats: false }, signal);
  client = new KubernetesClient(cluster.apiserver);
  folder = await mkdtemp(join(tmpdir(), 'peppasync-crd-'));
  await writeFile(join(folder, 'good.yaml'), goodObjects.map(([, object]) => toYaml(object)).join('---\n'));
  for (const kind of kinds) await establish(crdName(kind), renderCrd(kind));
  for (const [, object] of goodObjects) await client.require(applying(object, ''), signal);
}, 60_000);

afterAll(async () => {
  await client.close();
  await cluster.stop();
  await rm(folder, { recursive: true });
});

describe('what is accepted', () => {
  test.each(goodObjects)('%s is accepted, kept as it was written and read by the schema', async (_, object) => {
    const answer = await client.require({ method: 'GET', path: pathOf(object) }, signal);
    expect(specOf(answer)).toEqual(object.spec);
    const parsed = object.kind === 'Connector' ? connector.parse(answer) : syncPipeline.parse(answer);
    expect(parsed.spec).toEqual(object.spec);
  });

  test('applied a second time, nothing differs', async () => {
    const file = join(folder, 'good.yaml');
    const applied = await kubectl('apply', '--server-side', '--field-manager=test', '-f', file);
    expect(applied).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await kubectl('diff', '--server-side', '--field-manager=test', '-f', file)).toEqual({ exitCode: 0, stdout: '', stderr: '' });
  });

  test.each(['connector', 'sync-pipeline'])('the example of docs/spec/%s.md is accepted', async (page) => {
    const objects = exampleOf(await readFile(join(import.meta.dirname, `../../docs/spec/${page}.md`), 'utf8'));
    expect(objects.length).toBeGreaterThan(0);
    for (const object of objects) expect(linesOf(await client.call(applying(object, '&dryRun=All&force=true'), signal))).toEqual([]);
  });

  test.each(acceptedUpdates)('$from takes $title', async ({ from, at, value }) => {
    const answer = await client.call(applying(changedObject(good[from], at, value), '&dryRun=All'), signal);
    expect(linesOf(answer)).toEqual([]);
  });
});

describe('what is refused', () => {
  test.each(refusedObjects)('$from with $title', async ({ from, at, value, says }) => {
    const bad = changedObject(good[from], at, value);
    const named = at === 'metadata.name' ? bad : { ...bad, metadata: { ...bad.metadata, name: 'bad' } };
    const answer = await client.call(
      { method: 'POST', path: `${collectionOf(bad)}?fieldValidation=Strict&dryRun=All`, body: named },
      signal,
    );
    expect(linesOf(answer)).toEqual(says);
  });

  test.each(refusedUpdates)('changing $from to $title', async ({ from, at, value, says }) => {
    const answer = await client.call(applying(changedObject(good[from], at, value), '&dryRun=All'), signal);
    expect(linesOf(answer)).toEqual(says);
  });

  test('kubectl apply refuses a misspelt field and names it', async () => {
    const file = join(folder, 'misspelt.yaml');
    await writeFile(file, toYaml(changedObject(good.netSuite, 'spec.limit', { concurrency: 15 })));
    const answer = await kubectl('apply', '-f', file);
    expect(answer).toMatchObject({ exitCode: 1, stdout: '' });
    expect(answer.stderr).toContain('strict decoding error: unknown field "spec.limit"');
  });
});

describe('what is shown', () => {
  test('kubectl explain explains destinations', async () => {
    const { stdout } = await kubectl('explain', 'syncpipeline.spec.destinations');
    const text = stdout.replaceAll(/\s+/g, ' ');
    expect(text).toContain('FIELD: destinations <[]Object>');
    expect(text).toContain('Where the records go. Each destination works by itself: a slow one holds up no other.');
    expect(text).toContain('startFrom <string> enum: Now, Earliest Which records a new destination gets');
  });

  test('a pipeline shows its columns under its short name', async () => {
    const time = new Date().toISOString();
    const figures = { lag: 1480, held: 0, failed: 3, deliveredPerMinute: 288, captured: 41992 };
    const status = {
      ...figures,
      observedGeneration: 1,
      runningGeneration: 1,
      phase: 'Running',
      message: 'all is well',
      observedAt: time,
      oldestPendingTime: time,
      effective: effectiveSyncPipeline(syncPipeline.shape.spec.parse(good.orders.spec)),
      summary: { destinations: '1/1' },
      destinations: [{ name: 'erp', state: 'Delivering', lag: 1480, held: 0, failed: 3, blocked: 2, delivered: 40510, filtered: 0 }],
      conditions: [ready],
    } satisfies SyncPipelineStatus;
    await writeStatus(good.orders, status);
    expect(await tableOf('spl', 'orders')).toEqual([
      ['NAME', 'PHASE', 'READY', 'LAG', 'OLDEST', 'HELD', 'ERRORS', 'RATE/MIN', 'AGE', 'CAPTURED', 'DESTINATIONS', 'SEEN', 'MESSAGE'],
      ['orders', 'Running', 'True', '1480', 'age', '0', '3', '288', 'age', '41992', '1/1', 'age', 'all is well'],
    ]);
  });

  test('a Connector shows its columns under its short name', async () => {
    const status = {
      observedGeneration: 1,
      runningGeneration: 1,
      circuit: 'Closed',
      inUse: 14,
      limit: 15,
      endpoint: 'http://pp-netsuite.default:8080/',
      effective: effectiveConnector(connector.shape.spec.parse(good.netSuite.spec)),
      summary: { replicas: '0/0+1/1' },
      conditions: [ready],
    } satisfies ConnectorStatus;
    await writeStatus(good.netSuite, status);
    expect(await tableOf('pcn', 'netsuite')).toEqual([
      ['NAME', 'TYPE', 'READY', 'CIRCUIT', 'IN-USE', 'LIMIT', 'REPLICAS', 'AGE', 'ENDPOINT'],
      ['netsuite', 'NetSuite', 'True', 'Closed', '14', '15', '0/0+1/1', 'age', 'http://pp-netsuite.default:8080/'],
    ]);
  });

  test('both kinds are in the category', async () => {
    const { stdout } = await kubectl('get', 'peppasync', '-o', 'name');
    const wanted = goodObjects.map(([, { kind, metadata }]) => `${kind.toLowerCase()}.peppasync.io/${metadata.name}`);
    expect(stdout.trim().split('\n').toSorted()).toEqual(wanted.toSorted());
  });
});

const ready = {
  type: 'Ready',
  status: 'True',
  observedGeneration: 1,
  lastTransitionTime: '2026-11-27T00:00:00Z',
  reason: 'Running',
  message: '',
} as const;

const withSpec = z.object({ spec: z.unknown(), status: z.unknown().optional() });
const refusal = z.object({
  message: z.string(),
  details: z.object({ causes: z.array(z.object({ field: z.string().optional(), message: z.string() })).optional() }).optional(),
});
const definition = z.object({
  status: z
    .object({
      conditions: z
        .array(z.object({ type: z.string(), status: z.string() }))
        .nullable()
        .optional(),
    })
    .optional(),
});

function specOf(body: unknown): unknown {
  return withSpec.parse(body).spec;
}

/** What a user reads of a refusal: its causes, or its message when it has none. Nothing when it was accepted. */
function linesOf({ status, body }: ApiAnswer): string[] {
  if (status < 300) return [];
  const { message, details } = refusal.parse(body);
  if (details?.causes === undefined) return [message.replace(/^.* cannot be handled as a \w+: /, '')];
  const unchecked = 'some validation rules were not checked';
  return details.causes.filter((cause) => !cause.message.includes(unchecked)).map(({ field, message: text }) => `${field}: ${text}`);
}

function collectionOf({ kind, metadata }: KubernetesObject): string {
  return `/apis/peppasync.io/v1alpha1/namespaces/${metadata.namespace}/${kind.toLowerCase()}s`;
}

function pathOf(object: KubernetesObject): string {
  return `${collectionOf(object)}/${object.metadata.name}`;
}

/** Server-side apply, as the same manager each time. */
function applying(object: KubernetesObject, query: string): ApiCall {
  const path = `${pathOf(object)}?fieldManager=test&fieldValidation=Strict${query}`;
  return { method: 'PATCH', path, contentType: 'application/apply-patch+yaml', body: object };
}

async function writeStatus(object: KubernetesObject, status: unknown): Promise<void> {
  const path = `${pathOf(object)}/status?fieldValidation=Strict`;
  const body = await client.require({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body: { status } }, signal);
  expect(withSpec.parse(body).status).toEqual(status);
}

/** Makes the definition and waits until the server serves it. */
async function establish(name: string, crd: unknown): Promise<void> {
  const collection = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  const path = `${collection}/${name}`;
  await client.require(
    { method: 'PATCH', path: `${path}?fieldManager=test`, contentType: 'application/apply-patch+yaml', body: crd },
    signal,
  );
  for (let tries = 0; tries < 200; tries += 1) {
    const found = definition.parse(await client.require({ method: 'GET', path }, signal));
    if (found.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') === true) return;
    await delay(50, undefined, { signal });
  }
  throw new Error(`${name} was not established in 10 s`);
}

function kubectl(...args: string[]): Promise<CommandResult> {
  return cluster.kubectl(args, {}, signal);
}

/** What `kubectl get -o wide` prints, ages left out. */
async function tableOf(kind: string, name: string): Promise<string[][]> {
  const { stdout } = await kubectl('get', kind, name, '-o', 'wide');
  const lines = stdout.trim().split('\n');
  return lines.map((line) => line.split(/ {2,}/).map((cell) => (/^\d+[smh]$/.test(cell) ? 'age' : cell)));
}

/** As kubectl reads it: YAML 1.1, where a bare `no` is a boolean. */
function toYaml(object: KubernetesObject): string {
  return stringify(object, { version: '1.1' });
}

const readable = z.object({
  apiVersion: z.string(),
  kind: z.enum(['Connector', 'SyncPipeline']),
  metadata: z.looseObject({ name: z.string(), namespace: z.string() }),
  spec: z.json(),
});

/** The objects of the first YAML block of a page. */
function exampleOf(page: string): KubernetesObject[] {
  const text = /```yaml\n(.*?)```/s.exec(page)?.[1] ?? '';
  return parseAllDocuments(text).map((document) => readable.parse(document.toJS()));
}
