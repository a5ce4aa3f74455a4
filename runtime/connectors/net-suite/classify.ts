/** What an answer of NetSuite means. Pure; one table for the record service, one for the token endpoint. */
import { z } from 'zod';
import type { Outcome } from '../connector.ts';
import { headerOf } from '../http-result.ts';
import type { HttpResponse, HttpResult } from '../http-result.ts';
import { retryAfterMs } from '../retry-after.ts';
import { problemsOf, reasonOf } from './problem.ts';
import type { Problem } from './problem.ts';

/** Over the account's limit, though the status does not say so. */
const throttleCodes = new Set(['SSS_REQUEST_LIMIT_EXCEEDED', 'CONCURRENCY_LIMIT_EXCEEDED']);
/** The role of the integration lacks a permission: no matter of the record. */
const permissionCode = 'INSUFFICIENT_PERMISSION';
const noSuchRecordCode = 'NONEXISTENT_ID';
const maxMessageLength = 500;
const maxFieldLength = 250;

export interface Asked {
  readonly operation: 'Upsert' | 'Update';
  /** Epoch ms. */
  readonly now: number;
}

export function classifyRecordResult(result: HttpResult, asked: Asked): Outcome {
  switch (result.kind) {
    case 'response':
      return classifyRecordResponse(result, asked);
    case 'not sent':
      return { kind: 'transient', reason: result.reason };
    case 'lost':
      return { kind: 'unknown', reason: result.reason };
  }
}

function classifyRecordResponse(response: HttpResponse, { operation, now }: Asked): Outcome {
  const { status } = response;
  if (status < 300) return { kind: 'delivered', response: { status, ...idOf(response) } };
  const problems = problemsOf(response.body);
  // A gateway gave up waiting: the record service may still be working on it.
  if (status === 504) return { kind: 'unknown', reason: 'GatewayTimeout' };
  const passing = classifyPassing(response, problems, now);
  if (passing !== undefined) return passing;
  const [problem] = problems;
  if (status === 401) return { kind: 'unauthorized', reason: reasonOf(problem, 'Unauthorized') };
  if (status === 403 && (problem === undefined || problem.code === permissionCode)) {
    return { kind: 'unauthorized', reason: reasonOf(problem, 'Forbidden') };
  }
  // Whoever sent the call knows whether a missing record is an error: for a cancel it is not.
  if (status === 404 && operation === 'Update' && problem?.code === noSuchRecordCode) {
    return { kind: 'rejected', reason: 'NotFound', ...explained(problem, status) };
  }
  return { kind: 'rejected', reason: reasonOf(problem, 'Rejected'), ...explained(problem, status) };
}

/** What will pass by itself. A redirect is among it: no record is at fault for where the account answers. */
function classifyPassing(response: HttpResponse, problems: readonly Problem[], now: number): Outcome | undefined {
  const { status } = response;
  const afterMs = retryAfterMs(headerOf(response.headers, 'retry-after'), now);
  const after = afterMs === undefined ? {} : { afterMs };
  const isThrottle = status === 429 || (status < 500 && problems.some(({ code }) => throttleCodes.has(code ?? '')));
  if (isThrottle) return { kind: 'throttled', ...after };
  if (status < 400) return { kind: 'transient', reason: 'Redirected', ...after };
  if (status === 408) return { kind: 'transient', reason: 'RequestTimeout', ...after };
  if (status === 425) return { kind: 'transient', reason: 'TooEarly', ...after };
  return status >= 500 ? { kind: 'transient', reason: 'ServerError', ...after } : undefined;
}

function explained(problem: Problem | undefined, status: number): { message: string; field?: string } {
  const message = cut(problem?.detail ?? `NetSuite answered ${status} and nothing that explains it`, maxMessageLength);
  return problem?.path === undefined ? { message } : { message, field: cut(problem.path, maxFieldLength) };
}

/** At most so many UTF-16 units, and no half of a pair at the end. */
function cut(text: string, length: number): string {
  return text.length <= length ? text : text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '');
}

/** The internal id is the last part of the Location. */
function idOf({ headers }: HttpResponse): { id?: string } {
  const [, id] = /\/([A-Za-z0-9_-]{1,64})$/.exec(headerOf(headers, 'location') ?? '') ?? [];
  return id === undefined ? {} : { id };
}

export type TokenAnswer =
  { readonly kind: 'token'; readonly token: string; readonly lifetimeMs: number } | { readonly kind: 'none'; readonly outcome: Outcome };

const granted = z.object({
  // What a header can hold.
  access_token: z.string().regex(/^[\x21-\x7e]+$/),
  // NetSuite writes the seconds as text.
  expires_in: z.coerce.number().positive(),
});

/** Whatever becomes of a token request, no record was touched: the call it was for can go again. */
export function classifyTokenResult(result: HttpResult, now: number): TokenAnswer {
  if (result.kind !== 'response') return { kind: 'none', outcome: { kind: 'transient', reason: result.reason } };
  if (result.status < 300) return readGrant(result.body);
  const problems = problemsOf(result.body);
  const outcome = classifyPassing(result, problems, now) ?? {
    kind: 'unauthorized',
    reason: reasonOf(problems[0], 'TokenRefused'),
  };
  return { kind: 'none', outcome };
}

function readGrant(body: string): TokenAnswer {
  const grant = parseGrant(body);
  if (grant === undefined) return { kind: 'none', outcome: { kind: 'transient', reason: 'TokenUnreadable' } };
  return { kind: 'token', token: grant.access_token, lifetimeMs: grant.expires_in * 1000 };
}

function parseGrant(body: string): z.infer<typeof granted> | undefined {
  try {
    return granted.safeParse(JSON.parse(body)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
