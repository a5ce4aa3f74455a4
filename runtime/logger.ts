/** The log: constant messages, variable fields with fixed names, no payloads and no secrets. */
import pino from 'pino';
import type { Logger as PinoLogger } from 'pino';

export type Logger = PinoLogger;

/** `err` is written as its class, message and cause; bodies, headers and secrets that a library may hang on errors are left out. */
export function createLogger(options: { level: string; role: string }, destination?: pino.DestinationStream): Logger {
  const settings: pino.LoggerOptions = {
    level: options.level,
    base: { role: options.role },
    redact: {
      paths: ['body', '*.body', 'headers', '*.headers', 'secret', '*.secret', 'token', '*.token', 'authorization', '*.authorization'],
      censor: '(left out)',
    },
    serializers: { err: (error: unknown) => describeError(error) },
  };
  return destination === undefined ? pino(settings) : pino(settings, destination);
}

/** Causes are followed five deep: a chain may be a circle. */
function describeError(error: unknown, depth = 5): unknown {
  if (!(error instanceof Error)) return { type: typeof error };
  return {
    type: error.constructor.name,
    message: error.message,
    ...('code' in error && (typeof error.code === 'string' || typeof error.code === 'number') ? { code: error.code } : {}),
    ...(error.cause === undefined || depth === 0 ? {} : { cause: describeError(error.cause, depth - 1) }),
  };
}
