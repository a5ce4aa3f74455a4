import { expect, test } from 'vitest';
import { recordRequest } from './record-request.ts';

const order = { record: 'salesOrder', externalID: 'shopify-1' };
const path = '/services/rest/record/v1/salesOrder/eid:shopify-1';
const keyed = { line: 2, quantity: 9 };
const unkeyed = { item: { id: '1' }, quantity: 1 };

test.each([
  ['an Upsert without sublists', 'Upsert', { memo: 'a', entity: { id: '1' } }, 'PUT', path],
  ['an Upsert replaces its sublist', 'Upsert', { item: { items: [unkeyed] } }, 'PUT', `${path}?replace=item`],
  ['an Upsert replaces keyed lines too', 'Upsert', { item: { items: [keyed] } }, 'PUT', `${path}?replace=item`],
  ['an Upsert empties a sublist', 'Upsert', { item: { items: [] } }, 'PUT', `${path}?replace=item`],
  [
    'each sublist is named',
    'Upsert',
    { addressBook: { items: [{}] }, custom_x: { items: [1] }, memo: 'a' },
    'PUT',
    `${path}?replace=addressBook,custom_x`,
  ],
  ['an Update without sublists', 'Update', { orderStatus: 'C' }, 'PATCH', path],
  ['an Update of lines it names', 'Update', { item: { items: [keyed] } }, 'PATCH', path],
  ['an Update with a line that would come twice', 'Update', { item: { items: [keyed, unkeyed] } }, 'PATCH', `${path}?replace=item`],
  ['a member whose items are no list', 'Upsert', { item: { items: 1 } }, 'PUT', path],
  ['a body that is no object', 'Upsert', [1], 'PUT', path],
] as const)('U1: %s', (_what, operation, body, method, expected) => {
  expect(recordRequest({ ...order, operation }, JSON.stringify(body))).toEqual({ method, path: expected });
});

test('a call without a body', () => {
  expect(recordRequest({ ...order, operation: 'Update' }, undefined)).toEqual({ method: 'PATCH', path });
});

test.each([
  ['a/b?c#d', 'a%2Fb%3Fc%23d'],
  ['ü 🧥&%', '%C3%BC%20%F0%9F%A7%A5%26%25'],
  ['..', '..'],
])('the external id %s is percent-encoded', (externalID, encoded) => {
  expect(recordRequest({ ...order, externalID, operation: 'Upsert' }, '{}')?.path).toBe(
    `/services/rest/record/v1/salesOrder/eid:${encoded}`,
  );
});

test('an external id with half of a character fits no URL', () => {
  expect(recordRequest({ ...order, externalID: 'a\ud83d', operation: 'Upsert' }, '{}')).toBeUndefined();
});
