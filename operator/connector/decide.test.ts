import { expect, test } from 'vitest';
import type { ConnectorLive, PipelineFile } from '../../runtime/contract/config.ts';
import { connectorStatus } from '../../crds/schema/connector.ts';
import type { ConnectorStatus } from '../../crds/schema/connector.ts';
import { findCondition } from '../engine/conditions.ts';
import { deploymentFacts } from '../data-plane/deployment-facts.ts';
import { kubernetesObject } from '../kubernetes/objects.ts';
import type { KubernetesObject, RenderedObject } from '../kubernetes/objects.ts';
import { connectorResource, file as pipelineFile, netSuiteSpec, shopifySpec } from '../sync-pipeline/pipeline-example.ts';
import { decideConnector } from './decide.ts';
import type { ConnectorAction, ObservedConnector, UsingPipeline } from './plan.ts';
import { connectorEvents, renderConnectorStatus } from './status.ts';

const workload = { install: 'test', image: 'peppasync:1', imagePullPolicy: 'IfNotPresent', natsURL: 'nats://n' } as const;

function using(roles: UsingPipeline['roles'], content: PipelineFile = pipelineFile()): UsingPipeline {
  return { name: 'orders', file: content, roles };
}

const netSuite = connectorResource('netsuite', netSuiteSpec);
const shopify = connectorResource('shopify', { ...shopifySpec, ingest: { scaling: { minReplicas: 2 } } });

function observed(more: Partial<ObservedConnector> = {}): ObservedConnector {
  return {
    connector: netSuite,
    rivals: [],
    isYounger: false,
    using: [using(['deliver'])],
    awaited: [],
    config: undefined,
    deployments: [],
    service: undefined,
    pods: [],
    live: { kind: 'observed', reports: [] },
    workload,
    ...more,
  };
}

function named(action: ConnectorAction): string {
  const name = action.kind === 'apply' ? action.object.metadata.name : action.object.name;
  return `${action.kind} ${action.type} ${name}${action.kind === 'apply' && action.force ? ' by force' : ''}`;
}

function actions(more: Partial<ObservedConnector>): string[] {
  return decideConnector(observed(more)).actions.map(named);
}

/** The object as the API server holds it. */
function live(object: RenderedObject, status: Record<string, unknown> = {}): KubernetesObject {
  const metadata = {
    ...object.metadata,
    uid: `uid-${object.metadata.name}`,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
  };
  return kubernetesObject.parse({ ...object, metadata, status });
}

const rolledOut = {
  observedGeneration: 1,
  readyReplicas: 1,
  conditions: [{ type: 'Progressing', status: 'True', reason: 'NewReplicaSetAvailable' }],
};

/** What the cluster looks like after the actions, with pods that have come up. */
function after(seen: ObservedConnector, status: Record<string, unknown> = rolledOut): ObservedConnector {
  const plan = decideConnector(seen);
  const written = plan.actions.flatMap((action) =>
    action.kind === 'apply' ? [{ type: action.type, object: live(action.object, status) }] : [],
  );
  const find = (type: string): KubernetesObject[] => written.filter((other) => other.type === type).map(({ object }) => object);
  const [configMap] = find('configMap');
  const [service] = find('service');
  return {
    ...seen,
    config: configMap === undefined ? seen.config : { object: configMap, file: plan.file },
    deployments: find('deployment')
      .map(deploymentFacts)
      .filter((facts) => facts !== undefined),
    service,
  };
}

test('a destination: configuration and one Deployment', () => {
  expect(actions({})).toEqual(['apply configMap pp-connector-netsuite', 'apply deployment pp-netsuite-deliver']);
});

test('a source: configuration, Deployment and Service', () => {
  expect(actions({ connector: shopify, using: [using(['ingest'])] })).toEqual([
    'apply configMap pp-connector-shopify',
    'apply deployment pp-shopify-ingest',
    'apply service pp-shopify',
  ]);
});

test('a Connector that nobody uses has no pods', () => {
  expect(actions({ using: [] })).toEqual(['apply configMap pp-connector-netsuite']);
});

