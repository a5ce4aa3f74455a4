import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT, type JWTPayload } from 'jose';
import { expect, test } from 'vitest';
import { judgeTokenRequest, readPublicKey, tokenPath, type ClientRegistration } from './token-request.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 });

const audience = `https://1234567.suitetalk.api.netsuite.com${tokenPath}`;
const nowMs = Date.parse('2026-11-27T14:00:00Z');
const now = nowMs / 1000;
const client: ClientRegistration = { clientId: 'client', certificateId: 'cert', publicKey: rsa.publicKey, audience };
const claims: JWTPayload = { iss: 'client', aud: audience, iat: now, exp: now + 3600, scope: ['rest_webservices'] };

interface Assertion {
  claims?: JWTPayload;
  alg?: string;
  kid?: string;
  key?: KeyObject;
}

const sign = ({ claims: own = claims, alg = 'PS256', kid = 'cert', key = rsa.privateKey }: Assertion = {}): Promise<string> =>
  new SignJWT(own).setProtectedHeader({ alg, kid, typ: 'JWT' }).sign(key);

const formOf = (assertion: string, changes: Record<string, string> = {}): string =>
  new URLSearchParams({
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: assertion,
    ...changes,
  }).toString();

const contentType = 'application/x-www-form-urlencoded';

const judge = async (body: string, type: string | undefined = contentType, registered = client): Promise<string> => {
  const refusal = await judgeTokenRequest({ contentType: type, body }, registered, nowMs);
  return refusal === null ? 'granted' : `${refusal.status} ${/"error":"(\w+)"/.exec(refusal.text ?? '')?.[1]}`;
};

const without = (name: string): JWTPayload => Object.fromEntries(Object.entries(claims).filter(([claim]) => claim !== name));

test.each<[string, Assertion]>([
  ['PS256', {}],
  ['PS512', { alg: 'PS512' }],
  ['a scope of words', { claims: { ...claims, scope: 'restlets,rest_webservices' } }],
  ['a clock a little ahead', { claims: { ...claims, iat: now + 3, exp: now + 300 } }],
])('an assertion with %s is granted', async (_what, assertion) => {
  expect(await judge(formOf(await sign(assertion)))).toBe('granted');
});

test('an ES256 assertion is granted to a client with an EC key', async () => {
  const registered = { ...client, publicKey: readPublicKey(ec.publicKey.export({ type: 'spki', format: 'pem' }).toString()) };
  expect(await judge(formOf(await sign({ alg: 'ES256', key: ec.privateKey })), contentType, registered)).toBe('granted');
  expect(await judge(formOf(await sign()), contentType, registered)).toBe('400 invalid_grant');
});

test.each<[string, Assertion, string]>([
  ['signed by another key', { key: stranger.privateKey }, '400 invalid_grant'],
  ['signed with RS256', { alg: 'RS256' }, '400 invalid_grant'],
  ['with an unknown certificate', { kid: 'other' }, '400 invalid_grant'],
  ['of an unknown client', { claims: { ...claims, iss: 'other' } }, '401 invalid_client'],
  ['for another audience', { claims: { ...claims, aud: 'https://elsewhere.example' } }, '400 invalid_grant'],
  ['that has expired', { claims: { ...claims, iat: now - 3600, exp: now - 1 } }, '400 invalid_grant'],
  ['that lives longer than an hour', { claims: { ...claims, exp: now + 3601 } }, '400 invalid_grant'],
  ['issued in the future', { claims: { ...claims, iat: now + 60, exp: now + 600 } }, '400 invalid_grant'],
  ['without iat', { claims: without('iat') }, '400 invalid_grant'],
  ['without exp', { claims: without('exp') }, '400 invalid_grant'],
  ['without scope', { claims: without('scope') }, '400 invalid_grant'],
  ['with another scope', { claims: { ...claims, scope: ['restlets'] } }, '400 invalid_scope'],
])('an assertion %s is refused', async (_what, assertion, refusal) => {
  expect(await judge(formOf(await sign(assertion)))).toBe(refusal);
});

test.each<[string, Record<string, string>, string]>([
  ['another grant type', { grant_type: 'authorization_code' }, '400 unsupported_grant_type'],
  ['another assertion type', { client_assertion_type: 'saml' }, '400 invalid_request'],
  ['no assertion', { client_assertion: '' }, '400 invalid_request'],
  ['an assertion that is no JWT', { client_assertion: 'a.b.c' }, '400 invalid_grant'],
])('a request with %s is refused', async (_what, changes, refusal) => {
  expect(await judge(formOf(await sign(), changes))).toBe(refusal);
});

test('parameters as JSON are refused', async () => {
  expect(await judge(JSON.stringify({ grant_type: 'client_credentials' }), 'application/json')).toBe('400 invalid_request');
});

test('a key of a kind that NetSuite does not take is refused at start', () => {
  const ed = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'pem' }).toString();
  expect(() => readPublicKey(ed)).toThrow(TypeError);
});
