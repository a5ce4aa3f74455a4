/**
 * What is stored beside the bytes of a webhook. Pure.
 * C2: what has a valid signature is captured as it came; a record without a readable key gets a key of its own.
 */
import type { CaptureMeta, CaptureProblem } from '../contract/capture-headers.ts';
import type { PipelineConfig } from '../contract/config.ts';
import { compileExpression, ExpressionError } from '../expressions/compile.ts';
import type { CompiledExpression, Variables } from '../expressions/compile.ts';
import { environmentFor } from '../expressions/environment.ts';
import type { ParsedRecord } from '../expressions/json.ts';
import { keyText, versionText } from '../expressions/key-text.ts';

export interface SourceMapping {
  readonly pipeline: PipelineConfig;
  readonly key: CompiledExpression;
  readonly version?: CompiledExpression;
}

/** @throws ExpressionError for an expression that does not compile */
export function compileSource(pipeline: PipelineConfig): SourceMapping {
  const environment = environmentFor(['record', 'meta']);
  const { key, version } = pipeline.source;
  return {
    pipeline,
    key: compileExpression(key, environment),
    ...(version === undefined ? {} : { version: compileExpression(version, environment) }),
  };
}

export interface WebhookFacts {
  readonly topic: string;
  readonly sourceID: string;
  /** RFC 3339 in UTC. */
  readonly capturedAt: string;
}

export function captureMeta(mapping: SourceMapping, parsed: ParsedRecord, facts: WebhookFacts): CaptureMeta {
  if (!parsed.ok) return raw(facts, { reason: 'Unreadable', message: parsed.message });
  const variables: Variables = { record: parsed.value, meta: { ...facts, version: '' } };
  const key = textOf('source.key', () => keyText(mapping.key.evaluate(variables)));
  if (!key.ok) return raw(facts, key.problem);
  if (JSON.stringify(key.text).length > maxKeyLength) return raw(facts, keyTooLong);
  const { version } = mapping;
  if (version === undefined) return { key: key.text, ...facts };
  const text = textOf('source.version', () => versionText(version.evaluate(variables)));
  return text.ok ? { key: key.text, ...facts, version: text.text } : raw(facts, text.problem);
}

/** As JSON. Keys travel in headers, of which the server takes 64 KiB in all. */
const maxKeyLength = 1_024;
const keyTooLong: CaptureProblem = {
  reason: 'ExpressionError',
  field: 'source.key',
  message: `the key is longer than ${maxKeyLength} characters`,
};

/** A key of its own: it blocks nobody. */
function raw(facts: WebhookFacts, problem: CaptureProblem): CaptureMeta {
  return { key: `raw:${facts.sourceID}`, ...facts, problem };
}

function textOf(field: string, evaluate: () => string): { ok: true; text: string } | { ok: false; problem: CaptureProblem } {
  try {
    return { ok: true, text: evaluate() };
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    return { ok: false, problem: { reason: 'ExpressionError', field, message: error.message } };
  }
}
