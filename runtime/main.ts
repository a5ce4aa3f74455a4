/** Starts one role of the data plane and stops it on SIGTERM. */
import { collectDefaultMetrics, Registry } from 'prom-client';
import { readConnectorFile, readPipelineFiles } from './config-files.ts';
import type { ConnectorDefinition } from './connectors/connector.ts';
import { connectorOfType } from './connectors/registry.ts';
import type { ConnectorFile, PipelineFile } from './contract/config.ts';
import { podPorts } from './contract/names.ts';
import { deliver } from './delivery/deliver.ts';
import { startHealthServer } from './health-server.ts';
import { startIngest } from './ingest/ingest.ts';
import { connectNats } from './jetstream/connection.ts';
import type { Nats } from './jetstream/connection.ts';
import { Publisher } from './jetstream/publisher.ts';
import { createLogger } from './logger.ts';
import type { Logger } from './logger.ts';
import { createSecretReader } from './secrets/read-secret.ts';
import { readCredentials, readRuntimeSettings } from './settings.ts';
import type { RuntimeSettings } from './settings.ts';
import { untilAborted } from './until-aborted.ts';

interface Parts {
  readonly settings: RuntimeSettings;
  readonly connector: ConnectorFile;
  readonly definition: ConnectorDefinition;
  readonly pipelines: readonly PipelineFile[];
  readonly nats: Nats;
  readonly publisher: Publisher;
  readonly metrics: Registry;
  readonly logger: Logger;
  readonly ready: () => void;
  readonly notReady: () => void;
}

/** Runs until the signal aborts. @throws SettingsError, ConfigFileError, or what made going on impossible */
export async function runRuntime(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<void> {
  const settings = readRuntimeSettings(args, env);
  const logger = createLogger({ level: settings.logLevel, role: settings.role });
  const connector = await readConnectorFile(settings.configDir);
  const definition = connectorOfType(connector.type);
  if (definition === undefined) throw new Error(`this build knows no connector of type ${connector.type}`);
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  let isReady = false;
  const health = await startHealthServer({ host: settings.host, port: podPorts.health, isReady: () => isReady, metrics });
  try {
    const credentials = await readCredentials(settings);
    const name = `${settings.role}/${connector.namespace}/${connector.name}/${settings.pod}`;
    const nats = await connectNats({ url: settings.natsURL, name, ...(credentials === undefined ? {} : { credentials }) }, signal);
    const publisher = new Publisher(nats.connection);
    const parts: Parts = {
      settings,
      connector,
      definition,
      pipelines: await readPipelineFiles(settings.configDir),
      nats,
      publisher,
      metrics,
      logger,
      ready: () => {
        isReady = true;
      },
      notReady: () => {
        isReady = false;
      },
    };
    logger.info({ connector: connector.name, generation: connector.generation }, 'started');
    await (settings.role === 'ingest' ? runIngest(parts, signal) : runDeliver(parts, signal));
    publisher.close();
    await nats.connection.drain();
  } finally {
    await health.close();
  }
}

async function runIngest(
  { settings, connector, definition, pipelines, publisher, metrics, logger, ready, notReady }: Parts,
  signal: AbortSignal,
): Promise<void> {
  const create = await definition.source?.load();
  if (create === undefined) throw new Error(`a connector of type ${connector.type} takes no webhooks`);
  const source = create({ account: connector.account, readSecret: createSecretReader(settings.configDir) });
  const ingest = await startIngest({
    connector,
    source,
    pipelines,
    publisher,
    host: settings.host,
    port: podPorts.webhook,
    metrics,
    logger,
  });
  ready();
  await untilAborted(signal);
  notReady();
  await ingest.stop();
}

async function runDeliver(
  { settings, connector, definition, pipelines, nats, publisher, logger, ready }: Parts,
  signal: AbortSignal,
): Promise<void> {
  const create = await definition.sink?.load();
  if (create === undefined) throw new Error(`a connector of type ${connector.type} takes no calls`);
  const sink = create({
    account: connector.account,
    readSecret: createSecretReader(settings.configDir),
    timeoutMs: connector.timeoutMs,
    now: Date.now,
  });
  const { install, pod } = settings;
  await deliver({ connector, definition, sink, pipelines, nats, publisher, install, pod, logger, ready }, signal);
}
