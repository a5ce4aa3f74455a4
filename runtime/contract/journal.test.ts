import { expect, test } from 'vitest';
import { emptyCounters, firstJournalMessage, journalMessage } from './journal.ts';

const first = firstJournalMessage({ cursor: 41, at: 1_800_000_000_000, generation: 3 });

test('the first message of a lane is a journal message that stands at the cursor with empty books', () => {
  expect(journalMessage.parse(JSON.parse(JSON.stringify(first)))).toStrictEqual(first);
  expect(first).toEqual({
    v: 1,
    epoch: 0,
    owner: 'operator',
    ordinal: 0,
    at: 1_800_000_000_000,
    generation: 3,
    cursor: 41,
    done: [],
    window: 0,
    intents: [],
    counters: emptyCounters(),
    events: [],
  });
});

test.each<[string, unknown]>([
  ['a newer version', { ...first, v: 2 }],
  ['an unknown member', { ...first, later: 1 }],
  ['an event of an unknown kind', { ...first, events: [{ kind: 'later' }] }],
  ['counters without a state', { ...first, counters: { ...first.counters, held: undefined } }],
  ['a cursor with a fraction', { ...first, cursor: 1.5 }],
])('a journal message with %s is refused: its owner knows more than we do', (_, message) => {
  expect(journalMessage.safeParse(message).success).toBe(false);
});

test('no two empty books share a part', () => {
  const books = emptyCounters();
  books.filtered.Stale = 1;
  books.failedBy['X'] = 1;
  expect(emptyCounters()).toMatchObject({ filtered: {}, failedBy: {} });
});
