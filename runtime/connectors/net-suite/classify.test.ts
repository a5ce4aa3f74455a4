import { expect, test } from 'vitest';
import type { Outcome } from '../connector.ts';
import type { HttpHeaders, HttpResponse } from '../http-result.ts';
import { classifyRecordResult, classifyTokenResult } from './classify.ts';
import type { Asked } from './classify.ts';
import { reasonOf } from './problem.ts';

const now = Date.parse('2026-11-27T14:00:00Z');
const upsert: Asked = { operation: 'Upsert', now };
const update: Asked = { operation: 'Update', now };

interface Detail {
  readonly code?: string;
  readonly path?: string;
  readonly detail?: string;
}

function response(status: number, body = '', headers: HttpHeaders = {}): HttpResponse {
  return { kind: 'response', status, headers, body };
}

function problem(status: number, ...details: Detail[]): HttpResponse {
  const written = details.map(({ code, path, detail }) => ({ detail, 'o:errorCode': code, 'o:errorPath': path }));
  return response(status, JSON.stringify({ type: 'about:blank', title: 'Title', status, 'o:errorDetails': written }));
}

const location = (id: string) => ({ location: `https://1.suitetalk.api.netsuite.com/services/rest/record/v1/salesOrder/${id}` });
const unexplained = (status: number) => `NetSuite answered ${status} and nothing that explains it`;

test.each<[string, HttpResponse, Outcome]>([
  ['204 names the record', response(204, '', location('1001')), { kind: 'delivered', response: { status: 204, id: '1001' } }],
  ['204 without a Location', response(204), { kind: 'delivered', response: { status: 204 } }],
  ['204 with an odd Location', response(204, '', { location: '/a/b?c' }), { kind: 'delivered', response: { status: 204 } }],
  ['200', response(200, '{}'), { kind: 'delivered', response: { status: 200 } }],
  ['429', problem(429, { code: 'CONCURRENCY_LIMIT_EXCEEDED' }), { kind: 'throttled' }],
  ['429 without a body', response(429), { kind: 'throttled' }],
  ['429 with seconds', response(429, '', { 'retry-after': '3' }), { kind: 'throttled', afterMs: 3_000 }],
  ['429 with decimal seconds', response(429, '', { 'retry-after': '2.5' }), { kind: 'throttled', afterMs: 2_500 }],
  ['429 with a date', response(429, '', { 'retry-after': 'Fri, 27 Nov 2026 14:00:10 GMT' }), { kind: 'throttled', afterMs: 10_000 }],
  ['429 with a list of values', response(429, '', { 'retry-after': ['1', '2'] }), { kind: 'throttled', afterMs: 1_000 }],
  ['400 over the limit', problem(400, { code: 'SSS_REQUEST_LIMIT_EXCEEDED' }), { kind: 'throttled' }],
  ['400 over the limit, of a later kind', problem(400, { code: 'CONCURRENCY_LIMIT_EXCEEDED' }), { kind: 'throttled' }],
  ['400 over the limit among others', problem(400, { code: 'X' }, { code: 'SSS_REQUEST_LIMIT_EXCEEDED' }), { kind: 'throttled' }],
  ['400 over the limit as RESTlets say it', response(400, '{"error":{"code":"SSS_REQUEST_LIMIT_EXCEEDED"}}'), { kind: 'throttled' }],
  ['403 over the limit', problem(403, { code: 'SSS_REQUEST_LIMIT_EXCEEDED' }), { kind: 'throttled' }],
  ['401', problem(401, { code: 'INVALID_LOGIN', detail: 'x' }), { kind: 'unauthorized', reason: 'InvalidLogin' }],
  ['401 without a body', response(401), { kind: 'unauthorized', reason: 'Unauthorized' }],
  ['403 for a permission', problem(403, { code: 'INSUFFICIENT_PERMISSION' }), { kind: 'unauthorized', reason: 'InsufficientPermission' }],
  ['403 that says nothing', response(403, '<html>'), { kind: 'unauthorized', reason: 'Forbidden' }],
  [
    '403 for the record',
    problem(403, { code: 'USER_ERROR', detail: 'The period is closed.', path: 'tranDate' }),
    { kind: 'rejected', reason: 'UserError', field: 'tranDate', message: 'The period is closed.' },
  ],
  [
    '400 with a field',
    problem(400, { code: 'INVALID_CONTENT', detail: 'Too long.', path: 'shippingAddress.addr1' }, { code: 'OTHER' }),
    { kind: 'rejected', reason: 'InvalidContent', field: 'shippingAddress.addr1', message: 'Too long.' },
  ],
  ['400 without a body', response(400), { kind: 'rejected', reason: 'Rejected', message: unexplained(400) }],
  ['400 of a proxy', response(400, '<html>no</html>'), { kind: 'rejected', reason: 'Rejected', message: unexplained(400) }],
  ['400 with an empty list', problem(400), { kind: 'rejected', reason: 'Rejected', message: unexplained(400) }],
  [
    '400 with odd members',
    response(400, '{"o:errorDetails":[{"detail":1,"o:errorCode":null,"o:errorPath":[]}]}'),
    { kind: 'rejected', reason: 'Rejected', message: unexplained(400) },
  ],
  [
    '404 of an upsert',
    problem(404, { code: 'NONEXISTENT_ID', detail: 'No.' }),
    { kind: 'rejected', reason: 'NonexistentId', message: 'No.' },
  ],
  ['413', response(413), { kind: 'rejected', reason: 'Rejected', message: unexplained(413) }],
  ['408', response(408), { kind: 'transient', reason: 'RequestTimeout' }],
  ['425', response(425), { kind: 'transient', reason: 'TooEarly' }],
  ['500', problem(500, { code: 'UNEXPECTED_ERROR' }), { kind: 'transient', reason: 'ServerError' }],
  ['500 over the limit', problem(500, { code: 'SSS_REQUEST_LIMIT_EXCEEDED' }), { kind: 'transient', reason: 'ServerError' }],
  ['503 with a delay', response(503, '', { 'retry-after': '30' }), { kind: 'transient', reason: 'ServerError', afterMs: 30_000 }],
  ['302', response(302, '', { location: 'https://system.netsuite.com/' }), { kind: 'transient', reason: 'Redirected' }],
])('an Upsert answered %s', (_what, answer, expected) => {
  expect(classifyRecordResult(answer, upsert)).toEqual(expected);
});

