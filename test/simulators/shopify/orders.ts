/**
 * Seeded orders in the REST shape of Shopify's orders/create.
 * Ids are above 2^53 and so close together that a reader who rounds them to doubles confuses them.
 */
import { createRandom, type Random } from '../random.ts';
import { writeJson } from '../json-text.ts';
import { oddNames, oddNotes, oddStreets } from './odd-text.ts';

export interface OrderAddress {
  first_name: string;
  last_name: string;
  name: string;
  company: string | null;
  /** Absent only in a bad address. */
  address1?: string | null;
  address2: string | null;
  city: string;
  province: string | null;
  province_code: string | null;
  country: string;
  country_code: string;
  zip: string;
  phone: string | null;
  latitude: number;
  longitude: number;
}

interface LineItem {
  id: bigint;
  admin_graphql_api_id: string;
  variant_id: bigint;
  product_id: bigint;
  sku: string;
  title: string;
  variant_title: string;
  name: string;
  quantity: number;
  current_quantity: number;
  fulfillable_quantity: number;
  fulfillment_service: string;
  fulfillment_status: null;
  requires_shipping: boolean;
  gift_card: boolean;
  grams: number;
  price: string;
  properties: { name: string; value: string }[];
  variant_inventory_management: string;
  product_exists: boolean;
  taxable: boolean;
  tax_lines: { title: string; price: string; rate: number }[];
  duties: never[];
  discount_allocations: never[];
}

export interface Order {
  id: bigint;
  admin_graphql_api_id: string;
  name: string;
  order_number: number;
  confirmation_number: string;
  created_at: string;
  updated_at: string;
  processed_at: string;
  cancelled_at: string | null;
  cancel_reason: string | null;
  currency: string;
  presentment_currency: string;
  total_price: string;
  current_total_price: string;
  financial_status: string;
  fulfillment_status: null;
  test: boolean;
  tags: string;
  note: string | null;
  note_attributes: { name: string; value: string }[];
  po_number: null;
  source_name: string;
  email: string;
  phone: null;
  customer: { id: bigint; first_name: string; last_name: string; email: string };
  billing_address: OrderAddress;
  shipping_address: OrderAddress | null;
  shipping_lines: { id: bigint; title: string; price: string; code: string }[];
  line_items: LineItem[];
  discount_codes: never[];
  tax_lines: never[];
  refunds: never[];
  payment_terms: null;
}

export interface OrdersOptions {
  seed: number;
  count: number;
  /** When the first order was placed; the others follow it, ten a second. */
  startAt?: string;
}

const defaultStartAt = '2026-11-27T14:00:00Z';

const firstId = 820_982_911_946_154_508n;
const shopOffsetMs = -5 * 3_600_000;

/** As Shopify writes times: whole seconds in the shop's zone. */
export const shopTime = (atMs: number): string => `${new Date(atMs + shopOffsetMs).toISOString().slice(0, 19)}-05:00`;

const money = (cents: number): string => (cents / 100).toFixed(2);

const cities = [
  { city: 'Ottawa', province: 'Ontario', province_code: 'ON', country: 'Canada', country_code: 'CA', zip: 'K2P 1L4' },
  { city: 'Zürich', province: null, province_code: null, country: 'Switzerland', country_code: 'CH', zip: '8001' },
  { city: '東京都', province: 'Tōkyō', province_code: 'JP-13', country: 'Japan', country_code: 'JP', zip: '150-0001' },
  { city: 'São Paulo', province: 'São Paulo', province_code: 'SP', country: 'Brazil', country_code: 'BR', zip: '01310-100' },
] as const;

const plainNames = ['Ada Lovelace', 'Grace Hopper', 'Alan Turing', 'Barbara Liskov', 'Edsger Dijkstra'] as const;
const jackets = ['Down Jacket', 'Parka “Nord”', 'Rain Shell 3-Layer', 'Überzieher & Weste', 'ダウンジャケット', 'Bomber 🧥'] as const;
const sizes = ['S / Black', 'M / Black', 'L / Navy', 'XL / Olive'] as const;

const generateAddress = (random: Random): OrderAddress => {
  const name = random.chance(0.5) ? random.pick(plainNames) : random.pick(oddNames);
  const [first = name, ...rest] = name.split(' ');
  return {
    first_name: first,
    last_name: rest.join(' '),
    name,
    company: random.chance(0.2) ? 'Black & White <GmbH>' : null,
    address1: random.chance(0.5) ? `${random.integer(1, 999)} Elm Street` : random.pick(oddStreets),
    address2: random.chance(0.3) ? `Apt. #${random.integer(1, 99)}` : null,
    ...random.pick(cities),
    phone: random.chance(0.5) ? `+1 613 555 ${random.integer(1000, 9999)}` : null,
    latitude: random.integer(-8_000_000, 8_000_000) / 100_000,
    longitude: random.integer(-17_000_000, 17_000_000) / 100_000,
  };
};

