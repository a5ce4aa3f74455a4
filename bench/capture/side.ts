/**
 * One side of the benchmark with its store, from an empty folder to the last process gone. Application and store share core 0,
 * the generator has core 1.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { z } from 'zod';
import { captureStream, podPaths } from '../../runtime/contract/names.ts';
import { connectNats } from '../../runtime/jetstream/connection.ts';
import { freePort } from '../../test/support/nats-server.ts';
import { createPipeline } from '../../test/support/pipeline-on-nats.ts';
import { peakMegabytes, startProgram, untilListening } from '../processes.ts';
import type { RunningProgram } from '../processes.ts';
import { benchPipeline, secretReference } from './pipeline.ts';
import { loadResult } from './results.ts';
import type { SideName, SideRun } from './results.ts';
import { secret } from './webhooks.ts';

export interface Peers {
  readonly natsServer: string;
  /** Absent: BullMQ is not run. */
  readonly redis?: { readonly server: string; readonly modules: string };
}

export interface Load {
  readonly connections: number;
  readonly warmUp: number;
  readonly burst: number;
  readonly sustainedMs: number;
}

interface Store {
  readonly process: RunningProgram;
  /** What the application is told. */
  readonly order: Readonly<Record<string, unknown>>;
  readonly count: () => Promise<number>;
}

const maxBytes = 8 * 2 ** 30;

async function startNats(natsServer: string, folder: string, signal: AbortSignal): Promise<Store> {
  const port = await freePort();
  const config = join(folder, 'nats.conf');
  await writeFile(config, `listen: "127.0.0.1:${port}"\nmax_payload: 8MB\njetstream { store_dir: "${join(folder, 'store')}" }\n`);
  const process = startProgram({ file: natsServer, args: ['-c', config], core: 0, answers: false });
  const natsURL = `nats://127.0.0.1:${port}`;
  const onNats = async <T>(work: (nats: Awaited<ReturnType<typeof connectNats>>) => Promise<T>): Promise<T> => {
    const nats = await connectNats({ url: natsURL, name: 'bench' }, signal);
    try {
      return await work(nats);
    } finally {
      await nats.connection.close();
    }
  };
  try {
    await untilListening(port, signal);
    await onNats((nats) => createPipeline(nats, benchPipeline, { maxBytes, signal }));
  } catch (error) {
    await process.stop();
    throw error;
  }
  const count = () =>
    onNats(async ({ connection }) => {
      const jsm = await jetstreamManager(connection);
      return (await jsm.streams.info(captureStream(benchPipeline))).state.messages;
    });
  return { process, order: { natsURL }, count };
}

/** Durable as JetStream is by default: against a crash of the process, not of the machine. */
async function startRedis({ server, modules }: NonNullable<Peers['redis']>, folder: string, signal: AbortSignal): Promise<Store> {
  const redisPort = await freePort();
  const durable = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''];
  const process = startProgram({
    file: server,
    args: ['--bind', '127.0.0.1', '--port', String(redisPort), '--dir', folder, '--maxmemory-policy', 'noeviction', ...durable],
    core: 0,
    answers: false,
  });
  try {
    await untilListening(redisPort, signal);
  } catch (error) {
    await process.stop();
    throw error;
  }
  return { process, order: { redisPort, modules }, count: () => askRedis(redisPort, 'LLEN bull:webhooks:wait') };
}

function askRedis(port: number, command: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`)).setEncoding('utf8');
    socket.setTimeout(5_000, () => socket.destroy(new Error('Redis does not answer')));
    socket.once('error', reject);
    socket.once('data', (answer) => {
      resolve(Number(/^:(\d+)/.exec(String(answer))?.[1]));
      socket.destroy();
    });
  });
}

function startStore(side: SideName, { natsServer, redis }: Peers, at: { folder: string; signal: AbortSignal }): Promise<Store> | undefined {
  switch (side) {
    case 'bare':
      return undefined;
    case 'lean':
    case 'ours':
      return startNats(natsServer, at.folder, at.signal);
    case 'bullmq':
      if (redis === undefined) throw new Error('BullMQ needs Redis');
      return startRedis(redis, at.folder, at.signal);
  }
}

async function writeSecret(configDir: string): Promise<void> {
  const file = join(configDir, podPaths.secretFile(secretReference));
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, secret);
}

/** Runs a program of the benchmark, whose one argument is JSON. */
function startOrdered(
  path: string,
  order: unknown,
  { core, nodeArgs = [] }: { core: 0 | 1; nodeArgs?: readonly string[] },
): RunningProgram {
  return startProgram({
    file: process.execPath,
    args: [...nodeArgs, join(import.meta.dirname, path), JSON.stringify(order)],
    core,
    answers: true,
  });
}

export interface SideOptions {
  readonly side: SideName;
  readonly round: number;
  readonly load: Load;
  readonly peers: Peers;
  /** For `node --cpu-prof` of the application. */
  readonly profileFolder: string | undefined;
}

async function measure(options: SideOptions, { folder, store }: { folder: string; store: Store | undefined }): Promise<SideRun> {
  const { side, round, load, profileFolder } = options;
  const nodeArgs = profileFolder === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', join(profileFolder, side)];
  const configured = side === 'ours' ? { configDir: folder } : {};
  const app = startOrdered('http-server/main.ts', { side, ...configured, ...store?.order }, { core: 0, nodeArgs });
  try {
    const { port } = z.object({ port: z.number() }).parse(JSON.parse(await app.firstLine()));
    const measured = { appPid: app.pid, ...(store === undefined ? {} : { storePid: store.process.pid }) };
    const generator = startOrdered('generator/main.ts', { port, ...load, ...measured }, { core: 1 });
    try {
      const result = loadResult.parse(JSON.parse(await generator.firstLine()));
      return {
        side,
        round,
        ...result,
        appPeakMB: peakMegabytes(app.pid),
        ...(store === undefined ? {} : { storePeakMB: peakMegabytes(store.process.pid), stored: await store.count() }),
      };
    } finally {
      await generator.stop();
    }
  } finally {
    await app.stop();
  }
}

export async function runSide(options: SideOptions, signal: AbortSignal): Promise<SideRun> {
  const folder = await mkdtemp(join(tmpdir(), 'peppasync-bench-'));
  try {
    await writeSecret(folder);
    const store = await startStore(options.side, options.peers, { folder, signal });
    try {
      return await measure(options, { folder, store });
    } finally {
      await store?.process.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
