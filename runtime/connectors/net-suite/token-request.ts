/** Asks for an access token: the client-credentials grant with an assertion that is signed by the Secret's key. */
import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import type { z } from 'zod';
import { SecretMissingError } from '../../secrets/read-secret.ts';
import type { Outcome, ReadSecret } from '../connector.ts';
import type { HttpCaller } from '../http-call.ts';
import { classifyTokenResult } from './classify.ts';
import type { TokenAnswer } from './classify.ts';
import type { netSuiteAccount } from './definition.ts';

const tokenPath = '/services/rest/auth/oauth2/v1/token';
/** Long enough for clocks that differ a little; NetSuite allows an hour. */
const assertionLifetimeSeconds = 300;

type Credentials = z.infer<typeof netSuiteAccount>['auth']['clientCredentials'];

export interface TokenRequestOptions {
  readonly credentials: Credentials;
  readonly origin: string;
  readonly http: HttpCaller;
  readonly readSecret: ReadSecret;
  /** Epoch ms. */
  readonly now: () => number;
}

export type RequestToken = (beforeWrite: () => boolean, signal: AbortSignal) => Promise<TokenAnswer>;

export function createTokenRequest({ credentials, origin, http, readSecret, now }: TokenRequestOptions): RequestToken {
  /** The key is read for each request, so that a changed Secret counts from the next one on. */
  async function signAssertion(signal: AbortSignal): Promise<string | Outcome> {
    const pem = await readKey(readSecret, credentials, signal);
    if (!Buffer.isBuffer(pem)) return pem;
    const { clientID, certificateID, algorithm } = credentials;
    const key = parseKey(pem, algorithm);
    if (key === undefined) return { kind: 'unauthorized', reason: 'PrivateKeyInvalid' };
    const issuedAt = Math.floor(now() / 1000);
    return new SignJWT({ scope: ['rest_webservices'] })
      .setProtectedHeader({ alg: algorithm, typ: 'JWT', kid: certificateID })
      .setIssuer(clientID)
      .setAudience(`${origin}${tokenPath}`)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + assertionLifetimeSeconds)
      .sign(key);
  }

  return async (beforeWrite, signal) => {
    const assertion = await signAssertion(signal);
    if (typeof assertion !== 'string') return { kind: 'none', outcome: assertion };
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    });
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
    const result = await http.call({ method: 'POST', path: tokenPath, headers, body: form.toString() }, beforeWrite, signal);
    return classifyTokenResult(result, now());
  };
}

async function readKey(readSecret: ReadSecret, { privateKeySecretRef }: Credentials, signal: AbortSignal): Promise<Buffer | Outcome> {
  try {
    return await readSecret(privateKeySecretRef, signal);
  } catch (error) {
    if (signal.aborted) return { kind: 'transient', reason: 'NotSent' };
    if (error instanceof SecretMissingError) return { kind: 'unauthorized', reason: 'SecretMissing' };
    throw error;
  }
}

/** Undefined for what is no private key, or none for the algorithm. */
function parseKey(pem: Buffer, algorithm: Credentials['algorithm']): KeyObject | undefined {
  const key = readPem(pem);
  switch (algorithm) {
    case 'PS256':
      return key?.asymmetricKeyType === 'rsa' && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048 ? key : undefined;
    case 'ES256':
      return key?.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  }
}

function readPem(pem: Buffer): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    // Node says in many codes that this is no key; the caller reports it without its content.
    return undefined;
  }
}
