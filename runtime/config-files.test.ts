import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigFileError, readConnectorFile, readPipelineFiles } from './config-files.ts';

let folder = '';

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'peppasync-config-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function put(path: string, content: string): Promise<void> {
  const file = join(folder, path);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}

const connector = {
  v: 1,
  generation: 2,
  namespace: 'shop',
  name: 'erp',
  type: 'NetSuite',
  account: { account: '1234567' },
  limits: { concurrency: 15, lostCallHoldMs: 7_000 },
  timeoutMs: 5_000,
  circuit: { failures: 5, openForMs: 1_000, maxOpenForMs: 4_000 },
  maxBodyBytes: 2_097_152,
};

function pipeline(name: string) {
  return {
    v: 1,
    running: {
      generation: 1,
      namespace: 'shop',
      name,
      source: { connector: 'shopify', topics: ['orders/create'], key: 'record.id' },
      lanes: 8,
      destinations: [],
    },
  };
}

test('a connector and its pipelines are read as the operator wrote them, pipelines in the order of their names', async () => {
  await put('connector/connector.json', JSON.stringify(connector));
  await put('pipelines/returns/pipeline.json', JSON.stringify(pipeline('returns')));
  await put('pipelines/orders/pipeline.json', JSON.stringify(pipeline('orders')));
  expect(await readConnectorFile(folder)).toEqual(connector);
  expect(await readPipelineFiles(folder)).toEqual([pipeline('orders'), pipeline('returns')]);
});

test.each<[string, string, string]>([
  ['is no JSON', '{', 'JSON'],
  ['is of a newer version', JSON.stringify({ ...connector, v: 2 }), 'v'],
  ['has an unknown member', JSON.stringify({ ...connector, later: true }), 'later'],
  ['has no limit', JSON.stringify({ ...connector, limits: { lostCallHoldMs: 1 } }), 'concurrency'],
  ['has a limit of 0', JSON.stringify({ ...connector, limits: { concurrency: 0, lostCallHoldMs: 1 } }), 'concurrency'],
])('a connector file that %s is refused with its path and what is wrong', async (_, content, what) => {
  await put('connector/connector.json', content);
  const failure = await readConnectorFile(folder).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ConfigFileError);
  expect(String(failure)).toContain(join(folder, 'connector/connector.json'));
  expect(String(failure)).toContain(what);
});

test('a file that is missing is named', async () => {
  await expect(readConnectorFile(folder)).rejects.toThrow(join(folder, 'connector/connector.json'));
  await put('pipelines/orders/other.json', '{}');
  await expect(readPipelineFiles(folder)).rejects.toThrow(join(folder, 'pipelines/orders/pipeline.json'));
});
