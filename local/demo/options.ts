/** What the demo is told on its command line. */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { killTargets, type KillTarget } from './milestones.ts';

export interface DemoOptions {
  readonly orders: number;
  readonly seed: number;
  readonly realLatency: boolean;
  readonly outage: boolean;
  readonly kill: readonly KillTarget[];
  readonly keep: boolean;
  readonly reportFile: string | undefined;
}

export type ReadOptions =
  | { readonly kind: 'run'; readonly options: DemoOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly message: string };

export const help = `Usage: npm run demo -- [options]

Starts a Kubernetes cluster of plain processes, installs Peppasync in it, sends orders at once and reports what became of each.
Needs Linux, Node 20 or later with npm, and Go 1.26 for the first run. No Docker, no root.

  --orders N       orders to send, 10 to 100000 (default 2000)
  --seed S         makes other orders of the same kind (default 1)
  --real-latency   NetSuite takes 3 s an order as the real one does, instead of 0.3 s
  --no-outage      without the 20 s in which NetSuite is away
  --kill LIST      kill these once each with SIGKILL, on the way: ${killTargets.join(',')}
  --keep           stay up at the end and say what to try, until Ctrl-C
  --report FILE    also write the report as JSON
  --help           this text

Ends with 0 when every promise was kept, and with 1 and the broken ones in words otherwise.
`;

const wholeNumber = (name: string, { least, most }: { least: number; most: number }) => {
  const error = `--${name} must be a whole number from ${least} to ${most}`;
  return z.string().regex(/^\d+$/, { error }).transform(Number).pipe(z.number().min(least, { error }).max(most, { error }));
};

const listOfTargets = z
  .string()
  .transform((text) => text.split(',').map((name) => name.trim()))
  .pipe(z.array(z.enum(killTargets, { error: `--kill takes a list of ${killTargets.join(', ')}` })))
  .transform((targets) => [...new Set(targets)]);

const values = z.object({
  orders: wholeNumber('orders', { least: 10, most: 100_000 }).default(2_000),
  seed: wholeNumber('seed', { least: 0, most: 4_294_967_295 }).default(1),
  'real-latency': z.boolean().default(false),
  'no-outage': z.boolean().default(false),
  kill: listOfTargets.default([]),
  keep: z.boolean().default(false),
  report: z.string().min(1, { error: '--report needs the name of a file' }).optional(),
});

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const flags = { orders: text, seed: text, 'real-latency': flag, 'no-outage': flag, kill: text, keep: flag, report: text, help: flag };

export const readOptions = (args: readonly string[]): ReadOptions => {
  let given;
  try {
    given = parseArgs({ args: [...args], options: flags }).values;
  } catch (error) {
    // parseArgs throws nothing but what the user got wrong; its first sentence says what.
    return { kind: 'wrong', message: error instanceof Error ? (error.message.split(/\.\s/u)[0] ?? '') : 'the options could not be read' };
  }
  if (given.help === true) return { kind: 'help' };
  const parsed = values.safeParse(given);
  if (!parsed.success) return { kind: 'wrong', message: parsed.error.issues[0]?.message ?? 'the options could not be read' };
  const { orders, seed, kill, keep, report } = parsed.data;
  const options = {
    orders,
    seed,
    kill,
    keep,
    reportFile: report,
    realLatency: parsed.data['real-latency'],
    outage: !parsed.data['no-outage'],
  };
  return { kind: 'run', options };
};
