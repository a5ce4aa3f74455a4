import { expect, test } from 'vitest';
import { decide } from './decide.ts';
import {
  buffer,
  captured,
  config,
  connectorResource,
  connectors,
  deployments,
  file,
  journals,
  lane,
  netSuiteSpec,
  observed,
  pipelineResource,
  shopifySpec,
  spec,
  stream,
} from './pipeline-example.ts';
import type { Observed, PipelineAction } from './plan.ts';
import { renderConfig } from './render-config.ts';

/** An action as a test names it. */
function named(action: PipelineAction): string {
  switch (action.kind) {
    case 'createStream':
      return `create ${action.stream.name}`;
    case 'growStream':
      return `grow ${action.name} ${JSON.stringify(action.growth)}`;
    case 'createLiveBucket':
      return 'create bucket';
    case 'writeFirstJournal':
      return `journal ${action.destination}/${action.lane} at ${action.cursor}`;
    case 'applyConfigMap':
      return `apply ${action.object.metadata.name}${action.force ? ' by force' : ''}`;
  }
}

function actions(more: Partial<Observed>): string[] {
  return decide(observed(more)).actions.map(named);
}

const nothing = { capture: undefined, state: undefined, hasLiveBucket: false, lanes: [] };
/** The spec with a second destination. */
function withWms(startFrom: 'Now' | 'Earliest' | undefined) {
  const [erp] = spec.destinations;
  if (erp === undefined) throw new Error('the example has no destination');
  return { ...spec, destinations: [erp, { ...erp, name: 'wms', startFrom }] };
}

test('O1: what is as it should be is not written', () => {
  expect(actions({})).toEqual([]);
});

test('a new pipeline: streams, bucket and journals come before ingest learns of it', () => {
  expect(actions({ buffer: buffer(nothing), config: undefined, deployments: [], pipeline: pipelineResource() })).toEqual([
    'create PP_shop_orders_CAPTURE',
    'create PP_shop_orders_STATE',
    'create bucket',
    'journal erp/0 at 0',
    'journal erp/1 at 0',
    'apply pp-pipeline-orders',
  ]);
});

test('O2: a start that was cut short goes on where it was', () => {
  const half = buffer({ state: stream('state', { counts: new Map([...journals(['erp'])].slice(0, 1)) }), lanes: [lane(0)] });
  expect(actions({ buffer: half, config: undefined, deployments: [], pipeline: pipelineResource() })).toEqual([
    'journal erp/1 at 0',
    'apply pp-pipeline-orders',
  ]);
});

const filled = buffer({ capture: stream('capture', { lastSequence: 70, counts: captured(30, 40) }) });

test.each([
  ['Now', 70],
  [undefined, 70],
  ['Earliest', 0],
] as const)('a destination added later with startFrom %s begins at %i', (startFrom, cursor) => {
  const pipeline = pipelineResource({ generation: 2, spec: withWms(startFrom) });
  expect(actions({ pipeline, buffer: filled })).toEqual([
    `journal wms/0 at ${cursor}`,
    `journal wms/1 at ${cursor}`,
    'apply pp-pipeline-orders by force',
  ]);
});

test('a destination whose journals are lost begins anew: twice is better than never', () => {
  expect(actions({ buffer: { ...filled, state: stream('state', { counts: new Map() }), lanes: [] } })).toEqual([
    'journal erp/0 at 0',
    'journal erp/1 at 0',
  ]);
  expect(actions({ buffer: { ...filled, state: undefined, lanes: [] }, config: undefined })).toEqual([
    'create PP_shop_orders_STATE',
    'journal erp/0 at 0',
    'journal erp/1 at 0',
    'apply pp-pipeline-orders',
  ]);
});

test('a capture stream that was lost does not use sequences again that journals call passed', () => {
  const plan = decide(
    observed({ buffer: buffer({ capture: undefined, lanes: [lane(0, { cursor: 40, done: [2, 7] }), lane(1, { cursor: 44 })] }) }),
  );
  expect(plan.actions).toMatchObject([{ kind: 'createStream', stream: { firstSequence: 48 } }]);
});

