/** What the suite needs to know of a connector to hold it to the contract of `runtime/connectors/connector.ts`. */
import type { IncomingMessage } from 'node:http';
import type { Call, Webhook } from '../../runtime/connectors/connector.ts';
import type { SecretReference } from '../../runtime/contract/schema-fields.ts';

export interface Harness {
  /** `spec.<member>` with nothing in it that can be left out. `origin` is where the account answers, for those that can be told. */
  readonly smallestAccount: (origin: string) => Record<string, unknown>;
  /** The keys of Secrets that each role mounts. */
  readonly secrets: Readonly<Record<'ingest' | 'deliver', readonly SecretReference[]>>;
  /** What lies in them. */
  readonly contentOf: (reference: SecretReference) => string;
  readonly source?: SourceHarness;
  readonly sink?: SinkHarness;
}

export interface SourceHarness {
  /** The smallest `source.<member>`, and the topics it names. */
  readonly smallestSource: { readonly source: unknown; readonly topics: readonly string[] };
  /** A webhook as the sender makes it, of topic and id `expected`. */
  readonly webhook: (body: Buffer, options: { readonly secret: string; readonly isFromOther?: boolean }) => Webhook;
  readonly expected: { readonly topic: string; readonly sourceID: string };
  /** What a webhook is without one of its headers. */
  readonly headers: Readonly<Record<string, 'Refused' | 'Malformed'>>;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface SinkHarness {
  /** One for each verb that the connector uses. */
  readonly operations: readonly OperationHarness[];
  readonly startTarget: (options?: TargetOptions) => Promise<Target>;
  /** Answers what precedes the call itself, such as the request for a token; undefined for the call itself. */
  readonly answerBeforehand: (request: IncomingMessage) => Answer | undefined;
  /** What such an answer contains that is nobody else's business. */
  readonly grantedSecrets: readonly string[];
  readonly delivered: Answer;
  readonly throttles: readonly { readonly name: string; readonly answer: Answer; readonly afterMs?: number }[];
  readonly unauthorized: readonly Answer[];
  readonly rejections: readonly { readonly answer: Answer; readonly reason: string; readonly field: string }[];
}

export interface OperationHarness {
  readonly name: string;
  /** What must be there before. */
  readonly before?: (id: string) => Call;
  readonly call: (id: string) => Call;
}

export interface TargetOptions {
  readonly concurrency?: number;
  readonly latencyMs?: number;
}

/** The strict simulator of a target. */
export interface Target {
  readonly origin: string;
  /** How often the content named by `id` was created or changed. */
  readonly effects: (id: string) => number;
  readonly inFlight: () => number;
  /** Cuts all connections; calls in flight go on. */
  readonly cutConnections: () => void;
  readonly close: () => Promise<void>;
}
