/**
 * How many records of a lane were captured before its destination began. It never changes while the streams live, so it is
 * counted once and remembered.
 */
import { captureStream, captureSubject } from '../../runtime/contract/names.ts';
import type { LaneName } from '../../runtime/contract/names.ts';
import type { JetStream } from '../jetstream/connection.ts';
import { countAbove, readStartCursor } from '../jetstream/journals.ts';
import { readStream } from '../jetstream/streams.ts';

const attempts = 3;

export class LaneStarts {
  #streams = '';
  readonly #skipped = new Map<string, number>();

  /** undefined: not known, because the lane's first journal message is gone or records come in faster than one can count. */
  async skipped(
    jetStream: JetStream,
    { lane, streams }: { lane: LaneName; streams: string },
    signal: AbortSignal,
  ): Promise<number | undefined> {
    if (this.#streams !== streams) this.#skipped.clear();
    this.#streams = streams;
    const key = `${lane.destination}/${lane.lane}`;
    const known = this.#skipped.get(key);
    if (known !== undefined) return known;
    const counted = await countSkipped(jetStream, lane, signal);
    if (counted !== undefined) this.#skipped.set(key, counted);
    return counted;
  }
}

async function countSkipped(jetStream: JetStream, lane: LaneName, signal: AbortSignal): Promise<number | undefined> {
  const cursor = await readStartCursor(jetStream, lane, signal);
  if (cursor === undefined || cursor === 0) return cursor;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const before = await countAll(jetStream, lane, signal);
    const above = await countAbove(jetStream, { lane, cursor }, signal);
    const after = await countAll(jetStream, lane, signal);
    if (before === after) return before - above;
  }
  return undefined;
}

async function countAll(jetStream: JetStream, { pipeline, lane }: LaneName, signal: AbortSignal): Promise<number> {
  const subject = captureSubject(pipeline, lane);
  const stream = await readStream(jetStream, { name: captureStream(pipeline), subjects: subject }, signal);
  return stream?.counts.get(subject) ?? 0;
}
