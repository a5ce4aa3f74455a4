/** The part of a kubelet's HTTPS API behind `kubectl logs`. Only the API server, known by its certificate, is answered. */
import { createServer, type Server } from 'node:https';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { TLSSocket } from 'node:tls';
import type { Logger } from 'pino';
import { readLog, type LogQuery } from './log-file.ts';

type FindLog = (ask: {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly isPrevious: boolean;
}) => { readonly path: string; readonly isOver: () => boolean } | undefined;

interface LogServerInput {
  readonly host: string;
  readonly port: number;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly log: Logger;
  readonly findLog: FindLog;
}

const apiserverName = 'kube-apiserver-kubelet-client';

const readQuery = (search: URLSearchParams): LogQuery => {
  const numberOf = (name: string): number | undefined => {
    const text = search.get(name);
    return text === null || text === '' ? undefined : Number(text);
  };
  const sinceSeconds = numberOf('sinceSeconds');
  const sinceTime = search.get('sinceTime');
  return {
    follow: search.get('follow') === 'true',
    timestamps: search.get('timestamps') === 'true',
    tailLines: numberOf('tailLines'),
    sinceMs: sinceSeconds === undefined ? (sinceTime === null ? undefined : Date.parse(sinceTime)) : Date.now() - sinceSeconds * 1000,
  };
};

const refuse = (response: ServerResponse, status: number, message: string): void => {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(message);
};

const answer = async (input: LogServerInput, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { socket } = request;
  if (!(socket instanceof TLSSocket) || socket.getPeerCertificate().subject?.CN !== apiserverName) {
    refuse(response, 401, 'only the API server is answered');
    return;
  }
  const url = new URL(request.url ?? '/', 'https://node');
  const [, what, namespace = '', pod = '', container = ''] = url.pathname.split('/').map(decodeURIComponent);
  if (what !== 'containerLogs') {
    refuse(response, 404, `the local node agent has logs only, not ${what ?? 'this'}`);
    return;
  }
  const isPrevious = url.searchParams.get('previous') === 'true';
  const found = input.findLog({ namespace, pod, container, isPrevious });
  if (found === undefined) {
    refuse(response, 400, `${isPrevious ? 'previous terminated ' : ''}container "${container}" in pod "${pod}" has no log`);
    return;
  }
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' });
  response.flushHeaders();
  await pipeline(Readable.from(readLog({ ...found, query: readQuery(url.searchParams) }, gone.signal)), response);
};

export const startLogServer = async (input: LogServerInput): Promise<Server> => {
  const { host, port, ca, cert, key, log } = input;
  const server = createServer({ ca, cert, key, requestCert: true, rejectUnauthorized: true }, (request, response) => {
    answer(input, request, response).catch((err: unknown) => {
      log.debug({ err, url: request.url }, 'log request broken off');
      response.destroy();
    });
  });
  server.listen({ host, port });
  await once(server, 'listening');
  return server;
};
