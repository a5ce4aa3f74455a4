import { expect, test } from 'vitest';
import { emptyCounters, firstJournalMessage, type Intent, type JournalMessage } from '../../runtime/contract/journal.ts';
import { isAtRest } from './ledger.ts';

const done: JournalMessage = { ...firstJournalMessage({ cursor: 7, at: 0, generation: 1 }) };
const intent: Intent = { seq: 8, keyHash: 'h', unit: '_', attempt: 1, callKey: 'c', at: 0, generation: 1 };

test.each<[string, JournalMessage, number, boolean]>([
  ['nothing was captured', { ...done, cursor: 0 }, 0, true],
  ['its last record has passed', done, 7, true],
  ['failed and blocked units wait for people', { ...done, counters: { ...emptyCounters(), failed: 2, blocked: 1 } }, 7, true],
  ['a record is unread', done, 8, false],
  ['a record is in the window', { ...done, window: 1 }, 7, false],
  ['a call is open', { ...done, intents: [intent] }, 7, false],
  ['a unit is tried again', { ...done, counters: { ...emptyCounters(), retrying: 1 } }, 7, false],
  ['a unit is ready', { ...done, counters: { ...emptyCounters(), ready: 1 } }, 7, false],
])('when %s, being at rest is told rightly', (_name, journal, lastCaptured, wanted) => {
  expect(isAtRest(journal, lastCaptured)).toBe(wanted);
});
