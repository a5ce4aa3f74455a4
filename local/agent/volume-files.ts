/**
 * Writes the files of a volume so that a reader sees all of one version or all of another: they lie in a folder of their own behind the
 * link `..data`, which is swapped by a rename. `name` at the top is a link to `..data/name`. This is the kubelet's layout, so programs
 * that watch `..data` work.
 */
import { mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface VolumeFile {
  readonly content: Buffer;
  readonly mode: number;
}

export type VolumeFiles = ReadonlyMap<string, VolumeFile>;

const dataLink = '..data';

export const equalFiles = (a: VolumeFiles, b: VolumeFiles): boolean =>
  a.size === b.size &&
  [...a].every(([path, file]) => {
    const other = b.get(path);
    return other !== undefined && other.mode === file.mode && other.content.equals(file.content);
  });

const linkTarget = (path: string): Promise<string | undefined> =>
  readlink(path).then(
    (target) => target,
    () => undefined, // not there yet
  );

/** `version` must differ from that of the call before. */
export const writeVolumeFiles = async (folder: string, files: VolumeFiles, version: number): Promise<void> => {
  await mkdir(folder, { recursive: true });
  const previous = await linkTarget(join(folder, dataLink));
  const fresh = `..v${version}`;
  await mkdir(join(folder, fresh), { recursive: true });
  for (const [path, file] of files) {
    const target = join(folder, fresh, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, file.content, { mode: file.mode });
  }
  const unfinished = join(folder, '..data_tmp');
  await rm(unfinished, { force: true });
  await symlink(fresh, unfinished);
  await rename(unfinished, join(folder, dataLink));
  const wanted = new Set([...files.keys()].map((path) => path.split('/')[0] ?? path));
  const present = new Set((await readdir(folder)).filter((name) => !name.startsWith('..')));
  for (const name of wanted) if (!present.has(name)) await symlink(join(dataLink, name), join(folder, name));
  for (const name of present) if (!wanted.has(name)) await rm(join(folder, name), { force: true });
  if (previous !== undefined && previous !== fresh) await rm(join(folder, previous), { recursive: true, force: true });
};
