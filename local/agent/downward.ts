/** The downward API: what a Pod may learn about itself. */
import type { Pod } from './pod.ts';

export interface PodPlace {
  readonly podIp: string;
  readonly hostIp: string;
}

const mapText = (entries: Readonly<Record<string, string>>): string =>
  Object.entries(entries)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join('\n');

/** Undefined for a path that the downward API does not know. */
export const readField = (pod: Pod, place: PodPlace, path: string): string | undefined => {
  const subscript = /^metadata\.(labels|annotations)\['([^']+)'\]$/u.exec(path);
  if (subscript !== null) return pod.metadata[subscript[1] === 'labels' ? 'labels' : 'annotations'][subscript[2] ?? ''] ?? '';
  const fields: Readonly<Record<string, string>> = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace,
    'metadata.uid': pod.metadata.uid,
    'metadata.labels': mapText(pod.metadata.labels),
    'metadata.annotations': mapText(pod.metadata.annotations),
    'spec.nodeName': pod.spec.nodeName,
    'spec.serviceAccountName': pod.spec.serviceAccountName,
    'status.podIP': place.podIp,
    'status.podIPs': place.podIp,
    'status.hostIP': place.hostIp,
    'status.hostIPs': place.hostIp,
  };
  return fields[path];
};
