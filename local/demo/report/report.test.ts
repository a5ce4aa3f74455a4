import { expect, test } from 'vitest';
import { findBrokenPromises, type Expectations } from './broken-promises.ts';
import { buildReport, percentile, type Report, type RunFacts } from './build-report.ts';
import type { Evidence } from './evidence.ts';
import { findKeysWronglyBlocked, findLost } from './named-ends.ts';
import {
  destination,
  eventOf,
  keptEvidence,
  parkedOf,
  recordOf,
  time,
  webhookOf,
  withBook,
  withEvents,
  withoutRecord,
  withRecords,
  withWebhook,
} from './planted-evidence.ts';
import { renderReport } from './render-report.ts';

const facts: RunFacts = {
  seed: 7,
  orders: 4,
  kills: [],
  kubectlCaughtUpSeconds: 2,
  setup: { fromCache: true, clusterReadySeconds: 5, clusterReadyLimitSeconds: 10, totalSeconds: 50, totalLimitSeconds: 120 },
};
const binned = { reason: 'InvalidAddress', field: 'shipping_address.address1' };
const expected: Expectations = { failed: { erp: [binned] }, settled: true, kills: [], fullUse: false, longestRecoverySeconds: 8 };

const reportOf = (evidence: Evidence): Report => buildReport(evidence, facts);
const brokenBy = (evidence: Evidence, more: Partial<Expectations> = {}): string[] =>
  findBrokenPromises(reportOf(evidence), { ...expected, ...more });

test('a run in which every promise was kept has the figures of its books and no broken promise', () => {
  expect(reportOf(keptEvidence)).toEqual({
    seed: 7,
    orders: 4,
    captured: 7,
    captureP50Ms: 10,
    captureP99Ms: 30,
    duplicatesAbsorbed: 1,
    unacknowledged: [],
    destinations: [
      {
        name: 'erp',
        delivered: 5,
        filtered: { Unchanged: 1 },
        cancelled: 0,
        superseded: 0,
        discarded: 0,
        held: 0,
        waiting: 0,
        blocked: 0,
        retrying: 0,
        failed: [binned],
      },
    ],
    accounts: [
      {
        name: 'netsuite',
        limit: 2,
        peakInFlight: 2,
        refused: 0,
        callsDuringOutage: 0,
        calls: 5,
        // Undelivered from 1 s to 4 s; two calls in flight until 3.5 s and one from there.
        useOfLimit: 0.9167,
        recoverySeconds: null,
      },
    ],
    lost: [],
    duplicatedEffects: [],
    outOfOrder: [],
    overlappingCalls: [],
    keysWronglyBlocked: [],
    drainSeconds: 3.03,
    drainSecondsAtLimit: 2.75,
    outageSeconds: 0,
    kills: [],
    kubectlCaughtUpSeconds: 2,
    setup: facts.setup,
  });
  expect(brokenBy(keptEvidence)).toEqual([]);
});

test('P1: a record that got a 2xx, and is neither at the target nor has a named end, is lost', () => {
  const evidence = withWebhook(webhookOf('w-gone', 'good', { updatedAt: time(30) }));
  expect(findLost(evidence)).toEqual(['w-gone']);
  expect(brokenBy(evidence)).toContain('P1 captured is never lost: these webhooks got a 2xx and their records are nowhere: w-gone');
});

test('P1: our own word that a record was delivered does not save it from being lost', () => {
  const { ledger } = destination;
  const events = [eventOf(1, 'good', { kind: 'delivered', attempt: 1, hash: 'h', capturedAt: 0 } as const), ...ledger.events];
  const [gone] = withoutRecord('shopify-good').destinations;
  expect(findLost({ ...keptEvidence, destinations: [{ ...(gone ?? destination), ledger: { ...ledger, events } }] })).toEqual(['w-good']);
});

