import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  captureStream,
  captureSubject,
  captureSubjects,
  connectorConfigMap,
  connectorLiveKey,
  deploymentName,
  journalSubject,
  liveBucket,
  parkedSubject,
  parkedSubjects,
  pipelineConfigMap,
  podPaths,
  serviceName,
  stateStream,
  stateSubjects,
} from './names.ts';
import type { LaneName, ParkedName } from './names.ts';

const pipeline = { namespace: 'shop', name: 'orders' };
const lane: LaneName = { pipeline, destination: 'erp', lane: 7 };
const parked: ParkedName = { keyHash: 'ba7816bf8f01cfea414140de5dae2223', order: '00000000000000005000', unit: '_' };

test('names that both sides derive', () => {
  expect([
    captureStream(pipeline),
    stateStream(pipeline),
    captureSubject(pipeline, 7),
    captureSubjects(pipeline),
    stateSubjects(pipeline),
    journalSubject(lane),
    parkedSubject(lane, parked),
    parkedSubjects(lane),
    liveBucket('peppasync'),
    connectorLiveKey({ namespace: 'shop', name: 'erp' }, 'pp-erp-deliver-0'),
    deploymentName('erp', 'deliver'),
    serviceName('erp'),
    pipelineConfigMap('orders'),
    connectorConfigMap('erp'),
    podPaths.pipelineFile('orders'),
    podPaths.secretFile({ name: 'shopify', key: 'webhook.secret' }),
  ]).toEqual([
    'PP_shop_orders_CAPTURE',
    'PP_shop_orders_STATE',
    'pp.shop.orders.c.7',
    'pp.shop.orders.c.*',
    ['pp.shop.orders.j.*.*', 'pp.shop.orders.p.>', 'pp.shop.orders.f.>'],
    'pp.shop.orders.j.erp.7',
    'pp.shop.orders.p.erp.7.ba7816bf8f01cfea414140de5dae2223.00000000000000005000._',
    'pp.shop.orders.p.erp.7.>',
    'PP_peppasync_LIVE',
    'conn.shop.erp.pp-erp-deliver-0',
    'pp-erp-deliver',
    'pp-erp',
    'pp-pipeline-orders',
    'pp-connector-erp',
    'pipelines/orders/pipeline.json',
    'secrets/shopify/webhook.secret',
  ]);
});

const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,5}[a-z0-9])?$/);
const laneName: fc.Arbitrary<LaneName> = fc.record({
  pipeline: fc.record({ namespace: label, name: label }),
  destination: label,
  lane: fc.nat(255),
});

/** Whether a NATS subject with wildcards takes a subject. */
function takes(filter: string, subject: string): boolean {
  const [wanted, tokens] = [filter.split('.'), subject.split('.')];
  if (wanted.at(-1) === '>')
    return tokens.length >= wanted.length && wanted.slice(0, -1).every((each, index) => each === '*' || each === tokens[index]);
  return wanted.length === tokens.length && wanted.every((each, index) => each === '*' || each === tokens[index]);
}

test('no two pipelines share a stream or a subject, and no two lanes a subject', () => {
  fc.assert(
    fc.property(laneName, laneName, (a, b) => {
      const isSamePipeline = a.pipeline.namespace === b.pipeline.namespace && a.pipeline.name === b.pipeline.name;
      const isSameLane = isSamePipeline && a.destination === b.destination && a.lane === b.lane;
      expect(captureStream(a.pipeline) === captureStream(b.pipeline)).toBe(isSamePipeline);
      expect(stateStream(a.pipeline) === stateStream(b.pipeline)).toBe(isSamePipeline);
      expect(takes(captureSubjects(a.pipeline), captureSubject(b.pipeline, b.lane))).toBe(isSamePipeline);
      for (const subject of [journalSubject(b), parkedSubject(b, parked)]) {
        expect(stateSubjects(a.pipeline).some((filter) => takes(filter, subject))).toBe(isSamePipeline);
      }
      expect(journalSubject(a) === journalSubject(b)).toBe(isSameLane);
      expect(takes(parkedSubjects(a), parkedSubject(b, parked))).toBe(isSameLane);
    }),
  );
});

test('names of streams and tokens of subjects hold only what NATS allows', () => {
  fc.assert(
    fc.property(laneName, (name) => {
      expect(captureStream(name.pipeline)).toMatch(/^[-A-Za-z0-9_]+$/);
      expect(parkedSubject(name, parked)).toMatch(/^[-a-z0-9_]+(\.[-a-z0-9_]+)*$/);
    }),
  );
});
