/**
 * Stands in for mounts: wherever a container's command, arguments or environment name a mountPath, they get the folder of the volume.
 *
 * A path counts where it stands at the beginning of a word: at the start of the text or behind one of `= : , ;`, a quote, a bracket,
 * white space or `file://`. It ends at its end or at a `/`; `/etc/app` is not found in `/etc/apple`.
 */

export interface Mount {
  readonly mountPath: string;
  readonly folder: string;
}

const escapeForPattern = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/gu, String.raw`\$&`);

export const replaceMountPaths = (text: string, mounts: readonly Mount[]): string => {
  if (mounts.length === 0) return text;
  const folders = new Map(mounts.map((mount) => [mount.mountPath.replace(/\/+$/u, ''), mount.folder]));
  // The longest first, so that a volume mounted inside another one is found.
  const alternatives = [...folders.keys()].toSorted((a, b) => b.length - a.length).map(escapeForPattern);
  const pattern = new RegExp(String.raw`(?<=^|[=:,;\s"'\x60(\[{]|file://)(?:${alternatives.join('|')})(?=$|[/:,;\s"'\x60)\]}])`, 'gu');
  return text.replace(pattern, (path) => folders.get(path) ?? path);
};
