/** Which lane a key belongs to. The publisher computes it; changing it would change the order of records in flight. */

const utf8 = new TextEncoder();

/** FNV-1a, 32 bits, over the UTF-8 bytes of the text. */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of utf8.encode(text)) {
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return hash >>> 0;
}

/** Lane of a key: 0 to lanes − 1. */
export function laneOfKey(key: string, lanes: number): number {
  return fnv1a32(key) % lanes;
}
