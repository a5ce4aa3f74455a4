import { expect, test } from 'vitest';
import { countProbe, type ProbeCount } from './probe.ts';

const play = (start: boolean, looks: string): string => {
  let count: ProbeCount = { isPassing: start, against: 0 };
  let states = '';
  for (const one of looks) {
    count = countProbe(count, one === '+', { successThreshold: 2, failureThreshold: 3 });
    states += count.isPassing ? '+' : '-';
  }
  return states;
};

test.each([
  [false, '+-++', '---+'],
  [true, '--+---+', '+++++--'],
  [true, '---++', '++--+'],
])('starting at %s, the looks %s give the states %s', (start, looks, states) => {
  expect(play(start, looks)).toBe(states);
});
