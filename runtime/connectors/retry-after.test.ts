import { expect, test } from 'vitest';
import { retryAfterMs } from './retry-after.ts';

const now = Date.parse('2026-11-27T14:00:00Z');

test.each([
  ['whole seconds', '120', 120_000],
  ['zero', '0', 0],
  ['decimal seconds', '2.0', 2_000],
  ['a fraction of a second', '0.25', 250],
  ['with space around it', ' 3 ', 3_000],
  ['an HTTP date', 'Fri, 27 Nov 2026 14:00:30 GMT', 30_000],
  ['the older HTTP date', 'Friday, 27-Nov-26 14:01:00 GMT', 60_000],
  ['a date that has passed', 'Fri, 27 Nov 2026 13:59:00 GMT', 0],
  ['more than a day, cut to one', '999999999999', 86_400_000],
  ['no header', undefined, undefined],
  ['empty', '', undefined],
  ['negative', '-1', undefined],
  ['words', 'soon', undefined],
  ['words before GMT', 'some day GMT', undefined],
  ['a date without zone', 'Fri Nov 27 14:00:30 2026', undefined],
  ['an exponent', '1e3', undefined],
])('a Retry-After of %s', (_what, header, expected) => {
  expect(retryAfterMs(header, now)).toBe(expected);
});
