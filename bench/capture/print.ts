/** The table of the capture benchmark for a person. Pure. */
import type { Machine } from '../machine.ts';
import { judge, sideNames, sideTitles, spreadOf } from './results.ts';
import type { Figure, SideName, SideRun } from './results.ts';

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const fine = (value: number): string => value.toFixed(3);

function cell(runs: readonly SideRun[], figure: Figure, format = whole): string {
  const { median, min, max } = spreadOf(runs.map(figure));
  return `${format(median)} (${format(min)}..${format(max)})`;
}

function latencies(runs: readonly SideRun[], phase: 'burst' | 'sustained'): string {
  return (['p50Ms', 'p99Ms', 'maxMs'] as const).map((name) => whole(spreadOf(runs.map((run) => run[phase][name])).median)).join(' / ');
}

function row(side: SideName, all: readonly SideRun[]): string[] {
  const runs = all.filter((run) => run.side === side);
  if (runs.length === 0) return [sideTitles[side], ...Array.from({ length: 6 }, () => 'absent')];
  const storePeaks = runs.flatMap(({ storePeakMB }) => (storePeakMB === undefined ? [] : [storePeakMB]));
  return [
    sideTitles[side],
    cell(runs, ({ burst }) => burst.totalMs),
    latencies(runs, 'burst'),
    cell(runs, ({ sustained }) => sustained.perSecond),
    latencies(runs, 'sustained'),
    `${cell(runs, ({ sustained }) => sustained.appCpuPer1000 + sustained.storeCpuPer1000, fine)}, app ${cell(runs, ({ sustained }) => sustained.appCpuPer1000, fine)}`,
    `${whole(spreadOf(runs.map(({ appPeakMB }) => appPeakMB)).median)} / ${storePeaks.length === 0 ? '-' : whole(spreadOf(storePeaks).median)}`,
  ];
}

function tableText(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]?.map((_title, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0))) ?? [];
  const line = (cells: readonly string[]) => `| ${cells.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const [head = [], ...body] = rows;
  return [line(head), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...body.map(line)].join('\n');
}

export interface Setting {
  readonly machine: Machine & { readonly natsServer: string; readonly redis: string };
  readonly connections: number;
  readonly burst: number;
  readonly seconds: number;
  readonly rounds: number;
  readonly bodyBytes: number;
}

function aimsTable(runs: readonly SideRun[]): string {
  const ratio = (value: number) => value.toFixed(2);
  const rows = judge(runs).map(({ name, aim, ratio: spread, verdict }) => [
    name,
    spread === undefined ? 'absent' : `${ratio(spread.median)} (${ratio(spread.min)}..${ratio(spread.max)})`,
    aim,
    verdict,
  ]);
  return tableText([['ratio within a round', 'median (min..max)', 'aim', ''], ...rows]);
}

export function printable({ machine, ...load }: Setting, runs: readonly SideRun[]): string {
  const place = machine.pinned ? 'application and store on core 0, generator on core 1' : 'not pinned to cores: all share them';
  const heads = [
    'side',
    `burst of ${whole(load.burst)}: ms`,
    'p50 / p99 / max ms',
    `${load.seconds} s sustained: per s`,
    'p50 / p99 / max ms',
    'CPU s per 1,000: app + store, app alone',
    'peak MB app / store',
  ];
  return [
    `${machine.cores} cores (${machine.cpu}), ${machine.memoryGiB} GiB, Linux ${machine.kernel}, Node ${machine.node},`,
    `nats-server ${machine.natsServer}, Redis ${machine.redis}; ${place}.`,
    `${load.connections} keep-alive connections, bodies of ${load.bodyBytes} bytes, HMAC-SHA256 over each; median of ${load.rounds} rounds (min..max).`,
    '',
    tableText([heads, ...sideNames.map((side) => row(side, runs))]),
    '',
    aimsTable(runs),
  ].join('\n');
}
