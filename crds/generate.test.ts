import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kinds } from './kinds.ts';
import { crdName, renderCrd } from './render-crd.ts';

const project = join(import.meta.dirname, '..');
const generated = kinds.map((kind) => `crds/${crdName(kind)}.yaml`);
const page = 'docs/spec/connector.md';
let copy: string;

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), 'peppasync-generate-'));
  for (const path of [...generated, 'docs/spec']) await cp(join(project, path), join(copy, path), { recursive: true });
});
afterAll(() => rm(copy, { recursive: true }));

function generate(root: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(project, 'crds/generate.ts'), '--root', root, ...args], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test('what is checked in is what the schemas say', () => {
  expect(generate(project, '--check')).toEqual({ status: 0, stdout: '', stderr: '' });
});

test('--check names what is stale, ends with 1 and writes nothing; without it the files are mended', async () => {
  const whole = await readFile(join(copy, page), 'utf8');
  const stale = whole.replace('| `spec.type` |', '| `spec.kind` |');
  await writeFile(join(copy, page), stale);
  await rm(join(copy, generated[0] ?? ''));
  expect(generate(copy, '--check')).toEqual({
    status: 1,
    stdout: '',
    stderr: 'crds/connectors.peppasync.io.yaml is stale: run npm run generate\ndocs/spec/connector.md is stale: run npm run generate\n',
  });
  expect(await readFile(join(copy, page), 'utf8')).toBe(stale);
  expect(generate(copy)).toMatchObject({ status: 0, stderr: '' });
  expect(await readFile(join(copy, page), 'utf8')).toBe(whole);
  expect(generate(copy, '--check')).toEqual({ status: 0, stdout: '', stderr: '' });
});

test.each(generated)('%s is below 256 KiB', async (path) => {
  const { length } = await readFile(join(project, path));
  expect(length).toBeGreaterThan(1024);
  expect(length).toBeLessThan(256 * 1024);
});

test('no field of a CRD has a default: a GitOps tool would see a difference for ever', () => {
  expect(JSON.stringify(kinds.map(renderCrd))).not.toContain('"default":');
});
