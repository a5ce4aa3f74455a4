/** What an install says to its operator, by flags and environment: one name each, `--nats-url` = `PEPPASYNC_NATS_URL`. */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { durationMs } from '../runtime/contract/schema-fields.ts';

const settings = z.object({
  natsURL: z.string().min(1, { error: '--nats-url (or PEPPASYNC_NATS_URL) must name the NATS server, such as nats://nats:4222' }),
  image: z.string().min(1, { error: '--image (or PEPPASYNC_IMAGE) must name the image of the pods' }),
  imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never'], { error: '--image-pull-policy must be Always, IfNotPresent or Never' }),
  /** Part of names in NATS. */
  install: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,50}[a-z0-9])?$/, { error: '--install must be a DNS label of at most 52 characters' }),
  streamReplicas: z.coerce
    .number({ error: '--stream-replicas must be 1, 3 or 5' })
    .refine((replicas) => [1, 3, 5].includes(replicas), { error: '--stream-replicas must be 1, 3 or 5' }),
  natsSyncInterval: z.string().refine(isSyncInterval, { error: '--nats-sync-interval must be always or a duration such as 2m' }).optional(),
  /** undefined: all. */
  watchNamespace: z.string().min(1).optional(),
  /** Folder with token and ca.crt; undefined: a kubeconfig, or the usual place. */
  serviceAccountDir: z.string().min(1).optional(),
  /** Where its Lease lies. */
  namespace: z.string().min(1),
  pod: z.string().min(1),
  /** Address to listen on. */
  host: z.string().min(1),
  healthPort: z.coerce.number({ error: '--health-port must be a port' }).int().min(0).max(65_535),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error'], { error: '--log-level must be trace, debug, info, warn or error' }),
});
export type OperatorSettings = z.infer<typeof settings> & {
  /** The API server as pods are told of it. */
  readonly apiServer: string | undefined;
};

/** The install says something wrong; the message names the setting and the way out. */
export class OperatorSettingsError extends Error {
  override readonly name = 'OperatorSettingsError';
}

export const operatorHelp = `Usage: peppasync --role operator [options]

Turns SyncPipelines and Connectors into streams, ConfigMaps, Deployments and Services, and says how they go.
Reaches the API server by KUBECONFIG or by the service account of its Pod.

  --nats-url URL              NATS server, for itself and its pods   (PEPPASYNC_NATS_URL)
  --image IMAGE               image of the pods it makes             (PEPPASYNC_IMAGE)
  --image-pull-policy POLICY  Always, IfNotPresent or Never          (PEPPASYNC_IMAGE_PULL_POLICY, default IfNotPresent)
  --install NAME              name of this install                   (PEPPASYNC_INSTALL, default peppasync)
  --stream-replicas N         copies of each record: 1, 3 or 5       (PEPPASYNC_STREAM_REPLICAS, default 1)
  --nats-sync-interval TIME   sync_interval of the NATS servers: always or a duration; shown as BufferDurable
                                                                     (PEPPASYNC_NATS_SYNC_INTERVAL, default unknown)
  --watch-namespace NAME      the one namespace to work in           (PEPPASYNC_WATCH_NAMESPACE, default all)
  --service-account-dir DIR   folder with token and ca.crt, where it is not the usual one
                                                                     (PEPPASYNC_SERVICE_ACCOUNT_DIR)
  --namespace NAME            where its Lease lies                   (POD_NAMESPACE, default peppasync-system)
  --pod NAME                  name of this pod                       (POD_NAME, default local)
  --host ADDRESS              address to listen on                   (POD_IP, default 0.0.0.0)
  --health-port PORT          for /livez, /readyz and /metrics       (PEPPASYNC_HEALTH_PORT, default 8081)
  --log-level LEVEL           trace, debug, info, warn or error      (PEPPASYNC_LOG_LEVEL, default info)
  --help`;

type Environment = Readonly<Record<string, string | undefined>>;

/** Where each setting is said, and what holds where it is not. */
const places = {
  natsURL: { flag: 'nats-url', variable: 'PEPPASYNC_NATS_URL', otherwise: '' },
  image: { flag: 'image', variable: 'PEPPASYNC_IMAGE', otherwise: '' },
  imagePullPolicy: { flag: 'image-pull-policy', variable: 'PEPPASYNC_IMAGE_PULL_POLICY', otherwise: 'IfNotPresent' },
  install: { flag: 'install', variable: 'PEPPASYNC_INSTALL', otherwise: 'peppasync' },
  streamReplicas: { flag: 'stream-replicas', variable: 'PEPPASYNC_STREAM_REPLICAS', otherwise: '1' },
  natsSyncInterval: { flag: 'nats-sync-interval', variable: 'PEPPASYNC_NATS_SYNC_INTERVAL', otherwise: undefined },
  watchNamespace: { flag: 'watch-namespace', variable: 'PEPPASYNC_WATCH_NAMESPACE', otherwise: undefined },
  serviceAccountDir: { flag: 'service-account-dir', variable: 'PEPPASYNC_SERVICE_ACCOUNT_DIR', otherwise: undefined },
  namespace: { flag: 'namespace', variable: 'POD_NAMESPACE', otherwise: 'peppasync-system' },
  pod: { flag: 'pod', variable: 'POD_NAME', otherwise: 'local' },
  host: { flag: 'host', variable: 'POD_IP', otherwise: '0.0.0.0' },
  healthPort: { flag: 'health-port', variable: 'PEPPASYNC_HEALTH_PORT', otherwise: '8081' },
  logLevel: { flag: 'log-level', variable: 'PEPPASYNC_LOG_LEVEL', otherwise: 'info' },
} as const satisfies Record<keyof z.infer<typeof settings>, { flag: string; variable: string; otherwise: string | undefined }>;

/** @throws OperatorSettingsError */
export function readOperatorSettings(args: readonly string[], env: Environment): OperatorSettings {
  const flags = readFlags(args);
  const said = Object.entries(places).map(([name, { flag, variable, otherwise }]) => [
    name,
    // An empty variable, as charts write it, says nothing.
    flags[flag] ?? (env[variable] === '' ? undefined : env[variable]) ?? otherwise,
  ]);
  const parsed = settings.safeParse(Object.fromEntries(said));
  if (!parsed.success) throw new OperatorSettingsError(z.prettifyError(parsed.error), { cause: parsed.error });
  return { ...parsed.data, apiServer: apiServerOf(env) };
}

function apiServerOf(env: Environment): string | undefined {
  const host = env['KUBERNETES_SERVICE_HOST'] ?? '';
  if (host === '') return undefined;
  return `https://${host.includes(':') ? `[${host}]` : host}:${env['KUBERNETES_SERVICE_PORT'] ?? '443'}`;
}

function isSyncInterval(text: string): boolean {
  if (text === 'always') return true;
  try {
    return durationMs(text) > 0;
  } catch {
    return false; // No duration: refused with a message of its own.
  }
}

function readFlags(args: readonly string[]): Readonly<Record<string, unknown>> {
  const text = { type: 'string' } as const;
  const flags = Object.values(places).map(({ flag }) => [flag, text] as const);
  try {
    return parseArgs({ args: [...args], options: { role: text, ...Object.fromEntries(flags) } }).values;
  } catch (cause) {
    throw new OperatorSettingsError(cause instanceof Error ? cause.message : 'the flags could not be read', { cause });
  }
}
