/**
 * A small copy of the project in a temporary folder: its lint and compiler settings, stand-ins for what may be imported, and files
 * with planted faults. Linting it shows that each rule fires, where the clean tree could not.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { root } from './source-files.ts';

/** Path → text. */
export type Files = Readonly<Record<string, string>>;

const settings = ['.oxlintrc.json', 'tsconfig.json', 'test/architecture/house-rules.ts'];

const report = z.object({
  number_of_files: z.number(),
  diagnostics: z.array(
    z.object({
      code: z.string().optional(),
      message: z.string(),
      filename: z.string(),
      labels: z.array(z.object({ span: z.object({ line: z.number() }) })),
    }),
  ),
});

export interface LintResult {
  readonly files: number;
  /** Path → `line rule` in the order of lines. */
  readonly findings: ReadonlyMap<string, readonly string[]>;
}

/** `eslint(no-console)` → `no-console`; a syntax error has no rule. */
const ruleOf = (code: string | undefined): string => /\((.+)\)/.exec(code ?? '')?.[1] ?? 'error';

function parseReport(json: string): LintResult {
  const { number_of_files: files, diagnostics } = report.parse(JSON.parse(json));
  const byFile = new Map<string, { line: number; rule: string }[]>();
  for (const { code, filename, labels } of diagnostics) {
    const found = { line: labels[0]?.span.line ?? 0, rule: ruleOf(code) };
    byFile.set(filename, [...(byFile.get(filename) ?? []), found]);
  }
  const ordered = [...byFile].map(([path, found]): [string, string[]] => [
    path,
    found.toSorted((a, b) => a.line - b.line || a.rule.localeCompare(b.rule)).map(({ line, rule }) => `${line} ${rule}`),
  ]);
  return { files, findings: new Map(ordered) };
}

/** oxlint ends with 1 when it found something; without a report it failed itself. */
function runOxlint(folder: string, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd: folder, signal, maxBuffer: 32 * 1024 * 1024 };
    execFile(join(root, 'node_modules/.bin/oxlint'), ['--format', 'json'], options, (error, stdout, stderr) => {
      if (stdout.startsWith('{')) resolve(stdout);
      else reject(new Error(`oxlint gave no report: ${stdout}${stderr}`, { cause: error }));
    });
  });
}

export async function lintPlanted(files: Files, signal: AbortSignal): Promise<LintResult> {
  const folder = await mkdtemp(join(tmpdir(), 'peppasync-planted-'));
  try {
    for (const path of settings) await cp(join(root, path), join(folder, path));
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    return parseReport(await runOxlint(folder, signal));
  } finally {
    await rm(folder, { recursive: true });
  }
}
