/** What the API server answers, as classes. Messages hold the server's own message and never a body or a header. */
import { z } from 'zod';
import { RetryableError, TerminalError } from '../engine/errors.ts';

/** Somebody else was faster, or owns a field that was not taken over. */
export class ConflictError extends RetryableError {
  override readonly name = 'ConflictError';
}

export class NotFoundError extends RetryableError {
  override readonly name = 'NotFoundError';
}

/** An object of this name is there already. */
export class AlreadyExistsError extends RetryableError {
  override readonly name = 'AlreadyExistsError';
}

/** The version or page asked for is no longer known. */
export class ExpiredError extends RetryableError {
  override readonly name = 'ExpiredError';
}

/** Of the Status that the API server answers, what is read. */
const statusAnswer = z.object({
  kind: z.literal('Status'),
  message: z.string().optional(),
  reason: z.string().optional(),
  code: z.number().int().optional(),
});

export interface ErrorAnswer {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfterMs?: number | undefined;
}

/** The error that stands for an answer that is no success. */
export function errorOf(doing: string, { status, body, retryAfterMs }: ErrorAnswer): RetryableError | TerminalError {
  const answer = statusAnswer.safeParse(body).data;
  const message = `${doing}: ${answer?.message ?? `HTTP status ${status}`}`;
  if (status === 404) return new NotFoundError(message);
  if (status === 410) return new ExpiredError(message);
  if (status === 409) return answer?.reason === 'AlreadyExists' ? new AlreadyExistsError(message) : new ConflictError(message);
  if (status === 400 || status === 422) return new TerminalError(message, 'RefusedByAPIServer');
  return new RetryableError(message, retryAfterMs === undefined ? {} : { afterMs: retryAfterMs });
}
