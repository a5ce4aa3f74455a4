import { expect, test } from 'vitest';
import { expandReferences, resolveEnvironment, type ObjectKind } from './environment.ts';
import { podSchema } from './pod.ts';

const podOf = (container: object) =>
  podSchema.parse({
    metadata: { name: 'web-1', namespace: 'shop', uid: 'u1', labels: { app: 'web' } },
    spec: { nodeName: 'local', containers: [{ name: 'c', image: 'i', ...container }] },
  });

const objects = new Map([
  ['ConfigMap/settings', new Map([['LEVEL', Buffer.from('debug')]])],
  ['Secret/login', new Map([['password', Buffer.from('pä$$')]])],
]);

const resolve = (container: object) => {
  const pod = podOf(container);
  const [first] = pod.spec.containers;
  if (first === undefined) throw new Error('no container');
  const read = (kind: ObjectKind, name: string) => Promise.resolve(objects.get(`${kind}/${name}`));
  return resolveEnvironment({ pod, place: { podIp: '127.16.1.1', hostIp: '127.16.0.1' }, read }, first);
};

const valuesOf = async (container: object) => {
  const result = await resolve(container);
  return result.kind === 'complete' ? Object.fromEntries(result.values) : result.message;
};

test.each([
  ['$(A)/$(B)', 'a/$(B)'],
  ['$$(A)', '$(A)'],
  ['$A $(A', '$A $(A'],
])('the reference %s expands to %s', (text, expected) => {
  expect(expandReferences(text, new Map([['A', 'a']]))).toBe(expected);
});

test('entries see what comes before them, and env overrides envFrom', async () => {
  expect(
    await valuesOf({
      envFrom: [{ prefix: 'S_', configMapRef: { name: 'settings' } }],
      env: [
        { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'APP', valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
        { name: 'URL', value: 'http://$(IP):80/$(LATER)' },
        { name: 'LATER', value: 'x' },
        { name: 'S_LEVEL', value: '$(S_LEVEL)!' },
        { name: 'PASSWORD', valueFrom: { secretKeyRef: { name: 'login', key: 'password' } } },
      ],
    }),
  ).toEqual({ S_LEVEL: 'debug!', IP: '127.16.1.1', APP: 'web', URL: 'http://127.16.1.1:80/$(LATER)', LATER: 'x', PASSWORD: 'pä$$' });
});

test.each([
  [{ secretKeyRef: { name: 'none', key: 'a' } }, 'secret "none" not found'],
  [{ configMapKeyRef: { name: 'settings', key: 'NO' } }, "couldn't find key NO in ConfigMap shop/settings"],
  [{ configMapKeyRef: { name: 'none', key: 'a', optional: true } }, {}],
  [{ resourceFieldRef: { resource: 'limits.cpu' } }, 'env X: resourceFieldRef is not supported by the local node agent'],
])('valueFrom %j gives %j', async (valueFrom, expected) => {
  expect(await valuesOf({ env: [{ name: 'X', valueFrom }] })).toEqual(expected);
});

test('a missing envFrom object is named', async () => {
  expect(await valuesOf({ envFrom: [{ secretRef: { name: 'none' } }] })).toBe('secret "none" not found');
});
