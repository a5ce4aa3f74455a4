/** A field that a user may write does something: each one of the CRDs' specs is read outside the schema. */
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { projectFiles, readText } from './source-files.ts';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>> | undefined;
  readonly items?: Schema | undefined;
}
const schema: z.ZodType<Schema> = z.lazy(() => z.object({ properties: z.record(z.string(), schema).optional(), items: schema.optional() }));
const crd = z.object({
  spec: z.object({ versions: z.array(z.object({ schema: z.object({ openAPIV3Schema: schema }) })) }),
});

/** `destinations[].retry.for` and so on. */
function fieldsOf({ properties, items }: Schema, path = ''): { path: string; name: string }[] {
  const inItems = items === undefined ? [] : fieldsOf(items, `${path}[]`);
  const own = Object.entries(properties ?? {}).flatMap(([name, value]) => {
    const at = path === '' ? name : `${path}.${name}`;
    return [{ path: at, name }, ...fieldsOf(value, at)];
  });
  return [...inItems, ...own];
}

function specFields(file: string) {
  const { versions } = crd.parse(parse(readText(file))).spec;
  return versions
    .flatMap((version) => fieldsOf(version.schema.openAPIV3Schema.properties?.['spec'] ?? {}))
    .map((field) => ({ file, ...field }));
}

/** Not where a field is declared, nor where it is only tried. */
const readers = projectFiles('{runtime,operator}/**/*.ts')
  .filter((path) => !/\.test\.ts$|\/definition\.ts$|^runtime\/contract\//.test(path))
  .map((path) => readText(path).replaceAll(/^\s*(\*|\/\/|\/\*).*$/gm, ''))
  .join('\n');

/** `.name`, `['name']`, or taken out of an object by `{ name }`. */
const isRead = (name: string) => new RegExp(`\\.${name}\\b|\\['${name}'\\]|[{,]\\s*${name}\\s*[,}:=]`).test(readers);

const fields = projectFiles('crds/*.yaml').flatMap(specFields);

test('the fields are found, and one that nothing reads would be noticed', () => {
  expect(fields.map(({ path }) => path)).toEqual(
    expect.arrayContaining(['source.key', 'destinations[].operations[].body', 'limits.concurrency']),
  );
  expect(isRead('lanes')).toBe(true);
  expect(isRead('fieldThatNothingReads')).toBe(false);
});

test('every field of a spec is read', () => {
  expect(fields.filter(({ name }) => !isRead(name)).map(({ file, path }) => `${file}: ${path}`)).toEqual([]);
});
