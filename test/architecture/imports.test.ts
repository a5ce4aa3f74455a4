/** What is loaded with what: the directions that lint checks file by file, followed through whole chains of imports. */
import { expect, test } from 'vitest';
import { claimsPurity, pureNames } from './house-rules.ts';
import { importsOf, loadedBy, projectFiles, readText } from './source-files.ts';

const sources = projectFiles('{runtime,operator,crds,local,bench}/**/*.ts');
const production = sources.filter((path) => !path.endsWith('.test.ts'));
const inFolder = (folder: string) => production.filter((path) => path.startsWith(`${folder}/`));
const chainsTo = (paths: readonly string[], isForbidden: (target: string) => boolean) =>
  paths.flatMap((path) => [...loadedBy(path)].filter(isForbidden).map((target) => `${path} loads ${target}`));

test('the files are found', () => {
  expect(production).toContain('runtime/delivery/settle.ts');
  expect([...loadedBy('runtime/connectors/shopify/definition.ts')]).toEqual(
    expect.arrayContaining(['runtime/connectors/shopify/definition.ts', 'runtime/contract/schema-fields.ts', 'zod']),
  );
});

test('every import of ours points at a file', () => {
  const known = new Set(projectFiles());
  const broken = projectFiles('**/*.ts').flatMap((path) =>
    importsOf(path)
      .filter(({ target }) => target.endsWith('.ts') && !known.has(target))
      .map(({ target }) => `${path} imports ${target}`),
  );
  expect(broken.filter((line) => !line.startsWith('test/architecture/'))).toEqual([]);
});

test('runtime loads nothing of Kubernetes, operator or crds', () => {
  expect(chainsTo(inFolder('runtime'), (target) => /^(@kubernetes\/|operator\/|crds\/|local\/|test\/|bench\/)/.test(target))).toEqual([]);
});

test('the contract loads zod and itself', () => {
  expect(chainsTo(inFolder('runtime/contract'), (target) => target !== 'zod' && !target.startsWith('runtime/contract/'))).toEqual([]);
});

test("listing the connectors loads no sink, no source and no client: the control plane needs the definitions' facts alone", () => {
  const loaded = [...loadedBy('runtime/connectors/registry.ts')];
  expect(loaded.filter((target) => !target.endsWith('.ts'))).toEqual(['zod']);
  expect(loaded.filter((target) => /\/(sink|source)\.ts$/.test(target))).toEqual([]);
});

test('pure files load no client, logger or metrics through others', () => {
  const pure = [...inFolder('runtime'), ...inFolder('operator')].filter(
    (path) => pureNames.test(`/${path}`) || claimsPurity.test(/^\/\*\*?[\s\S]*?\*\//.exec(readText(path))?.[0] ?? ''),
  );
  expect(pure).toEqual(expect.arrayContaining(['runtime/delivery/lane.ts', 'runtime/delivery/settle.ts', 'runtime/governor/circuit.ts']));
  const forbidden = /^(@nats-io\/|@kubernetes\/|undici|pino|prom-client|jose|node:(?!buffer$|crypto$|path$|util$))/;
  expect(chainsTo(pure, (target) => forbidden.test(target))).toEqual([]);
});

test('the Kubernetes client is loaded by the operator and the local cluster alone, and by one file of each', () => {
  const users = production.filter((path) =>
    importsOf(path).some(({ target, kind }) => target.startsWith('@kubernetes/') && kind !== 'type'),
  );
  const folders = users.map((path) => path.slice(0, path.indexOf('/')));
  expect(folders.toSorted()).toEqual([...new Set(folders)].toSorted());
  expect(folders.filter((folder) => folder !== 'operator' && folder !== 'local')).toEqual([]);
});
