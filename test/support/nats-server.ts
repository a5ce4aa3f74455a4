/** A real nats-server with JetStream on a loopback port of its own, for tests; it can be killed and started again. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { silentProgress } from '../../local/progress.ts';
import { ensureTools } from '../../local/tools.ts';

export interface TestNats {
  readonly url: string;
  /** SIGKILL; the data stays. */
  readonly kill: () => Promise<void>;
  readonly start: () => Promise<void>;
  /** Ends it and removes its data. */
  readonly stop: () => Promise<void>;
}

export async function startNats(signal: AbortSignal): Promise<TestNats> {
  const tools = await ensureTools(silentProgress, signal);
  const folder = await mkdtemp(join(tmpdir(), 'peppasync-nats-'));
  const port = await freePort();
  const config = join(folder, 'nats.conf');
  await writeFile(config, `listen: "127.0.0.1:${port}"\nmax_payload: 8MB\njetstream { store_dir: "${join(folder, 'store')}" }\n`);
  let child: ChildProcess | undefined;
  const start = async () => {
    child = spawn(tools.natsServer, ['-c', config], { stdio: 'ignore' });
    await untilOpen(port, signal);
  };
  const kill = async () => {
    const running = child;
    child = undefined;
    if (running === undefined || running.exitCode !== null) return;
    const gone = once(running, 'exit');
    running.kill('SIGKILL');
    await gone;
  };
  await start();
  return {
    url: `nats://127.0.0.1:${port}`,
    kill,
    start,
    stop: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A loopback port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

async function untilOpen(port: number, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    signal.throwIfAborted();
    if (await isOpen(port)) return;
    await delay(25);
  }
  throw new Error(`nothing listens on port ${port}`);
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