test('O1: what is as it should be is not written; what somebody changed is taken back', () => {
  const seen = after(observed({ connector: shopify, using: [using(['ingest'])] }));
  expect(decideConnector(seen).actions).toEqual([]);
  const [deployment] = seen.deployments;
  if (deployment === undefined) throw new Error('no Deployment');
  const scaled = { ...deployment, object: { ...deployment.object, spec: { replicas: 9 } } };
  expect(decideConnector({ ...seen, deployments: [scaled] }).actions.map(named)).toEqual(['apply deployment pp-shopify-ingest by force']);
});

test('pods that nobody needs any more are removed', () => {
  const seen = after(observed({ connector: shopify, using: [using(['ingest'])] }));
  expect(decideConnector({ ...seen, using: [] }).actions.map(named)).toEqual([
    'remove deployment pp-shopify-ingest',
    'remove service pp-shopify',
  ]);
});

test('a pipeline whose configuration is missing just now is not dropped from running pods', () => {
  const seen = after(observed({ connector: shopify, using: [using(['ingest'])] }));
  const plan = decideConnector({ ...seen, using: [], awaited: ['orders'] });
  expect(plan.actions).toEqual([]);
});

test.each<[string, Partial<ObservedConnector>, string]>([
  ['L1: a younger Connector for the same account', { rivals: ['shop/old'], isYounger: true }, 'AccountNotExclusive'],
  ['a destination without a limit', { connector: connectorResource('netsuite', { ...netSuiteSpec, limits: undefined }) }, 'LimitsMissing'],
  ['a spec that cannot be read', { connector: { ...netSuite, spec: undefined, specProblem: 'no' } }, 'UnreadableSpec'],
])('%s is refused, and nothing is touched', (_name, more, reason) => {
  const plan = decideConnector(observed(more));
  expect(plan.actions).toEqual([]);
  expect(plan.verdict).toMatchObject({ kind: 'invalid', reason });
});

test('L1: the older of two Connectors for an account works on', () => {
  expect(actions({ rivals: ['shop/young'] })).toEqual(['apply configMap pp-connector-netsuite', 'apply deployment pp-netsuite-deliver']);
});

test('a Connector that is no destination needs no limit', () => {
  const plan = decideConnector(observed({ connector: shopify, using: [using(['ingest'])] }));
  expect(plan.file?.limits.concurrency).toBe(1);
});

function podTemplate(more: Partial<ObservedConnector>) {
  const [, deployment] = decideConnector(observed(more)).actions;
  if (deployment?.kind !== 'apply') throw new Error('no Deployment is applied');
  return deployment.object;
}

test('deliver pods: one at a time, the files and the needed keys mounted, no rights', () => {
  expect(podTemplate({})).toMatchObject({
    metadata: { ownerReferences: [{ kind: 'Connector', name: 'netsuite', uid: 'uid-netsuite', controller: true }] },
    spec: {
      replicas: 1,
      strategy: { type: 'Recreate' },
      template: {
        spec: {
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: 70,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              image: 'peppasync:1',
              args: ['--role', 'deliver', '--config-dir', '/etc/peppasync'],
              readinessProbe: { httpGet: { path: '/readyz', port: 8081 } },
              livenessProbe: { httpGet: { path: '/livez', port: 8081 } },
              securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
              volumeMounts: [{ name: 'config', mountPath: '/etc/peppasync', readOnly: true }],
            },
          ],
          volumes: [
            {
              name: 'config',
              projected: {
                sources: [
                  { configMap: { name: 'pp-connector-netsuite', items: [{ key: 'connector.json', path: 'connector/connector.json' }] } },
                  { configMap: { name: 'pp-pipeline-orders', items: [{ key: 'pipeline.json', path: 'pipelines/orders/pipeline.json' }] } },
                  { secret: { name: 'netsuite', items: [{ key: 'key', path: 'secrets/netsuite/key' }] } },
                ],
              },
            },
          ],
        },
      },
    },
  });
});

test('ingest pods: as many as asked for, never fewer while they are replaced', () => {
  expect(podTemplate({ connector: shopify, using: [using(['ingest'])] })).toMatchObject({
    spec: { replicas: 2, strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0 } } },
  });
});

/** Annotations of the pod template: a change of them makes new pods. */
function template(more: Partial<ObservedConnector>) {
  const [deployment] = after(observed(more)).deployments;
  return deployment?.checksums;
}

const nextMapping = { ...pipelineFile(), running: { ...pipelineFile().running, generation: 2, destinations: [] } };
const nextSource = { ...pipelineFile(), running: { ...pipelineFile().running, lanes: 3 } };

