/** What `npm run verify` and `npm test` run. */
import type { Step } from './run-step.ts';

const check = (name: string, ...command: Step['command']): Step => ({
  name,
  command,
  hasTests: false,
  timeoutMs: 300_000,
  isShown: false,
});

const tests = (project: string, limits: { timeoutMs: number; isShown: boolean }): Step => ({
  name: `${project} tests`,
  command: ['vitest', 'run', '--project', project],
  hasTests: true,
  ...limits,
});

const quick = { timeoutMs: 300_000, isShown: false };

/** The longest first, so that two at a time end together. */
export const verifySteps: readonly Step[] = [
  tests('unit', quick),
  check('format', 'prettier', '--check', '--log-level=warn', '.'),
  tests('architecture', quick),
  tests('conformance', quick),
  check('lint', 'oxlint', '--deny-warnings'),
  check('types', 'tsc', '--noEmit'),
  check('dead code and dependencies', 'knip'),
  check('generated files', 'node', 'crds/generate.ts', '--check'),
];

/** With real servers and clusters. */
export const serverSteps: readonly Step[] = [
  tests('integration', { timeoutMs: 15 * 60_000, isShown: true }),
  tests('e2e', { timeoutMs: 10 * 60_000, isShown: true }),
];
