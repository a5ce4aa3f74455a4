import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { SignJWT } from 'jose';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { startNetSuite, type NetSuiteOptions, type NetSuiteSimulator } from './net-suite.ts';
import { tokenPath } from './token-request.ts';

const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicKey = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const limit = AbortSignal.timeout(60_000);
const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

const start = async (options: Partial<NetSuiteOptions> = {}): Promise<NetSuiteSimulator> => {
  const netSuite = await startNetSuite({ publicKey, clientId: 'client', certificateId: 'cert', meanMs: 5, ...options });
  stops.push(() => netSuite.close());
  return netSuite;
};

const fetchToken = async ({ url }: NetSuiteSimulator): Promise<string> => {
  const now = Math.floor(Date.now() / 1000);
  const assertion = await new SignJWT({ iss: 'client', aud: `${url}${tokenPath}`, iat: now, exp: now + 300, scope: ['rest_webservices'] })
    .setProtectedHeader({ alg: 'PS256', kid: 'cert', typ: 'JWT' })
    .sign(keys.privateKey);
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
  });
  const answer = await fetch(`${url}${tokenPath}`, { method: 'POST', body, signal: limit });
  const granted = z
    .object({ access_token: z.string(), expires_in: z.string(), token_type: z.literal('bearer') })
    .parse(await answer.json());
  return granted.access_token;
};

interface Call {
  method?: string;
  externalId?: string;
  query?: string;
  body?: unknown;
  token: string;
  contentType?: string;
  signal?: AbortSignal;
}

const call = ({ url }: NetSuiteSimulator, of: Call): Promise<Response> => {
  const { method = 'PUT', externalId = 'shopify-1', query = '', contentType = 'application/json', signal = limit } = of;
  const body = typeof of.body === 'string' ? of.body : JSON.stringify(of.body ?? order('1'));
  return fetch(`${url}/services/rest/record/v1/salesOrder/eid:${encodeURIComponent(externalId)}${query}`, {
    method,
    ...(method === 'GET' ? {} : { body }),
    headers: { authorization: `Bearer ${of.token}`, ...(contentType === '' ? {} : { 'content-type': contentType }) },
    signal,
  });
};

const order = (version: string, quantity = 1): Record<string, unknown> => ({
  entity: { id: '4711' },
  custbody_source_version: version,
  item: { items: [{ item: { id: '1001' }, quantity }] },
});

const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  'o:errorDetails': z.array(z.object({ detail: z.string(), 'o:errorCode': z.string(), 'o:errorPath': z.string().optional() })),
});

const problemOf = async (answer: Response): Promise<unknown> => {
  const { title, status, 'o:errorDetails': details } = problem.parse(await answer.json());
  expect(status).toBe(answer.status);
  return [title, status, details.map((detail) => [detail['o:errorCode'], detail['o:errorPath']])];
};

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await delay(5, undefined, { signal: limit });
};

const versionsOf = (netSuite: NetSuiteSimulator, externalId = 'shopify-1'): unknown =>
  netSuite.book().records[externalId]?.versions.map(({ version, changed, method }) => [method, version, changed]);

test('an upsert creates once, then updates; Location names the internal id; the book holds the versions in order', async () => {
  const netSuite = await start();
  const token = await fetchToken(netSuite);
  const answers = [];
  for (const [version, quantity] of [
    ['1', 1],
    ['1', 1],
    ['2', 3],
  ] as const) {
    answers.push(await call(netSuite, { token, query: '?replace=item', body: order(version, quantity) }));
  }
  expect(answers.map(({ status }) => status)).toEqual([204, 204, 204]);
  const location = `${netSuite.url}/services/rest/record/v1/salesOrder/1001`;
  expect(answers.map(({ headers }) => headers.get('location'))).toEqual([location, location, location]);
  expect(netSuite.book().records['shopify-1']).toMatchObject({ objects: 1, internalIds: ['1001'], overlaps: 0 });
  expect(versionsOf(netSuite)).toEqual([
    ['PUT', '1', true],
    ['PUT', '1', false],
    ['PUT', '2', true],
  ]);
  expect(netSuite.book().calls).toEqual({ total: 3, byStatus: { 204: 3 }, unanswered: 0 });
  expect(netSuite.book().tokenCalls).toEqual({ total: 1, byStatus: { 200: 1 }, unanswered: 0 });
});

