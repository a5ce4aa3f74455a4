/** What NetSuite says went wrong, in its three dialects: the record service, RESTlets and the token endpoint. Pure. */
import { z } from 'zod';

export interface Problem {
  /** The target's own code, such as INVALID_CONTENT. */
  readonly code?: string;
  readonly path?: string;
  readonly detail?: string;
}

const text = z.string().optional().catch(undefined);

const recordProblem = z.object({
  'o:errorDetails': z.array(z.object({ detail: text, 'o:errorCode': text, 'o:errorPath': text })).min(1),
});
const restletProblem = z.object({ error: z.object({ code: z.string(), message: text }) });
const oauthProblem = z.object({ error: z.string() });

/** None for an answer that is in no dialect. */
export function problemsOf(body: string): Problem[] {
  const value = parseJson(body);
  const ofRecord = recordProblem.safeParse(value).data?.['o:errorDetails'];
  if (ofRecord !== undefined) {
    return ofRecord.map((each) => problem({ code: each['o:errorCode'], path: each['o:errorPath'], detail: each.detail }));
  }
  const ofRestlet = restletProblem.safeParse(value).data?.error;
  if (ofRestlet !== undefined) return [problem({ code: ofRestlet.code, detail: ofRestlet.message })];
  const ofOauth = oauthProblem.safeParse(value).data;
  return ofOauth === undefined ? [] : [problem({ code: ofOauth.error })];
}

function problem(found: { [Member in keyof Problem]: string | undefined }): Problem {
  return {
    ...(found.code === undefined ? {} : { code: found.code }),
    ...(found.path === undefined ? {} : { path: found.path }),
    ...(found.detail === undefined ? {} : { detail: found.detail }),
  };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // Not JSON, such as the page of a proxy: it says nothing in any dialect.
    return undefined;
  }
}

const maxReasonLength = 63;

/** The code as a CamelCase constant; `otherwise` when there is none that could be one. */
export function reasonOf(problem: Problem | undefined, otherwise: string): string {
  const words = (problem?.code ?? '').split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  const reason = words.map(capitalised).join('').slice(0, maxReasonLength);
  return /^[A-Za-z]/.test(reason) ? reason : otherwise;
}

function capitalised(word: string): string {
  const rest = word.slice(1);
  return `${word.charAt(0).toUpperCase()}${word === word.toUpperCase() ? rest.toLowerCase() : rest}`;
}
