import { expect, test } from 'vitest';
import { isApplied, withRenderedHash } from './applied.ts';
import { hashOf } from './hash.ts';
import type { RenderedObject } from './objects.ts';

const rendered: RenderedObject = {
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name: 'a', namespace: 'shop', labels: { app: 'x' } },
  spec: { list: [{ name: 'one', value: 1 }], empty: {}, none: [] },
};

function live(spec: Record<string, unknown>) {
  const metadata = {
    name: 'a',
    namespace: 'shop',
    labels: { app: 'x', other: 'y' },
    uid: 'u',
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  return { apiVersion: 'v1', kind: 'Thing', metadata, spec };
}

test.each([
  ['everything is there, and defaults of the server', { list: [{ name: 'one', value: 1, added: true }], more: 1 }, true],
  ['a value differs', { list: [{ name: 'one', value: 2 }] }, false],
  ['an item was added to a list', { list: [{ name: 'one', value: 1 }, { name: 'two' }] }, false],
  ['a field is missing', { list: [{ name: 'one' }] }, false],
  ['a list is missing', {}, false],
])('O1: %s', (_name, spec, expected) => {
  expect(isApplied(rendered, live(spec))).toBe(expected);
});

test('a field that is rendered no more changes the hash, and so the object', () => {
  const before = withRenderedHash(rendered);
  const after = withRenderedHash({ ...rendered, spec: { list: [] } });
  expect(before.metadata.annotations).not.toEqual(after.metadata.annotations);
});

test('the hash does not depend on the order of fields, and absent fields do not count', () => {
  expect(hashOf({ a: 1, b: [{ c: 2, d: undefined }] })).toBe(hashOf({ b: [{ c: 2 }], a: 1 }));
  expect(hashOf({ a: [1, 2] })).not.toBe(hashOf({ a: [2, 1] }));
});
