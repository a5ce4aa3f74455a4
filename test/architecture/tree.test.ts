/** What a file may be called, what it may say, and that what the docs name exists. */
import { dirname, join, matchesGlob, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import config from '../../vitest.config.ts';
import { projectFiles, readText } from './source-files.ts';

const files = projectFiles();
const known = new Set(files);
const textFiles = files.filter((path) => /\.(ts|mjs|js|json|md|ya?ml|go|mod|txt)$|(^|\/)(\.[a-z]+|run)$/.test(path) || !path.includes('.'));
const docs = files.filter((path) => path.endsWith('.md'));
const manifest = z
  .object({
    scripts: z.record(z.string(), z.string()),
    dependencies: z.record(z.string(), z.string()),
    devDependencies: z.record(z.string(), z.string()),
  })
  .parse(JSON.parse(readText('package.json')));

const matching = (pattern: RegExp, paths: readonly string[] = textFiles) =>
  paths.flatMap((path) =>
    readText(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}`] : [])),
  );

describe('names', () => {
  test('no barrels', () => {
    expect(files.filter((path) => /(^|\/)index\.[a-z]+$/.test(path))).toEqual([]);
  });

  test('a file is named after what it contains', () => {
    const generic = /(^|\/)(utils?|helpers?|common|shared|misc|manager|base|service|types)(\.[a-z.]+|\/.*)$/;
    expect(files.filter((path) => generic.test(path))).toEqual([]);
  });
});

describe('tests', () => {
  const projects = z
    .object({ test: z.object({ projects: z.array(z.object({ test: z.object({ name: z.string(), include: z.array(z.string()) }) })) }) })
    .parse(config).test.projects;

  test('every test file belongs to one kind of test', () => {
    const homes = files
      .filter((path) => /\.(test|spec)\.[a-z]+$/.test(path))
      .map((path) => ({
        path,
        kinds: projects
          .filter(({ test: { include } }) => include.some((glob) => matchesGlob(path, glob)))
          .map(({ test: { name } }) => name),
      }));
    expect(homes.filter(({ kinds }) => kinds.length !== 1)).toEqual([]);
    expect([...new Set(homes.flatMap(({ kinds }) => kinds))].toSorted()).toEqual(projects.map(({ test: { name } }) => name).toSorted());
  });

  test('none is skipped, left for later, or run alone', () => {
    const excused = new RegExp(
      `\\b(test|it|describe)(\\.each\\([^)]*\\))?\\.(${['skip', 'only', 'todo', 'skipIf', 'runIf', 'fails'].join('|')})\\b`,
    );
    expect(
      matching(
        excused,
        files.filter((path) => path.endsWith('.test.ts')),
      ),
    ).toEqual([]);
  });
});

describe('what files say', () => {
  test('no path of the machine it was written on', () => {
    const places = ['/work/', '/root/', '/home/[a-z]', '/tmp/pp', '/Users/[a-z]'].join('|');
    expect(
      matching(
        new RegExp(`(?<![\\w.*-])(${places})`),
        textFiles.filter((path) => path !== 'test/architecture/tree.test.ts'),
      ),
    ).toEqual([]);
  });

  test('no host of a package registry or proxy', () => {
    const hosts = ['registry\\.npm', 'npm\\.pkg\\.', 'proxy\\.golang', 'sum\\.golang', 'artifactory', '"resolved":'].join('|');
    expect(
      matching(
        new RegExp(hosts, 'i'),
        textFiles.filter((path) => path !== 'test/architecture/tree.test.ts'),
      ),
    ).toEqual([]);
  });

  test('the lock file names every package for every platform, so that npm ci works wherever a registry has only some', () => {
    const lockEntry = z.object({ version: z.string().optional(), optionalDependencies: z.record(z.string(), z.string()).optional() });
    const { packages } = z.object({ packages: z.record(z.string(), lockEntry) }).parse(JSON.parse(readText('package-lock.json')));
    const missing = Object.values(packages)
      .flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies ?? {}))
      .filter((name) => packages[`node_modules/${name}`] === undefined);
    expect(missing).toEqual([]);
  });

  test('versions are exact', () => {
    const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(versions.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });
});

/** Text of a page without its code blocks, where a bracket is no link. */
const prose = (path: string) => readText(path).replaceAll(/^```[\s\S]*?^```/gm, '');

describe('docs', () => {
  test('there are some', () => {
    expect(docs).toEqual(
      expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'AGENTS.md', 'docs/architecture.md', 'test/README.md', 'bench/README.md']),
    );
  });

  test('links point at files that exist', () => {
    const broken = docs.flatMap((path) =>
      [...prose(path).matchAll(/\]\((?![a-z]+:)([^)#\s]+)(?:#[^)\s]*)?\)/g)]
        .map(([, target = '']) => normalize(join(dirname(path), target)))
        .filter((target) => !known.has(target) && !files.some((file) => file.startsWith(`${target.replace(/\/$/, '')}/`)))
        .map((target) => `${path} → ${target}`),
    );
    expect(broken).toEqual([]);
  });

  test('files named in code style exist', () => {
    const named = /`((?:runtime|operator|crds|local|test|bench|docs|examples|charts|cli)\/[\w./-]+\.[a-z]+)`/g;
    const broken = docs.flatMap((path) =>
      [...readText(path).matchAll(named)]
        .map(([, target = '']) => target)
        .filter((target) => !known.has(target))
        .map((target) => `${path} names ${target}`),
    );
    expect(broken).toEqual([]);
  });

  test('npm scripts named in docs exist', () => {
    const scripts = new Set(Object.keys(manifest.scripts));
    const unknown = docs.flatMap((path) =>
      [...readText(path).matchAll(/npm run ([\w:-]+)/g)]
        .map(([, name = '']) => name)
        .filter((name) => !scripts.has(name))
        .map((name) => `${path}: ${name}`),
    );
    expect(unknown).toEqual([]);
  });
});

describe('commands', () => {
  test('every script works on a fresh clone: it goes through the bootstrap, and the file it runs exists', () => {
    const bad = Object.entries(manifest.scripts).filter(([, command]) => {
      const [, file] = /^node local\/bootstrap\.mjs (?:node )?(\S+)/.exec(command) ?? [];
      return file === undefined || (file.includes('/') && !known.has(file));
    });
    expect(bad).toEqual([]);
  });

  test("CI runs the README's test command", () => {
    expect(readText('README.md')).toContain('npm test');
    expect(readText('.ci/run').trimEnd().split('\n').at(-1)).toBe('exec npm test');
  });
});
