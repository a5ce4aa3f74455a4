/** What the account was asked and how it answered. */
import type { RecordBook } from './sales-orders.ts';
import type { Timeline } from './timeline.ts';

export interface CallCounts {
  /** Those that were read; what came during an outage is counted there alone. */
  total: number;
  byStatus: Record<string, number>;
  /** Ended after their caller had gone: the caller never learned the outcome. */
  unanswered: number;
}

export interface Outage {
  fromMs: number;
  /** null while it lasts. */
  toMs: number | null;
  /** Requests that came and were cut off. */
  calls: number;
  /** The first call to the record service that arrived after it, and the first answer to one. */
  firstCallMs: number | null;
  firstAnsweredMs: number | null;
}

export const emptyCounts = (): CallCounts => ({ total: 0, byStatus: {}, unanswered: 0 });

export const countAnswer = (counts: CallCounts, { status, isAnswered }: { status: number; isAnswered: boolean }): void => {
  counts.byStatus[status] = (counts.byStatus[status] ?? 0) + 1;
  if (!isAnswered) counts.unanswered += 1;
};

export interface NetSuiteBook {
  limit: number;
  inFlight: number;
  peakInFlight: number;
  /** 429 answers. */
  refused: number;
  calls: CallCounts;
  tokenCalls: CallCounts;
  callsDuringOutage: number;
  outages: Outage[];
  records: Record<string, RecordBook>;
  timeline: Timeline;
}

export interface NetSuiteProgress extends Pick<
  NetSuiteBook,
  'limit' | 'inFlight' | 'peakInFlight' | 'refused' | 'calls' | 'callsDuringOutage'
> {
  isOnline: boolean;
  /** External ids with an object. */
  records: number;
}
