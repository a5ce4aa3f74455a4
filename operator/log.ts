/** The log: constant messages, variable fields with fixed names; of errors their class and message, never bodies or headers. */
import pino from 'pino';
import type { Logger } from 'pino';

export function createLog(level: string, destination?: pino.DestinationStream): Logger {
  const options: pino.LoggerOptions = { level, base: { role: 'operator' }, serializers: { err: describeError } };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** What libraries hang on their errors stays out. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return { type: typeof error };
  const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) };
  return { type: error.constructor.name, message: error.message, ...cause };
}