test.each([
  ['larger is done', { maxBytes: 2 ** 19 }, ['grow PP_shop_orders_CAPTURE {"maxBytes":1048576}']],
  ['smaller is not', { maxBytes: 2 ** 30 }, []],
  ['without a limit it stays so', { maxBytes: -1 }, []],
])('O1: maxBytes: %s', (_name, more, expected) => {
  expect(actions({ buffer: buffer({ capture: stream('capture', more) }) })).toEqual(expected);
});

test.each([
  ['more are made', 3, ['grow PP_shop_orders_CAPTURE {"replicas":3}', 'grow PP_shop_orders_STATE {"replicas":3}']],
  ['fewer are not', 1, []],
])('O1: replicas: %s', (_name, streamReplicas, expected) => {
  const live = { replicas: streamReplicas === 1 ? 3 : 1 };
  const both = buffer({ capture: stream('capture', live), state: stream('state', live) });
  expect(actions({ buffer: both, install: { install: 'test', streamReplicas, natsSyncInterval: undefined } })).toEqual(expected);
});

const own = { install: 'test', namespace: 'shop', pipeline: 'orders', lanes: '2' };

test.each([
  ['other lanes', 'capture', { metadata: { ...own, lanes: '8' } }, 'was made with 8 lanes, not 2'],
  ['another install', 'state', { metadata: { ...own, install: 'x' } }, 'belongs to another pipeline (install x instead of test)'],
  ['no owner', 'capture', { metadata: {} }, 'belongs to another pipeline'],
  ['discard old', 'capture', { discard: 'old' }, 'discards old records'],
  ['an age limit', 'capture', { maxAgeMs: 1 }, 'drops records by age'],
  ['another retention', 'state', { retention: 'workqueue' }, 'has retention workqueue'],
  ['other subjects', 'capture', { subjects: ['x'] }, 'has the subjects x'],
  ['a limit of bytes', 'state', { maxBytes: 5 }, 'has a limit of bytes'],
  ['no batches', 'state', { allowsAtomic: false }, 'does not allow batches'],
] as const)('O1: a stream with %s is reported and left alone', (_name, kind, more, message) => {
  const plan = decide(observed({ buffer: buffer({ [kind]: stream(kind, more) }) }));
  expect(plan.actions).toEqual([]);
  expect(plan.verdict).toMatchObject({ kind: 'invalid', reason: 'StreamConflict' });
  expect(plan.verdict).toHaveProperty('message', expect.stringContaining(message));
  expect(plan.file).toEqual(file());
});

const second = pipelineResource({
  generation: 2,
  spec: { ...spec, source: { ...spec.source, key: 'record.other' } },
  status: { runningGeneration: 1 },
});

test('a new generation keeps the one that ran as the previous one', () => {
  const plan = decide(observed({ pipeline: second }));
  expect(plan.actions.map(named)).toEqual(['apply pp-pipeline-orders by force']);
  expect(plan.file).toEqual({ v: 1, running: renderConfig(second, { spec: second.spec ?? spec, connectors }), previous: file().running });
});

test('a generation that never came up made no calls: the one before it stays the previous one', () => {
  const first = file().running;
  const never = { ...file({ previous: first }), running: { ...first, generation: 2 } };
  const third = pipelineResource({ generation: 3, status: { runningGeneration: 1 } });
  const plan = decide(observed({ pipeline: third, config: config(never), deployments: deployments(file()) }));
  expect(plan.file?.previous).toEqual(first);
  expect(plan.file?.running.generation).toBe(3);
});

test('an old view of the pipeline changes nothing', () => {
  const newer = { ...file(), running: { ...file().running, generation: 5 } };
  const plan = decide(observed({ config: config(newer) }));
  expect(plan.actions).toEqual([]);
  expect(plan.file).toEqual(newer);
});

test('the configuration of a deleted pipeline of the same name is no last good one; its streams are adopted', () => {
  const plan = decide(
    observed({ config: { ...config(file()), isOurs: false }, pipeline: pipelineResource({ uid: 'u2' }), buffer: filled }),
  );
  expect(plan.actions.map(named)).toEqual(['apply pp-pipeline-orders by force']);
  expect(plan.file?.previous).toBeUndefined();
  expect(plan.adopts).toBe(true);
});

function without(name: string) {
  return new Map([...connectors].filter(([key]) => key !== name));
}

