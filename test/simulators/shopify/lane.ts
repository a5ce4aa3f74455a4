/** Which lane a key falls into, written a second time from its definition: FNV-1a 32 over the key's UTF-8 bytes, modulo the lanes. */

export const laneOf = (key: string, lanes: number): number => {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(key, 'utf8')) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % lanes;
};
