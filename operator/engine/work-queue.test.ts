import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';
import { RetryableError } from './errors.ts';
import { KeySchedule } from './key-schedule.ts';
import { WorkQueue } from './work-queue.ts';
import type { WorkQueueOptions } from './work-queue.ts';

const policy = { baseMs: 200, maxMs: 30_000, factor: 2 };

test('backoff lies between half of its step and its step, and never exceeds the maximum', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2000 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (failures, random) => {
      const step = Math.min(policy.maxMs, policy.baseMs * policy.factor ** (failures - 1));
      const wait = backoffMs(failures, policy, random);
      return wait >= step / 2 && wait <= step && wait <= policy.maxMs;
    }),
  );
});

test.each([
  [1, 0, 100],
  [1, 0.5, 150],
  [2, 0, 200],
  [4, 0, 800],
  [50, 0, 15_000],
])('after %i failures with random %d the wait is %i ms', (failures, random, expected) => {
  expect(backoffMs(failures, policy, random)).toBe(expected);
});

type Step = { do: 'add'; key: string; at: number } | { do: 'take'; now: number } | { do: 'end'; index: number; failed: boolean };

const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('add' as const), key: fc.constantFrom('a', 'b', 'c'), at: fc.nat(20) }),
    fc.record({ do: fc.constant('take' as const), now: fc.nat(20) }),
    fc.record({ do: fc.constant('end' as const), index: fc.nat(3), failed: fc.boolean() }),
  ),
  { maxLength: 60 },
);

/** What the schedule must do, written as plainly as possible. */
class Model {
  due = new Map<string, number>();
  running: string[] = [];

  take(now: number): number | undefined {
    const times = [...this.due].filter(([key, at]) => at <= now && !this.running.includes(key)).map(([, at]) => at);
    return times.length === 0 ? undefined : Math.min(...times);
  }
}

function apply(step: Step, model: Model, schedule: KeySchedule): void {
  if (step.do === 'add') {
    schedule.add(step.key, step.at);
    model.due.set(step.key, Math.min(model.due.get(step.key) ?? Infinity, step.at));
  } else if (step.do === 'take') {
    const expected = model.take(step.now);
    const key = schedule.take(step.now);
    if (key === undefined) {
      expect(expected).toBeUndefined();
      return;
    }
    expect(model.running).not.toContain(key);
    expect(model.due.get(key)).toBe(expected);
    model.due.delete(key);
    model.running.push(key);
  } else {
    const [key] = model.running.splice(step.index % Math.max(1, model.running.length), 1);
    if (key === undefined) return;
    if (step.failed) schedule.fail(key);
    else schedule.finish(key);
  }
}

test('a key is scheduled once, at its earliest time, never runs twice at once, and the longest due goes first', () => {
  fc.assert(
    fc.property(steps, (history) => {
      const model = new Model();
      const schedule = new KeySchedule();
      for (const step of history) {
        apply(step, model, schedule);
        expect(schedule.size).toBe(new Set([...model.due.keys(), ...model.running]).size);
        const free = [...model.due].filter(([key]) => !model.running.includes(key)).map(([, at]) => at);
        expect(schedule.nextDueAt()).toBe(free.length === 0 ? undefined : Math.min(...free));
      }
    }),
  );
});

test('a key that was added while it ran, runs once more', () => {
  const schedule = new KeySchedule();
  schedule.add('a', 0);
  expect(schedule.take(0)).toBe('a');
  schedule.add('a', 1);
  schedule.add('a', 2);
  expect(schedule.take(5)).toBeUndefined();
  schedule.finish('a');
  expect(schedule.take(5)).toBe('a');
  schedule.finish('a');
  expect(schedule.take(5)).toBeUndefined();
  expect(schedule.size).toBe(0);
});

test('failures are counted in a row and forgotten by a success', () => {
  const schedule = new KeySchedule();
  const failures: number[] = [];
  for (const failed of [true, true, false, true]) {
    schedule.add('a', 0);
    schedule.take(0);
    if (failed) failures.push(schedule.fail('a'));
    else schedule.finish('a');
  }
  expect(failures).toEqual([1, 2, 1]);
});

function queue(options: Partial<WorkQueueOptions> & Pick<WorkQueueOptions, 'process'>): WorkQueue {
  return new WorkQueue({
    concurrency: 2,
    backoff: { baseMs: 2, maxMs: 4, factor: 2 },
    timeoutMs: 5_000,
    onError: () => undefined,
    now: () => performance.now(),
    random: () => 0,
    ...options,
  });
}

test('the queue runs no more keys at once than it may, and every key that was added', async () => {
  const stop = new AbortController();
  let atOnce = 0;
  let most = 0;
  const ran: string[] = [];
  const work = queue({
    process: async (key) => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise((resolve) => setImmediate(resolve));
      atOnce -= 1;
      ran.push(key);
      if (ran.length === 5) stop.abort();
      return { kind: 'done' };
    },
  });
  for (const key of ['a', 'b', 'c', 'd', 'e', 'a']) work.add(key);
  await work.run(stop.signal);
  expect(ran.toSorted()).toEqual(['a', 'b', 'c', 'd', 'e']);
  expect(most).toBe(2);
});

test('a failed key goes again, after the time the error names or with backoff, and is reported each time', async () => {
  const stop = new AbortController();
  const reported: number[] = [];
  let runs = 0;
  const work = queue({
    process: async () => {
      runs += 1;
      if (runs === 1) throw new Error('anything');
      if (runs === 2) throw new RetryableError('busy', { afterMs: 3 });
      if (runs === 4) stop.abort();
      return runs === 3 ? { kind: 'again', afterMs: 1 } : { kind: 'done' };
    },
    onError: (_key, { retryInMs }) => reported.push(retryInMs),
  });
  work.add('a');
  await work.run(stop.signal);
  expect(runs).toBe(4);
  expect(reported).toEqual([1, 3]);
  expect(work.size).toBe(0);
});

test('a run that hangs is aborted at its timeout, and stopping waits for the run under way', async () => {
  const stop = new AbortController();
  const ends: string[] = [];
  const work = queue({
    timeoutMs: 5,
    process: async (_key, signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      ends.push('aborted');
      stop.abort();
      await new Promise((resolve) => setImmediate(resolve));
      ends.push('ended');
      return { kind: 'done' };
    },
  });
  work.add('a');
  await work.run(stop.signal);
  expect(ends).toEqual(['aborted', 'ended']);
});
