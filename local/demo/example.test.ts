import { expect, test } from 'vitest';
import { readExample } from './example.ts';

const url = 'http://127.30.0.10:8080';

test('the example has what the demo needs, with the address of its simulator', async () => {
  const { files, ...example } = await readExample({ netSuiteUrl: url, realLatency: false });
  expect(files.map(({ name }) => name)).toEqual(['connectors.yaml', 'orders.yaml']);
  expect(example).toMatchObject({
    namespace: 'shop',
    resources: ['connector/shopify', 'connector/netsuite', 'syncpipeline/orders'],
    shopify: {
      name: 'shopify',
      account: { shop: 'jackets.myshopify.com', webhookSecretRefs: [{ name: 'shopify', key: 'client-secret' }] },
    },
    netSuite: { name: 'netsuite', account: { endpoint: { url } }, limit: 15, timeoutMs: 5_000, maxOpenForMs: 4_000 },
    pipeline: { name: 'orders', lanes: 4, destinations: ['erp'] },
  });
});

test('filling in keeps every other word of the files', async () => {
  const [one, two] = await Promise.all([
    readExample({ netSuiteUrl: 'http://127.0.0.1:8080', realLatency: false }),
    readExample({ netSuiteUrl: url, realLatency: true }),
  ]);
  const linesOf = (example: typeof one): string[] => example.files.flatMap(({ text }) => text.split('\n'));
  const changed = linesOf(one).flatMap((line, index) => (line === linesOf(two)[index] ? [] : [[line.trim(), linesOf(two)[index]?.trim()]]));
  expect(changed.map(([, after]) => after?.split(' #')[0])).toEqual([`url: '${url}'`, 'lostCallHold: 25s', 'timeout: 20s']);
});