test('without replace=item a repeated upsert adds its lines again, with it or with their keys it does not', async () => {
  const netSuite = await start();
  const token = await fetchToken(netSuite);
  const linesOf = async (): Promise<unknown> => {
    const answer = await call(netSuite, { token, method: 'GET' });
    return z.object({ item: z.object({ items: z.array(z.unknown()) }) }).parse(await answer.json()).item.items;
  };
  await call(netSuite, { token });
  await call(netSuite, { token });
  expect(await linesOf()).toEqual([
    { line: 1, item: { id: '1001' }, quantity: 1 },
    { line: 2, item: { id: '1001' }, quantity: 1 },
  ]);
  await call(netSuite, { token, body: { item: { items: [{ line: 2, item: { id: '1001' }, quantity: 9 }] } } });
  expect(await linesOf()).toMatchObject([
    { line: 1, quantity: 1 },
    { line: 2, quantity: 9 },
  ]);
  await call(netSuite, { token, query: '?replace=item' });
  expect(await linesOf()).toEqual([{ line: 3, item: { id: '1001' }, quantity: 1 }]);
  expect(versionsOf(netSuite)).toEqual([
    ['PUT', '1', true],
    ['PUT', '1', true],
    ['PUT', '1', true],
    ['PUT', '1', true],
  ]);
});

test('an update changes the fields sent, and needs an order', async () => {
  const netSuite = await start();
  const token = await fetchToken(netSuite);
  const cancel = { orderStatus: 'C', custbody_source_version: '2' };
  const before = await call(netSuite, { token, method: 'PATCH', body: cancel });
  expect(await problemOf(before)).toEqual(['Not Found', 404, [['NONEXISTENT_ID', undefined]]]);
  expect(netSuite.book().records).toEqual({});
  await call(netSuite, { token });
  expect((await call(netSuite, { token, method: 'PATCH', body: cancel })).status).toBe(204);
  const stored = await call(netSuite, { token, method: 'GET' });
  expect(await stored.json()).toEqual({
    id: '1001',
    externalId: 'shopify-1',
    ...order('2'),
    orderStatus: 'C',
    item: { items: [{ line: 1, item: { id: '1001' }, quantity: 1 }] },
  });
  expect(versionsOf(netSuite)).toEqual([
    ['PUT', '1', true],
    ['PATCH', '2', true],
  ]);
});

test('64-bit integers, odd characters and odd external ids are kept', async () => {
  const netSuite = await start();
  const token = await fetchToken(netSuite);
  const memo = 'lone \ud83d, \u0000, \u202e, 💸, e\u0301';
  const externalId = 'a/b?ü &"🧥';
  const body = `{"entity":{"id":820982911946154508},"memo":${JSON.stringify(memo)},"item":{"items":[{"item":{"id":"1"},"quantity":1}]}}`;
  expect((await call(netSuite, { token, externalId, body, contentType: 'application/vnd.oracle.resource+json' })).status).toBe(204);
  const text = netSuite.record(externalId);
  expect(text).toContain('"entity":{"id":820982911946154508}');
  expect(z.object({ memo: z.string() }).parse(JSON.parse(text ?? '')).memo).toBe(memo);
  const controlled = await fetch(`${netSuite.controlUrl}/_control/records/${encodeURIComponent(externalId)}`, { signal: limit });
  expect(await controlled.text()).toBe(text);
});