test.each<[string, Partial<Observed>, string, string, string]>([
  [
    'no Connector for the source',
    { connectors: without('shopify') },
    'waiting',
    'ConnectorNotFound',
    'spec.source.connectorRef.name: there is no Connector shopify in this namespace',
  ],
  [
    'no Connector for a destination',
    { connectors: without('netsuite') },
    'waiting',
    'ConnectorNotFound',
    'spec.destinations[erp].connectorRef.name: there is no Connector netsuite in this namespace',
  ],
  [
    'a source that sends nothing',
    { connectors: new Map([...connectors, ['shopify', connectorResource('shopify', netSuiteSpec)]]) },
    'invalid',
    'NoSource',
    'spec.source.connectorRef: a Connector of type NetSuite sends no records',
  ],
  [
    'a destination that takes nothing',
    { connectors: new Map([...connectors, ['netsuite', connectorResource('netsuite', shopifySpec)]]) },
    'invalid',
    'NoSink',
    'spec.destinations[erp].connectorRef: a Connector of type Shopify takes no records',
  ],
  [
    'a Connector without a limit',
    { connectors: new Map([...connectors, ['netsuite', connectorResource('netsuite', { ...netSuiteSpec, limits: {} })]]) },
    'invalid',
    'LimitsMissing',
    'spec.destinations[erp].connectorRef: Connector netsuite has no limits.concurrency: say how many calls in flight its account allows',
  ],
  [
    'a Connector that cannot be read',
    { connectors: new Map([...connectors, ['netsuite', connectorResource('netsuite', netSuiteSpec, { spec: undefined })]]) },
    'invalid',
    'ConnectorTypeUnknown',
    'spec.destinations[erp].connectorRef.name: this version of Peppasync cannot read Connector netsuite',
  ],
  [
    'a member that does not fit',
    {
      pipeline: pipelineResource({
        spec: { ...spec, destinations: spec.destinations.map((d) => ({ ...d, operations: [{ name: 'a' }] })) },
      }),
    },
    'invalid',
    'MemberMismatch',
    'spec.destinations[erp].operations[a]: the Connector has type NetSuite: set netSuite',
  ],
  [
    'an expression that does not compile',
    { expressionProblems: [{ reason: 'InvalidExpression', path: 'spec.source.key', message: 'line 1, column 8: no' }] },
    'invalid',
    'InvalidExpression',
    'spec.source.key: line 1, column 8: no',
  ],
  [
    'a missing Connector and an expression that does not compile',
    { connectors: without('shopify'), expressionProblems: [{ reason: 'InvalidExpression', path: 'spec.source.key', message: 'no' }] },
    'invalid',
    'InvalidExpression',
    'spec.source.connectorRef.name: there is no Connector shopify in this namespace; spec.source.key: no',
  ],
  [
    'a server that takes smaller messages than ingest',
    { buffer: buffer({ maxPayload: 2 ** 20 }) },
    'invalid',
    'PayloadTooLarge',
    'spec.source.connectorRef: ingest.maxBodyBytes of the Connector is 2Mi, but the NATS server takes messages of at most 1048576 bytes: its max_payload must be larger by 65536',
  ],
  ['a spec that cannot be read', { pipeline: pipelineResource({ spec: undefined, specProblem: 'no' }) }, 'invalid', 'UnreadableSpec', 'no'],
])('%s: nothing is done, the last good configuration runs on, and the message says where', (_name, more, kind, reason, message) => {
  const plan = decide(observed(more));
  expect(plan.actions).toEqual([]);
  expect(plan.verdict).toEqual({ kind, reason, message });
  expect(plan.file).toEqual(file());
});

test('of many problems the first five are told', () => {
  const expressionProblems = Array.from({ length: 7 }, (_, index) => ({ reason: 'InvalidExpression', path: `p${index}`, message: 'no' }));
  const { verdict } = decide(observed({ expressionProblems }));
  expect(verdict).toHaveProperty('message', 'p0: no; p1: no; p2: no; p3: no; p4: no; and 2 more');
});

test('without NATS nothing is done, and the spec is judged all the same', () => {
  const plan = decide(observed({ buffer: { kind: 'unreachable', message: 'no' }, pipeline: second }));
  expect(plan).toEqual({ actions: [], verdict: { kind: 'accepted', message: 'The spec is accepted.' }, file: file(), adopts: false });
});
