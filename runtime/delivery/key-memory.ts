/**
 * What the owner remembers of each key for six hours (longer than Shopify's retries and a reconciliation's look-back).
 * C3: the same event has one effect; a late, older version never overwrites a newer one.
 * Versions and source ids are rebuilt from capture headers, the rest from the journal's events. Owns its map; no clock.
 */
import type { FilterReason } from '../contract/journal.ts';
import { compareVersions } from '../expressions/key-text.ts';

export const memoryMs = 6 * 3_600_000;

interface KeyFacts {
  version: string | undefined;
  readonly sourceIDs: Set<string>;
  /** Set once the key was cancelled; the cancel's version where it had one. */
  cancelled: { readonly version: string | undefined } | undefined;
  /** Hash of the last delivered request. */
  deliveredHash: string | undefined;
  lastAt: number;
}

export interface SeenRecord {
  readonly keyHash: string;
  readonly sourceID: string;
  readonly version?: string;
}

export class KeyMemory {
  readonly #keys = new Map<string, KeyFacts>();
  #pruneAt = 0;

  /** Why a record that was just read is not worth a turn; undefined when it is. Asked before `saw`. */
  refusal(record: SeenRecord): FilterReason | undefined {
    const facts = this.#keys.get(record.keyHash);
    if (facts === undefined) return undefined;
    if (facts.sourceIDs.has(record.sourceID)) return 'Duplicate';
    if (isOlder(record.version, facts.version)) return 'Stale';
    return undefined;
  }

  /** Whether the key was cancelled and this record is no newer than its cancel. Asked at the record's turn: then every earlier cancel has had its own. */
  isAfterCancel(keyHash: string, version: string | undefined): boolean {
    const cancelled = this.#keys.get(keyHash)?.cancelled;
    return cancelled !== undefined && !isNewer(version, cancelled.version);
  }

  /** A record was read. `at`: epoch ms. */
  saw(record: SeenRecord, at: number): void {
    const facts = this.#facts(record.keyHash, at);
    facts.sourceIDs.add(record.sourceID);
    if (record.version !== undefined && !isOlder(record.version, facts.version)) facts.version = record.version;
  }

  cancelled(keyHash: string, version: string | undefined, at: number): void {
    this.#facts(keyHash, at).cancelled = { version };
  }

  delivered(keyHash: string, hash: string, at: number): void {
    this.#facts(keyHash, at).deliveredHash = hash;
  }

  /** A call is about to be made: until it is known to have been delivered, nobody knows what the target has. */
  calling(keyHash: string): void {
    const facts = this.#keys.get(keyHash);
    if (facts !== undefined) facts.deliveredHash = undefined;
  }

  isUnchanged(keyHash: string, hash: string): boolean {
    return this.#keys.get(keyHash)?.deliveredHash === hash;
  }

  #facts(keyHash: string, at: number): KeyFacts {
    this.#prune(at);
    const known = this.#keys.get(keyHash);
    if (known !== undefined) {
      known.lastAt = Math.max(known.lastAt, at);
      return known;
    }
    const fresh: KeyFacts = { version: undefined, sourceIDs: new Set(), cancelled: undefined, deliveredHash: undefined, lastAt: at };
    this.#keys.set(keyHash, fresh);
    return fresh;
  }

  /** At most once a minute, so that remembering stays cheap. */
  #prune(at: number): void {
    if (at < this.#pruneAt) return;
    this.#pruneAt = at + 60_000;
    for (const [keyHash, facts] of this.#keys) {
      if (facts.lastAt < at - memoryMs) this.#keys.delete(keyHash);
    }
  }
}

function isOlder(version: string | undefined, than: string | undefined): boolean {
  return version !== undefined && than !== undefined && compareVersions(version, than) < 0;
}

function isNewer(version: string | undefined, than: string | undefined): boolean {
  return version !== undefined && than !== undefined && compareVersions(version, than) > 0;
}
