/**
 * Judges a request for an access token by the client-credentials grant with a signed assertion.
 * Everything the documentation asks of the assertion is checked: signature, algorithm, certificate id, issuer, audience, lifetime, scope.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { errors, jwtVerify, type JWTVerifyResult } from 'jose';
import { z } from 'zod';
import type { TextAnswer } from '../listener.ts';
import { oauthError } from './answers.ts';

export const tokenPath = '/services/rest/auth/oauth2/v1/token';

export interface ClientRegistration {
  clientId: string;
  certificateId: string;
  publicKey: KeyObject;
  /** The URL of the token endpoint as the client knows it. */
  audience: string;
}

const maxLifetimeSeconds = 3600;
/** For a client whose clock is a little ahead. */
const clockToleranceSeconds = 5;

const form = z.object({
  grant_type: z.string(),
  client_assertion_type: z.literal('urn:ietf:params:oauth:client-assertion-type:jwt-bearer'),
  client_assertion: z.string().min(1),
});

const claims = z.object({
  iss: z.string(),
  iat: z.number(),
  exp: z.number(),
  scope: z.union([z.string().transform((scope) => scope.split(/[ ,]+/)), z.array(z.string())]),
});

const algorithmsOf = (key: KeyObject): string[] =>
  key.asymmetricKeyType === 'ec' ? ['ES256', 'ES384', 'ES512'] : ['PS256', 'PS384', 'PS512'];

/** Of a public key or a certificate. Throws on a kind of key that NetSuite does not take. */
export const readPublicKey = (pem: string): KeyObject => {
  const key = createPublicKey(pem);
  if (key.asymmetricKeyType !== 'ec' && key.asymmetricKeyType !== 'rsa') throw new TypeError('NetSuite takes RSA and EC keys only');
  return key;
};

const verify = async (assertion: string, client: ClientRegistration, nowMs: number): Promise<JWTVerifyResult | null> => {
  try {
    return await jwtVerify(assertion, client.publicKey, {
      algorithms: algorithmsOf(client.publicKey),
      audience: client.audience,
      requiredClaims: ['iss', 'iat', 'exp', 'scope'],
      currentDate: new Date(nowMs),
    });
  } catch (error) {
    if (error instanceof errors.JOSEError) return null;
    throw error;
  }
};

const judgeAssertion = (verified: JWTVerifyResult | null, client: ClientRegistration, nowMs: number): TextAnswer | null => {
  const parsed = claims.safeParse(verified?.payload);
  if (verified === null || !parsed.success)
    return oauthError('invalid_grant', 'The assertion is malformed, expired or not signed by the client.');
  const { iss, iat, exp, scope } = parsed.data;
  if (iss !== client.clientId) return oauthError('invalid_client', 'The client is unknown.');
  if (verified.protectedHeader.kid !== client.certificateId) return oauthError('invalid_grant', 'The certificate is unknown.');
  if (iat > nowMs / 1000 + clockToleranceSeconds) return oauthError('invalid_grant', 'The assertion was issued in the future.');
  if (exp - iat > maxLifetimeSeconds) return oauthError('invalid_grant', 'The assertion lives longer than 60 minutes.');
  if (!scope.includes('rest_webservices')) return oauthError('invalid_scope', 'The scope lacks rest_webservices.');
  return null;
};

export interface TokenRequest {
  contentType: string | undefined;
  body: string;
}

/** The refusal, or null for a request that deserves a token. */
export const judgeTokenRequest = async (request: TokenRequest, client: ClientRegistration, nowMs: number): Promise<TextAnswer | null> => {
  if (request.contentType?.split(';')[0]?.trim().toLowerCase() !== 'application/x-www-form-urlencoded') {
    return oauthError('invalid_request', 'The parameters must be form-encoded.');
  }
  const parsed = form.safeParse(Object.fromEntries(new URLSearchParams(request.body)));
  if (!parsed.success) return oauthError('invalid_request', 'A parameter is missing or wrong.');
  if (parsed.data.grant_type !== 'client_credentials')
    return oauthError('unsupported_grant_type', 'The grant type must be client_credentials.');
  const verified = await verify(parsed.data.client_assertion, client, nowMs);
  return judgeAssertion(verified, client, nowMs);
};
