/** A captured record as the lane carries it. */
import type { CaptureMeta } from '../contract/capture-headers.ts';

export interface CapturedRecord extends CaptureMeta {
  /** Sequence in the capture stream. */
  readonly seq: number;
  /** `hash128` of the key. */
  readonly keyHash: string;
  readonly body: Uint8Array;
}