test.each<[string, HttpResponse, Outcome]>([
  [
    'a record that is not there',
    problem(404, { code: 'NONEXISTENT_ID', detail: 'No.' }),
    { kind: 'rejected', reason: 'NotFound', message: 'No.' },
  ],
  [
    'a record type that is not there',
    problem(404, { code: 'NONEXISTENT_RESOURCE', detail: 'No.' }),
    { kind: 'rejected', reason: 'NonexistentResource', message: 'No.' },
  ],
  ['a 404 of a proxy', response(404, '<html>'), { kind: 'rejected', reason: 'Rejected', message: unexplained(404) }],
])('an Update of %s', (_what, answer, expected) => {
  expect(classifyRecordResult(answer, update)).toEqual(expected);
});

test('what had no answer', () => {
  const { now: at } = upsert;
  expect(classifyRecordResult({ kind: 'not sent', reason: 'ConnectionFailed' }, upsert)).toEqual({
    kind: 'transient',
    reason: 'ConnectionFailed',
  });
  expect(classifyRecordResult({ kind: 'lost', reason: 'Timeout' }, upsert)).toEqual({ kind: 'unknown', reason: 'Timeout' });
  expect(classifyTokenResult({ kind: 'not sent', reason: 'NotSent' }, at)).toEqual({
    kind: 'none',
    outcome: { kind: 'transient', reason: 'NotSent' },
  });
  expect(classifyTokenResult({ kind: 'lost', reason: 'ConnectionLost' }, at)).toEqual({
    kind: 'none',
    outcome: { kind: 'transient', reason: 'ConnectionLost' },
  });
});

test('a long explanation is cut, and not within a character', () => {
  const detail = `${'x'.repeat(499)}🧥 and more`;
  expect(classifyRecordResult(problem(400, { code: 'USER_ERROR', detail, path: 'y'.repeat(300) }), upsert)).toEqual({
    kind: 'rejected',
    reason: 'UserError',
    field: 'y'.repeat(250),
    message: 'x'.repeat(499),
  });
});

test.each([
  ['INVALID_CONTENT', 'InvalidContent'],
  ['invalid_grant', 'InvalidGrant'],
  ['SSS_MISSING_REQD_ARGUMENT', 'SssMissingReqdArgument'],
  ['InvalidContent', 'InvalidContent'],
  ['RCRD_DSNT_EXIST', 'RcrdDsntExist'],
  ['a.b-c 9', 'ABC9'],
  ['USER ERROR!', 'UserError'],
  ['ÄÖ', 'Otherwise'],
  ['401', 'Otherwise'],
  ['', 'Otherwise'],
  ['X'.repeat(100), `X${'x'.repeat(62)}`],
])('the code %j becomes a constant', (code, expected) => {
  expect(reasonOf({ code }, 'Otherwise')).toBe(expected);
});

test('no problem has the reason of its caller', () => {
  expect(reasonOf(undefined, 'Otherwise')).toBe('Otherwise');
});

const none = (outcome: Outcome) => ({ kind: 'none', outcome });
const unreadable = none({ kind: 'transient', reason: 'TokenUnreadable' });

test.each([
  ['a token', response(200, '{"access_token":"abc","expires_in":"3600"}'), { kind: 'token', token: 'abc', lifetimeMs: 3_600_000 }],
  ['a number of seconds', response(200, '{"access_token":"abc","expires_in":60}'), { kind: 'token', token: 'abc', lifetimeMs: 60_000 }],
  ['no JSON', response(200, '<html>'), unreadable],
  ['no token', response(200, '{"expires_in":"3600"}'), unreadable],
  ['a token that no header can hold', response(200, '{"access_token":"a\\r\\nb","expires_in":"3600"}'), unreadable],
  ['no lifetime', response(200, '{"access_token":"abc"}'), unreadable],
  ['a bad grant', response(400, '{"error":"invalid_grant"}'), none({ kind: 'unauthorized', reason: 'InvalidGrant' })],
  ['a bad client', response(401, '{"error":"invalid_client"}'), none({ kind: 'unauthorized', reason: 'InvalidClient' })],
  ['a refusal without a word', response(403), none({ kind: 'unauthorized', reason: 'TokenRefused' })],
  ['429', response(429, '', { 'retry-after': '2' }), none({ kind: 'throttled', afterMs: 2_000 })],
  ['400 over the limit', response(400, '{"error":"SSS_REQUEST_LIMIT_EXCEEDED"}'), none({ kind: 'throttled' })],
  ['503', response(503), none({ kind: 'transient', reason: 'ServerError' })],
  ['302', response(302), none({ kind: 'transient', reason: 'Redirected' })],
])('a token request answered with %s', (_what, answer, expected) => {
  expect(classifyTokenResult(answer, now)).toEqual(expected);
});
