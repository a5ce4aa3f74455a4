/** Installs Peppasync into a cluster as a user does: CRDs, operator, Secrets, and then the example, all by `kubectl apply`. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments, type Document } from 'yaml';
import { z } from 'zod';
import { serviceName, type Role } from '../../runtime/contract/names.ts';
import type { Cluster } from '../cluster.ts';
import { LocalError } from '../local-error.ts';
import type { Example } from './example.ts';
import { kubectl } from './kubectl.ts';

const root = join(import.meta.dirname, '..', '..');
const crdFolder = join(root, 'crds');
const installFolder = join(root, 'operator', 'install');

/** The image that Pods ask for, and what it is here: this very checkout, run by this very Node. */
export const image = 'peppasync:dev';
export const imageCommand = [process.execPath, join(root, 'main.ts')];
const readyLimitSeconds = 60;

export const installCrds = async (cluster: Cluster, signal: AbortSignal): Promise<void> => {
  const crds = (await readdir(crdFolder)).filter((name) => name.endsWith('.yaml'));
  await kubectl(cluster, { args: ['apply', ...crds.flatMap((name) => ['-f', join(crdFolder, name)])] }, signal);
  const names = crds.map((name) => `crd/${name.replace(/\.yaml$/u, '')}`);
  await kubectl(cluster, { args: ['wait', '--for=condition=Established', '--timeout=30s', ...names] }, signal);
};

const operatorDeployment = z.object({
  kind: z.literal('Deployment'),
  metadata: z.object({ name: z.string(), namespace: z.string() }),
  spec: z.object({ selector: z.object({ matchLabels: z.record(z.string(), z.string()) }) }),
});

export interface InstalledOperator {
  readonly namespace: string;
  readonly deployment: string;
  /** Label selector of its Pods. */
  readonly selector: string;
}

const containers = z.object({
  spec: z.object({
    template: z.object({
      spec: z.object({ containers: z.tuple([z.looseObject({ env: z.array(z.looseObject({ name: z.string() })).default([]) })]) }),
    }),
  }),
});

/** The settings that every install has to make: which image, and what there is of NATS. */
const setUp = (document: Document, natsUrl: string): void => {
  const place = ['spec', 'template', 'spec', 'containers', 0];
  const [{ env }] = containers.parse(document.toJS()).spec.template.spec.containers;
  const own = [
    { name: 'PEPPASYNC_NATS_URL', value: natsUrl },
    { name: 'PEPPASYNC_IMAGE', value: image },
    // The default of nats-server, which the local one has. It is shown as BufferDurable.
    { name: 'PEPPASYNC_NATS_SYNC_INTERVAL', value: '2m' },
  ];
  const others = env.filter(({ name }) => own.every((setting) => setting.name !== name));
  document.setIn([...place, 'image'], image);
  document.setIn([...place, 'env'], document.createNode([...others, ...own]));
};

const readInstall = async (): Promise<Document[]> => {
  const names = (await readdir(installFolder)).filter((name) => name.endsWith('.yaml')).toSorted();
  const texts = await Promise.all(names.map((name) => readFile(join(installFolder, name), 'utf8')));
  return texts.flatMap((text) => [...parseAllDocuments(text)]);
};

export const installOperator = async (cluster: Cluster, natsUrl: string, signal: AbortSignal): Promise<InstalledOperator> => {
  const documents = await readInstall();
  const found = documents.flatMap((document) => {
    const parsed = operatorDeployment.safeParse(document.toJS());
    return parsed.success ? [{ document, deployment: parsed.data }] : [];
  });
  const [operator] = found;
  if (operator === undefined) throw new LocalError(`${installFolder} holds no Deployment of the operator`);
  setUp(operator.document, natsUrl);
  const input = documents.map((document) => document.toString({ lineWidth: 0, directives: true })).join('');
  await kubectl(cluster, { args: ['apply', '-f', '-'], input }, signal);
  const { metadata, spec } = operator.deployment;
  const selector = Object.entries(spec.selector.matchLabels)
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
  return { namespace: metadata.namespace, deployment: metadata.name, selector };
};

export interface DemoSecrets {
  /** Signs webhooks. */
  readonly webhookSecret: string;
  /** The NetSuite simulator knows the client by it. */
  readonly publicKeyFile: string;
  readonly privateKey: string;
}

