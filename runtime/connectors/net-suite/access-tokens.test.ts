import { expect, test } from 'vitest';
import { AccessTokens } from './access-tokens.ts';
import type { TokenAnswer } from './classify.ts';

const never = new AbortController().signal;
const yes = () => true;

/** Token requests whose answers the test gives; they say whether they may be written, and see when they are given up. */
function requests() {
  const asked: { answer: (answer: TokenAnswer) => void; mayWrite: () => boolean; signal: AbortSignal }[] = [];
  const request = (mayWrite: () => boolean, signal: AbortSignal): Promise<TokenAnswer> => {
    const { promise, resolve } = Promise.withResolvers<TokenAnswer>();
    asked.push({ answer: resolve, mayWrite, signal });
    return promise;
  };
  return { asked, request };
}

const granted = (token: string, lifetimeMs = 3_600_000): TokenAnswer => ({ kind: 'token', token, lifetimeMs });

test('calls that need a token at the same time share one request; who comes later takes its token', async () => {
  const { asked, request } = requests();
  const tokens = new AccessTokens(request, () => 0);
  const both = Promise.all([tokens.get(yes, never), tokens.get(yes, never)]);
  asked[0]?.answer(granted('a'));
  expect(await both).toEqual([
    { kind: 'token', token: 'a', isFresh: true },
    { kind: 'token', token: 'a', isFresh: true },
  ]);
  expect(await tokens.get(yes, never)).toEqual({ kind: 'token', token: 'a', isFresh: false });
  expect(asked).toHaveLength(1);
});

test.each([
  ['a minute before the end of an hour', 3_600_000, 3_539_999, 3_540_000],
  ['a tenth before the end of ten seconds', 10_000, 8_999, 9_000],
])('a token is used until %s', async (_until, lifetimeMs, before, from) => {
  const { asked, request } = requests();
  let now = 0;
  const tokens = new AccessTokens(request, () => now);
  const first = tokens.get(yes, never);
  asked[0]?.answer(granted('a', lifetimeMs));
  await first;
  now = before;
  expect(await tokens.get(yes, never)).toMatchObject({ token: 'a' });
  now = from;
  const second = tokens.get(yes, never);
  asked[1]?.answer(granted('b', lifetimeMs));
  expect(await second).toEqual({ kind: 'token', token: 'b', isFresh: true });
});

test('a refused token is given to nobody again; the refusal of an older one changes nothing', async () => {
  const { asked, request } = requests();
  const tokens = new AccessTokens(request, () => 0);
  const first = tokens.get(yes, never);
  asked[0]?.answer(granted('a'));
  await first;
  tokens.refused('a');
  const second = tokens.get(yes, never);
  asked[1]?.answer(granted('b'));
  expect(await second).toMatchObject({ token: 'b' });
  tokens.refused('a');
  expect(await tokens.get(yes, never)).toMatchObject({ token: 'b' });
  expect(asked).toHaveLength(2);
});

test('a failed request is told to all who wait, and the next call asks again', async () => {
  const { asked, request } = requests();
  const tokens = new AccessTokens(request, () => 0);
  const failed: TokenAnswer = { kind: 'none', outcome: { kind: 'unauthorized', reason: 'InvalidGrant' } };
  const both = Promise.all([tokens.get(yes, never), tokens.get(yes, never)]);
  asked[0]?.answer(failed);
  expect(await both).toEqual([failed, failed]);
  const next = tokens.get(yes, never);
  asked[1]?.answer(granted('a'));
  expect(await next).toMatchObject({ token: 'a' });
});

test('a call that is aborted leaves the others waiting; when the last one goes, the request is given up', async () => {
  const { asked, request } = requests();
  const tokens = new AccessTokens(request, () => 0);
  const [one, other] = [new AbortController(), new AbortController()];
  const first = tokens.get(yes, one.signal);
  const second = tokens.get(yes, other.signal);
  one.abort();
  expect(await first).toEqual({ kind: 'none', outcome: { kind: 'transient', reason: 'NotSent' } });
  expect(asked[0]?.signal.aborted).toBe(false);
  other.abort();
  await second;
  expect(asked[0]?.signal.aborted).toBe(true);
  const third = tokens.get(yes, never);
  asked[1]?.answer(granted('b'));
  expect(await third).toMatchObject({ token: 'b' });
});

test('the request may be written while one of the calls that wait may', async () => {
  const { asked, request } = requests();
  const tokens = new AccessTokens(request, () => 0);
  const stop = new AbortController();
  const refuses = tokens.get(() => false, never);
  expect(asked[0]?.mayWrite()).toBe(false);
  const allows = tokens.get(yes, stop.signal);
  expect(asked[0]?.mayWrite()).toBe(true);
  stop.abort();
  await allows;
  expect(asked[0]?.mayWrite()).toBe(false);
  asked[0]?.answer(granted('a'));
  await refuses;
});
