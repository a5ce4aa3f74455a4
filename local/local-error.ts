/** What a person can do something about: a missing program, no free network, a process that does not start. The message says how. */
export class LocalError extends Error {
  override readonly name = 'LocalError';
}
