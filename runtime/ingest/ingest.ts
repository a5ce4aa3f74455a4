/** The ingest role: takes the webhooks of one Connector and stores them in the pipelines that take their topics. */
import { setTimeout as delay } from 'node:timers/promises';
import { Counter, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';
import type { Source } from '../connectors/connector.ts';
import type { ConnectorFile, PipelineFile } from '../contract/config.ts';
import { metricNames } from '../contract/metric-names.ts';
import type { Publisher } from '../jetstream/publisher.ts';
import type { Logger } from '../logger.ts';
import { capture } from './capture.ts';
import { compileSource } from './capture-meta.ts';
import type { SourceMapping } from './capture-meta.ts';
import { startWebhookServer } from './webhook-server.ts';
import type { WebhookServer } from './webhook-server.ts';

export interface IngestOptions {
  readonly connector: ConnectorFile;
  readonly source: Source;
  readonly pipelines: readonly PipelineFile[];
  readonly publisher: Publisher;
  readonly host: string;
  readonly port: number;
  readonly metrics: Registry;
  readonly logger: Logger;
}

export interface Ingest {
  readonly port: number;
  /** Goes on answering for a moment, since senders may not know yet, then takes no more and answers what it has. */
  readonly stop: () => Promise<void>;
}

/** How long a pod that stops goes on taking webhooks, in ms: its address is still being taken out of the Service. */
const farewellMs = 500;

export async function startIngest(options: IngestOptions): Promise<Ingest> {
  const mappings = mappingsByTopic(options);
  const stopping = new AbortController();
  const server: WebhookServer = await startWebhookServer(
    {
      host: options.host,
      port: options.port,
      maxBodyBytes: options.connector.maxBodyBytes,
      source: options.source,
      logger: options.logger,
      notStored: warnNowAndThen(options.logger),
      ...measured(options, mappings),
    },
    stopping.signal,
  );
  return {
    port: server.port,
    stop: async () => {
      await delay(farewellMs);
      stopping.abort();
      await server.close();
    },
  };
}

/** In an outage thousands are refused: one line every 5 s says how many. */
function warnNowAndThen(logger: Logger): (cause: Error) => void {
  let count = 0;
  let quietUntil = -Infinity;
  return (err) => {
    count += 1;
    if (performance.now() < quietUntil) return;
    quietUntil = performance.now() + 5_000;
    logger.warn({ err, webhooks: count }, 'webhooks could not be stored; their senders are asked to try again');
    count = 0;
  };
}

function mappingsByTopic({ connector, pipelines }: IngestOptions): ReadonlyMap<string, readonly SourceMapping[]> {
  const byTopic = new Map<string, SourceMapping[]>();
  for (const { running } of pipelines) {
    if (running.source.connector !== connector.name) continue;
    const mapping = compileSource(running);
    for (const topic of running.source.topics) byTopic.set(topic, [...(byTopic.get(topic) ?? []), mapping]);
  }
  return byTopic;
}

function measured({ connector, publisher, metrics }: IngestOptions, mappings: ReadonlyMap<string, readonly SourceMapping[]>) {
  const registers = [metrics];
  const webhooks = new Counter({ ...metricNames.webhooks, labelNames: ['connector', 'status'], registers });
  const ignored = new Counter({ ...metricNames.ignored, labelNames: ['connector'], registers });
  const captured = new Counter({ ...metricNames.captured, labelNames: ['pipeline'], registers });
  const seconds = new Histogram({
    ...metricNames.captureSeconds,
    labelNames: ['connector'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  });
  const duration = seconds.labels({ connector: connector.name });
  return {
    capture: (facts: Parameters<typeof capture>[2]['facts'], body: Buffer) => {
      const takers = mappings.get(facts.topic);
      if (takers === undefined) return undefined;
      return capture(takers, body, { facts, publisher }).then((result) => {
        if (result.kind === 'stored') for (const pipeline of result.pipelines) captured.inc({ pipeline });
        return result;
      });
    },
    answered: (answer: { status: number; seconds: number; ignored: boolean }) => {
      webhooks.inc({ connector: connector.name, status: String(answer.status) });
      duration.observe(answer.seconds);
      if (answer.ignored) ignored.inc({ connector: connector.name });
    },
  };
}
