import { expect, test } from 'vitest';
import { dateText, DateTextError } from './date-text.ts';

test.each([
  ['2026-11-27T05:06:07Z', 'yyyy-MM-dd HH:mm:ss', 'UTC', '2026-11-27 05:06:07'],
  ['2026-11-27T05:06:07Z', 'dd.MM.yyyy, HH:mm', 'Europe/Berlin', '27.11.2026, 06:06'],
  ['2026-06-30T23:30:00Z', 'yyyyMMdd', 'Europe/Berlin', '20260701'],
  ['2026-01-01T02:00:00Z', 'MM/dd/yyyy', 'America/Los_Angeles', '12/31/2025'],
  ['2026-03-29T00:59:59Z', 'HH:mm:ss', 'Europe/Berlin', '01:59:59'],
  ['2026-03-29T01:00:00Z', 'HH:mm:ss', 'Europe/Berlin', '03:00:00'],
  ['2026-11-27T00:00:00Z', 'HH', 'UTC', '00'],
  ['2026-11-27T05:06:07Z', 'no tokens: é😀 $&', 'UTC', 'no tokens: é😀 $&'],
])('%s as %s in %s is %s', (time, format, zone, text) => {
  expect(dateText(new Date(time), format, zone)).toBe(text);
});

test('an unknown zone is refused, not taken for UTC', () => {
  expect(() => dateText(new Date(0), 'yyyy', 'Europe/Berlim')).toThrow(DateTextError);
});