test.each<[string, Partial<Call>, unknown]>([
  ['broken JSON', { body: '{' }, ['Bad Request', 400, [['INVALID_CONTENT', undefined]]]],
  ['an unknown field', { body: { ...order('1'), colour: 1 } }, ['Bad Request', 400, [['INVALID_CONTENT', 'colour']]]],
  [
    'an address line that is too long',
    { body: { ...order('1'), shippingAddress: { addr1: 'x'.repeat(151) } } },
    ['Bad Request', 400, [['INVALID_CONTENT', 'shippingAddress.addr1']]],
  ],
  ['a new order without a customer', { body: { item: order('1')['item'] } }, ['Bad Request', 400, [['USER_ERROR', 'entity']]]],
  ['a new order without items', { body: { entity: { id: '1' } } }, ['Bad Request', 400, [['USER_ERROR', 'item']]]],
  ['no content type', { contentType: 'text/plain' }, ['Unsupported Media Type', 415, [['INVALID_HEADER', undefined]]]],
  ['an order that is not there', { method: 'GET' }, ['Not Found', 404, [['NONEXISTENT_ID', undefined]]]],
  ['another method', { method: 'DELETE' }, ['Method Not Allowed', 405, [['METHOD_NOT_ALLOWED', undefined]]]],
  ['no external id', { externalId: '' }, ['Bad Request', 400, [['INVALID_ID', undefined]]]],
])('%s is refused in the dialect of the REST service and leaves no object', async (_what, of, expected) => {
  const netSuite = await start();
  const token = await fetchToken(netSuite);
  expect(await problemOf(await call(netSuite, { token, ...of }))).toEqual(expected);
  expect(netSuite.progress().records).toBe(0);
});

