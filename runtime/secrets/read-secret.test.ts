import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { createSecretReader, SecretMissingError } from './read-secret.ts';

const signal = AbortSignal.timeout(30_000);
const reference = { name: 'shop', key: 'webhook' };
const folders: string[] = [];

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

interface Mount {
  readonly configDir: string;
  /** Swaps the whole content at once, as a kubelet does. */
  readonly mount: (files: Record<string, string>) => Promise<void>;
}

async function mountSecret(files: Record<string, string>): Promise<Mount> {
  const configDir = await mkdtemp(join(tmpdir(), 'secrets-'));
  folders.push(configDir);
  const folder = join(configDir, 'secrets', 'shop');
  await mkdir(folder, { recursive: true });
  let version = 0;
  const mount = async (content: Record<string, string>) => {
    version += 1;
    await mkdir(join(folder, `..${version}`));
    for (const [key, text] of Object.entries(content)) await writeFile(join(folder, `..${version}`, key), text);
    await symlink(`..${version}`, join(folder, '..next'));
    await rename(join(folder, '..next'), join(folder, '..data'));
  };
  await mount(files);
  for (const key of Object.keys(files)) await symlink(join('..data', key), join(folder, key));
  return { configDir, mount };
}

test.each([
  ['hush', 'hush'],
  ['hush\n', 'hush'],
  ['hush\r\n', 'hush'],
  ['two\nlines\n\n', 'two\nlines'],
  [' hush ', ' hush '],
  ['\n', ''],
])('line ends at the end are no part of it: %j', async (content, expected) => {
  const { configDir } = await mountSecret({ webhook: content });
  expect((await createSecretReader(configDir)(reference, signal)).toString()).toBe(expected);
});

test('a swap of the mounted folder is seen after a second, and not looked for before', async () => {
  const { configDir, mount } = await mountSecret({ webhook: 'old' });
  let now = 0;
  const readSecret = createSecretReader(configDir, () => now);
  const read = async () => (await readSecret(reference, signal)).toString();
  expect(await read()).toBe('old');
  await mount({ webhook: 'new' });
  now = 999;
  expect(await read()).toBe('old');
  now = 1_000;
  // While one looks, the others take what is known.
  expect(await Promise.all([read(), read()])).toEqual(['new', 'old']);
  expect(await read()).toBe('new');
  now = 5_000;
  expect(await read()).toBe('new');
});

test('a Secret that comes later is read then, and one that goes is missing', async () => {
  const { configDir, mount } = await mountSecret({ webhook: 'here' });
  let now = 0;
  const readSecret = createSecretReader(configDir, () => now);
  await mount({});
  await expect(readSecret(reference, signal)).rejects.toThrow(SecretMissingError);
  await mount({ webhook: 'back' });
  expect((await readSecret(reference, signal)).toString()).toBe('back');
  await mount({});
  now = 1_000;
  await expect(readSecret(reference, signal)).rejects.toThrow(SecretMissingError);
});

test('the error names Secret and key', async () => {
  const { configDir } = await mountSecret({ webhook: 'here' });
  await expect(createSecretReader(configDir)({ name: 'shop', key: 'other' }, signal)).rejects.toThrow(
    'the key "other" of the Secret "shop" cannot be read',
  );
  await expect(createSecretReader(configDir)({ name: 'shop', key: '..' }, signal)).rejects.toThrow(SecretMissingError);
});

test('an aborted read is no missing Secret', async () => {
  const { configDir } = await mountSecret({ webhook: 'here' });
  const reason = new Error('stopped');
  await expect(createSecretReader(configDir)(reference, AbortSignal.abort(reason))).rejects.toBe(reason);
});
