import { expect, test } from 'vitest';
import { routeOf, type Route } from './record-route.ts';

const base = '/services/rest/record/v1/salesOrder';

test.each<[string, Route]>([
  [`${base}/eid:shopify-1`, { kind: 'record', externalId: 'shopify-1', replacesItems: false }],
  [`${base}/eid%3Ashopify-1?replace=item`, { kind: 'record', externalId: 'shopify-1', replacesItems: true }],
  [`${base}/eid:a%2Fb%20%3F%25%F0%9F%A7%A5?replace=partners,item`, { kind: 'record', externalId: 'a/b ?%🧥', replacesItems: true }],
  [`${base}/eid:`, { kind: 'malformed' }],
  [`${base}/eid:%E0%A4%A`, { kind: 'malformed' }],
  [`${base}/eid:a/b`, { kind: 'unknown' }],
  [`${base}/1001`, { kind: 'unknown' }],
  [base, { kind: 'unknown' }],
  ['/services/rest/record/v1/customer/eid:1', { kind: 'unknown' }],
])('%s is read', (target, route) => {
  expect(routeOf(target)).toEqual(route);
});
