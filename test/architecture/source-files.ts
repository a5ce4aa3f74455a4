/** The project's own files as text, and what each TypeScript file imports. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export const root = join(import.meta.dirname, '../..');

/** Folders of others, and what runs leave behind. */
const foreign = new Set(['node_modules', '.git']);

/** Paths relative to the root, sorted. */
export function projectFiles(pattern = '**/*'): string[] {
  const found = globSync(pattern, { cwd: root, withFileTypes: true, exclude: (entry) => foreign.has(entry.name) });
  return found
    .filter((entry) => entry.isFile())
    .map((entry) => normalize(join(entry.parentPath, entry.name)).slice(root.length + 1))
    .toSorted();
}

export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export interface Import {
  /** A path relative to the root for a file of ours, else the package as it is written. */
  readonly target: string;
  readonly kind: 'static' | 'type' | 'dynamic';
}

const statements = /^\s*(?:import|export)\s+(type\s)?(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm;
const calls = /\bimport\(\s*'([^']+)'\s*\)/g;

/** Prettier and the linter keep imports in one shape, so that two patterns find them all. */
export function importsOf(path: string): Import[] {
  const text = readText(path);
  const targetOf = (source: string) => (source.startsWith('.') ? normalize(join(dirname(path), source)) : source);
  return [
    ...[...text.matchAll(statements)].map(([, type, source = '']): Import => ({
      target: targetOf(source),
      kind: type === undefined ? 'static' : 'type',
    })),
    ...[...text.matchAll(calls)].map(([, source = '']): Import => ({ target: targetOf(source), kind: 'dynamic' })),
  ];
}

/** Everything that is loaded when `path` is: the file itself, files of ours and packages, through static imports. */
export function loadedBy(path: string): ReadonlySet<string> {
  const loaded = new Set<string>();
  const visit = (target: string): void => {
    if (loaded.has(target)) return;
    loaded.add(target);
    if (!target.endsWith('.ts')) return;
    for (const { target: next, kind } of importsOf(target)) if (kind === 'static') visit(next);
  };
  visit(path);
  return loaded;
}
