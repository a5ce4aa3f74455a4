/** How long a target asks to be left alone. Pure. */

/** Longer than any window that targets document; more is taken for a mistake and cut. */
const maxAfterMs = 24 * 3_600_000;

/**
 * Delay in ms that a Retry-After header asks for: seconds, decimal seconds (Shopify writes `2.0`) or an HTTP date.
 * Undefined when there is none or nobody can tell what it means. `now` is epoch ms.
 */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  const text = header?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return bounded(Number(text) * 1000);
  // Only dates that name their zone: any other text would be read in the zone of this pod.
  const at = text.endsWith(' GMT') ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : bounded(at - now);
}

function bounded(ms: number): number {
  return Math.ceil(Math.min(Math.max(ms, 0), maxAfterMs));
}
