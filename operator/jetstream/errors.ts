/** What JetStream answers, as classes. */
import { JetStreamApiError } from '@nats-io/jetstream';
import { RetryableError } from '../engine/errors.ts';

/** There is no usable connection to NATS. */
export class NatsUnavailableError extends RetryableError {
  override readonly name = 'NatsUnavailableError';
}

/** The server answered, and refused. The message holds its own words. */
export class JetStreamRefusedError extends RetryableError {
  override readonly name = 'JetStreamRefusedError';
  /** Number of the error in JetStream's list. */
  readonly code: number;

  constructor(message: string, code: number, options: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** Waits for a call of the client library, at most until `signal` aborts, and translates what it throws. */
export async function jetStreamCall<T>(doing: string, call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const onAbort = (): void => aborted.reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([call(), aborted.promise]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  } catch (error) {
    if (error instanceof RetryableError) throw error;
    if (error instanceof JetStreamApiError) throw new JetStreamRefusedError(`${doing}: ${error.message}`, error.code, { cause: error });
    throw new NatsUnavailableError(`${doing}: ${error instanceof Error ? error.name : 'no answer'}`, { cause: error });
  }
}

/** For people: the same text for the same trouble, whatever call met it first. */
export function describeTrouble(error: RetryableError): string {
  if (error instanceof JetStreamRefusedError) return `NATS refuses: ${error.message}`;
  return error instanceof NatsUnavailableError && error.cause === undefined ? error.message : 'NATS does not answer.';
}
