/**
 * Which request a call means. Pure.
 * U1: the same call twice leaves the record as once. NetSuite adds the lines of a sublist to those that are there unless
 * `replace` names the sublist, so every sublist is replaced whose lines would otherwise come twice.
 */
import { z } from 'zod';
import type { netSuiteOperation } from './definition.ts';

export interface RecordRequest {
  readonly method: 'PUT' | 'PATCH';
  readonly path: string;
}

type Operation = z.infer<typeof netSuiteOperation>;

const sublist = z.object({ items: z.array(z.unknown()) });
const keyedLine = z.looseObject({ line: z.number() });

/** Undefined for an external id that no URL can hold: one with a lone surrogate. */
export function recordRequest({ record, operation, externalID }: Operation, body: string | undefined): RecordRequest | undefined {
  if (!externalID.isWellFormed()) return undefined;
  const replaced = sublistsToReplace(operation, body).map((name) => encodeURIComponent(name));
  const query = replaced.length === 0 ? '' : `?replace=${replaced.join(',')}`;
  return {
    method: operation === 'Upsert' ? 'PUT' : 'PATCH',
    path: `/services/rest/record/v1/${record}/eid:${encodeURIComponent(externalID)}${query}`,
  };
}

/** An Upsert replaces every sublist it sends; an Update leaves those alone whose lines all say which line they change. */
function sublistsToReplace(operation: Operation['operation'], body: string | undefined): string[] {
  const parsed: unknown = body === undefined ? undefined : JSON.parse(body);
  const members = z.record(z.string(), z.unknown()).safeParse(parsed);
  return Object.entries(members.data ?? {}).flatMap(([name, value]) => {
    const lines = sublist.safeParse(value).data?.items;
    if (lines === undefined) return [];
    const isReplaced = operation === 'Upsert' || !lines.every((line) => keyedLine.safeParse(line).success);
    return isReplaced && name.isWellFormed() ? [name] : [];
  });
}
