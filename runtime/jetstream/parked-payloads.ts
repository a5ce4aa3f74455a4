/** Fetches the payload of a parked unit from the stream's leader. */
import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { stateStream } from '../contract/names.ts';
import type { LaneName } from '../contract/names.ts';
import type { CapturedRecord } from '../delivery/record.ts';
import type { ParkedPlace } from '../delivery/unit.ts';
import type { Nats } from './connection.ts';

export class ParkedPayloads {
  readonly #nats: Nats;

  constructor(nats: Nats) {
    this.#nats = nats;
  }

  /** Waits while NATS is away. */
  async read(lane: LaneName, place: ParkedPlace, signal: AbortSignal): Promise<CapturedRecord> {
    const body = await this.#body(lane, place, signal);
    const { key, topic, sourceID, capturedAt, seq, version, problem } = place.meta;
    return {
      key,
      topic,
      sourceID,
      capturedAt,
      seq,
      keyHash: place.keyHash,
      body,
      ...(version === undefined ? {} : { version }),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  async #body(lane: LaneName, place: ParkedPlace, signal: AbortSignal): Promise<Uint8Array> {
    const manager = await jetstreamManager(this.#nats.connection, { checkAPI: false, timeout: 3_000 });
    for (;;) {
      signal.throwIfAborted();
      try {
        const stored = await manager.streams.getMessage(stateStream(lane.pipeline), { seq: place.seq });
        if (stored !== null) return stored.data;
      } catch {
        // NATS is away or the leader changes: the payload is there, and nothing else can be done with the unit meanwhile.
      }
      await delay(500, undefined, { signal });
    }
  }
}
