/**
 * Stores a webhook in every pipeline that takes it.
 * C1: the answer is 2xx only after the PubAck of each; what cannot be stored is a 503, so that the sender tries again.
 */
import { hash } from 'node:crypto';
import { captureHeaders } from '../contract/capture-headers.ts';
import { laneOfKey } from '../contract/lane-of-key.ts';
import { captureSubject } from '../contract/names.ts';
import { parseRecord } from '../expressions/json.ts';
import { NoAnswerError, RefusedError } from '../jetstream/publisher.ts';
import type { Publication, Publisher } from '../jetstream/publisher.ts';
import { captureMeta } from './capture-meta.ts';
import type { SourceMapping, WebhookFacts } from './capture-meta.ts';

export type CaptureResult =
  /** Stored; `pipelines` names those for which it was new. */
  { readonly kind: 'stored'; readonly pipelines: readonly string[] } | { readonly kind: 'not stored'; readonly cause: Error };

/** Senders wait 5 s (Shopify); the answer must be theirs before that. */
const patienceMs = 4_000;
const attemptTimeoutMs = 1_500;

export async function capture(
  mappings: readonly SourceMapping[],
  body: Buffer,
  { facts, publisher }: { facts: WebhookFacts; publisher: Publisher },
): Promise<CaptureResult> {
  try {
    const acks = await Promise.all(
      publicationsOf(mappings, body, facts).map(async ({ pipeline, publication }) => {
        const ack = await publishPatiently(publisher, publication);
        return ack.duplicate ? [] : [pipeline];
      }),
    );
    return { kind: 'stored', pipelines: acks.flat() };
  } catch (error) {
    if (error instanceof NoAnswerError || error instanceof RefusedError) return { kind: 'not stored', cause: error };
    throw error;
  }
}

/** Apart from the waiting, so that the parsed record is garbage before it has outlived anything. */
function publicationsOf(mappings: readonly SourceMapping[], body: Buffer, facts: WebhookFacts) {
  const parsed = parseRecord(body);
  const messageID = hash('sha256', facts.sourceID, 'base64url');
  return mappings.map((mapping) => {
    const { pipeline } = mapping;
    const meta = captureMeta(mapping, parsed, facts);
    const publication: Publication = {
      subject: captureSubject(pipeline, laneOfKey(meta.key, pipeline.lanes)),
      payload: body,
      headers: [['Nats-Msg-Id', messageID], ...captureHeaders(meta)],
    };
    return { pipeline: pipeline.name, publication };
  });
}

/** Tries again while nobody answers: the message id keeps it one record. */
async function publishPatiently(publisher: Publisher, publication: Publication) {
  const until = performance.now() + patienceMs;
  for (;;) {
    const leftMs = until - performance.now();
    try {
      return await publisher.publish(publication, Math.min(attemptTimeoutMs, Math.max(1, leftMs)));
    } catch (error) {
      if (error instanceof RefusedError || performance.now() >= until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
