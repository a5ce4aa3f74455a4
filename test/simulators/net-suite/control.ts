/** The control API of the NetSuite simulator. */
import type { ServerResponse } from 'node:http';
import { z } from 'zod';
import { readBody, sendJson, sendText, type Handler } from '../listener.ts';
import type { NetSuiteBook, NetSuiteProgress } from './call-book.ts';

export interface Controls {
  offline(forMs?: number): void;
  online(): void;
  revokeTokens(): number;
  book(): NetSuiteBook;
  progress(): NetSuiteProgress;
  record(externalId: string): string | undefined;
}

export const controlUsage = `  POST /_control/offline    {"forMs": N} or nothing: until online
  POST /_control/online
  POST /_control/revoke     ends all access tokens
  GET  /_control/book       the books as JSON, with the timeline of calls in flight
  GET  /_control/progress   the figures alone
  GET  /_control/records/EXTERNAL-ID   the stored order, all digits kept
`;

const recordsPath = '/_control/records/';

const offlineRequest = z.strictObject({ forMs: z.number().positive().optional() });

const parseOffline = (text: string): z.infer<typeof offlineRequest> | null => {
  try {
    return offlineRequest.parse(text === '' ? {} : JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null;
    throw error;
  }
};

const sendRecord = (response: ServerResponse, text: string | undefined): void => {
  if (text === undefined) sendJson(response, 404, { error: 'no such order' });
  else sendText(response, { status: 200, text, headers: { 'content-type': 'application/json' } });
};

export const controlHandler = (controls: Controls): Handler => {
  const answers = new Map<string, Handler>([
    ['GET /_control/book', async (_request, response) => sendJson(response, 200, controls.book())],
    ['GET /_control/progress', async (_request, response) => sendJson(response, 200, controls.progress())],
    ['POST /_control/revoke', async (_request, response) => sendJson(response, 200, { revoked: controls.revokeTokens() })],
    [
      'POST /_control/online',
      async (_request, response) => {
        controls.online();
        sendJson(response, 200, controls.progress());
      },
    ],
    [
      'POST /_control/offline',
      async (request, response) => {
        const body = await readBody(request, 65_536);
        const asked = body.kind === 'complete' ? parseOffline(body.bytes.toString('utf8')) : null;
        if (asked === null) return sendJson(response, 400, { error: 'the body is {"forMs": N} or empty' });
        controls.offline(asked.forMs);
        sendJson(response, 200, controls.progress());
      },
    ],
  ]);
  return async (request, response) => {
    const path = request.url ?? '';
    const answer = answers.get(`${request.method} ${path}`);
    if (answer !== undefined) await answer(request, response);
    else if (path.startsWith(recordsPath)) sendRecord(response, controls.record(decodeURIComponent(path.slice(recordsPath.length))));
    else sendText(response, { status: 404, text: controlUsage });
  };
};
