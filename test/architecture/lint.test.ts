/** Each rule of the house fires on a planted fault, and only there. */
import { beforeAll, describe, expect, test } from 'vitest';
import { lintPlanted } from './planted-tree.ts';
import type { Files, LintResult } from './planted-tree.ts';

interface Planted {
  readonly what: string;
  readonly path: string;
  readonly lines: readonly string[];
  /** `line rule`; empty: it is allowed. */
  readonly expected: readonly string[];
}

/** What planted files import. */
const standIns: Files = Object.fromEntries(
  [
    'bench/load.ts',
    'crds/schema/connector.ts',
    'local/tools.ts',
    'operator/connector/kind.ts',
    'operator/engine/queue.ts',
    'operator/sync-pipeline/kind.ts',
    'operator/world.ts',
    'runtime/connectors/net-suite/sink.ts',
    'runtime/connectors/registry.ts',
    'runtime/contract/names.ts',
    'runtime/delivery/step.ts',
    'runtime/expressions/json.ts',
    'runtime/governor/budgeting.ts',
    'runtime/ingest/capture.ts',
    'runtime/jetstream/publisher.ts',
    'runtime/logger.ts',
    'test/simulators/listener.ts',
    'test/support/eventually.ts',
  ].map((path) => [path, 'export const thing = 1;\nexport type Thing = number;\n']),
);

/** A file that imports `source` in each of the five ways there are. */
function importer(path: string, source: string, member = 'thing'): Planted {
  const type = member === 'thing' ? 'Thing' : member;
  return {
    what: `${path} imports ${source}`,
    path,
    lines: [
      `import { ${member} as statically } from '${source}';`,
      `import type { ${type} as Typed } from '${source}';`,
      `export { ${member} as exported } from '${source}';`,
      `export * from '${source}';`,
      `export const later = () => import('${source}');`,
      `export type Annotated = import('${source}').${type};`,
      'export const use = (typed: Typed) => [typed, statically];',
    ],
    expected: [
      '1 no-restricted-imports',
      '2 no-restricted-imports',
      '3 no-restricted-imports',
      '4 no-restricted-imports',
      '5 no-restricted-imports',
      '6 consistent-type-imports',
    ],
  };
}

const allowed = (path: string, sources: readonly string[]): Planted => ({
  what: `${path} may import ${sources.join(', ')}`,
  path,
  lines: [
    ...sources.map((source, index) => `import { thing as thing${index} } from '${source}';`),
    `export const things = [${sources.map((_source, index) => `thing${index}`).join(', ')}];`,
  ],
  expected: [],
});

const directions: readonly Planted[] = [
  importer('runtime/delivery/plant-operator.ts', '../../operator/world.ts'),
  importer('runtime/ingest/plant-crds.ts', '../../crds/schema/connector.ts'),
  importer('runtime/plant-kubernetes.ts', '@kubernetes/client-node', 'KubeConfig'),
  importer('runtime/governor/plant-local.ts', '../../local/tools.ts'),
  importer('runtime/jetstream/plant-test.ts', '../../test/support/eventually.ts'),
  importer('runtime/jetstream/plant-bench.ts', '../../bench/load.ts'),
  importer('runtime/delivery/plant-operator.test.ts', '../../operator/world.ts'),
  allowed('runtime/delivery/plant-support.test.ts', ['../../test/support/eventually.ts', '../../test/simulators/listener.ts']),
  importer('runtime/contract/plant-expressions.ts', '../expressions/json.ts'),
  importer('runtime/contract/plant-client.ts', '@nats-io/jetstream', 'AckPolicy'),
  importer('runtime/contract/plant-node.ts', 'node:url', 'URLSearchParams'),
  allowed('runtime/contract/plant-names.ts', ['./names.ts']),
  importer('runtime/connectors/plant/definition.ts', 'undici', 'Agent'),
  importer('operator/engine/plant-kind.ts', '../sync-pipeline/kind.ts'),
  importer('operator/engine/plant-other-kind.ts', '../connector/kind.ts'),
  importer('operator/engine/plant-contract.ts', '../../runtime/contract/names.ts'),
  importer('operator/engine/plant-crds.ts', '../../crds/schema/connector.ts'),
  importer('operator/engine/plant-client.ts', '@kubernetes/client-node', 'KubeConfig'),
  allowed('operator/engine/plant-queue.ts', ['./queue.ts']),
  importer('operator/sync-pipeline/plant-delivery.ts', '../../runtime/delivery/step.ts'),
  importer('operator/sync-pipeline/plant-ingest.ts', '../../runtime/ingest/capture.ts'),
  importer('operator/sync-pipeline/plant-governor.ts', '../../runtime/governor/budgeting.ts'),
  importer('operator/jetstream/plant-publisher.ts', '../../runtime/jetstream/publisher.ts'),
  importer('operator/sync-pipeline/plant-sink.ts', '../../runtime/connectors/net-suite/sink.ts'),
  importer('operator/plant-local.ts', '../local/tools.ts'),
  allowed('operator/sync-pipeline/plant-contract.ts', [
    '../../runtime/contract/names.ts',
    '../../runtime/expressions/json.ts',
    '../../runtime/connectors/registry.ts',
    '../../runtime/logger.ts',
    '../../crds/schema/connector.ts',
  ]),
  importer('crds/plant-operator.ts', '../operator/world.ts'),
  importer('crds/schema/plant-jetstream.ts', '../../runtime/jetstream/publisher.ts'),
  allowed('crds/schema/plant-contract.ts', ['../../runtime/contract/names.ts', '../../runtime/connectors/registry.ts']),
  importer('test/simulators/plant-runtime.ts', '../../runtime/expressions/json.ts'),
  importer('test/simulators/plant-contract.ts', '../../runtime/contract/names.ts'),
];

