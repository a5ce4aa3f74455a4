/** A small run in which every promise was kept, and ways to break one of them: what the tests of the report start from. */
import { emptyCounters } from '../../../runtime/contract/journal.ts';
import type { LaneEvent } from '../../../runtime/contract/journal.ts';
import type { ParkedMeta } from '../../../runtime/contract/parked-headers.ts';
import type { DestinationEvidence, Evidence, NetSuiteBook, TargetRecord, Webhook } from './evidence.ts';

const externalIdOf = (orderId: string): string => `shopify-${orderId}`;
const keyHashOf = (orderId: string): string => `hash-${orderId}`;

/** Second `at` after noon. */
export const time = (at: number): string => new Date(Date.UTC(2026, 10, 27, 12, 0, at)).toISOString();

export const webhookOf = (webhookId: string, orderId: string, more: Partial<Webhook> = {}): Webhook => ({
  webhookId,
  topic: 'orders/create',
  orderId,
  updatedAt: time(0),
  deliveries: [{ state: 'acknowledged' }],
  acknowledgedAtMs: 1_000,
  latencyMs: 10,
  ...more,
});

export const recordOf = (...written: readonly (readonly [version: string, atMs: number])[]): TargetRecord => ({
  objects: 1,
  overlaps: 0,
  versions: written.map(([version, atMs]) => ({ version, atMs, changed: true })),
});

export const eventOf = <E extends Partial<LaneEvent>>(seq: number, orderId: string, more: E) => ({
  seq,
  keyHash: keyHashOf(orderId),
  unit: '_',
  at: 0,
  ...more,
});

export const parkedOf = (seq: number, key: string, more: Partial<ParkedMeta> = {}): ParkedMeta => ({
  v: 1,
  state: 'failed',
  kind: 'Record',
  key,
  seq,
  unit: '_',
  topic: 'orders/create',
  sourceID: `w-${key}`,
  capturedAt: time(0),
  revision: 0,
  attempt: 0,
  parkedAt: 0,
  generation: 1,
  reason: 'InvalidAddress',
  field: 'shipping_address.address1',
  ...more,
});

const book: NetSuiteBook = {
  limit: 2,
  peakInFlight: 2,
  refused: 0,
  calls: { total: 5 },
  callsDuringOutage: 0,
  outages: [],
  records: {
    'shopify-good': recordOf([time(0), 2_000]),
    'shopify-updated': recordOf([time(0), 2_000], [time(60), 3_000]),
    'shopify-cancelled': recordOf([time(0), 3_000], [time(60), 4_000]),
  },
  timeline: { startedAtMs: 0, atMs: [1_000, 3_500, 4_000], inFlight: [2, 1, 0] },
};

const events: readonly LaneEvent[] = [
  eventOf(2, 'bad', { kind: 'parked', state: 'failed', reason: 'InvalidAddress', field: 'shipping_address.address1', attempt: 0 }),
  eventOf(6, 'cancelled', { kind: 'cancelled', withdrawn: 0 }),
  eventOf(7, 'cancelled', { kind: 'filtered', reason: 'Unchanged' }),
];

export const destination: DestinationEvidence = {
  name: 'erp',
  account: 'netsuite',
  book,
  externalIdOf,
  keyHashOf,
  ledger: { counters: [{ ...emptyCounters(), filtered: { Unchanged: 1 } }, emptyCounters()], events, parked: [parkedOf(2, 'bad')] },
};

const entries: readonly Webhook[] = [
  webhookOf('w-good', 'good', { deliveries: [{ state: 'acknowledged' }, { state: 'acknowledged' }] }),
  webhookOf('w-bad', 'bad'),
  webhookOf('w-updated', 'updated', { latencyMs: 20 }),
  webhookOf('w-update', 'updated', { topic: 'orders/updated', updatedAt: time(60), latencyMs: 30 }),
  webhookOf('w-cancelled', 'cancelled'),
  webhookOf('w-cancel', 'cancelled', { topic: 'orders/cancelled', updatedAt: time(60) }),
  webhookOf('w-cancel-2', 'cancelled', { topic: 'orders/updated', updatedAt: time(60) }),
];

export const keptEvidence: Evidence = {
  shopify: { entries: Object.fromEntries(entries.map((entry) => [entry.webhookId, entry])), scenarios: [] },
  scenario: {
    orderIds: ['good', 'bad', 'updated', 'cancelled'],
    badAddresses: [{ orderId: 'bad' }],
    updatedOrderIds: ['updated'],
    cancelledOrderIds: ['cancelled'],
  },
  captured: entries.map(({ webhookId }, index) => ({ seq: index + 1, sourceID: webhookId })),
  destinations: [destination],
  observedUntilMs: 10_000,
};

export const withBook = (change: Partial<NetSuiteBook>): Evidence => ({
  ...keptEvidence,
  destinations: [{ ...destination, book: { ...book, ...change } }],
});

export const withRecords = (change: Readonly<Record<string, TargetRecord>>): Evidence =>
  withBook({ records: { ...book.records, ...change } });

export const withoutRecord = (externalId: string): Evidence =>
  withBook({ records: Object.fromEntries(Object.entries(book.records).filter(([id]) => id !== externalId)) });

export const withEvents = (...more: readonly LaneEvent[]): Evidence => ({
  ...keptEvidence,
  destinations: [{ ...destination, ledger: { ...destination.ledger, events: [...events, ...more] } }],
});

export const withWebhook = (entry: Webhook): Evidence => ({
  ...keptEvidence,
  shopify: { ...keptEvidence.shopify, entries: { ...keptEvidence.shopify.entries, [entry.webhookId]: entry } },
});
