/** What the volumes of a Pod contain now, from the objects they name. */
import { readField, type PodPlace } from './downward.ts';
import type { ObjectKind, ReadData } from './environment.ts';
import type { Pod, Projection, Volume } from './pod.ts';
import type { VolumeFile, VolumeFiles } from './volume-files.ts';

export interface Token {
  readonly text: string;
  readonly renewAtMs: number;
}

export interface VolumeLookup {
  readonly pod: Pod;
  readonly place: PodPlace;
  readonly read: ReadData;
  readonly requestToken: (ask: { readonly audience: string; readonly expirationSeconds: number }) => Promise<Token>;
}

type VolumeContent =
  | { readonly kind: 'files'; readonly files: VolumeFiles; readonly renewAtMs: number }
  | { readonly kind: 'empty' }
  | { readonly kind: 'host'; readonly path: string }
  | { readonly kind: 'missing'; readonly message: string };

type Part = { readonly kind: 'part'; readonly files: readonly (readonly [string, VolumeFile])[]; readonly renewAtMs?: number } | Missing;
type Missing = { readonly kind: 'missing'; readonly message: string };

interface ObjectSource {
  readonly kind: ObjectKind;
  readonly name: string;
  readonly optional: boolean;
  readonly items: readonly { readonly key: string; readonly path: string; readonly mode?: number | undefined }[] | undefined;
}

const usualMode = 0o644;
const tokenMode = 0o600;

const objectFiles = async (lookup: VolumeLookup, source: ObjectSource, mode: number): Promise<Part> => {
  const data = await lookup.read(source.kind, source.name);
  const where = `${source.kind.toLowerCase()} "${source.name}"`;
  if (data === undefined) return source.optional ? { kind: 'part', files: [] } : { kind: 'missing', message: `${where} not found` };
  if (source.items === undefined) {
    return { kind: 'part', files: [...data].map(([key, content]) => [key, { content, mode }] as const) };
  }
  const files: (readonly [string, VolumeFile])[] = [];
  for (const item of source.items) {
    const content = data.get(item.key);
    if (content !== undefined) files.push([item.path, { content, mode: item.mode ?? mode }]);
    else if (!source.optional) return { kind: 'missing', message: `${where} has no key ${item.key}` };
  }
  return { kind: 'part', files };
};

type DownwardItems = NonNullable<Volume['downwardAPI']>['items'];

const downwardFiles = (lookup: VolumeLookup, items: DownwardItems, mode: number): Part => {
  const files: (readonly [string, VolumeFile])[] = [];
  for (const item of items) {
    const text = item.fieldRef === undefined ? undefined : readField(lookup.pod, lookup.place, item.fieldRef.fieldPath);
    const what = item.fieldRef?.fieldPath ?? 'resourceFieldRef';
    if (text === undefined) return { kind: 'missing', message: `downwardAPI ${what} is not supported by the local node agent` };
    files.push([item.path, { content: Buffer.from(text), mode: item.mode ?? mode }]);
  }
  return { kind: 'part', files };
};

const projectedFiles = async (lookup: VolumeLookup, source: Projection, mode: number): Promise<Part> => {
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (configMap !== undefined) return objectFiles(lookup, { kind: 'ConfigMap', ...configMap, items: configMap.items }, mode);
  if (secret !== undefined) return objectFiles(lookup, { kind: 'Secret', ...secret, items: secret.items }, mode);
  if (downwardAPI !== undefined) return downwardFiles(lookup, downwardAPI.items, mode);
  if (serviceAccountToken === undefined) return { kind: 'missing', message: 'this projection is not supported by the local node agent' };
  const token = await lookup.requestToken(serviceAccountToken);
  const file = { content: Buffer.from(token.text), mode: tokenMode };
  return { kind: 'part', files: [[serviceAccountToken.path, file]], renewAtMs: token.renewAtMs };
};

const partsOf = (lookup: VolumeLookup, volume: Volume): readonly Promise<Part>[] => {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (configMap !== undefined) {
    return [objectFiles(lookup, { kind: 'ConfigMap', ...configMap, items: configMap.items }, configMap.defaultMode ?? usualMode)];
  }
  if (secret !== undefined) {
    const source = { kind: 'Secret' as const, name: secret.secretName, optional: secret.optional, items: secret.items };
    return [objectFiles(lookup, source, secret.defaultMode ?? usualMode)];
  }
  if (downwardAPI !== undefined) return [Promise.resolve(downwardFiles(lookup, downwardAPI.items, downwardAPI.defaultMode ?? usualMode))];
  return (projected?.sources ?? []).map((source) => projectedFiles(lookup, source, projected?.defaultMode ?? usualMode));
};

export const resolveVolume = async (lookup: VolumeLookup, volume: Volume): Promise<VolumeContent> => {
  if (volume.emptyDir !== undefined) return { kind: 'empty' };
  if (volume.hostPath !== undefined) return { kind: 'host', path: volume.hostPath.path };
  const hasFiles = [volume.configMap, volume.secret, volume.downwardAPI, volume.projected].some((source) => source !== undefined);
  if (!hasFiles) return { kind: 'missing', message: 'the local node agent has no volumes of this type' };
  const files = new Map<string, VolumeFile>();
  let renewAtMs = Number.POSITIVE_INFINITY;
  for (const part of await Promise.all(partsOf(lookup, volume))) {
    if (part.kind === 'missing') return part;
    for (const [path, file] of part.files) files.set(path, file);
    renewAtMs = Math.min(renewAtMs, part.renewAtMs ?? renewAtMs);
  }
  return { kind: 'files', files, renewAtMs };
};