test.each<[string, (netSuite: NetSuiteSimulator) => Promise<string>]>([
  ['made up', async () => 'nonsense'],
  ['revoked', async (netSuite) => fetchToken(netSuite).finally(() => netSuite.revokeTokens())],
])('a token that is %s gets a 401 that says so', async (_what, obtain) => {
  const netSuite = await start();
  const answer = await call(netSuite, { token: await obtain(netSuite) });
  expect(answer.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
  expect(await problemOf(answer)).toEqual(['Unauthorized', 401, [['INVALID_LOGIN', undefined]]]);
  expect(netSuite.book()).toMatchObject({ calls: { total: 1, byStatus: { 401: 1 } }, peakInFlight: 0 });
});

test('a token expires', async () => {
  const netSuite = await start({ tokenLifetimeSeconds: 0.05 });
  const token = await fetchToken(netSuite);
  const statuses = new Set<number>();
  while (!statuses.has(401)) {
    limit.throwIfAborted();
    statuses.add((await call(netSuite, { token })).status);
  }
  expect([...statuses].every((status) => status === 204 || status === 401)).toBe(true);
});

test('a call over the limit is refused at once with 429, the others go on; the peak is the limit', async () => {
  const netSuite = await start({ concurrency: 3, meanMs: 500, sigma: 0 });
  const token = await fetchToken(netSuite);
  const answers = await Promise.all(['a', 'b', 'c', 'd', 'e'].map((externalId) => call(netSuite, { token, externalId })));
  expect(answers.filter(({ status }) => status === 204)).toHaveLength(3);
  const refused = answers.filter(({ status }) => status === 429);
  expect(await Promise.all(refused.map(problemOf))).toEqual([
    ['Too Many Requests', 429, [['CONCURRENCY_LIMIT_EXCEEDED', undefined]]],
    ['Too Many Requests', 429, [['CONCURRENCY_LIMIT_EXCEEDED', undefined]]],
  ]);
  expect(refused.map(({ headers }) => headers.get('retry-after'))).toEqual([null, null]);
  expect(netSuite.book()).toMatchObject({ peakInFlight: 3, refused: 2, inFlight: 0, calls: { byStatus: { 204: 3, 429: 2 } } });
  expect(netSuite.book().timeline.inFlight).toEqual([1, 2, 3, 2, 1, 0]);
});

test('a call counts until its own end although its caller has gone, and takes effect then', async () => {
  const netSuite = await start({ concurrency: 2, meanMs: 1000, sigma: 0 });
  const token = await fetchToken(netSuite);
  const caller = new AbortController();
  const lost = ['a', 'b'].map((externalId) => call(netSuite, { token, externalId, signal: caller.signal }));
  await until(() => netSuite.book().inFlight === 2);
  caller.abort(new Error('gone'));
  expect((await Promise.allSettled(lost)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect((await call(netSuite, { token, externalId: 'c' })).status).toBe(429);
  expect(netSuite.progress()).toMatchObject({ inFlight: 2, records: 0 });
  await until(() => netSuite.book().inFlight === 0);
  expect(netSuite.book()).toMatchObject({
    peakInFlight: 2,
    records: { a: { objects: 1 }, b: { objects: 1 } },
    calls: { total: 3, byStatus: { 204: 2, 429: 1 }, unanswered: 2 },
  });
  expect((await call(netSuite, { token, externalId: 'c' })).status).toBe(204);
});

test('a call that overlaps another one of its external id is booked, and a second upsert of a new id makes a second object', async () => {
  const netSuite = await start({ meanMs: 300, sigma: 0 });
  const token = await fetchToken(netSuite);
  await Promise.all([call(netSuite, { token }), call(netSuite, { token })]);
  expect(netSuite.book().records['shopify-1']).toMatchObject({ objects: 2, overlaps: 1, internalIds: ['1001', '1002'] });
});

test('offline cuts what is in flight without undoing it, cuts and counts every call, and books the first answer after the return', async () => {
  const netSuite = await start({ meanMs: 600, sigma: 0 });
  const token = await fetchToken(netSuite);
  const cut = call(netSuite, { token, externalId: 'cut' });
  await until(() => netSuite.book().inFlight === 1);
  netSuite.offline();
  await expect(cut).rejects.toThrow();
  expect(netSuite.progress()).toMatchObject({ isOnline: false, inFlight: 1, records: 0 });
  await expect(call(netSuite, { token, externalId: 'never' })).rejects.toThrow();
  await expect(fetchToken(netSuite)).rejects.toThrow();
  await until(() => netSuite.book().inFlight === 0);
  netSuite.online();
  expect((await call(netSuite, { token, externalId: 'after' })).status).toBe(204);
  const { outages, records, callsDuringOutage } = netSuite.book();
  expect(Object.keys(records)).toEqual(['cut', 'after']);
  expect(callsDuringOutage).toBe(2);
  const [outage] = outages;
  const moments = [outage?.fromMs, outage?.toMs, outage?.firstCallMs, outage?.firstAnsweredMs].map(Number);
  expect(moments).toEqual(moments.toSorted((a, b) => a - b));
  expect(moments.every((moment) => moment > 0)).toBe(true);
});

test('governed token requests count against the limit', async () => {
  const netSuite = await start({ governTokens: true, concurrency: 1, meanMs: 300, sigma: 0 });
  const granted = await Promise.allSettled([fetchToken(netSuite), fetchToken(netSuite)]);
  expect(granted.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect(netSuite.book()).toMatchObject({ peakInFlight: 1, refused: 1, tokenCalls: { byStatus: { 200: 1, 429: 1 } } });
});

test('the control API goes on while the account is offline', async () => {
  const netSuite = await start();
  const token = await fetchToken(netSuite);
  const control = (method: string, path: string, body?: string): Promise<Response> =>
    fetch(`${netSuite.controlUrl}/_control/${path}`, { method, ...(body === undefined ? {} : { body }), signal: limit });
  expect((await control('POST', 'offline', '{"forMs":-1}')).status).toBe(400);
  expect(await (await control('POST', 'offline')).json()).toMatchObject({ isOnline: false });
  await expect(call(netSuite, { token })).rejects.toThrow();
  expect(await (await control('GET', 'progress')).json()).toMatchObject({ isOnline: false, callsDuringOutage: 1 });
  expect(await (await control('POST', 'online')).json()).toMatchObject({ isOnline: true });
  expect((await call(netSuite, { token })).status).toBe(204);
  await control('POST', 'offline', '{"forMs":20}');
  await until(() => netSuite.progress().isOnline);
  expect(await (await control('POST', 'revoke')).json()).toEqual({ revoked: 1 });
  expect((await call(netSuite, { token })).status).toBe(401);
  expect(await (await control('GET', 'book')).json()).toEqual(JSON.parse(JSON.stringify(netSuite.book())));
  expect((await control('GET', 'records/none')).status).toBe(404);
  expect((await control('GET', 'else')).status).toBe(404);
});
