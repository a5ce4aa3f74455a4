/**
 * Changes that wait for the lane's next commit, in groups that belong together. One commit is in flight at a time; all
 * that finished meanwhile rides in the next one, up to the limits of a commit.
 */
import type { Change } from './checkpoint.ts';
import type { ParkedMeta } from '../contract/parked-headers.ts';
import type { ParkedPlace, Unit } from './unit.ts';

/** What a commit writes beside the journal message. `body` absent: a tombstone. */
export interface ParkedWrite {
  readonly unit: Unit;
  readonly place: ParkedPlace;
  readonly content?: { readonly meta: ParkedMeta; readonly body: Uint8Array };
}

export interface Group {
  readonly changes: readonly Change[];
  readonly write?: ParkedWrite;
  /** The unit whose call may be made once this is durable. */
  readonly thenCall?: Unit;
}

/** protocol §1: a commit is cut at 500 messages and 512 KiB. */
const maxMessages = 500;
const maxBytes = 512 * 1024;

export class Outbox {
  #groups: Group[] = [];
  #bytes = 0;

  add(group: Group): void {
    this.#groups.push(group);
    this.#bytes += bytesOf(group);
  }

  get isEmpty(): boolean {
    return this.#groups.length === 0;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Removes and gives the groups of the next commit. A parked unit is written at most once in a commit: the server checks each subject once. */
  take(): Group[] {
    const written = new Set<ParkedPlace>();
    let bytes = 0;
    let count = 0;
    for (const group of this.#groups) {
      bytes += bytesOf(group);
      const place = group.write?.place;
      if (count > 0 && (bytes > maxBytes || written.size >= maxMessages - 1 || (place !== undefined && written.has(place)))) break;
      if (place !== undefined) written.add(place);
      count += 1;
    }
    const taken = this.#groups.slice(0, count);
    this.#groups = this.#groups.slice(count);
    this.#bytes -= taken.reduce((sum, group) => sum + bytesOf(group), 0);
    return taken;
  }
}

function bytesOf({ changes, write }: Group): number {
  return changes.length * 100 + (write === undefined ? 0 : 1_000 + (write.content?.body.length ?? 0));
}
