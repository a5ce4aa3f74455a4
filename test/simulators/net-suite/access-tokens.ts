/** The access tokens that are in force. A new one does not end the others. */
import { randomBytes } from 'node:crypto';

export class AccessTokens {
  readonly #expiresAtMs = new Map<string, number>();
  readonly #lifetimeMs: number;

  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs;
  }

  issue(nowMs: number): string {
    const token = randomBytes(32).toString('base64url');
    this.#expiresAtMs.set(token, nowMs + this.#lifetimeMs);
    return token;
  }

  /** Of an Authorization header. */
  isInForce(authorization: string | undefined, nowMs: number): boolean {
    const [, token = ''] = /^Bearer ([\w-]+)$/i.exec(authorization ?? '') ?? [];
    return (this.#expiresAtMs.get(token) ?? 0) > nowMs;
  }

  revokeAll(): number {
    const revoked = this.#expiresAtMs.size;
    this.#expiresAtMs.clear();
    return revoked;
  }
}
