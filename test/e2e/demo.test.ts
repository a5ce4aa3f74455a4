/** The demo as a user runs it, with every part killed once: the promises, from its JSON report. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';

const orders = 200;
const kills = ['ingest', 'deliver', 'operator', 'nats', 'apiserver'];

const report = z.object({
  orders: z.number(),
  captured: z.number(),
  destinations: z.array(
    z.object({
      name: z.string(),
      delivered: z.number(),
      held: z.number(),
      waiting: z.number(),
      blocked: z.number(),
      retrying: z.number(),
      failed: z.array(z.object({ reason: z.string(), field: z.string().nullable() })),
    }),
  ),
  accounts: z.array(z.object({ name: z.string(), limit: z.number(), peakInFlight: z.number(), refused: z.number() })),
  lost: z.array(z.string()),
  duplicatedEffects: z.array(z.string()),
  outOfOrder: z.array(z.string()),
  keysWronglyBlocked: z.array(z.string()),
  outageSeconds: z.number(),
  kills: z.array(z.object({ target: z.string(), pids: z.array(z.number()) })),
});

let demoIsGone: () => Promise<void> = () => Promise.resolve();
let result: { readonly exitCode: number | null; readonly output: string; readonly report: z.infer<typeof report> };

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'peppasync-demo-'));
  const file = join(folder, 'report.json');
  const args = ['local/demo/main.ts', '--orders', String(orders), '--kill', kills.join(','), '--report', file];
  const demo = spawn(process.execPath, args, { cwd: join(import.meta.dirname, '../..'), stdio: ['ignore', 'pipe', 'pipe'] });
  demoIsGone = async () => {
    if (demo.exitCode !== null || demo.signalCode !== null) return;
    const gone = once(demo, 'exit');
    demo.kill('SIGTERM');
    await gone;
  };
  const [stdout, stderr] = await Promise.all([text(demo.stdout), text(demo.stderr), once(demo, 'exit')]);
  const output = `${stdout}\n${stderr}`;
  const json = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new Error(`the demo ended with ${demo.exitCode} and wrote no report:\n${output.slice(-8_000)}`, { cause });
  });
  await rm(folder, { recursive: true });
  result = { exitCode: demo.exitCode, output, report: report.parse(JSON.parse(json)) };
}, 420_000);

// A run that took too long is stopped, with everything it started.
afterAll(() => demoIsGone(), 60_000);

test('P1: nothing that was captured is lost, and every order was captured', () => {
  expect(result.report.lost).toEqual([]);
  expect(result.report.captured).toBeGreaterThanOrEqual(orders);
  expect(result.report.orders).toBe(orders);
});

test('D4: no effect happened twice', () => {
  expect(result.report.duplicatedEffects).toEqual([]);
});

test('D2: content never went backwards', () => {
  expect(result.report.outOfOrder).toEqual([]);
});

test('P4: the three bad addresses are in the error bin with reason and field, and no other key was blocked', () => {
  const bad = { reason: 'InvalidAddress', field: 'shipping_address.address1' };
  expect(result.report.destinations.map(({ name, failed }) => ({ name, failed }))).toEqual([{ name: 'erp', failed: [bad, bad, bad] }]);
  expect(result.report.keysWronglyBlocked).toEqual([]);
});

test('B1: nothing is left over', () => {
  const left = result.report.destinations.map(({ held, waiting, blocked, retrying }) => ({ held, waiting, blocked, retrying }));
  expect(left).toEqual([{ held: 0, waiting: 0, blocked: 0, retrying: 0 }]);
});

test('L1: the account was never asked for more than it allows', () => {
  expect(result.report.accounts.map(({ name, limit, refused }) => ({ name, limit, refused }))).toEqual([
    { name: 'netsuite', limit: 15, refused: 0 },
  ]);
  for (const { peakInFlight, limit } of result.report.accounts) expect(peakInFlight).toBeLessThanOrEqual(limit);
});

test('every part was really killed, and NetSuite was really away', () => {
  expect(result.report.kills.map(({ target }) => target).toSorted()).toEqual(kills.toSorted());
  expect(result.report.kills.filter(({ pids }) => pids.length === 0)).toEqual([]);
  expect(result.report.outageSeconds).toBeGreaterThan(0);
});

test('the demo says so itself', () => {
  expect(result.output).toContain('Every promise was kept.');
  expect(result.exitCode).toBe(0);
});