const impurities: readonly (readonly [line: string, why: string])[] = [
  ["import { readFileSync } from 'node:fs';", 'a Node module'],
  ["import { createHash, randomUUID } from 'node:crypto';", 'randomness'],
  ["import { Agent } from 'undici';", 'an HTTP client'],
  ["import { connect } from '@nats-io/transport-node';", 'a NATS client'],
  ["import { pino } from 'pino';", 'a logger'],
  ["import { thing } from '../logger.ts';", 'our logger'],
  ["import { Counter } from 'prom-client';", 'metrics'],
  ["export type { Registry } from 'prom-client';", 'metrics, exported on'],
  ['export const now = Date.now();', 'the clock'],
  ['export const clock = Date.now;', 'the clock as a value'],
  ['export const today = new Date();', 'the clock as an object'],
  ['export const text = Date();', 'the clock as text'],
  ['export const tick = performance.now();', 'the monotonic clock'],
  ['export const dice = Math.random();', 'randomness'],
  ['export const id = crypto.randomUUID();', 'randomness from the platform'],
  ['export const memory = process.memoryUsage();', 'the process'],
  ['export const timer = setTimeout(() => {}, 1);', 'a timer'],
  ["export const call = () => fetch('http://127.0.0.1');", 'the network'],
  ["export const lazy = () => import('undici');", 'a client loaded later'],
];
const impureLines = [
  ...impurities.map(([line]) => line),
  'export const used = [readFileSync, createHash, randomUUID, Agent, connect, pino, thing, Counter];',
];
const everyImpurity = impurities.map((_impurity, index) => `${index + 1} pure`);

const pureFiles = [
  ...['decide', 'plan', 'status', 'render-deployment', 'render-config', 'conditions'].map((name) => `operator/sync-pipeline/${name}.ts`),
  ...['backoff', 'conditions', 'outcome'].map((name) => `operator/engine/${name}.ts`),
  ...['settle', 'lane', 'checkpoint', 'plan-unit', 'unit', 'record', 'chains', 'key-memory', 'outbox', 'parking', 'books'].map(
    (name) => `runtime/delivery/${name}.ts`,
  ),
  ...['circuit', 'slots', 'budget'].map((name) => `runtime/governor/${name}.ts`),
];

const onlyPure = (found: readonly string[]) => found.filter((finding) => finding.endsWith(' pure'));

