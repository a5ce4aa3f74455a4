/** What a pod of the data plane is told by flags and environment: one name each, `--nats-url` = `PEPPASYNC_NATS_URL`. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';

const settings = z.object({
  role: z.enum(['ingest', 'deliver'], { error: '--role must be operator, ingest or deliver' }),
  configDir: z.string().min(1),
  natsURL: z.string().min(1, { error: '--nats-url (or PEPPASYNC_NATS_URL) must name the NATS server, such as nats://nats:4222' }),
  natsCredentialsFile: z.string().optional(),
  install: z.string().min(1),
  pod: z.string().min(1),
  /** Address to listen on. */
  host: z.string().min(1),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error'], { error: '--log-level must be trace, debug, info, warn or error' }),
});
export type RuntimeSettings = z.infer<typeof settings>;

export class SettingsError extends Error {}

export const runtimeHelp = `Usage: peppasync --role ingest|deliver [options]

Runs one role of one Connector: ingest takes its webhooks, deliver makes its calls.

  --config-dir DIR            folder with connector/, pipelines/ and secrets/ (default /etc/peppasync)
  --nats-url URL              NATS server                       (PEPPASYNC_NATS_URL)
  --nats-credentials-file F   credentials for it                (PEPPASYNC_NATS_CREDENTIALS_FILE)
  --install NAME              name of this install              (PEPPASYNC_INSTALL, default peppasync)
  --pod NAME                  name of this pod                  (POD_NAME, default the host's name)
  --host ADDRESS              address to listen on              (POD_IP, default 0.0.0.0)
  --log-level LEVEL           trace, debug, info, warn or error (PEPPASYNC_LOG_LEVEL, default info)
  --help`;

/** @throws SettingsError whose message names the setting and the way out */
export function readRuntimeSettings(args: readonly string[], env: Readonly<Record<string, string | undefined>>): RuntimeSettings {
  const flags = readFlags(args);
  const first = (...values: readonly (string | undefined)[]) => values.find((value) => value !== undefined);
  const parsed = settings.safeParse({
    role: flags.role,
    configDir: first(flags['config-dir'], '/etc/peppasync'),
    natsURL: first(flags['nats-url'], env['PEPPASYNC_NATS_URL'], ''),
    natsCredentialsFile: first(flags['nats-credentials-file'], env['PEPPASYNC_NATS_CREDENTIALS_FILE']),
    install: first(flags.install, env['PEPPASYNC_INSTALL'], 'peppasync'),
    pod: first(flags.pod, env['POD_NAME'], env['HOSTNAME'], 'local'),
    host: first(flags.host, env['POD_IP'], '0.0.0.0'),
    logLevel: first(flags['log-level'], env['PEPPASYNC_LOG_LEVEL'], 'info'),
  });
  if (!parsed.success) throw new SettingsError(parsed.error.issues.map(({ message }) => message).join('\n'), { cause: parsed.error });
  return parsed.data;
}

function readFlags(args: readonly string[]) {
  try {
    const text = { type: 'string' } as const;
    return parseArgs({
      args: [...args],
      options: {
        role: text,
        'config-dir': text,
        'nats-url': text,
        'nats-credentials-file': text,
        install: text,
        pod: text,
        host: text,
        'log-level': text,
      },
    }).values;
  } catch (cause) {
    throw new SettingsError(cause instanceof Error ? cause.message : 'the flags could not be read', { cause });
  }
}

/** Content of the credentials file, if one is named. */
export async function readCredentials({ natsCredentialsFile }: RuntimeSettings): Promise<Uint8Array | undefined> {
  return natsCredentialsFile === undefined ? undefined : readFile(natsCredentialsFile);
}