test.each([
  ['filtered', withEvents(eventOf(8, 'good', { kind: 'filtered', reason: 'Stale' } as const))],
  [
    'withdrawn by a cancel',
    withEvents(
      eventOf(8, 'good', { kind: 'parked', state: 'failed', attempt: 1 } as const),
      eventOf(9, 'good', { kind: 'cancelled', withdrawn: 1 } as const),
    ),
  ],
  ['a cancel', withEvents(eventOf(8, 'good', { kind: 'cancelled', withdrawn: 0 } as const))],
  [
    'parked',
    {
      ...keptEvidence,
      destinations: [{ ...destination, ledger: { ...destination.ledger, parked: [...destination.ledger.parked, parkedOf(8, 'good')] } }],
    },
  ],
])('P1: a record that the target lacks is not lost when it was %s', (_name, evidence) => {
  const entry = webhookOf('w-ended', 'good', { updatedAt: time(30) });
  const { shopify } = withWebhook(entry);
  expect(findLost({ ...evidence, shopify, captured: [...evidence.captured, { seq: 8, sourceID: 'w-ended' }] })).toEqual([]);
});

test('P1: a record that was parked and then delivered is no longer saved by a later cancel of its key', () => {
  const evidence = withEvents(
    eventOf(1, 'good', { kind: 'parked', state: 'retrying', attempt: 1 } as const),
    eventOf(1, 'good', { kind: 'delivered', attempt: 2, hash: 'h', capturedAt: 0 } as const),
    eventOf(9, 'good', { kind: 'cancelled', withdrawn: 1 } as const),
  );
  const [broken] = evidence.destinations;
  const { 'shopify-good': _, ...records } = destination.book.records;
  const gone = { ...(broken ?? destination), book: { ...destination.book, records } };
  expect(findLost({ ...evidence, destinations: [gone] })).toEqual(['w-good']);
});

test('P1: a webhook that never got a 2xx is told', () => {
  const evidence = withWebhook(
    webhookOf('w-refused', 'good', { acknowledgedAtMs: null, latencyMs: null, deliveries: [{ state: 'givenUp' }] }),
  );
  expect(brokenBy(evidence)).toEqual(['P1 capture goes on: these webhooks never got a 2xx: w-refused']);
});

test.each([
  ['two objects', { ...recordOf([time(0), 2_000]), objects: 2 }],
  ['more changes than versions were sent', recordOf([time(0), 2_000], [time(0), 2_500])],
])('D4: an external id with %s is a duplicated effect', (_name, record) => {
  expect(brokenBy(withRecords({ 'shopify-good': record }))).toEqual([
    'D4 no effect happens twice: the target has these external ids twice or changed them too often: shopify-good',
  ]);
});

test('D4: an object that nobody sent is a duplicated effect', () => {
  expect(reportOf(withRecords({ 'shopify-nobody': recordOf([time(0), 2_000]) })).duplicatedEffects).toEqual(['shopify-nobody']);
});

test('D4: the same content written twice is one effect', () => {
  const [first] = recordOf([time(0), 2_000]).versions;
  const versions = first === undefined ? [] : [first, { ...first, atMs: 2_500, changed: false }];
  expect(brokenBy(withRecords({ 'shopify-good': { objects: 1, overlaps: 0, versions } }))).toEqual([]);
});

test('D2: an older version after a newer one is out of order', () => {
  expect(brokenBy(withRecords({ 'shopify-updated': recordOf([time(60), 2_000], [time(0), 3_000]) }))).toEqual([
    'D2 content never goes backwards: an older version reached these external ids after a newer one: shopify-updated',
  ]);
});

test('D2: two calls of one key at once are told', () => {
  expect(brokenBy(withRecords({ 'shopify-good': { ...recordOf([time(0), 2_000]), overlaps: 1 } }))).toEqual([
    'D2 calls of one key never overlap: these external ids had two calls at once: shopify-good',
  ]);
});

test('P4: a key that was blocked without a failed record of its own is wrongly blocked, even if it was delivered later', () => {
  expect(brokenBy(withEvents(eventOf(4, 'updated', { kind: 'parked', state: 'blocked', attempt: 0 } as const)))).toEqual([
    'P4 one bad record delays no other: these keys were blocked, or are undelivered, without a cause: updated',
  ]);
});

test('P4: a key that was blocked behind its own failed record is not wrongly blocked', () => {
  const evidence = withEvents(
    eventOf(3, 'updated', { kind: 'parked', state: 'failed', attempt: 1 } as const),
    eventOf(4, 'updated', { kind: 'parked', state: 'blocked', attempt: 0 } as const),
  );
  expect(findKeysWronglyBlocked(evidence)).toEqual([]);
});

