/** The two ways in which an effect fails. An error of any other class counts as retryable. */

/** Passes by itself: the key goes again, after `afterMs` where the other side named a time. */
export class RetryableError extends Error {
  override readonly name: string = 'RetryableError';
  readonly afterMs: number | undefined;

  constructor(message: string, options: { cause?: unknown; afterMs?: number } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.afterMs = options.afterMs;
  }
}

/** Does not pass until somebody changes something. `reason` is a CamelCase constant. */
export class TerminalError extends Error {
  override readonly name: string = 'TerminalError';
  readonly reason: string;

  constructor(message: string, reason: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
