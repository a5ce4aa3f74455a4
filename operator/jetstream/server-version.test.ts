import { expect, test } from 'vitest';
import { versionProblem } from './server-version.ts';

test.each(['2.14.0', '2.14.9', '2.15.2', '2.100.0', '3.0.0', '2.15.0-RC.1'])('%s will do', (version) => {
  expect(versionProblem(version)).toBeUndefined();
});

test.each([
  ['2.13.9', 'The NATS server has version 2.13.9; Peppasync needs 2.14 or later. Upgrade the server.'],
  ['1.99.0', 'The NATS server has version 1.99.0; Peppasync needs 2.14 or later. Upgrade the server.'],
  ['', 'The NATS server has version unknown; Peppasync needs 2.14 or later. Upgrade the server.'],
])('%s is refused with what to do', (version, message) => {
  expect(versionProblem(version)).toBe(message);
});
