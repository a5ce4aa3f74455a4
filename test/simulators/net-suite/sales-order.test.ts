import { expect, test } from 'vitest';
import { missingForCreate, readSalesOrder } from './sales-order.ts';

const good = {
  entity: { id: '4711' },
  otherRefNum: '#1001',
  orderStatus: 'B',
  custbody_source_version: '17',
  custbody_anything: { nested: [1] },
  shippingAddress: { addressee: 'Zoë', addr1: 'Straße 1', city: 'Zürich', zip: '8001', country: { id: 'CH' } },
  item: { items: [{ item: { id: '1001' }, quantity: 2, rate: '19.99', custcol_note: 'x' }] },
};

const bytesOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const withLine = (line: unknown): unknown => ({ ...good, item: { items: [good.item.items[0], line] } });

test('a complete order is accepted as it is', () => {
  expect(readSalesOrder(bytesOf(good), 'shopify-1')).toEqual({ kind: 'accepted', fields: good });
  expect(missingForCreate(good)).toEqual([]);
});

test('an address of 150 code points is accepted, whatever they are', () => {
  const body = { ...good, shippingAddress: { addr1: '💸'.repeat(150) } };
  expect(readSalesOrder(bytesOf(body), 'x').kind).toBe('accepted');
});

test.each<[string, Buffer, (string | undefined)[]]>([
  ['no JSON', Buffer.from('{"entity":'), [undefined]],
  ['an empty body', Buffer.alloc(0), [undefined]],
  ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), [undefined]],
  ['an array', bytesOf([good]), [undefined]],
  ['an unknown field', bytesOf({ ...good, colour: 'red' }), ['colour']],
  ['a field in another case', bytesOf({ ...good, otherrefnum: '1' }), ['otherrefnum']],
  ['an address line of 151 characters', bytesOf({ ...good, shippingAddress: { addr1: 'é'.repeat(151) } }), ['shippingAddress.addr1']],
  ['an unknown field of the address', bytesOf({ ...good, shippingAddress: { address1: 'x' } }), ['shippingAddress.address1']],
  ['a reference without an id', bytesOf({ ...good, entity: {} }), ['entity.id']],
  ['a reference that is text', bytesOf({ ...good, entity: '4711' }), ['entity']],
  ['an empty item id', bytesOf(withLine({ item: { id: '' }, quantity: 1 })), ['item.items[1].item.id']],
  ['a line without an item', bytesOf(withLine({ quantity: 1 })), ['item.items[1].item']],
  ['a quantity that is text', bytesOf(withLine({ item: { id: '1' }, quantity: '2' })), ['item.items[1].quantity']],
  ['a rate that is no number', bytesOf(withLine({ item: { id: '1' }, quantity: 2, rate: 'free' })), ['item.items[1].rate']],
  ['an unknown field of a line', bytesOf(withLine({ item: { id: '1' }, quantity: 2, sku: 'x' })), ['item.items[1].sku']],
  ['an unknown status', bytesOf({ ...good, orderStatus: 'Cancelled' }), ['orderStatus']],
  ['a version that is no text', bytesOf({ ...good, custbody_source_version: 17 }), ['custbody_source_version']],
  ['another external id than the URL', bytesOf({ ...good, externalId: 'shopify-2' }), ['externalId']],
  ['several faults at once', bytesOf({ ...good, colour: 1, memo: 2 }), ['colour', 'memo']],
])('%s is refused with its path', (_fault, bytes, paths) => {
  const read = readSalesOrder(bytes, 'shopify-1');
  expect(read.kind === 'refused' ? read.details.map((detail) => detail['o:errorPath']) : 'accepted').toEqual(paths);
});

test('a new order needs a customer and at least one item', () => {
  expect(missingForCreate({ memo: 'x', item: { items: [] } })).toEqual([
    {
      detail: 'Error while accessing a resource. Please enter value(s) for: Customer.',
      'o:errorCode': 'USER_ERROR',
      'o:errorPath': 'entity',
    },
    { detail: 'Error while accessing a resource. Please enter value(s) for: Items.', 'o:errorCode': 'USER_ERROR', 'o:errorPath': 'item' },
  ]);
});