const purity: readonly Planted[] = [
  ...pureFiles.map((path) => ({ what: `${path} is pure by its name`, path, lines: impureLines, expected: everyImpurity })),
  ...['Decides. Pure.', 'The step; it reads no clock.'].map((claim, index) => ({
    what: `a file that says "${claim}"`,
    path: `runtime/delivery/claims-${index}.ts`,
    lines: [`/** ${claim} */`, ...impureLines],
    expected: impurities.map((_impurity, line) => `${line + 2} pure`),
  })),
  { what: 'a file that claims nothing may do all of it', path: 'runtime/delivery/shell.ts', lines: impureLines, expected: [] },
  {
    what: 'a pure file may hash, and use times that it is given',
    path: 'runtime/delivery/books-of.ts',
    lines: [
      '/** Pure. */',
      "import { createHash } from 'node:crypto';",
      'export const day = (now: number) => new Date(now).toISOString();',
      'export const at = (text: string) => Date.parse(text) + Math.max(1, 2);',
      "export const hash = (text: string) => createHash('sha256').update(text).digest('hex');",
    ],
    expected: [],
  },
];

const house: readonly Planted[] = [
  {
    what: 'a case of a closed set is missing',
    path: 'runtime/delivery/plant-switch.ts',
    lines: [
      "type Outcome = { kind: 'delivered' } | { kind: 'rejected'; reason: string } | { kind: 'unknown' };",
      'export function label(outcome: Outcome): string {',
      "  let text = '';",
      '  switch (outcome.kind) {',
      "    case 'delivered':",
      "      text = 'ok';",
      '      break;',
      "    case 'rejected':",
      '      text = outcome.reason;',
      '      break;',
      '  }',
      '  return text;',
      '}',
    ],
    expected: ['4 switch-exhaustiveness-check'],
  },
  {
    what: 'a default hides the missing case',
    path: 'runtime/delivery/plant-default.ts',
    lines: [
      "export function label(kind: 'a' | 'b' | 'c'): number {",
      '  switch (kind) {',
      "    case 'a':",
      '      return 1;',
      "    case 'b':",
      '      return 2;',
      "    case 'c':",
      '      return 3;',
      '  }',
      '}',
    ],
    expected: [],
  },
  {
    what: 'a promise that nobody awaits, and one where none is expected',
    path: 'operator/plant-floating.ts',
    lines: [
      'const work = async () => Promise.resolve(1);',
      'export function start(): void {',
      '  work();',
      '  [1, 2].forEach(async () => work());',
      '}',
    ],
    expected: ['3 no-floating-promises', '4 no-misused-promises'],
  },
  {
    what: 'setInterval',
    path: 'local/plant-interval.ts',
    lines: ['export const timer = setInterval(() => {}, 1_000);'],
    expected: ['1 no-restricted-globals'],
  },
  {
    what: 'console in operator',
    path: 'operator/plant-console.ts',
    lines: ["console.log('x');", 'export {};'],
    expected: ['1 no-console'],
  },
  {
    what: 'console in a unit test',
    path: 'runtime/plant-console.test.ts',
    lines: ["console.log('x');", 'export {};'],
    expected: ['1 no-console'],
  },
  {
    what: 'environment and process in runtime',
    path: 'runtime/ingest/plant-process.ts',
    lines: ["export const port = process.env['PORT'];", 'process.exit(1);', "process.on('SIGTERM', () => {});"],
    expected: ['1 no-process-env', '2 no-restricted-properties', '3 no-restricted-properties'],
  },
  {
    what: 'settings.ts reads the environment, and does not end the process',
    path: 'operator/settings.ts',
    lines: ["export const port = process.env['PORT'];", 'process.exit(1);'],
    expected: ['2 no-restricted-properties'],
  },
  {
    what: 'main.ts does both',
    path: 'operator/main.ts',
    lines: ["export const port = process.env['PORT'];", "process.on('SIGTERM', () => process.exit(0));"],
    expected: [],
  },
  {
    what: 'swallowed errors',
    path: 'runtime/jetstream/plant-swallowed.ts',
    lines: [
      'export async function swallow(work: () => Promise<void>): Promise<void> {',
      '  try {',
      '    await work();',
      '  } catch {}',
      '  await work().catch(() => undefined);',
      '  await work().catch(() => {});',
      '  await work().catch(() => undefined); // aborted: the loop ends',
      '}',
    ],
    expected: ['4 no-empty', '5 no-silent-catch', '6 no-silent-catch'],
  },
  {
    what: 'deciding on the text of an error',
    path: 'operator/plant-text.ts',
    lines: ["export const isGone = (error: Error) => error.message.includes('not found');"],
    expected: ['1 no-text-decision'],
  },
  {
    what: 'what the type checker is told to overlook',
    path: 'runtime/delivery/plant-types.ts',
    lines: [
      'export const cast = (value: unknown) => value as string;',
      'export const sure = (list: readonly string[]) => list[0]!.length;',
      'export function loose(value: any): void {',
      '  value.go();',
      '}',
      'export const read = (text: string): { a: number } => JSON.parse(text);',
      'export const fail = () => {',
      "  throw 'text';",
      '};',
    ],
    expected: [
      '1 no-unsafe-type-assertion',
      '2 no-non-null-assertion',
      '3 no-explicit-any',
      '4 no-unsafe-call',
      '4 no-unsafe-member-access',
      '6 no-unsafe-return',
      '8 only-throw-error',
    ],
  },
  {
    what: 'a cycle, seen from one end',
    path: 'operator/plant-egg.ts',
    lines: ["import { hen } from './plant-hen.ts';", 'export const egg = (): unknown => hen;'],
    expected: ['1 no-cycle'],
  },
  {
    what: 'a cycle, seen from the other',
    path: 'operator/plant-hen.ts',
    lines: ["import { egg } from './plant-egg.ts';", 'export const hen = (): unknown => egg;'],
    expected: ['1 no-cycle'],
  },
  {
    what: 'a default export, and a name that is not kebab-case',
    path: 'operator/plantName.ts',
    lines: ['export default 1;'],
    expected: ['1 filename-case', '1 no-default-export'],
  },
  {
    what: 'mocks and spies',
    path: 'runtime/plant-mock.test.ts',
    lines: [
      "import { test, vi } from 'vitest';",
      "vi.mock('./logger.ts');",
      "test('x', () => {",
      '  const spy = vi.fn();',
      "  vi.spyOn(console, 'log');",
      '  spy();',
      '});',
    ],
    expected: ['2 no-restricted-properties', '4 no-restricted-properties', '5 no-restricted-properties'],
  },
  {
    what: 'a function of 61 lines, nested four deep, with four parameters',
    path: 'runtime/delivery/plant-size.ts',
    lines: [
      'export function long(a: number, b: number, c: number, d: number): number {',
      '  if (a > 1) {',
      '    if (b > 1) {',
      '      if (c > 1) {',
      '        if (d > 1) return 1;',
      '      }',
      '    }',
      '  }',
      ...Array.from({ length: 51 }, (_value, index) => `  a += ${index};`),
      '  return a;',
      '}',
    ],
    expected: ['1 max-lines-per-function', '1 max-params', '5 max-depth'],
  },
  {
    what: 'a file of 401 lines',
    path: 'runtime/delivery/plant-length.ts',
    lines: Array.from({ length: 401 }, (_value, index) => `export const line${index} = ${index};`),
    expected: ['401 max-lines'],
  },
  {
    what: 'a suppression that suppresses nothing',
    path: 'runtime/plant-suppression.ts',
    lines: ['// oxlint-disable-next-line no-console -- because', 'export const silent = 1;'],
    expected: ['1 error'],
  },
];

const planted = [...directions, ...purity, ...house];
let result: LintResult;

beforeAll(async () => {
  const files = Object.fromEntries(planted.map(({ path, lines }) => [path, `${lines.join('\n')}\n`]));
  result = await lintPlanted({ ...standIns, ...files }, AbortSignal.timeout(60_000));
});

test('every planted file is linted', () => {
  expect(result.files).toBe(planted.length + Object.keys(standIns).length + 1);
});

describe('direction of dependency', () => {
  test.each(directions)('$what', ({ path, expected }) => {
    expect(result.findings.get(path) ?? []).toEqual(expected);
  });
});

describe('pure files', () => {
  test.each(purity)('$what', ({ path, expected }) => {
    expect(onlyPure(result.findings.get(path) ?? [])).toEqual(expected);
  });
});

describe('house style', () => {
  test.each(house)('$what', ({ path, expected }) => {
    expect(result.findings.get(path) ?? []).toEqual(expected);
  });
});
