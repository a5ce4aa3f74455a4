/**
 * Writes records to NetSuite's REST record service: one call, one outcome.
 * N1: a body goes out to the letter it came in, so 64-bit integers keep their digits.
 * N2: a call refused with 401 had no effect; it is made once more with a new token, unless its token was new.
 * N3: no token and no key is in an outcome, even when NetSuite repeats what it was sent.
 */
import type { z } from 'zod';
import type { Call, Outcome, SendHooks, Sink, SinkOptions } from '../connector.ts';
import { createHttpCaller } from '../http-call.ts';
import type { HttpRequest } from '../http-call.ts';
import type { HttpResult } from '../http-result.ts';
import { AccessTokens } from './access-tokens.ts';
import { classifyRecordResult } from './classify.ts';
import { netSuiteAccount, netSuiteOperation } from './definition.ts';
import { defaultEndpoint } from './endpoint.ts';
import { recordRequest } from './record-request.ts';
import { createTokenRequest } from './token-request.ts';

export function createNetSuiteSink({ account, readSecret, timeoutMs, now }: SinkOptions): Sink {
  const parsed = netSuiteAccount.parse(account);
  const origin = parsed.endpoint?.url ?? defaultEndpoint(parsed.account);
  const http = createHttpCaller({ origin, timeoutMs });
  const credentials = parsed.auth.clientCredentials;
  const tokens = new AccessTokens(createTokenRequest({ credentials, origin, http, readSecret, now }), now);

  async function send(call: Call, { beforeWrite }: SendHooks, signal: AbortSignal): Promise<Outcome> {
    const prepared = prepare(call);
    if (prepared.kind === 'rejected') return prepared;
    for (let attempt = 1; ; attempt += 1) {
      const access = await tokens.get(beforeWrite, signal);
      if (access.kind === 'none') return access.outcome;
      const result = await http.call(authorized(prepared.request, access.token), beforeWrite, signal);
      const isRefused = result.kind === 'response' && result.status === 401;
      if (isRefused) tokens.refused(access.token);
      if (isRefused && !access.isFresh && attempt === 1) continue;
      return classifyRecordResult(without(access.token, result), { operation: prepared.operation, now: now() });
    }
  }

  return { send, close: () => http.close() };
}

type Rejected = Extract<Outcome, { kind: 'rejected' }>;

interface Prepared {
  readonly kind: 'prepared';
  readonly operation: z.infer<typeof netSuiteOperation>['operation'];
  readonly request: HttpRequest;
}

function prepare({ operation, body }: Call): Prepared | Rejected {
  const parsed = netSuiteOperation.safeParse(operation);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { kind: 'rejected', reason: 'OperationInvalid', field: issue?.path.join('.') ?? '', message: issue?.message ?? '' };
  }
  const target = recordRequest(parsed.data, body);
  if (target === undefined) {
    return { kind: 'rejected', reason: 'ExternalIDInvalid', field: 'externalID', message: 'the external id holds half of a character' };
  }
  const headers = { 'content-type': 'application/json', accept: 'application/json' };
  const request = { ...target, headers, ...(body === undefined ? {} : { body }) };
  return { kind: 'prepared', operation: parsed.data.operation, request };
}

function authorized(request: HttpRequest, token: string): HttpRequest {
  return { ...request, headers: { ...request.headers, authorization: `Bearer ${token}` } };
}

function without(token: string, result: HttpResult): HttpResult {
  return result.kind === 'response' ? { ...result, body: result.body.replaceAll(token, '(token)') } : result;
}
