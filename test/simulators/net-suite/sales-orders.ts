/**
 * The sales orders and their books by external id.
 * Invariants: a write is applied at its call's own end; whether an upsert creates is decided at its start, so two overlapping upserts of a
 * new external id leave two objects (the simulator takes the worst case of what the real one does not promise);
 * lines without a known line key are added to the others unless the call replaces the sublist, as documented.
 */
import { createHash } from 'node:crypto';
import { steadyNowMs } from '../listener.ts';
import { isObject, writeJson } from '../json-text.ts';
import { itemsOf, type SalesOrderFields } from './sales-order.ts';

export interface ContentVersion {
  /** custbody_source_version after the write. */
  version: string | null;
  /** SHA-256 of the whole content after the write. */
  hash: string;
  atMs: number;
  /** Whether the write changed the content; true for the one that created it. */
  changed: boolean;
  method: 'PUT' | 'PATCH';
}

export interface RecordBook {
  /** Objects created with this external id; more than one is a duplicate. */
  objects: number;
  internalIds: string[];
  /** Writes in the order of their effect. */
  versions: ContentVersion[];
  /** Calls that arrived while another one of the same external id was in flight. */
  overlaps: number;
}

interface StoredOrder {
  internalId: string;
  fields: Map<string, unknown>;
  lines: Map<number, Record<string, unknown>>;
}

export interface Write {
  externalId: string;
  method: 'PUT' | 'PATCH';
  fields: SalesOrderFields;
  /** The call had ?replace=item. */
  replacesItems: boolean;
  /** Decided when the call started. */
  creates: boolean;
}

const contentOf = (order: StoredOrder): Record<string, unknown> => ({
  ...Object.fromEntries(order.fields),
  item: { items: [...order.lines].map(([line, fields]) => ({ line, ...fields })) },
});

/** Line numbers are NetSuite's own and no content. */
const hashOf = (order: StoredOrder): string => {
  const content = { ...Object.fromEntries(order.fields), item: { items: [...order.lines.values()] } };
  return createHash('sha256')
    .update(writeJson(content, { sortMembers: true }))
    .digest('hex');
};

const writeLines = (order: StoredOrder, write: Write): void => {
  if (write.fields['item'] === undefined) return;
  const before = order.lines;
  const sent = itemsOf(write.fields).map(({ line, ...fields }) => ({ key: Number(line ?? 0), fields }));
  const kept = write.replacesItems ? [...before].filter(([key]) => sent.some((line) => line.key === key)) : [...before];
  order.lines = new Map(kept);
  let next = Math.max(0, ...before.keys()) + 1;
  for (const { key, fields } of sent) {
    const known = before.get(key);
    order.lines.set(known === undefined ? next++ : key, { ...known, ...fields });
  }
};

const mergeAddress = (before: unknown, sent: unknown): unknown => (isObject(before) && isObject(sent) ? { ...before, ...sent } : sent);

const writeFields = (order: StoredOrder, fields: SalesOrderFields): void => {
  for (const [name, value] of Object.entries(fields)) {
    if (name !== 'item') order.fields.set(name, mergeAddress(order.fields.get(name), value));
  }
};

export class SalesOrders {
  readonly books = new Map<string, RecordBook>();
  readonly #orders = new Map<string, StoredOrder>();
  readonly #inFlight = new Map<string, number>();
  #lastInternalId = 1000;

  has(externalId: string): boolean {
    return this.#orders.has(externalId);
  }

  /** JSON text with all digits. */
  read(externalId: string): string | undefined {
    const order = this.#orders.get(externalId);
    return order === undefined ? undefined : writeJson({ id: order.internalId, externalId, ...contentOf(order) });
  }

  begin(externalId: string): void {
    const running = this.#inFlight.get(externalId) ?? 0;
    this.#inFlight.set(externalId, running + 1);
    if (running > 0) this.#book(externalId).overlaps += 1;
  }

  end(externalId: string): void {
    const running = this.#inFlight.get(externalId) ?? 0;
    if (running > 1) this.#inFlight.set(externalId, running - 1);
    else this.#inFlight.delete(externalId);
  }

  /** Returns the internal id. A write that does not create needs an order that is there. */
  apply(write: Write): string {
    const order = write.creates ? this.#create(write.externalId) : this.#orders.get(write.externalId);
    if (order === undefined) throw new Error('an update of an order that is not there');
    const before = hashOf(order);
    writeFields(order, write.fields);
    writeLines(order, write);
    const hash = hashOf(order);
    const version = order.fields.get('custbody_source_version');
    this.#book(write.externalId).versions.push({
      version: typeof version === 'string' ? version : null,
      hash,
      atMs: steadyNowMs(),
      changed: write.creates || hash !== before,
      method: write.method,
    });
    return order.internalId;
  }

  #create(externalId: string): StoredOrder {
    this.#lastInternalId += 1;
    const order = { internalId: String(this.#lastInternalId), fields: new Map<string, unknown>(), lines: new Map() };
    const book = this.#book(externalId);
    book.objects += 1;
    book.internalIds.push(order.internalId);
    // Of two objects the later one is found by the external id from now on.
    this.#orders.set(externalId, order);
    return order;
  }

  #book(externalId: string): RecordBook {
    const known = this.books.get(externalId);
    if (known !== undefined) return known;
    const book: RecordBook = { objects: 0, internalIds: [], versions: [], overlaps: 0 };
    this.books.set(externalId, book);
    return book;
  }
}
