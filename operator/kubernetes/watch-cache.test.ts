/** The watch cache and the client together, against an HTTP server that misbehaves in the ways API servers and networks do. */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { WatchCache } from '../engine/watch-cache.ts';
import { KubernetesClient } from './client.ts';
import { connectPlain } from './connection.ts';
import type { KubernetesConnection } from './connection.ts';
import { resourceTypes } from './objects.ts';
import type { KubernetesObject } from './objects.ts';
import { watchSource } from './watch-source.ts';

/** A list of pods with a history, as the API server keeps one, and switches for what may go wrong. */
class PodServer {
  readonly server: Server;
  readonly pods = new Map<string, string>();
  readonly log: string[] = [];
  version = 10;
  /** Versions up to this are gone. */
  compacted = 0;
  behaviour: 'well' | 'endAtOnce' | 'silent' | 'garbage' | 'refuse' = 'well';
  #history: { version: number; line: string }[] = [];
  #watchers = new Set<ServerResponse>();

  constructor() {
    this.server = createServer((request, response) => this.#answer(request, response));
  }

  async listen(port = 0): Promise<number> {
    await new Promise<void>((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  put(name: string): void {
    const type = this.pods.has(name) ? 'MODIFIED' : 'ADDED';
    this.version += 1;
    this.pods.set(name, String(this.version));
    this.#tell(type, name);
  }

  drop(name: string): void {
    this.version += 1;
    this.pods.set(name, String(this.version));
    this.#tell('DELETED', name);
    this.pods.delete(name);
  }

  breakWatches(): void {
    for (const watcher of this.#watchers) watcher.destroy();
  }

  #tell(type: string, name: string): void {
    const line = `${JSON.stringify({ type, object: this.#object(name) })}\n`;
    this.#history.push({ version: this.version, line });
    if (this.behaviour === 'silent') return;
    for (const watcher of this.#watchers) watcher.write(line);
  }

  #object(name: string): unknown {
    return {
      metadata: {
        name,
        namespace: 'shop',
        uid: name,
        resourceVersion: this.pods.get(name),
        creationTimestamp: '2026-01-01T00:00:00Z',
        managedFields: ['much'],
      },
    };
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://x');
    const isWatch = url.searchParams.has('watch');
    this.log.push(isWatch ? 'watch' : 'list');
    if (this.behaviour === 'refuse') {
      response.writeHead(503).end('<html>no</html>');
    } else if (!isWatch) {
      response.writeHead(200).end(
        JSON.stringify({
          metadata: { resourceVersion: String(this.version) },
          items: [...this.pods.keys()].map((name) => this.#object(name)),
        }),
      );
    } else {
      this.#watch(Number(url.searchParams.get('resourceVersion')), response);
    }
  }

  #watch(from: number, response: ServerResponse): void {
    response.writeHead(from > this.version ? 504 : 200);
    response.flushHeaders();
    if (from > this.version) {
      response.end(JSON.stringify({ kind: 'Status', code: 504, message: 'Too large resource version' }));
    } else if (from < this.compacted) {
      const status = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old resource version' };
      response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
    } else if (this.behaviour === 'endAtOnce') {
      response.end();
    } else if (this.behaviour === 'garbage') {
      response.end('{"type":"ADDED","object":\n');
    } else {
      this.#watchers.add(response);
      response.on('close', () => this.#watchers.delete(response));
      if (this.behaviour === 'silent') return;
      for (const { line } of this.#history.filter(({ version }) => version > from)) response.write(line);
    }
  }
}

interface Rig {
  readonly pods: PodServer;
  readonly port: number;
  readonly cache: WatchCache<KubernetesObject>;
  readonly changed: string[];
  readonly troubles: unknown[];
  readonly stop: () => Promise<void>;
}

let rigs: { stop: () => Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(rigs.map((rig) => rig.stop()));
  rigs = [];
});

async function rig(
  timing: { watchMs: number; graceMs: number; relistAfterMs?: number } = { watchMs: 60_000, graceMs: 5_000 },
): Promise<Rig> {
  const pods = new PodServer();
  pods.put('a');
  const port = await pods.listen();
  const connection: KubernetesConnection = connectPlain(`http://127.0.0.1:${port}`);
  const stop = new AbortController();
  const changed: string[] = [];
  const troubles: unknown[] = [];
  const cache = new WatchCache<KubernetesObject>({
    source: watchSource(new KubernetesClient(connection), { type: resourceTypes.pod, selection: {}, read: (pod) => pod }),
    backoff: { baseMs: 10, maxMs: 40, factor: 2 },
    relistAfterMs: 600_000,
    ...timing,
    onChange: (key) => changed.push(key),
    onTrouble: ({ error }) => troubles.push(error),
    now: () => performance.now(),
    random: () => 0,
  });
  const running = cache.run(stop.signal);
  const made = {
    pods,
    port,
    cache,
    changed,
    troubles,
    stop: async () => {
      stop.abort();
      await running;
      await connection.close();
      await pods.stop();
    },
  };
  rigs.push(made);
  await cache.listed;
  return made;
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('it did not come to that');
    await delay(5);
  }
}

test('it lists, then follows changes and deletions by watch alone', async () => {
  const { pods, cache, changed } = await rig();
  expect(cache.keys()).toEqual(['shop/a']);
  await until(() => pods.log.includes('watch'));
  pods.put('b');
  pods.drop('a');
  await until(() => cache.get('shop/a') === undefined);
  expect(cache.keys()).toEqual(['shop/b']);
  expect(changed).toEqual(['shop/a', 'shop/b', 'shop/a']);
  expect(pods.log).toEqual(['list', 'watch']);
  expect(cache.get('shop/b')?.metadata['managedFields']).toBeUndefined();
});

test('what was just written is taken in at once; what is gone stays away', async () => {
  const { cache, changed } = await rig();
  const known = cache.get('shop/a');
  if (known === undefined) throw new Error('a is missing');
  cache.absorb({ key: 'shop/a', version: '99', value: { ...known, written: true } });
  cache.absorb({ key: 'shop/gone', version: '99', value: known });
  expect(cache.get('shop/a')?.['written']).toBe(true);
  expect(cache.keys()).toEqual(['shop/a']);
  expect(changed).toEqual(['shop/a', 'shop/a']);
});

test('a broken connection is taken up where it was, and misses nothing', async () => {
  const { pods, cache } = await rig();
  await until(() => pods.log.includes('watch'));
  pods.breakWatches();
  pods.put('b');
  await until(() => cache.get('shop/b') !== undefined);
  expect(pods.log.filter((line) => line === 'list')).toHaveLength(1);
});

test('a server that was away and comes back with an older history is listed again', async () => {
  const { pods, port, cache, troubles } = await rig();
  pods.put('b');
  pods.put('b');
  await until(() => pods.log.includes('watch'));
  await pods.stop();
  await until(() => troubles.length > 0);
  const other = new PodServer();
  other.put('z');
  await other.listen(port);
  rigs.push({ stop: () => other.stop() });
  await until(() => cache.get('shop/z') !== undefined);
  expect(cache.keys()).toEqual(['shop/z']);
});

test('410: a history that is gone is replaced by a list', async () => {
  const { pods, cache, changed } = await rig();
  await until(() => pods.log.includes('watch'));
  pods.behaviour = 'silent';
  pods.put('b');
  pods.drop('a');
  pods.compacted = pods.version;
  pods.behaviour = 'well';
  pods.breakWatches();
  await until(() => cache.get('shop/b') !== undefined);
  expect(cache.keys()).toEqual(['shop/b']);
  expect(changed.slice(1).toSorted()).toEqual(['shop/a', 'shop/b']);
});

test('a connection that has fallen silent is dropped', async () => {
  const { pods, cache } = await rig({ watchMs: 50, graceMs: 50 });
  await until(() => pods.log.includes('watch'));
  pods.behaviour = 'silent';
  pods.put('b');
  await until(() => pods.log.filter((line) => line === 'watch').length > 1);
  pods.behaviour = 'well';
  await until(() => cache.get('shop/b') !== undefined);
});

test.each(['endAtOnce', 'garbage', 'refuse'] as const)('%s: it does not spin, and recovers', async (behaviour) => {
  const { pods, cache, troubles } = await rig();
  await until(() => pods.log.includes('watch'));
  pods.behaviour = behaviour;
  pods.breakWatches();
  await until(() => troubles.length >= 4);
  const asked = pods.log.length;
  expect(asked).toBeLessThan(2 * (troubles.length + 3));
  expect(cache.keys()).toEqual(['shop/a']);
  pods.behaviour = 'well';
  pods.put('b');
  await until(() => cache.get('shop/b') !== undefined);
});

test('from time to time it lists anew, and finds what no watch told', async () => {
  const { pods, cache } = await rig({ watchMs: 1_100, graceMs: 500, relistAfterMs: 1 });
  await until(() => pods.log.includes('watch'));
  pods.behaviour = 'silent';
  pods.put('b');
  await until(() => cache.get('shop/b') !== undefined);
  expect(pods.log.slice(0, 3)).toEqual(['list', 'watch', 'list']);
});
