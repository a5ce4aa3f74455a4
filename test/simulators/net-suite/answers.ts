/** NetSuite's answers: the REST record service's error bodies and the token endpoint's OAuth ones. */
import type { TextAnswer } from '../listener.ts';

export interface ErrorDetail {
  detail: string;
  'o:errorCode': string;
  'o:errorPath'?: string;
}

const section = (anchor: string): string => `https://www.w3.org/Protocols/rfc2616/rfc2616-sec10.html${anchor}`;

const problem = (about: { status: number; title: string; type: string }, details: readonly ErrorDetail[]): TextAnswer => ({
  status: about.status,
  text: JSON.stringify({ type: about.type, title: about.title, status: about.status, 'o:errorDetails': details }),
  headers: { 'content-type': 'application/vnd.oracle.resource+json; type=error' },
});

export const badRequest = (...details: ErrorDetail[]): TextAnswer =>
  problem({ status: 400, title: 'Bad Request', type: section('#sec10.4.1') }, details);

export const unauthorized = (): TextAnswer => {
  const answer = problem({ status: 401, title: 'Unauthorized', type: section('') }, [
    {
      detail:
        'Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI at Setup > Users/Roles > User Management > View Login Audit Trail.',
      'o:errorCode': 'INVALID_LOGIN',
    },
  ]);
  return { ...answer, headers: { ...answer.headers, 'www-authenticate': 'Bearer error="invalid_token"' } };
};

export const notFound = (): TextAnswer =>
  problem({ status: 404, title: 'Not Found', type: section('#sec10.4.5') }, [
    { detail: 'The record instance does not exist. Provide a valid record instance ID.', 'o:errorCode': 'NONEXISTENT_ID' },
  ]);

export const noSuchResource = (): TextAnswer =>
  problem({ status: 404, title: 'Not Found', type: section('#sec10.4.5') }, [
    { detail: 'The requested resource does not exist.', 'o:errorCode': 'NONEXISTENT_RESOURCE' },
  ]);

export const methodNotAllowed = (): TextAnswer =>
  problem({ status: 405, title: 'Method Not Allowed', type: section('#sec10.4.6') }, [
    { detail: 'The method is not allowed for this resource.', 'o:errorCode': 'METHOD_NOT_ALLOWED' },
  ]);

export const tooLarge = (): TextAnswer =>
  problem({ status: 413, title: 'Request Entity Too Large', type: section('#sec10.4.14') }, [
    { detail: 'The request body is too large.', 'o:errorCode': 'INVALID_CONTENT' },
  ]);

export const unsupportedMediaType = (): TextAnswer =>
  problem({ status: 415, title: 'Unsupported Media Type', type: section('#sec10.4.16') }, [
    { detail: 'Use application/json or application/vnd.oracle.resource+json as Content-Type.', 'o:errorCode': 'INVALID_HEADER' },
  ]);

/** No Retry-After: NetSuite documents none. */
export const tooManyRequests = (): TextAnswer =>
  problem({ status: 429, title: 'Too Many Requests', type: section('') }, [
    { detail: 'Concurrent request limit exceeded. Request blocked.', 'o:errorCode': 'CONCURRENCY_LIMIT_EXCEEDED' },
  ]);

export type OAuthError = 'invalid_request' | 'invalid_client' | 'invalid_grant' | 'invalid_scope' | 'unsupported_grant_type';

export const oauthError = (error: OAuthError, description: string): TextAnswer => ({
  status: error === 'invalid_client' ? 401 : 400,
  text: JSON.stringify({ error, error_description: description }),
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
});
