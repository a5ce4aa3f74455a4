/**
 * What to do about a Connector. Pure: the whole truth table.
 * 1. A spec that is not accepted leaves everything as it is: the last good configuration runs on.
 * 2. L1: of two Connectors for one account the older works on; the younger is never started.
 * 3. Pods mount the pipelines whose configuration is there. One that is missing just now is not dropped from running pods:
 *    ingest would answer its webhooks as taken by nobody.
 */
import { connectorFile } from '../../runtime/contract/config.ts';
import type { ConnectorFile } from '../../runtime/contract/config.ts';
import type { Role } from '../../runtime/contract/names.ts';
import { effectiveConnector } from '../../crds/schema/effective.ts';
import type { ConnectorSpec } from '../../crds/schema/connector.ts';
import { isApplied, withRenderedHash } from '../kubernetes/applied.ts';
import type { KubernetesObject, RenderedObject } from '../kubernetes/objects.ts';
import type { ConnectorAction, ConnectorPlan, ConnectorVerdict, ObservedConnector, UsingPipeline } from './plan.ts';
import { renderConnectorConfigMap, renderConnectorFile } from './render-config.ts';
import { renderDeployment } from './render-deployment.ts';
import { renderService } from './render-service.ts';
import { accountOf } from './resource.ts';
import type { Account } from './resource.ts';

const roles = ['ingest', 'deliver'] as const satisfies readonly Role[];

export function decideConnector(observed: ObservedConnector): ConnectorPlan {
  const { connector, config, workload } = observed;
  const { spec } = connector;
  const account = spec === undefined ? undefined : accountOf(spec);
  const verdict = judge(observed, account);
  if (verdict.kind === 'invalid' || spec === undefined || account === undefined) {
    return { actions: [], verdict, file: config?.file };
  }
  const file = connectorFile.parse(renderConnectorFile(connector, { spec, account }));
  const configMap = renderConnectorConfigMap(connector, { file, install: workload.install });
  const place: Place = { observed, spec, account, file };
  return {
    actions: [...applied('configMap', configMap, config?.object), ...roles.flatMap((role) => roleActions(role, place))],
    verdict,
    file,
  };
}

function judge({ connector, rivals, isYounger, using }: ObservedConnector, account: Account | undefined): ConnectorVerdict {
  const { spec, specProblem } = connector;
  if (spec === undefined) return { kind: 'invalid', reason: 'UnreadableSpec', message: specProblem };
  if (account === undefined) {
    return { kind: 'invalid', reason: 'ConnectorTypeUnknown', message: `spec.type: this version of Peppasync knows no type ${spec.type}.` };
  }
  if (isYounger) {
    const message = `Connector ${rivals.join(', ')} stands for the same account; together they would exceed its limits. This one is not started: delete one of them.`;
    return { kind: 'invalid', reason: 'AccountNotExclusive', message };
  }
  if (spec.limits?.concurrency === undefined && usedAs('deliver', using).length > 0) {
    const message = 'spec.limits.concurrency: a destination uses this Connector; say how many calls in flight its account allows.';
    return { kind: 'invalid', reason: 'LimitsMissing', message };
  }
  return { kind: 'accepted' };
}

/** Pipelines whose pods of this role need the Connector. */
export function usedAs(role: Role, using: readonly UsingPipeline[]): UsingPipeline[] {
  return using.filter((pipeline) => pipeline.roles.includes(role));
}

interface Place {
  readonly observed: ObservedConnector;
  readonly spec: ConnectorSpec;
  readonly account: Account;
  readonly file: ConnectorFile;
}

function roleActions(role: Role, { observed, spec, account, file }: Place): ConnectorAction[] {
  const { connector, deployments, service, workload, awaited } = observed;
  const using = usedAs(role, observed.using);
  const live = deployments.find((deployment) => deployment.role === role)?.object;
  if (awaited.length > 0) return [];
  if (using.length === 0) return [...removed('deployment', live), ...(role === 'ingest' ? removed('service', service) : [])];
  const replicas = role === 'ingest' ? (effectiveConnector(spec).ingest?.scaling.minReplicas ?? 1) : 1;
  const secrets = account.definition.secrets(account.fields, role);
  const deployment = renderDeployment(connector, { role, replicas, file, using, secrets, facts: workload });
  return [
    ...applied('deployment', deployment, live),
    ...(role === 'ingest' ? applied('service', renderService(connector, workload.install), service) : []),
  ];
}

type Applied = Extract<ConnectorAction, { kind: 'apply' }>;

/** O1: what says everything already is not written. */
function applied(type: Applied['type'], rendered: RenderedObject, live: KubernetesObject | undefined): ConnectorAction[] {
  const object = withRenderedHash(rendered);
  return live !== undefined && isApplied(object, live) ? [] : [{ kind: 'apply', type, object, force: live !== undefined }];
}

function removed(type: 'deployment' | 'service', live: KubernetesObject | undefined): ConnectorAction[] {
  if (live === undefined || live.metadata.deletionTimestamp !== undefined) return [];
  const { namespace, name, uid } = live.metadata;
  return [{ kind: 'remove', type, object: { namespace: namespace ?? '', name, uid } }];
}
