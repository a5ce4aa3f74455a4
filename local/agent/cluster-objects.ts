/** What the agent reads from the API server for a Pod: ConfigMaps, Secrets, tokens. Every read is fresh. */
import { z } from 'zod';
import { apiErrorOf, type ApiCall, type KubernetesClient } from '../kubernetes-client.ts';
import type { ObjectKind, ReadData } from './environment.ts';
import type { Pod } from './pod.ts';
import type { Token } from './volumes.ts';

const textsSchema = z.record(z.string(), z.string()).nullish();
const dataSchema = z.object({ data: textsSchema, binaryData: textsSchema });
const tokenSchema = z.object({ status: z.object({ token: z.string(), expirationTimestamp: z.string() }) });

const plurals: Readonly<Record<ObjectKind, string>> = { ConfigMap: 'configmaps', Secret: 'secrets' };
/** The kubelet renews after 80 % of a token's life. */
const usedShare = 0.8;

export const dataReader =
  (client: KubernetesClient, namespace: string, signal: AbortSignal): ReadData =>
  async (kind, name) => {
    const call: ApiCall = { method: 'GET', path: `/api/v1/namespaces/${namespace}/${plurals[kind]}/${name}` };
    const answer = await client.call(call, signal);
    if (answer.status === 404) return undefined;
    if (answer.status >= 300) throw apiErrorOf(call, answer);
    const { data, binaryData } = dataSchema.parse(answer.body);
    const encoding = kind === 'Secret' ? 'base64' : 'utf8';
    return new Map([
      ...Object.entries(data ?? {}).map(([key, text]) => [key, Buffer.from(text, encoding)] as const),
      ...Object.entries(binaryData ?? {}).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
    ]);
  };

interface TokenAsk {
  readonly pod: Pod;
  readonly audience: string;
  readonly expirationSeconds: number;
}

export const requestToken = async (client: KubernetesClient, ask: TokenAsk, signal: AbortSignal): Promise<Token> => {
  const { metadata, spec } = ask.pod;
  const call: ApiCall = {
    method: 'POST',
    path: `/api/v1/namespaces/${metadata.namespace}/serviceaccounts/${spec.serviceAccountName}/token`,
    body: {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        ...(ask.audience === '' ? {} : { audiences: [ask.audience] }),
        expirationSeconds: ask.expirationSeconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: metadata.name, uid: metadata.uid },
      },
    },
  };
  const answer = await client.call(call, signal);
  if (answer.status >= 300) throw apiErrorOf(call, answer);
  const { status } = tokenSchema.parse(answer.body);
  const now = Date.now();
  return { text: status.token, renewAtMs: now + (Date.parse(status.expirationTimestamp) - now) * usedShare };
};

/** The ConfigMaps and Secrets that a Pod names, as `Kind/name`. */
export const referencedObjects = ({ spec }: Pod): ReadonlySet<string> => {
  const containers = [...spec.initContainers, ...spec.containers];
  const projections = spec.volumes.flatMap((volume) => volume.projected?.sources ?? []);
  const configMaps = [
    ...containers.flatMap((one) => one.env.map((entry) => entry.valueFrom?.configMapKeyRef?.name)),
    ...containers.flatMap((one) => one.envFrom.map((from) => from.configMapRef?.name)),
    ...spec.volumes.map((volume) => volume.configMap?.name),
    ...projections.map((source) => source.configMap?.name),
  ];
  const secrets = [
    ...containers.flatMap((one) => one.env.map((entry) => entry.valueFrom?.secretKeyRef?.name)),
    ...containers.flatMap((one) => one.envFrom.map((from) => from.secretRef?.name)),
    ...spec.volumes.map((volume) => volume.secret?.secretName),
    ...projections.map((source) => source.secret?.name),
  ];
  return new Set([...configMaps.map((name) => `ConfigMap/${name ?? ''}`), ...secrets.map((name) => `Secret/${name ?? ''}`)]);
};