/** Made anew for each cluster. The folder goes with the cluster. */
export const makeSecrets = async (cluster: Cluster): Promise<DemoSecrets> => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const folder = join(cluster.dataFolder, 'demo');
  await mkdir(folder, { recursive: true });
  const publicKeyFile = join(folder, 'netsuite-public-key.pem');
  await writeFile(publicKeyFile, publicKey.export({ type: 'spki', format: 'pem' }));
  return {
    webhookSecret: randomBytes(32).toString('hex'),
    publicKeyFile,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
};

const secretsOf = ({ namespace, shopify, netSuite }: Example, { webhookSecret, privateKey }: DemoSecrets) => {
  const values = [
    ...shopify.account.webhookSecretRefs.map((ref) => ({ ...ref, value: webhookSecret })),
    { ...netSuite.account.auth.clientCredentials.privateKeySecretRef, value: privateKey },
  ];
  return values.map(({ name, key, value }) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace },
    stringData: { [key]: value },
  }));
};

/** Where the example lies as it was applied: for those who stay and try things. */
export const appliedExampleFolder = (cluster: Cluster): string => join(cluster.dataFolder, 'demo', 'black-friday');

export const applyExample = async (
  cluster: Cluster,
  { example, secrets }: { example: Example; secrets: DemoSecrets },
  signal: AbortSignal,
) => {
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: example.namespace } };
  const before = { apiVersion: 'v1', kind: 'List', items: [namespace, ...secretsOf(example, secrets)] };
  await kubectl(cluster, { args: ['apply', '-f', '-'], input: JSON.stringify(before) }, signal);
  const folder = appliedExampleFolder(cluster);
  await mkdir(folder, { recursive: true });
  for (const { name, text } of example.files) await writeFile(join(folder, name), text);
  await kubectl(cluster, { args: ['apply', '-f', folder] }, signal);
};

/** Everything a person would look at, since the cluster and its logs go away with the demo. */
const troubleOf = async (cluster: Cluster, { example, operator }: Installed, signal: AbortSignal): Promise<string> => {
  const looks = [
    ['get', 'pods', '--all-namespaces'],
    ['describe', 'syncpipelines,connectors', '-n', example.namespace],
    ['get', 'events', '--all-namespaces', '--sort-by=.lastTimestamp'],
    ['logs', '-n', operator.namespace, '-l', operator.selector, '--tail=30'],
    ['logs', '-n', example.namespace, '-l', 'app.kubernetes.io/name=peppasync', '--tail=30', '--prefix'],
  ];
  const answers = await Promise.all(looks.map((args) => cluster.kubectl(args, {}, signal)));
  return answers.map(({ stdout, stderr }, index) => `$ kubectl ${looks[index]?.join(' ') ?? ''}\n${stdout}${stderr}`).join('\n');
};

export interface Installed {
  readonly example: Example;
  readonly operator: InstalledOperator;
}

/** Until every resource of the example is Ready. @throws LocalError that shows what there is instead */
export const awaitReady = async (cluster: Cluster, installed: Installed, signal: AbortSignal): Promise<void> => {
  const { namespace, resources } = installed.example;
  const args = ['wait', '--for=condition=Ready', `--timeout=${readyLimitSeconds}s`, '-n', namespace, ...resources];
  const { exitCode, stderr } = await cluster.kubectl(args, {}, signal);
  if (exitCode === 0) return;
  throw new LocalError(`the example is not Ready: ${stderr.trim()}\n${await troubleOf(cluster, installed, signal)}`);
};

/** Where webhooks go: the Service in front of the ingest Pods. */
export const findWebhookAddress = async (cluster: Cluster, example: Example, signal: AbortSignal): Promise<string> => {
  const args = ['get', 'service', serviceName(example.shopify.name), '-n', example.namespace, '-o', 'jsonpath={.spec.clusterIP}'];
  return `http://${await kubectl(cluster, { args }, signal)}:8080/`;
};

export interface PodName {
  readonly namespace: string;
  readonly name: string;
}

export const findPods = async (
  cluster: Cluster,
  { namespace, selector }: { namespace: string; selector: string },
  signal: AbortSignal,
): Promise<PodName[]> => {
  const args = ['get', 'pods', '-n', namespace, '-l', selector, '-o', 'jsonpath={.items[*].metadata.name}'];
  const names = (await kubectl(cluster, { args }, signal)).split(' ').filter((name) => name !== '');
  return names.map((name) => ({ namespace, name }));
};

export const dataPlaneSelector = (connector: string, role: Role): string =>
  `peppasync.io/connector=${connector},app.kubernetes.io/component=${role}`;