interface PricedLine {
  cents: number;
  line: LineItem;
}

const generateLine = (random: Random, id: bigint): PricedLine => {
  const cents = random.integer(999, 49_999);
  const quantity = random.integer(1, 3);
  const title = random.pick(jackets);
  const variantTitle = random.pick(sizes);
  const line: LineItem = {
    id,
    admin_graphql_api_id: `gid://shopify/LineItem/${id}`,
    variant_id: 43_729_076_000_000_000n + BigInt(random.integer(1, 400)),
    product_id: 788_032_119_674_292_922n + BigInt(random.integer(1, 100)),
    sku: String(random.integer(1001, 1400)),
    title,
    variant_title: variantTitle,
    name: `${title} - ${variantTitle}`,
    quantity,
    current_quantity: quantity,
    fulfillable_quantity: quantity,
    fulfillment_service: 'manual',
    fulfillment_status: null,
    requires_shipping: true,
    gift_card: false,
    grams: random.integer(300, 2400),
    price: money(cents),
    properties: random.chance(0.1) ? [{ name: 'Custom Engraving', value: random.pick(oddNotes) }] : [],
    variant_inventory_management: 'shopify',
    product_exists: true,
    taxable: true,
    tax_lines: [{ title: 'VAT', price: money(Math.round(cents * quantity * 0.19)), rate: 0.19 }],
    duties: [],
    discount_allocations: [],
  };
  return { cents: cents * quantity, line };
};

const generateLines = (random: Random, orderId: bigint): PricedLine[] => {
  const count = random.integer(1, 4);
  return Array.from({ length: count }, (_, index) => generateLine(random, orderId * 10n + BigInt(index + 1)));
};

const generateOrder = (random: Random, { id, index, atMs }: { id: bigint; index: number; atMs: number }): Order => {
  const lines = generateLines(random, id);
  const total = money(lines.reduce((sum, { cents }) => sum + cents, 0));
  const address = generateAddress(random);
  const at = shopTime(atMs);
  const email = `buyer+${index}@example.com`;
  return {
    id,
    admin_graphql_api_id: `gid://shopify/Order/${id}`,
    name: `#${1001 + index}`,
    order_number: 1001 + index,
    confirmation_number: random.uint32().toString(36).toUpperCase().padStart(7, '0'),
    created_at: at,
    updated_at: at,
    processed_at: at,
    cancelled_at: null,
    cancel_reason: null,
    currency: 'USD',
    presentment_currency: 'USD',
    total_price: total,
    current_total_price: total,
    financial_status: random.pick(['paid', 'authorized', 'pending', 'partially_paid']),
    fulfillment_status: null,
    test: false,
    tags: random.chance(0.2) ? 'VIP, größe-xl, 予約' : '',
    note: random.chance(0.4) ? random.pick(oddNotes) : null,
    note_attributes: random.chance(0.2) ? [{ name: 'gift message', value: random.pick(oddNotes) }] : [],
    po_number: null,
    source_name: 'web',
    email,
    phone: null,
    customer: { id: id + 1n, first_name: address.first_name, last_name: address.last_name, email },
    billing_address: address,
    shipping_address: address,
    shipping_lines: [{ id: id + 2n, title: 'Standard', price: '0.00', code: 'Standard' }],
    line_items: lines.map(({ line }) => line),
    discount_codes: [],
    tax_lines: [],
    refunds: [],
    payment_terms: null,
  };
};

/** The same options give the same orders, byte by byte. Orders of different seeds have different ids (but for a chance of one in 2^32). */
export const generateOrders = ({ seed, count, startAt = defaultStartAt }: OrdersOptions): Order[] => {
  const random = createRandom(seed);
  const startMs = Date.parse(startAt);
  // Doubles are 128 apart here; a step of at most 20 lets any reader that rounds lose orders.
  let id = firstId + BigInt(random.uint32()) * 1_048_576n;
  return Array.from({ length: count }, (_, index) => {
    id += BigInt(random.integer(1, 20));
    return generateOrder(random, { id, index, atMs: startMs + index * 100 });
  });
};

export const orderBody = (order: Order): Buffer => Buffer.from(writeJson(order, { escapeHtml: true }), 'utf8');
