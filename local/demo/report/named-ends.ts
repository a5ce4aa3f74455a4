/**
 * Whether every record that a sender got a 2xx for has come to an end that has a name: the target holds it, or the lanes' books say
 * why it does not.
 */
import type { LaneEvent } from '../../../runtime/contract/journal.ts';
import { acknowledged, goodOrderIds, holdsVersion, type DestinationEvidence, type Evidence } from './evidence.ts';

/**
 * Capture sequences whose record was filtered, was a cancel, is parked, or was withdrawn by a cancel. A `delivered` of ours is none
 * of these: whether the target has it, only the target can say.
 */
const endedByOurBooks = ({ ledger }: DestinationEvidence): ReadonlySet<number> => {
  const ended = new Set(ledger.parked.map(({ seq }) => seq));
  for (const events of Map.groupBy(ledger.events, ({ keyHash }) => keyHash).values()) {
    for (const seq of endedOfKey(events)) ended.add(seq);
  }
  return ended;
};

const endedOfKey = (events: readonly LaneEvent[]): number[] => {
  const ended: number[] = [];
  const parked = new Set<number>();
  for (const event of events) {
    switch (event.kind) {
      case 'delivered':
        parked.delete(event.seq);
        break;
      case 'filtered':
        ended.push(event.seq);
        break;
      case 'parked':
        parked.add(event.seq);
        break;
      case 'cancelled':
        ended.push(event.seq, ...(event.withdrawn > 0 ? parked : []));
        parked.clear();
    }
  }
  return ended;
};

/** Webhook ids with a 2xx whose record is nowhere. */
export const findLost = (evidence: Evidence): string[] => {
  const seqsOf = Map.groupBy(evidence.captured, ({ sourceID }) => sourceID);
  const lost = evidence.destinations.flatMap((destination) => {
    const ended = endedByOurBooks(destination);
    return acknowledged(evidence).filter(({ webhookId, orderId, updatedAt }) => {
      if (holdsVersion(destination.book.records[destination.externalIdOf(orderId)], updatedAt)) return false;
      return !(seqsOf.get(webhookId) ?? []).some(({ seq }) => ended.has(seq));
    });
  });
  return [...new Set(lost.map(({ webhookId }) => webhookId))];
};

/** Keys ever blocked without an earlier record of their own that failed or was being tried again. */
const findBlockedForNothing = ({ ledger }: DestinationEvidence): ReadonlySet<string> => {
  const hasCause = new Set<string>();
  const wrong = new Set<string>();
  for (const event of ledger.events) {
    if (event.kind !== 'parked') continue;
    if (event.state !== 'blocked') hasCause.add(event.keyHash);
    else if (!hasCause.has(event.keyHash)) wrong.add(event.keyHash);
  }
  return wrong;
};

/** Good orders whose newest version the target lacks. One that was cancelled before it was created never gets there. */
const findUndelivered = (evidence: Evidence, { book, externalIdOf }: DestinationEvidence): string[] => {
  const good = goodOrderIds(evidence);
  const cancelled = new Set(evidence.scenario.cancelledOrderIds);
  const byOrder = Map.groupBy(acknowledged(evidence), ({ orderId }) => orderId);
  return [...byOrder].flatMap(([orderId, webhooks]) => {
    const record = book.records[externalIdOf(orderId)];
    if (!good.has(orderId) || (record === undefined && cancelled.has(orderId))) return [];
    const newest = webhooks.reduce((best, one) => (Date.parse(one.updatedAt) > Date.parse(best.updatedAt) ? one : best));
    return holdsVersion(record, newest.updatedAt) ? [] : [orderId];
  });
};

/** Order ids: blocked without a cause, or good and undelivered at the end. */
export const findKeysWronglyBlocked = (evidence: Evidence): string[] => {
  const found = evidence.destinations.flatMap((destination) => {
    const blocked = findBlockedForNothing(destination);
    const named = evidence.scenario.orderIds.filter((id) => blocked.has(destination.keyHashOf(id)));
    // A key of no order of ours (a record that could not be read) is named by its hash.
    const known = new Set(named.map((id) => destination.keyHashOf(id)));
    return [...named, ...[...blocked].filter((hash) => !known.has(hash)), ...findUndelivered(evidence, destination)];
  });
  return [...new Set(found)];
};
