/**
 * What a connector is: a definition without I/O that the control plane and the pods share, a source that reads its
 * webhooks, and a sink that makes one call and classifies the answer. A connector knows nothing of retries, limits or lanes.
 */
import type { z } from 'zod';
import type { SecretReference } from '../contract/schema-fields.ts';

/** What decides about a call whose end nobody saw (D4). */
export type Idempotency = 'Key' | 'Upsert' | 'None';

export interface ConnectorDefinition {
  /** Value of `spec.type`. */
  readonly type: string;
  /** Member of the spec that goes with the type. */
  readonly member: string;
  readonly title: string;
  /** Schema of `spec.<member>` of a Connector. */
  readonly account: z.ZodObject;
  /** Fields of the account that never change, since they say which account it is. */
  readonly immutable: readonly string[];
  /** The Secrets' keys that pods of a role mount. */
  readonly secrets: (account: unknown, role: 'ingest' | 'deliver') => readonly SecretReference[];
  readonly source?: SourceDefinition;
  readonly sink?: SinkDefinition;
}

export interface SourceDefinition {
  /** Schema of `source.<member>` of a SyncPipeline. */
  readonly schema: z.ZodObject;
  readonly topics: (source: unknown) => readonly string[];
  readonly load: () => Promise<(options: SourceOptions) => Source>;
}

export interface SinkDefinition {
  /** Schema of `operations[].<member>` of a destination; its template fields are marked in `fieldFacts`. */
  readonly operation: z.ZodObject;
  readonly idempotency: (operation: unknown) => Idempotency;
  readonly load: () => Promise<(options: SinkOptions) => Sink>;
}

/** Identity that keeps the literal types of a definition. */
export function defineConnector<const D extends ConnectorDefinition>(definition: D): D {
  return definition;
}

/** Reads the current value of a Secret's key: mounted files are read again when they change. @throws SecretMissingError */
export type ReadSecret = (reference: SecretReference, signal: AbortSignal) => Promise<Buffer>;

export interface SourceOptions {
  readonly account: unknown;
  readonly readSecret: ReadSecret;
}

export interface Webhook {
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

/** What a source says of a webhook. Only `Accepted` is captured. */
export type WebhookVerdict =
  | { readonly kind: 'Accepted'; readonly topic: string; readonly sourceID: string }
  /** Not from the sender it claims to be: 401. */
  | { readonly kind: 'Refused'; readonly reason: string }
  /** From the sender, but a header is missing that no retry would bring: 400. */
  | { readonly kind: 'Malformed'; readonly reason: string };

export interface Source {
  /** C1, C2: judges the signature over the raw bytes. @throws SecretMissingError when a secret cannot be read (503). */
  readonly verify: (webhook: Webhook, signal: AbortSignal) => Promise<WebhookVerdict>;
}

export interface SinkOptions {
  readonly account: unknown;
  readonly readSecret: ReadSecret;
  /** The Connector's `timeout`: after it the socket is destroyed. */
  readonly timeoutMs: number;
  /** Epoch ms. */
  readonly now: () => number;
}

export interface Call {
  /** The operation's member with its templates rendered; the sink parses it with its own schema. */
  readonly operation: unknown;
  /** JSON text of the rendered body; absent: none. */
  readonly body?: string;
  /** Stable over events: pipeline, destination, key, line. */
  readonly unitKey: string;
  /** The idempotency key: unit key, source event and edit revision. */
  readonly callKey: string;
}

/** How a call ended: the closed set of design.md §5. */
export type Outcome =
  | { readonly kind: 'delivered'; readonly response: SinkResponse }
  | { readonly kind: 'duplicate'; readonly response: SinkResponse }
  | { readonly kind: 'throttled'; readonly afterMs?: number }
  | { readonly kind: 'transient'; readonly reason: string; readonly afterMs?: number }
  | { readonly kind: 'unauthorized'; readonly reason: string }
  | { readonly kind: 'rejected'; readonly reason: string; readonly field?: string; readonly message?: string }
  /** Bytes were written and no answer says what became of them. */
  | { readonly kind: 'unknown'; readonly reason: string };

/** Reason of a call that was not made because we did not want it any more: it says nothing of the target. */
export const notMade = 'NotSent';

export interface SinkResponse {
  readonly status: number;
  /** Internal id at the target, where it names one. */
  readonly id?: string;
}

export interface SendHooks {
  /** Asked when the first byte is about to be written to the socket, after pool, DNS and TLS; false: the call is not made (`transient`, reason NotSent). */
  readonly beforeWrite: () => boolean;
}

export interface Sink {
  /** One call. Never throws for what a target or the network can do: that is an Outcome. Settles soon after `signal` aborts. */
  readonly send: (call: Call, hooks: SendHooks, signal: AbortSignal) => Promise<Outcome>;
  readonly close: () => Promise<void>;
}
