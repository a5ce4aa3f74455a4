import { expect, test } from 'vitest';
import { lead, mayTake } from './leader-election.ts';
import type { LeaseRecord, LeaseStore } from './leader-election.ts';

const timing = { durationMs: 60, renewWithinMs: 40, everyMs: 10, now: () => performance.now(), onTrouble: () => undefined };

/** Compare-and-set on one record, as the API server does it. */
class Store implements LeaseStore {
  record: LeaseRecord | undefined;
  isDown = false;
  #version = 0;
  history: string[] = [];

  read = async (): Promise<LeaseRecord | undefined> => {
    if (this.isDown) throw new Error('no answer');
    return this.record;
  };

  write = async (next: { holder: string; transitions: number; previous: LeaseRecord | undefined }): Promise<LeaseRecord | undefined> => {
    if (this.isDown) throw new Error('no answer');
    if (next.previous?.version !== this.record?.version) return undefined;
    this.#version += 1;
    if (this.record?.holder !== next.holder) this.history.push(next.holder);
    this.record = { holder: next.holder, transitions: next.transitions, version: String(this.#version) };
    return this.record;
  };
}

test.each([
  ['no lease', undefined, 0, true],
  ['one that was given back', '', 0, true],
  ['our own', 'me', 0, true],
  ['a foreign one that is fresh', 'other', 59, false],
  ['a foreign one that ran out', 'other', 60, true],
])('%s: may it be taken?', (_name, holder, ageMs, expected) => {
  const record = holder === undefined ? undefined : { holder, transitions: 1, version: '1' };
  expect(mayTake({ record, since: 100 }, 'me', { now: 100 + ageMs, durationMs: 60 })).toBe(expected);
});

test('a second replica works only after the first has ended, and the lease changes hands at once when it was given back', async () => {
  const store = new Store();
  const stop = new AbortController();
  const log: string[] = [];
  const first = lead(
    { ...timing, durationMs: 60_000, store, identity: 'a' },
    async () => {
      log.push('a begins');
      await new Promise((resolve) => setTimeout(resolve, 30));
      log.push('a ends');
    },
    stop.signal,
  );
  const second = lead(
    { ...timing, durationMs: 60_000, store, identity: 'b' },
    async () => {
      log.push('b begins');
    },
    stop.signal,
  );
  await Promise.all([first, second]);
  expect(log).toEqual(['a begins', 'a ends', 'b begins']);
  expect(store.history).toEqual(['a', '', 'b', '']);
  expect(store.record?.transitions).toBe(1);
});

test('a holder that cannot renew stops working', async () => {
  const store = new Store();
  const never = new AbortController();
  await lead(
    { ...timing, store, identity: 'a' },
    async (signal) => {
      store.isDown = true;
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    },
    never.signal,
  );
  expect(store.record?.holder).toBe('a');
});

test('a holder whose lease was taken by somebody else stops working and leaves the lease alone', async () => {
  const store = new Store();
  await lead(
    { ...timing, store, identity: 'a' },
    async (signal) => {
      await store.write({ holder: 'b', transitions: 1, previous: store.record });
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    },
    new AbortController().signal,
  );
  expect(store.record?.holder).toBe('b');
});

test('stopping while waiting for the lease ends without work', async () => {
  const store = new Store();
  await store.write({ holder: 'other', transitions: 0, previous: undefined });
  const stop = new AbortController();
  let worked = false;
  const waiting = lead(
    { ...timing, durationMs: 60_000, store, identity: 'a' },
    async () => {
      worked = true;
    },
    stop.signal,
  );
  stop.abort();
  await waiting;
  expect(worked).toBe(false);
});
