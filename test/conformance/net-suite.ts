/** NetSuite, for the conformance suite. */
import { generateKeyPairSync } from 'node:crypto';
import type { Call } from '../../runtime/connectors/connector.ts';
import { startNetSuite } from '../simulators/net-suite/net-suite.ts';
import type { NetSuiteOptions, NetSuiteSimulator } from '../simulators/net-suite/net-suite.ts';
import { tokenPath } from '../simulators/net-suite/token-request.ts';
import type { Answer, Harness, Target } from './harness.ts';

export const keys = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
export const keyReference = { name: 'net-suite', key: 'private-key.pem' };

export function netSuiteAccountAt(origin: string) {
  return {
    account: '1234567_SB1',
    endpoint: { url: origin },
    auth: {
      type: 'ClientCredentials',
      clientCredentials: { clientID: 'client', certificateID: 'cert', algorithm: 'PS256', privateKeySecretRef: keyReference },
    },
  };
}

export function startSimulator(options: Partial<NetSuiteOptions> = {}): Promise<NetSuiteSimulator> {
  return startNetSuite({ publicKey: keys.publicKey, clientId: 'client', certificateId: 'cert', meanMs: 5, sigma: 0, ...options });
}

export function orderCall(operation: 'Upsert' | 'Update', externalID: string, body: string): Call {
  const unitKey = `unit of ${externalID}`;
  return { operation: { record: 'salesOrder', operation, externalID }, body, unitKey, callKey: `call of ${externalID}` };
}

const order = JSON.stringify({ entity: { id: '4711' }, memo: 'first', item: { items: [{ item: { id: '1001' }, quantity: 1 }] } });

const problem = (status: number, code: string, more: Record<string, string> = {}): Answer => ({
  status,
  headers: { 'content-type': 'application/vnd.oracle.resource+json; type=error' },
  body: JSON.stringify({ title: 'Error', status, 'o:errorDetails': [{ detail: 'why', 'o:errorCode': code, ...more }] }),
});

const limited = (headers: Record<string, string>): Answer => ({ ...problem(429, 'CONCURRENCY_LIMIT_EXCEEDED'), headers });
const scriptedToken = 'token-that-the-scripted-server-granted';

async function startTarget({ concurrency = 15, latencyMs = 5 } = {}): Promise<Target> {
  const netSuite = await startSimulator({ concurrency, meanMs: latencyMs });
  return {
    origin: netSuite.url,
    effects: (id) => netSuite.book().records[id]?.versions.filter(({ changed }) => changed).length ?? 0,
    inFlight: () => netSuite.book().inFlight,
    cutConnections: () => netSuite.offline(),
    close: () => netSuite.close(),
  };
}

export const netSuiteHarness: Harness = {
  smallestAccount: (origin) => netSuiteAccountAt(origin),
  secrets: { ingest: [], deliver: [keyReference] },
  contentOf: () => keys.privateKey,
  sink: {
    operations: [
      { name: 'PUT', call: (id) => orderCall('Upsert', id, order) },
      {
        name: 'PATCH',
        before: (id) => orderCall('Upsert', id, order),
        call: (id) => orderCall('Update', id, JSON.stringify({ memo: 'second', item: { items: [{ item: { id: '7' }, quantity: 2 }] } })),
      },
    ],
    startTarget,
    answerBeforehand: ({ url }) => {
      if (url !== tokenPath) return undefined;
      const body = JSON.stringify({ access_token: scriptedToken, expires_in: '3600', token_type: 'bearer' });
      return { status: 200, headers: { 'content-type': 'application/json' }, body };
    },
    grantedSecrets: [scriptedToken],
    delivered: { status: 204, headers: { location: 'http://127.0.0.1/services/rest/record/v1/salesOrder/1001' } },
    throttles: [
      { name: '429 without a delay', answer: limited({}) },
      { name: '429 with seconds', answer: limited({ 'retry-after': '7' }), afterMs: 7_000 },
      { name: '429 with decimal seconds', answer: limited({ 'retry-after': '2.0' }), afterMs: 2_000 },
      // A day at most, whatever the date.
      { name: '429 with a date', answer: limited({ 'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT' }), afterMs: 86_400_000 },
      { name: '400 with SSS_REQUEST_LIMIT_EXCEEDED', answer: problem(400, 'SSS_REQUEST_LIMIT_EXCEEDED') },
      { name: '400 with CONCURRENCY_LIMIT_EXCEEDED', answer: problem(400, 'CONCURRENCY_LIMIT_EXCEEDED') },
    ],
    unauthorized: [{ status: 401 }, problem(401, 'INVALID_LOGIN'), problem(403, 'INSUFFICIENT_PERMISSION')],
    rejections: [
      { answer: problem(400, 'INVALID_CONTENT', { 'o:errorPath': 'memo' }), reason: 'InvalidContent', field: 'memo' },
      { answer: problem(409, 'RCRD_HAS_BEEN_CHANGED', { 'o:errorPath': 'item' }), reason: 'RcrdHasBeenChanged', field: 'item' },
      { answer: problem(422, 'USER_ERROR', { 'o:errorPath': 'entity.id' }), reason: 'UserError', field: 'entity.id' },
    ],
  },
};
