/** Which record a request of the record service means. */

const prefix = '/services/rest/record/v1/salesOrder/';

export type Route =
  | { kind: 'record'; externalId: string; replacesItems: boolean }
  /** An external id that is empty or badly percent-encoded. */
  | { kind: 'malformed' }
  | { kind: 'unknown' };

const decode = (segment: string): string | null => {
  try {
    return decodeURIComponent(segment);
  } catch {
    // Malformed percent-encoding; decodeURIComponent throws nothing else.
    return null;
  }
};

export const routeOf = (target: string): Route => {
  const [path = '', query = ''] = target.split('?', 2);
  const segment = path.startsWith(prefix) ? path.slice(prefix.length) : '';
  if (segment === '' || segment.includes('/')) return { kind: 'unknown' };
  const name = decode(segment);
  if (name === null || name === 'eid:') return { kind: 'malformed' };
  if (!name.startsWith('eid:')) return { kind: 'unknown' };
  const replaced = new URLSearchParams(query).get('replace') ?? '';
  return { kind: 'record', externalId: name.slice('eid:'.length), replacesItems: replaced.split(',').includes('item') };
};
