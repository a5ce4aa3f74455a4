/** Secrets as a pod has them: files below its configuration folder. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { podPaths } from '../../runtime/contract/names.ts';
import type { SecretReference } from '../../runtime/contract/schema-fields.ts';

export interface SecretFolder {
  readonly configDir: string;
  readonly write: (reference: SecretReference, content: string) => Promise<void>;
  readonly remove: () => Promise<void>;
}

export async function makeSecretFolder(): Promise<SecretFolder> {
  const configDir = await mkdtemp(join(tmpdir(), 'pod-'));
  return {
    configDir,
    async write(reference, content) {
      const path = join(configDir, podPaths.secretFile(reference));
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
    },
    remove: () => rm(configDir, { recursive: true }),
  };
}
