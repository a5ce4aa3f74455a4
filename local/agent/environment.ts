/**
 * A container's environment, command and arguments, computed as the kubelet does: envFrom first, then env in order, `$(NAME)` from what
 * is known so far, `$$` for a dollar, unknown names left as they stand.
 */
import { readField, type PodPlace } from './downward.ts';
import type { Container, Pod } from './pod.ts';

export type ObjectKind = 'ConfigMap' | 'Secret';

/** Texts of a ConfigMap's or Secret's keys; undefined if there is no such object. */
export type ReadData = (kind: ObjectKind, name: string) => Promise<ReadonlyMap<string, Buffer> | undefined>;

type Environment =
  { readonly kind: 'complete'; readonly values: ReadonlyMap<string, string> } | { readonly kind: 'incomplete'; readonly message: string };

export const expandReferences = (text: string, values: ReadonlyMap<string, string>): string =>
  text.replaceAll(/\$\$|\$\(([^()]*)\)/gu, (whole, name: string | undefined) => (name === undefined ? '$' : (values.get(name) ?? whole)));

type Entry = Container['env'][number];
type Found =
  { readonly kind: 'value'; readonly text: string } | { readonly kind: 'none' } | { readonly kind: 'missing'; readonly message: string };

interface Lookup {
  readonly pod: Pod;
  readonly place: PodPlace;
  readonly read: ReadData;
}

const missingObject = (kind: ObjectKind, name: string): string => `${kind.toLowerCase()} "${name}" not found`;

const readKey = async (lookup: Lookup, kind: ObjectKind, ref: { name: string; key: string; optional: boolean }): Promise<Found> => {
  const data = await lookup.read(kind, ref.name);
  const value = data?.get(ref.key);
  if (value !== undefined) return { kind: 'value', text: value.toString('utf8') };
  if (ref.optional) return { kind: 'none' };
  if (data === undefined) return { kind: 'missing', message: missingObject(kind, ref.name) };
  return { kind: 'missing', message: `couldn't find key ${ref.key} in ${kind} ${lookup.pod.metadata.namespace}/${ref.name}` };
};

const resolveEntry = async (lookup: Lookup, entry: Entry, values: ReadonlyMap<string, string>): Promise<Found> => {
  const from = entry.valueFrom;
  if (from === undefined) return { kind: 'value', text: expandReferences(entry.value ?? '', values) };
  if (from.configMapKeyRef !== undefined) return readKey(lookup, 'ConfigMap', from.configMapKeyRef);
  if (from.secretKeyRef !== undefined) return readKey(lookup, 'Secret', from.secretKeyRef);
  const path = from.fieldRef?.fieldPath;
  const text = path === undefined ? undefined : readField(lookup.pod, lookup.place, path);
  if (text !== undefined) return { kind: 'value', text };
  const what = path === undefined ? 'resourceFieldRef' : `fieldRef ${path}`;
  return { kind: 'missing', message: `env ${entry.name}: ${what} is not supported by the local node agent` };
};

const addAll = async (lookup: Lookup, container: Container, values: Map<string, string>): Promise<string | undefined> => {
  for (const from of container.envFrom) {
    const sources = [
      { kind: 'ConfigMap' as const, ref: from.configMapRef },
      { kind: 'Secret' as const, ref: from.secretRef },
    ];
    for (const { kind, ref } of sources) {
      if (ref === undefined) continue;
      const data = await lookup.read(kind, ref.name);
      if (data === undefined && !ref.optional) return missingObject(kind, ref.name);
      for (const [key, value] of data ?? []) values.set(`${from.prefix}${key}`, value.toString('utf8'));
    }
  }
  return undefined;
};

export const resolveEnvironment = async (lookup: Lookup, container: Container): Promise<Environment> => {
  const values = new Map<string, string>();
  const missing = await addAll(lookup, container, values);
  if (missing !== undefined) return { kind: 'incomplete', message: missing };
  for (const entry of container.env) {
    const found = await resolveEntry(lookup, entry, values);
    if (found.kind === 'missing') return { kind: 'incomplete', message: found.message };
    if (found.kind === 'value') values.set(entry.name, found.text);
  }
  return { kind: 'complete', values };
};
