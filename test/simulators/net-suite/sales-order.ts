/** What NetSuite takes as a salesOrder body, and the error details for what it does not take. */
import { z } from 'zod';
import { isObject, parseJson } from '../json-text.ts';
import type { ErrorDetail } from './answers.ts';

const maxAddressLine = 150;

const codePoints = (text: string): number => Array.from(text).length;

const number = z.union([z.number(), z.bigint()], { error: 'Invalid value: a number is expected.' });
const decimal = z.union([number, z.string().regex(/^-?\d+(\.\d+)?$/)], { error: 'Invalid value: a decimal number is expected.' });
const reference = z.looseObject(
  { id: z.union([z.string().min(1), number], { error: 'Invalid reference: an internal id is expected.' }) },
  { error: 'Invalid reference: an object with an id is expected.' },
);
const text = z.string({ error: 'Invalid value: text is expected.' }).nullable();
const orderStatus = z.string().regex(/^[A-H]$/, { error: 'Invalid value: a status from A to H is expected.' });

const address = z.strictObject({
  addressee: text.optional(),
  attention: text.optional(),
  addr1: text
    .refine((line) => line === null || codePoints(line) <= maxAddressLine, {
      error: `The field addr1 contained more than the maximum number ( ${maxAddressLine} ) of characters allowed.`,
    })
    .optional(),
  addr2: text.optional(),
  addr3: text.optional(),
  addrPhone: text.optional(),
  city: text.optional(),
  state: text.optional(),
  zip: text.optional(),
  country: z.union([text, reference]).optional(),
});

const line = z
  .object({
    item: reference,
    line: number.optional(),
    quantity: number,
    rate: decimal.nullable().optional(),
    amount: decimal.nullable().optional(),
    description: text.optional(),
    price: reference.nullable().optional(),
    isClosed: z.boolean().optional(),
  })
  .catchall(z.unknown());

const fields = z.object({
  entity: reference.optional(),
  subsidiary: reference.nullable().optional(),
  location: reference.nullable().optional(),
  currency: reference.nullable().optional(),
  tranDate: text.optional(),
  shipDate: text.optional(),
  otherRefNum: text.optional(),
  memo: text.optional(),
  email: text.optional(),
  externalId: z.string().optional(),
  orderStatus: z
    .union([orderStatus, z.looseObject({ id: orderStatus })], { error: 'Invalid value: a status from A to H is expected.' })
    .optional(),
  item: z.strictObject({ items: z.array(line) }).optional(),
  shippingAddress: address.nullable().optional(),
  billingAddress: address.nullable().optional(),
  shippingCost: decimal.nullable().optional(),
  shipMethod: reference.nullable().optional(),
  custbody_source_version: z.string({ error: 'Invalid value: text is expected.' }).optional(),
});

const knownFields = new Set(Object.keys(fields.shape));
const lineFields = new Set(['item', 'line', 'quantity', 'rate', 'amount', 'description', 'price', 'isClosed']);

export type SalesOrderFields = Record<string, unknown>;

export type ReadSalesOrder = { kind: 'accepted'; fields: SalesOrderFields } | { kind: 'refused'; details: ErrorDetail[] };

const invalid = (detail: string, path?: string): ErrorDetail => ({
  detail: `Error while accessing a resource. ${detail}`,
  'o:errorCode': 'INVALID_CONTENT',
  ...(path === undefined || path === '' ? {} : { 'o:errorPath': path }),
});

const pathText = (path: readonly PropertyKey[]): string =>
  path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
    .join('')
    .replace(/^\./, '');

const detailsOf = (error: z.ZodError): ErrorDetail[] =>
  error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => invalid('Unknown field.', pathText([...issue.path, key])))
      : [invalid(issue.message, pathText(issue.path))],
  );

const unknownFields = (body: SalesOrderFields): ErrorDetail[] =>
  Object.keys(body)
    .filter((name) => !knownFields.has(name) && !name.startsWith('custbody_'))
    .map((name) => invalid('Unknown field.', name));

export const itemsOf = (body: SalesOrderFields): Record<string, unknown>[] => {
  const list = isObject(body['item']) ? body['item']['items'] : undefined;
  return Array.isArray(list) ? list.filter(isObject) : [];
};

const unknownLineFields = (body: SalesOrderFields): ErrorDetail[] =>
  itemsOf(body).flatMap((item, index) =>
    Object.keys(item)
      .filter((name) => !lineFields.has(name) && !name.startsWith('custcol_'))
      .map((name) => invalid('Unknown field.', `item.items[${index}].${name}`)),
  );

const parseBody = (bytes: Buffer): unknown => {
  try {
    return parseJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // Broken UTF-8 or broken JSON: undefined is no JSON value.
    return undefined;
  }
};

export const readSalesOrder = (bytes: Buffer, externalId: string): ReadSalesOrder => {
  const body = parseBody(bytes);
  if (!isObject(body)) return { kind: 'refused', details: [invalid('The request body is not a JSON object.')] };
  const parsed = fields.safeParse(body);
  const details = [...unknownFields(body), ...unknownLineFields(body), ...(parsed.success ? [] : detailsOf(parsed.error))];
  if (parsed.success && parsed.data.externalId !== undefined && parsed.data.externalId !== externalId) {
    details.push(invalid('The external ID in the body is not the one in the URL.', 'externalId'));
  }
  return details.length > 0 ? { kind: 'refused', details } : { kind: 'accepted', fields: body };
};

const missing = (label: string, path: string): ErrorDetail => ({
  detail: `Error while accessing a resource. Please enter value(s) for: ${label}.`,
  'o:errorCode': 'USER_ERROR',
  'o:errorPath': path,
});

/** What a body lacks to become a new order. */
export const missingForCreate = (body: SalesOrderFields): ErrorDetail[] => [
  ...(body['entity'] === undefined ? [missing('Customer', 'entity')] : []),
  ...(itemsOf(body).length === 0 ? [missing('Items', 'item')] : []),
];