test('P4: a good key whose newest version the target lacks at the end is wrongly blocked', () => {
  expect(findKeysWronglyBlocked(withRecords({ 'shopify-updated': recordOf([time(0), 2_000]) }))).toEqual(['updated']);
});

test('P4: an order that was cancelled before it was created need not be at the target', () => {
  expect(findKeysWronglyBlocked(withoutRecord('shopify-cancelled'))).toEqual([]);
});

test.each([
  ['P4: a bad record that is not in the bin', [], 'nothing'],
  [
    'P4: a second record in the bin',
    [parkedOf(2, 'bad'), parkedOf(9, 'raw:9', { reason: 'Unreadable', field: undefined })],
    'InvalidAddress (shipping_address.address1), Unreadable',
  ],
])('%s breaks the promise', (_name, parked, held) => {
  const evidence = { ...keptEvidence, destinations: [{ ...destination, ledger: { ...destination.ledger, parked } }] };
  expect(brokenBy(evidence)).toContain(
    `P4 a bad record goes to the error bin: at erp it holds ${held}, and should hold InvalidAddress (shipping_address.address1)`,
  );
});

test.each<[string, Evidence, Partial<Expectations>, string]>([
  [
    'calls over the limit',
    withBook({ refused: 3 }),
    {},
    'P2 never more than the account allows: netsuite refused 3 calls over its limit of 2',
  ],
  [
    'a peak over the limit',
    withBook({ peakInFlight: 3 }),
    {},
    'P2 never more than the account allows: netsuite saw 3 calls at once, allowed are 2',
  ],
  [
    'a limit that is never reached',
    withBook({ peakInFlight: 1, timeline: { startedAtMs: 0, atMs: [1_000, 4_000], inFlight: [2, 0] } }),
    { fullUse: true },
    "P2 exactly the target's pace: netsuite saw at most 1 of 2 calls at once",
  ],
  [
    'a limit that is not used',
    keptEvidence,
    { fullUse: true },
    "P2 exactly the target's pace: 0.9167 of the limit of netsuite was used, 0.95 is the least",
  ],
  [
    'a slow recovery',
    withBook({ outages: [{ fromMs: 1_500, toMs: 1_600, firstAnsweredMs: 9_700 }] }),
    {},
    'P3 an outage costs nothing but time: netsuite was back for 8.1 s before a call, at most 8 s',
  ],
  [
    'work that is left',
    keptEvidence,
    { settled: false },
    'B1 every record ends somewhere: there was still work at the end, and nothing moved any more',
  ],
  ['a kill that never came', keptEvidence, { kills: ['nats'] }, 'the run proves too little: these were to be killed and were not: nats'],
])('%s breaks a promise', (_name, evidence, more, text) => {
  expect(brokenBy(evidence, more)).toEqual([text]);
});

test('P7: figures of kubectl that never become those of the books break a promise', () => {
  const report = buildReport(keptEvidence, { ...facts, kubectlCaughtUpSeconds: null });
  expect(findBrokenPromises(report, expected)).toEqual(['P7 the truth in kubectl get: it did not come to say the same as the books']);
});

test('the time while the target is away, and until it answers again, does not count against the use of the limit', () => {
  const evidence = withBook({
    outages: [{ fromMs: 2_000, toMs: 2_500, firstAnsweredMs: 3_000 }],
    timeline: { startedAtMs: 0, atMs: [1_000, 2_000, 3_000, 4_000], inFlight: [2, 0, 2, 0] },
  });
  expect(reportOf(evidence).accounts).toMatchObject([{ useOfLimit: 1, recoverySeconds: 0.5 }]);
  expect(reportOf(evidence).outageSeconds).toBe(0.5);
});

test.each([
  [[], 50, null],
  [[3], 99, 3],
  [[4, 1, 3, 2], 50, 2],
  [[4, 1, 3, 2], 99, 4],
])('of %j the %d th percentile is %j', (values, percent, wanted) => {
  expect(percentile(values, percent)).toBe(wanted);
});

test('the table tells the verdict and each broken promise', () => {
  expect(renderReport(reportOf(keptEvidence), [])).toContain('Every promise was kept.');
  expect(renderReport(reportOf(keptEvidence), ['P9 nobody broke it'])).toContain('Broken promises:\n  - P9 nobody broke it\n');
});
