/**
 * What a run left behind, from both sides: the books of the simulators (what senders and targets saw), and what the lanes wrote into
 * JetStream. Where both know a figure, the simulators' one counts.
 */
import { z } from 'zod';
import type { Counters, LaneEvent } from '../../../runtime/contract/journal.ts';
import type { ParkedMeta } from '../../../runtime/contract/parked-headers.ts';

const delivery = z.object({ state: z.enum(['pending', 'acknowledged', 'givenUp', 'notSent', 'cancelled']) });

const webhook = z.object({
  webhookId: z.string(),
  topic: z.string(),
  orderId: z.string(),
  updatedAt: z.string(),
  deliveries: z.array(delivery),
  acknowledgedAtMs: z.number().nullable(),
  latencyMs: z.number().nullable(),
});
export type Webhook = z.infer<typeof webhook>;

export const scenarioSummary = z.object({
  orderIds: z.array(z.string()),
  badAddresses: z.array(z.object({ orderId: z.string() })),
  updatedOrderIds: z.array(z.string()),
  cancelledOrderIds: z.array(z.string()),
});
export type ScenarioSummary = z.infer<typeof scenarioSummary>;

export const shopifyBook = z.object({ entries: z.record(z.string(), webhook), scenarios: z.array(scenarioSummary) });
export type ShopifyBook = z.infer<typeof shopifyBook>;

const outage = z.object({ fromMs: z.number(), toMs: z.number().nullable(), firstAnsweredMs: z.number().nullable() });

const record = z.object({
  objects: z.number(),
  versions: z.array(z.object({ version: z.string().nullable(), atMs: z.number(), changed: z.boolean() })),
  overlaps: z.number(),
});
export type TargetRecord = z.infer<typeof record>;

export const netSuiteBook = z.object({
  limit: z.number(),
  peakInFlight: z.number(),
  refused: z.number(),
  calls: z.object({ total: z.number() }),
  callsDuringOutage: z.number(),
  outages: z.array(outage),
  records: z.record(z.string(), record),
  timeline: z.object({ startedAtMs: z.number(), atMs: z.array(z.number()), inFlight: z.array(z.number()) }),
});
export type NetSuiteBook = z.infer<typeof netSuiteBook>;

/** A record in the capture stream. */
export interface CapturedFact {
  readonly seq: number;
  /** The webhook id it came with. */
  readonly sourceID: string;
}

/** What the lanes of one destination wrote. */
export interface Ledger {
  /** Of each lane's last journal message. */
  readonly counters: readonly Counters[];
  /** All of all lanes, one lane after the other; a key has one lane. */
  readonly events: readonly LaneEvent[];
  /** What is among the parked units now. */
  readonly parked: readonly ParkedMeta[];
}

export interface DestinationEvidence {
  readonly name: string;
  /** The Connector. */
  readonly account: string;
  readonly book: NetSuiteBook;
  readonly externalIdOf: (orderId: string) => string;
  readonly keyHashOf: (orderId: string) => string;
  readonly ledger: Ledger;
}

export interface Evidence {
  readonly shopify: ShopifyBook;
  readonly scenario: ScenarioSummary;
  readonly captured: readonly CapturedFact[];
  readonly destinations: readonly DestinationEvidence[];
  /** Milliseconds since 1970 of the last look at the books. */
  readonly observedUntilMs: number;
}

export const acknowledged = ({ shopify }: Evidence): readonly Webhook[] =>
  Object.values(shopify.entries).filter(({ acknowledgedAtMs }) => acknowledgedAtMs !== null);

export const goodOrderIds = ({ scenario }: Evidence): ReadonlySet<string> => {
  const bad = new Set(scenario.badAddresses.map(({ orderId }) => orderId));
  return new Set(scenario.orderIds.filter((id) => !bad.has(id)));
};

/** Milliseconds since 1970 of a version; one that was never written is older than all. */
export const versionMs = (version: string | null): number => (version === null ? -Infinity : Date.parse(version));

export const holdsVersion = (record: TargetRecord | undefined, updatedAt: string): boolean =>
  record?.versions.some(({ version }) => versionMs(version) === Date.parse(updatedAt)) ?? false;
