/** /livez, /readyz and /metrics. */
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Registry } from 'prom-client';

export interface HealthServerOptions {
  readonly host: string;
  readonly port: number;
  readonly registry: Registry;
  readonly isLive: () => boolean;
  readonly isReady: () => boolean;
  readonly onTrouble: (error: unknown) => void;
}

export interface HealthServer {
  readonly port: number;
  readonly close: () => Promise<void>;
}

export async function startHealthServer(options: HealthServerOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    answer(request, response, options).catch((error: unknown) => {
      options.onTrouble(error);
      response.destroy();
    });
  });
  server.requestTimeout = 5_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address();
  return {
    port: address === null || typeof address === 'string' ? options.port : address.port,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(
  { url }: IncomingMessage,
  response: ServerResponse,
  { registry, isLive, isReady }: HealthServerOptions,
): Promise<void> {
  const say = (isWell: boolean): ServerResponse => response.writeHead(isWell ? 200 : 503).end(isWell ? 'ok\n' : 'not yet\n');
  switch (url) {
    case '/livez':
      say(isLive());
      return;
    case '/readyz':
      say(isReady());
      return;
    case '/metrics':
      response.writeHead(200, { 'content-type': registry.contentType }).end(await registry.metrics());
      return;
    default:
      response.writeHead(404).end();
  }
}
