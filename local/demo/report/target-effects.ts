/** What happened at an Upsert target that must not: by its own book, external id by external id. */
import { acknowledged, versionMs, type DestinationEvidence, type Evidence, type TargetRecord } from './evidence.ts';

const recordsOf = ({ book }: DestinationEvidence): [string, TargetRecord][] => Object.entries(book.records);

/** How many versions of each external id were sent, whether a 2xx came or not. */
const versionsSent = ({ shopify }: Evidence, { externalIdOf }: DestinationEvidence): ReadonlyMap<string, number> => {
  const byOrder = Map.groupBy(Object.values(shopify.entries), ({ orderId }) => externalIdOf(orderId));
  return new Map([...byOrder].map(([id, webhooks]) => [id, new Set(webhooks.map(({ updatedAt }) => Date.parse(updatedAt))).size]));
};

/** External ids with more than one object, or whose content changed more often than versions were sent. */
export const findDuplicatedEffects = (evidence: Evidence): string[] =>
  evidence.destinations.flatMap((destination) => {
    const sent = versionsSent(evidence, destination);
    return recordsOf(destination)
      .filter(([id, { objects, versions }]) => objects > 1 || versions.filter(({ changed }) => changed).length > (sent.get(id) ?? 0))
      .map(([id]) => id);
  });

/** External ids that an older version reached after a newer one. */
export const findOutOfOrder = ({ destinations }: Evidence): string[] =>
  destinations.flatMap((destination) =>
    recordsOf(destination)
      .filter(([, { versions }]) => {
        const times = versions.map(({ version }) => versionMs(version));
        return times.some((time, index) => time < (times[index - 1] ?? -Infinity));
      })
      .map(([id]) => id),
  );

/** External ids with two calls in flight at once. */
export const findOverlappingCalls = ({ destinations }: Evidence): string[] =>
  destinations.flatMap((destination) =>
    recordsOf(destination)
      .filter(([, { overlaps }]) => overlaps > 0)
      .map(([id]) => id),
  );

/** Versions that the target holds or held: each was delivered. */
export const countDelivered = (destination: DestinationEvidence): number =>
  recordsOf(destination).reduce((sum, [, { versions }]) => sum + new Set(versions.map(({ version }) => version)).size, 0);

/** Milliseconds since 1970 of the first 2xx and of the last effect at a target; undefined when there was none of either. */
export const drainTimes = (evidence: Evidence): { fromMs: number; toMs: number } | undefined => {
  const begins = acknowledged(evidence).flatMap(({ acknowledgedAtMs, latencyMs }) =>
    acknowledgedAtMs === null ? [] : [acknowledgedAtMs - (latencyMs ?? 0)],
  );
  const ends = evidence.destinations.flatMap((destination) =>
    recordsOf(destination).flatMap(([, { versions }]) => versions.map(({ atMs }) => atMs)),
  );
  if (begins.length === 0 || ends.length === 0) return undefined;
  // Not Math.min(...): as many arguments as there are orders would overflow the stack.
  const fromMs = begins.reduce((least, at) => Math.min(least, at));
  const toMs = ends.reduce((most, at) => Math.max(most, at));
  return { fromMs, toMs };
};