test('a change of mapping makes new deliver pods and leaves ingest alone; a change of the source makes new ingest pods', () => {
  const ingest = (content: PipelineFile) => template({ connector: shopify, using: [using(['ingest'], content)] });
  const deliver = (content: PipelineFile) => template({ using: [using(['deliver'], content)] });
  expect(ingest(nextMapping)).toEqual(ingest(pipelineFile()));
  expect(deliver(nextMapping)).not.toEqual(deliver(pipelineFile()));
  expect(ingest(nextSource)).not.toEqual(ingest(pipelineFile()));
});

const now = Date.parse('2026-11-27T06:00:00.500Z');
const report: ConnectorLive = { v: 1, at: now - 1_000, pod: 'a', inUse: 3, limit: 15, circuit: 'Closed', credentials: 'Accepted' };

function statusOf(seen: ObservedConnector): ConnectorStatus {
  return connectorStatus.parse(renderConnectorStatus({ observed: seen, plan: decideConnector(seen), failure: undefined, now }));
}

function conditions(status: ConnectorStatus, ...types: string[]): string[] {
  return types.map((type) => {
    const found = findCondition(status.conditions ?? [], type);
    return found === undefined ? 'none' : `${found.status} ${found.reason}`;
  });
}

function reporting(...reports: ConnectorLive[]): ObservedConnector {
  return { ...after(observed()), live: { kind: 'observed', reports } };
}

test('the status of a Connector whose pods run', () => {
  const status = statusOf(reporting(report));
  expect(status).toMatchObject({
    observedGeneration: 1,
    runningGeneration: 1,
    circuit: 'Closed',
    inUse: 3,
    limit: 15,
    observedAt: '2026-11-27T06:00:00Z',
    summary: { replicas: '0/0+1/1' },
  });
  expect(conditions(status, 'Ready', 'Reconciling', 'TargetReachable', 'CredentialsValid', 'AccountExclusive')).toEqual([
    'True InPlace',
    'False None',
    'True CircuitClosed',
    'True Accepted',
    'True OneConnector',
  ]);
});

test('reports older than 10 s are no figures', () => {
  const status = statusOf(reporting({ ...report, at: now - 10_000 }));
  for (const figure of ['circuit', 'inUse', 'limit', 'observedAt']) expect(status).not.toHaveProperty(figure);
  expect(conditions(status, 'TargetReachable')).toEqual(['Unknown NotObserved']);
});

test('refused credentials are told as such, once', () => {
  const refused = reporting({ ...report, circuit: 'Open', circuitReason: 'CredentialsRefused', credentials: 'Refused' });
  const status = statusOf(refused);
  expect(status.circuit).toBe('Open');
  expect(conditions(status, 'TargetReachable', 'CredentialsValid', 'Ready')).toEqual([
    'False CircuitOpen',
    'False Refused',
    'True InPlace',
  ]);
  const eventsAfter = (before: ConnectorStatus) => {
    const seen = { ...refused, connector: { ...netSuite, status: before } };
    return connectorEvents({ observed: seen, plan: decideConnector(seen), failure: undefined, now }, status).map(({ reason }) => reason);
  };
  expect(eventsAfter(statusOf(reporting(report)))).toEqual(['CircuitOpened', 'CredentialsRejected']);
  expect(eventsAfter(status)).toEqual([]);
});

test.each<[string, ObservedConnector, string[]]>([
  ['nobody uses it', { ...after(observed({ using: [] })) }, ['True NotUsed', 'False None', 'True Accepted']],
  ['its pods come up', after(observed(), {}), ['False RollingOut', 'True RollingOut', 'True Accepted']],
  [
    'it is refused',
    observed({ rivals: ['shop/old'], isYounger: true }),
    ['False AccountNotExclusive', 'False None', 'False AccountNotExclusive'],
  ],
])('when %s: Ready, Reconciling and ConfigValid', (_name, seen, expected) => {
  expect(conditions(statusOf(seen), 'Ready', 'Reconciling', 'ConfigValid')).toEqual(expected);
});

test('L1: both Connectors of an account say so', () => {
  for (const isYounger of [true, false]) {
    expect(conditions(statusOf(observed({ rivals: ['shop/other'], isYounger })), 'AccountExclusive')).toEqual(['False SharedAccount']);
  }
});
