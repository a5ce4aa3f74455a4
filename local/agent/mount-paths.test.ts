import { expect, test } from 'vitest';
import { replaceMountPaths } from './mount-paths.ts';

const mounts = [
  { mountPath: '/etc/app', folder: '/data/a' },
  { mountPath: '/etc/app/secret/', folder: '/data/b' },
];

test.each([
  ['/etc/app', '/data/a'],
  ['/etc/app/config.json', '/data/a/config.json'],
  ['--config=/etc/app/config.json', '--config=/data/a/config.json'],
  ['/etc/app/secret/token', '/data/b/token'],
  ['/usr/bin:/etc/app:/bin', '/usr/bin:/data/a:/bin'],
  ['file:///etc/app/x', 'file:///data/a/x'],
  ['node -e "read(\'/etc/app/x\')"', 'node -e "read(\'/data/a/x\')"'],
  ['/etc/apple', '/etc/apple'],
  ['/etc/app-2/x', '/etc/app-2/x'],
  ['/host/etc/app', '/host/etc/app'],
  ['https://shop/etc/app', 'https://shop/etc/app'],
])('%s becomes %s', (text, expected) => {
  expect(replaceMountPaths(text, mounts)).toBe(expected);
});
