/** `npm run bench:capture`: how fast webhooks are captured, beside a server that stores nothing, bare JetStream and BullMQ. */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { terminalProgress } from '../local/progress.ts';
import { ensureTools } from '../local/tools.ts';
import { printable } from './capture/print.ts';
import type { Setting } from './capture/print.ts';
import { faultsOf, judge, sideNames } from './capture/results.ts';
import type { SideRun } from './capture/results.ts';
import { runSide } from './capture/side.ts';
import type { Peers } from './capture/side.ts';
import { bodyBytes } from './capture/webhooks.ts';
import { describeMachine, versionOf } from './machine.ts';
import { ensurePeers } from './peers.ts';
import { findProgram, isExecutable } from './processes.ts';

const help = `Usage: npm run bench:capture -- [options]

Sends signed webhooks to four servers in turn and compares them: one that stores nothing, one that publishes to JetStream and
parses nothing, Peppasync's ingest, and one that adds to a BullMQ queue (when there is a redis-server).

  --quick         bursts of 1,000 and 3 s of sustained load instead of 5,000 and 10 s
  --rounds N      each side so many times, in turn; at least 3 (default 3)
  --redis FILE    the redis-server to use (default: the one in PATH; without one BullMQ is absent)
  --json FILE     write every run, the ratios and the aims there
  --profile DIR   write a CPU profile of each application there; slows them
  --help          this text
`;

const connections = 200;

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const options = z.object({
  quick: z.boolean().default(false),
  rounds: z.coerce.number<string>().int().min(3).default(3),
  redis: z.string().optional(),
  json: z.string().optional(),
  profile: z.string().optional(),
  help: z.boolean().default(false),
});

function readOptions(): z.infer<typeof options> | string {
  try {
    const { values } = parseArgs({ options: { quick: flag, rounds: text, redis: text, json: text, profile: text, help: flag } });
    const parsed = options.safeParse(values);
    return parsed.success ? parsed.data : z.prettifyError(parsed.error);
  } catch (error) {
    if (error instanceof TypeError) return error.message;
    throw error;
  }
}

async function findPeers(redis: string | undefined, signal: AbortSignal): Promise<Peers> {
  const progress = terminalProgress(process.stderr);
  const { natsServer } = await ensureTools(progress, signal);
  const server = redis ?? findProgram('redis-server');
  if (server === undefined) return { natsServer };
  if (!isExecutable(server)) throw new Error(`--redis: there is no program ${server}`);
  const modules = await progress.step('BullMQ and its Redis client', () => ensurePeers(signal));
  return { natsServer, redis: { server, modules } };
}

async function bench(asked: z.infer<typeof options>, signal: AbortSignal): Promise<void> {
  const peers = await findPeers(asked.redis, signal);
  const load = {
    connections,
    warmUp: asked.quick ? 2_000 : 5_000,
    burst: asked.quick ? 1_000 : 5_000,
    sustainedMs: asked.quick ? 3_000 : 10_000,
  };
  const machine = {
    ...describeMachine(),
    natsServer: versionOf(peers.natsServer),
    redis: peers.redis === undefined ? 'absent' : versionOf(peers.redis.server),
  };
  const setting: Setting = { machine, connections, burst: load.burst, seconds: load.sustainedMs / 1_000, rounds: asked.rounds, bodyBytes };
  const sides = sideNames.filter((side) => side !== 'bullmq' || peers.redis !== undefined);
  const runs: SideRun[] = [];
  for (let round = 1; round <= asked.rounds; round += 1) {
    // To and fro, so that a machine that gets slower harms nobody in particular.
    for (const side of round % 2 === 1 ? sides : sides.toReversed()) {
      const run = await runSide({ side, round, load, peers, profileFolder: asked.profile }, signal);
      runs.push(run);
      const { burst, sustained } = run;
      console.error(`  round ${round}, ${side}: burst ${burst.totalMs.toFixed(0)} ms, sustained ${sustained.perSecond.toFixed(0)}/s`);
    }
  }
  console.log(`\n${printable(setting, runs)}`);
  const faults = runs.flatMap(faultsOf);
  for (const fault of faults) console.log(`\nNO MEASUREMENT: ${fault}`);
  if (asked.json !== undefined) {
    const result = { at: new Date().toISOString(), ...setting, runs, aims: judge(runs), faults };
    await writeFile(asked.json, `${JSON.stringify(result, undefined, 2)}\n`);
  }
}

const asked = readOptions();
if (typeof asked === 'string') {
  console.error(`${asked}\n\n${help}`);
  process.exitCode = 2;
} else if (asked.help) {
  process.stdout.write(help);
} else {
  const stop = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  await bench(asked, stop.signal);
}
