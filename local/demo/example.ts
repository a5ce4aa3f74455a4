/** The files of examples/black-friday as the demo applies them: as they are, but for the values that only it can know. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments, type Document } from 'yaml';
import { z } from 'zod';
import { connectorSpec } from '../../crds/schema/connector.ts';
import { effectiveConnector, effectiveSyncPipeline } from '../../crds/schema/effective.ts';
import { syncPipelineSpec } from '../../crds/schema/sync-pipeline.ts';
import { netSuiteAccount } from '../../runtime/connectors/net-suite/definition.ts';
import { shopifyAccount } from '../../runtime/connectors/shopify/definition.ts';
import { durationMs } from '../../runtime/contract/schema-fields.ts';

const exampleFolder = join(import.meta.dirname, '..', '..', 'examples', 'black-friday');

export interface FillIn {
  readonly netSuiteUrl: string;
  readonly realLatency: boolean;
}

export interface ExampleFile {
  readonly name: string;
  readonly text: string;
}

const metadata = z.object({ name: z.string(), namespace: z.string() });
const object = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('Connector'), metadata, spec: connectorSpec }),
  z.object({ kind: z.literal('SyncPipeline'), metadata, spec: syncPipelineSpec }),
]);
type ExampleObject = z.infer<typeof object>;

/** What the rest of the demo has to know of the resources in the example. */
export interface Example {
  readonly files: readonly ExampleFile[];
  readonly namespace: string;
  /** As kubectl names them: connector/netsuite and so on. */
  readonly resources: readonly string[];
  readonly shopify: { readonly name: string; readonly account: z.infer<typeof shopifyAccount> };
  readonly netSuite: {
    readonly name: string;
    readonly account: z.infer<typeof netSuiteAccount>;
    readonly limit: number;
    readonly timeoutMs: number;
    readonly maxOpenForMs: number;
  };
  readonly pipeline: { readonly name: string; readonly lanes: number; readonly destinations: readonly string[] };
}

const readFiles = async (): Promise<ExampleFile[]> => {
  const names = (await readdir(exampleFolder)).filter((name) => name.endsWith('.yaml')).toSorted();
  return Promise.all(names.map(async (name) => ({ name, text: await readFile(join(exampleFolder, name), 'utf8') })));
};

const isNetSuite = (document: Document): boolean => document.getIn(['spec', 'type']) === 'NetSuite';

/** Comments and everything else stay as they are. */
const fillIn = ({ name, text }: ExampleFile, { netSuiteUrl, realLatency }: FillIn): ExampleFile => {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents)) return { name, text };
  for (const document of documents.filter(isNetSuite)) {
    document.setIn(['spec', 'netSuite', 'endpoint', 'url'], netSuiteUrl);
    if (!realLatency) continue;
    document.setIn(['spec', 'timeout'], '20s');
    document.setIn(['spec', 'limits', 'lostCallHold'], '25s');
  }
  return { name, text: documents.map((document) => document.toString({ lineWidth: 0 })).join('') };
};

const objectsIn = ({ text }: ExampleFile): ExampleObject[] => parseAllDocuments(text).map((document) => object.parse(document.toJS()));

const ofKind = <K extends ExampleObject['kind']>(objects: readonly ExampleObject[], kind: K) =>
  objects.filter((one): one is Extract<ExampleObject, { kind: K }> => one.kind === kind);

const only = <T>(found: readonly T[], what: string): T => {
  const [first, ...more] = found;
  if (first === undefined || more.length > 0) throw new RangeError(`the demo's example must have exactly one ${what}`);
  return first;
};

const describeExample = (files: readonly ExampleFile[]): Example => {
  const objects = files.flatMap(objectsIn);
  const connectors = ofKind(objects, 'Connector');
  const shopify = only(
    connectors.filter(({ spec }) => spec.type === 'Shopify'),
    'Connector of type Shopify',
  );
  const netSuite = only(
    connectors.filter(({ spec }) => spec.type === 'NetSuite'),
    'Connector of type NetSuite',
  );
  const pipeline = only(ofKind(objects, 'SyncPipeline'), 'SyncPipeline');
  const { limits, timeout, circuit } = effectiveConnector(netSuite.spec);
  const effective = effectiveSyncPipeline(pipeline.spec);
  return {
    files,
    namespace: pipeline.metadata.namespace,
    resources: objects.map(({ kind, metadata: { name } }) => `${kind.toLowerCase()}/${name}`),
    shopify: { name: shopify.metadata.name, account: shopifyAccount.parse(shopify.spec.shopify) },
    netSuite: {
      name: netSuite.metadata.name,
      account: netSuiteAccount.parse(netSuite.spec.netSuite),
      limit: z.number().parse(limits.concurrency),
      timeoutMs: durationMs(timeout),
      maxOpenForMs: durationMs(circuit.maxOpenFor),
    },
    pipeline: {
      name: pipeline.metadata.name,
      lanes: effective.capture.lanes,
      destinations: effective.destinations.map(({ name }) => name),
    },
  };
};

export const readExample = async (fill: FillIn): Promise<Example> => describeExample((await readFiles()).map((file) => fillIn(file, fill)));
