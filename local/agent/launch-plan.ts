/** From a container of a Pod to the process to start, or the reason why it cannot start yet. Pure but for what `read` does. */
import { expandReferences, resolveEnvironment, type ReadData } from './environment.ts';
import type { PodPlace } from './downward.ts';
import type { Launch } from './container-process.ts';
import { replaceMountPaths, type Mount } from './mount-paths.ts';
import type { Container, Pod } from './pod.ts';
import type { Image } from '../messages.ts';

interface LaunchInput {
  readonly pod: Pod;
  readonly container: Container;
  readonly place: PodPlace;
  readonly images: Readonly<Record<string, Image>>;
  readonly mounts: readonly Mount[];
  readonly read: ReadData;
  /** What every container gets: PATH, the API server's address and so on. */
  readonly baseEnv: Readonly<Record<string, string>>;
  readonly folder: string;
}

export type LaunchPlan =
  | { readonly kind: 'launch'; readonly launch: Launch }
  | { readonly kind: 'waiting'; readonly reason: 'ErrImagePull' | 'CreateContainerConfigError'; readonly message: string };

const findUnsupported = (container: Container): string | undefined => {
  const mount = container.volumeMounts.find((one) => one.subPath !== '' || one.subPathExpr !== '');
  if (mount === undefined) return undefined;
  return `the mount of volume "${mount.name}" uses subPath, which the local node agent does not have; mount the whole volume instead`;
};

export const planLaunch = async (input: LaunchInput): Promise<LaunchPlan> => {
  const { pod, container, place, images, mounts, read, folder } = input;
  const image = images[container.image];
  if (image === undefined) {
    const known = Object.keys(images).join(', ') || 'none';
    const message = `image "${container.image}" is not among those of this local cluster (${known})`;
    return { kind: 'waiting', reason: 'ErrImagePull', message };
  }
  const unsupported = findUnsupported(container);
  if (unsupported !== undefined) return { kind: 'waiting', reason: 'CreateContainerConfigError', message: unsupported };
  const environment = await resolveEnvironment({ pod, place, read }, container);
  if (environment.kind === 'incomplete') return { kind: 'waiting', reason: 'CreateContainerConfigError', message: environment.message };

  const values = new Map([...Object.entries({ ...input.baseEnv, ...image.env }), ...environment.values]);
  const resolve = (text: string): string => replaceMountPaths(text, mounts);
  const expand = (words: readonly string[]): readonly string[] => words.map((word) => resolve(expandReferences(word, values)));
  const command = container.command.length > 0 ? expand(container.command) : image.command;
  return {
    kind: 'launch',
    launch: {
      command: [...command, ...expand(container.args)],
      env: Object.fromEntries([...values].map(([name, value]) => [name, resolve(value)])),
      folder: container.workingDir === undefined ? (image.workingFolder ?? folder) : resolve(container.workingDir),
      mounts,
    },
  };
};
