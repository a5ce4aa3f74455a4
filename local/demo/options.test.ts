import { expect, test } from 'vitest';
import { readOptions } from './options.ts';

const defaults = { orders: 2_000, seed: 1, realLatency: false, outage: true, kill: [], keep: false, reportFile: undefined };

test.each([
  [[], defaults],
  [
    ['--orders', '200', '--seed=7', '--real-latency', '--no-outage', '--keep', '--report', 'r.json'],
    { ...defaults, orders: 200, seed: 7, realLatency: true, outage: false, keep: true, reportFile: 'r.json' },
  ],
  [['--kill', 'nats, ingest,nats'], { ...defaults, kill: ['nats', 'ingest'] }],
])('%j are the options %j', (args, options) => {
  expect(readOptions(args)).toEqual({ kind: 'run', options });
});

test.each([
  [['--orders', 'many'], '--orders must be a whole number from 10 to 100000'],
  [['--orders', '9'], '--orders must be a whole number from 10 to 100000'],
  [['--orders', '1e3'], '--orders must be a whole number from 10 to 100000'],
  [['--seed', '-1'], "Option '--seed' argument is ambiguous"],
  [['--seed', '1.5'], '--seed must be a whole number from 0 to 4294967295'],
  [['--kill', 'etcd'], '--kill takes a list of ingest, deliver, operator, nats, apiserver'],
  [['--kill', ''], '--kill takes a list of ingest, deliver, operator, nats, apiserver'],
  [['--report='], '--report needs the name of a file'],
  [['--fast'], "Unknown option '--fast'"],
  [['soon'], "Unexpected argument 'soon'"],
])('%j are refused in one line', (args, message) => {
  const read = readOptions(args);
  const said = read.kind === 'wrong' ? read.message : '';
  expect(said).toContain(message);
  expect(said).not.toContain('\n');
});

test('help wins over everything else', () => {
  expect(readOptions(['--help', '--orders', 'many'])).toEqual({ kind: 'help' });
});
