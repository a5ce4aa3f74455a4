/**
 * The mounted Secrets of a pod.
 * 1. A change of the mounted file is seen within a second, the swap of the folder's symlink too, and read anew then.
 * 2. Line ends at the end are no part of a secret: files and editors put them there.
 * 3. Errors name the Secret and its key, never a part of the content.
 */
import { readFile, stat } from 'node:fs/promises';
import type { ReadSecret } from '../connectors/connector.ts';
import { podPaths } from '../contract/names.ts';
import type { SecretReference } from '../contract/schema-fields.ts';

export class SecretMissingError extends Error {
  override readonly name = 'SecretMissingError';

  constructor({ name, key }: SecretReference, cause: unknown) {
    super(`the key "${key}" of the Secret "${name}" cannot be read`, { cause });
  }
}

interface Entry {
  readonly content: Buffer;
  /** Differs between any two files that lay there. */
  readonly identity: string;
  /** Monotonic ms. */
  checkedAt: number;
}

const checkEveryMs = 1_000;

/** `monotonicNow` is in ms. */
export function createSecretReader(configDir: string, monotonicNow: () => number = () => performance.now()): ReadSecret {
  const entries = new Map<string, Entry>();

  async function readChanged(path: string, known: Entry | undefined, signal: AbortSignal): Promise<Buffer> {
    const checkedAt = monotonicNow();
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    const identity = `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
    const content = known?.identity === identity ? known.content : withoutLineEnd(await readFile(path, { signal }));
    entries.set(path, { content, identity, checkedAt });
    return content;
  }

  return async (reference, signal) => {
    signal.throwIfAborted();
    const path = `${configDir}/${podPaths.secretFile(reference)}`;
    const known = entries.get(path);
    if (known !== undefined && monotonicNow() - known.checkedAt < checkEveryMs) return known.content;
    // One looks; who comes meanwhile takes what is known.
    if (known !== undefined) known.checkedAt = monotonicNow();
    try {
      return await readChanged(path, known, signal);
    } catch (error) {
      signal.throwIfAborted();
      entries.delete(path);
      throw new SecretMissingError(reference, error);
    }
  };
}

function withoutLineEnd(content: Buffer): Buffer {
  let end = content.length;
  while (end > 0 && (content[end - 1] === 0x0a || content[end - 1] === 0x0d)) end -= 1;
  return content.subarray(0, end);
}
