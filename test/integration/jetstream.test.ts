/** The wrapped client against a real server: publishing, reading through a restart, and the journal's fence. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { emptyCounters } from '../../runtime/contract/journal.ts';
import type { JournalMessage } from '../../runtime/contract/journal.ts';
import { captureStream, captureSubject, parkedSubjects, stateStream } from '../../runtime/contract/names.ts';
import type { ParkedMeta } from '../../runtime/contract/parked-headers.ts';
import { parkedUnit } from '../../runtime/delivery/unit.ts';
import type { ParkedPlace } from '../../runtime/delivery/unit.ts';
import { connectNats } from '../../runtime/jetstream/connection.ts';
import type { Nats } from '../../runtime/jetstream/connection.ts';
import { JournalStore } from '../../runtime/jetstream/journal-store.ts';
import { NoAnswerError, Publisher, refusalCodes, RefusedError } from '../../runtime/jetstream/publisher.ts';
import { readAfter, scan } from '../../runtime/jetstream/stream-reader.ts';
import { startNats } from '../support/nats-server.ts';
import type { TestNats } from '../support/nats-server.ts';
import { createPipeline } from '../support/pipeline-on-nats.ts';
import { testPipeline } from '../support/test-pipeline.ts';

const { signal } = new AbortController();
const bytes = (text: string) => new TextEncoder().encode(text);

let server: TestNats;
let nats: Nats;
let publisher: Publisher;

beforeAll(async () => {
  server = await startNats(signal);
  nats = await connectNats({ url: server.url, name: 'test' }, signal);
  publisher = new Publisher(nats.connection);
  await createPipeline(nats, testPipeline(), { maxBytes: 1024 * 1024, signal });
}, 900_000);

afterAll(async () => {
  publisher.close();
  await nats.connection.close();
  await server.stop();
});

const pipeline = { namespace: 'shop', name: 'orders' };
const lane = { pipeline, destination: 'erp', lane: 0 };

function message(change: Partial<JournalMessage>): JournalMessage {
  return {
    v: 1,
    epoch: 1,
    owner: 'a',
    ordinal: 1,
    at: 1,
    generation: 1,
    cursor: 0,
    done: [],
    window: 0,
    intents: [],
    counters: emptyCounters(),
    events: [],
    ...change,
  };
}

function place(order: string, seq = 0): ParkedPlace {
  const meta: ParkedMeta = {
    v: 1,
    state: 'failed',
    kind: 'Record',
    key: 'k',
    seq: 1,
    unit: '_',
    topic: 't',
    sourceID: 's',
    capturedAt: '2026-11-27T08:00:00.000Z',
    revision: 0,
    attempt: 0,
    parkedAt: 1,
    generation: 1,
  };
  return { keyHash: 'aa', order: order.padStart(20, '0'), unit: '_', seq, meta };
}

function write(parked: ParkedPlace, body?: string) {
  return { unit: parkedUnit(parked), place: parked, ...(body === undefined ? {} : { content: { meta: parked.meta, body: bytes(body) } }) };
}

async function parkedNow(): Promise<[string, number][]> {
  const found: [string, number][] = [];
  const at = { nats, stream: stateStream(pipeline), subject: parkedSubjects({ ...lane, lane: 1 }) };
  for await (const each of scan(at, { lastPerSubject: true, signal })) found.push([new TextDecoder().decode(each.data), each.seq]);
  return found;
}

test('C1: the publisher gives the sequence of the PubAck, and says when a message was known already', async () => {
  const publication = { subject: captureSubject(pipeline, 3), payload: bytes('x'), headers: [['Nats-Msg-Id', 'once']] as const };
  const first = await publisher.publish(publication, 2_000);
  const again = await publisher.publish(publication, 2_000);
  expect(again).toEqual({ seq: first.seq, duplicate: true });
});

test('C1: a message for a subject that no stream takes is not acknowledged', async () => {
  const nowhere = { subject: 'pp.shop.nowhere.c.0', payload: bytes('x'), headers: [] };
  await expect(publisher.publish(nowhere, 500)).rejects.toBeInstanceOf(NoAnswerError);
});

test('C1: a full stream refuses, with its code', async () => {
  const large = { subject: captureSubject(pipeline, 3), payload: new Uint8Array(1024 * 1024), headers: [] };
  const refused = await publisher.publish(large, 2_000).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(RefusedError);
  expect(refused).toMatchObject({ code: refusalCodes.maximumBytes });
});

test('D2: a commit after a stale head writes nothing, neither its journal message nor its parked units', async () => {
  const fenced = { ...lane, lane: 1 };
  const store = await JournalStore.open(fenced, nats.connection, publisher);
  const head = await store.readHead();
  const claimed = await store.commit(message({ epoch: 1, owner: 'new', ordinal: 1 }), [], { headSeq: head.seq, signal });
  expect(claimed.kind).toBe('committed');
  const stale = await store.commit(message({ epoch: 1, owner: 'old', ordinal: 2 }), [write(place('1'), 'stale')], {
    headSeq: head.seq,
    signal,
  });
  expect(stale).toEqual({ kind: 'lost' });
  expect(await parkedNow()).toEqual([]);
  expect((await store.readHead()).message.owner).toBe('new');
});

test('D1: a commit stores its journal message and its parked units together, at the sequences it says', async () => {
  const store = await JournalStore.open({ ...lane, lane: 1 }, nats.connection, publisher);
  const head = await store.readHead();
  const [one, two] = [place('1'), place('2')];
  const parked = await store.commit(message({ epoch: 2, ordinal: 2 }), [write(one, 'one'), write(two, 'two')], {
    headSeq: head.seq,
    signal,
  });
  if (parked.kind !== 'committed') throw new Error('not committed');
  expect(await parkedNow()).toEqual([
    ['one', parked.firstSeq],
    ['two', parked.firstSeq + 1],
  ]);
  const replaced = await store.commit(
    message({ epoch: 2, ordinal: 3 }),
    [write(place('1', parked.firstSeq), 'edited'), write(place('2', parked.firstSeq + 1))],
    {
      headSeq: parked.headSeq,
      signal,
    },
  );
  if (replaced.kind !== 'committed') throw new Error('not committed');
  // The second is a tombstone: an empty message that ends by itself.
  expect((await parkedNow()).toSorted(([a], [b]) => a.localeCompare(b))).toEqual([
    ['', replaced.firstSeq + 1],
    ['edited', replaced.firstSeq],
  ]);
});

test('D2: a commit whose acknowledgement was lost is found to be ours', async () => {
  const store = await JournalStore.open({ ...lane, lane: 2 }, nats.connection, publisher);
  const head = await store.readHead();
  const ours = message({ epoch: 1, ordinal: 1, owner: 'me' });
  const first = await store.commit(ours, [], { headSeq: head.seq, signal });
  // The same commit again, as an owner would send it that never saw the acknowledgement.
  expect(await store.commit(ours, [], { headSeq: head.seq, signal })).toEqual(first);
});

test('O2: reading goes on in order, each message once, through a kill -9 of the server', { timeout: 60_000 }, async () => {
  const subject = captureSubject(pipeline, 0);
  const publish = (text: string) => publisher.publish({ subject, payload: bytes(text), headers: [['Nats-Msg-Id', text]] }, 2_000);
  const stop = new AbortController();
  const seen: string[] = [];
  for (let index = 0; index < 50; index += 1) await publish(`m${index}`);
  const reading = (async () => {
    for await (const each of readAfter({ nats, stream: captureStream(pipeline), subject }, 0, {
      want: async () => 7,
      signal: stop.signal,
    })) {
      seen.push(new TextDecoder().decode(each.data));
      if (seen.length === 25) {
        await server.kill();
        await server.start();
      }
      if (seen.length === 100) stop.abort();
    }
  })();
  for (let index = 50; index < 100;) {
    // While the server is away nobody answers; the message id keeps it one message.
    await publish(`m${index}`).then(
      () => (index += 1),
      () => undefined,
    );
  }
  await reading;
  expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => `m${index}`));
});
