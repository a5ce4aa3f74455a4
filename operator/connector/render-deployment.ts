/** The pods of one role of a Connector. Pure. */
import type { ConnectorFile } from '../../runtime/contract/config.ts';
import { configMapKeys, connectorConfigMap, deploymentName, pipelineConfigMap, podPaths, podPorts } from '../../runtime/contract/names.ts';
import type { Role } from '../../runtime/contract/names.ts';
import type { SecretReference } from '../../runtime/contract/schema-fields.ts';
import { connectorChecksum, pipelineChecksum } from '../data-plane/config-maps.ts';
import { checksumOf, label, ownLabels } from '../data-plane/labels.ts';
import { apiVersionOf, resourceTypes } from '../kubernetes/objects.ts';
import type { RenderedObject } from '../kubernetes/objects.ts';
import type { UsingPipeline, WorkloadFacts } from './plan.ts';
import { ownedBy } from './render-config.ts';
import type { ConnectorResource } from './resource.ts';

const configVolume = 'config';

export interface Workload {
  readonly role: Role;
  readonly replicas: number;
  readonly file: ConnectorFile;
  /** Those that use the Connector in this role. */
  readonly using: readonly UsingPipeline[];
  readonly secrets: readonly SecretReference[];
  readonly facts: WorkloadFacts;
}

export function renderDeployment(connector: ConnectorResource, workload: Workload): RenderedObject {
  const { role, replicas, facts } = workload;
  const labels = ownLabels(facts.install, { [label.component]: role, [label.connector]: connector.name });
  return {
    apiVersion: apiVersionOf(resourceTypes.deployment),
    kind: resourceTypes.deployment.kind,
    metadata: {
      name: deploymentName(connector.name, role),
      namespace: connector.namespace,
      labels,
      ownerReferences: [ownedBy(connector)],
    },
    spec: {
      replicas,
      revisionHistoryLimit: 2,
      selector: { matchLabels: selectorLabels(connector.name, role) },
      strategy:
        role === 'ingest'
          ? { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }
          : // D2: a lane has one owner, and lanes have no leases: the next pod starts when the last one has ended.
            { type: 'Recreate' },
      template: { metadata: { labels, annotations: checksums(workload) }, spec: podSpec(connector.name, workload) },
    },
  };
}

/** What never changes in the life of a Deployment. */
export function selectorLabels(connector: string, role: Role): Record<string, string> {
  return { [label.name]: 'peppasync', [label.component]: role, [label.connector]: connector };
}

/** A changed file makes new pods. */
function checksums({ role, file, using }: Workload): Record<string, string> {
  return {
    [checksumOf.connector]: connectorChecksum(file, role),
    ...Object.fromEntries(using.map((pipeline) => [checksumOf.pipeline(pipeline.name), pipelineChecksum(pipeline.file, role)])),
  };
}

function podSpec(connector: string, workload: Workload): Record<string, unknown> {
  const { role, file, facts } = workload;
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    // Calls under way end at their timeout; then there is time for the last commit.
    terminationGracePeriodSeconds: role === 'deliver' ? Math.ceil(file.timeoutMs / 1000) + 10 : 30,
    securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    containers: [
      {
        name: role,
        image: facts.image,
        imagePullPolicy: facts.imagePullPolicy,
        args: ['--role', role, '--config-dir', podPaths.configDir],
        env: environment(facts),
        ports: ports(role),
        readinessProbe: { httpGet: { path: '/readyz', port: podPorts.health }, periodSeconds: 2, failureThreshold: 3 },
        livenessProbe: { httpGet: { path: '/livez', port: podPorts.health }, periodSeconds: 10, failureThreshold: 6, timeoutSeconds: 5 },
        resources: { requests: { cpu: '100m', memory: '192Mi' }, limits: { memory: '768Mi' } },
        securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
        volumeMounts: [{ name: configVolume, mountPath: podPaths.configDir, readOnly: true }],
      },
    ],
    volumes: [{ name: configVolume, projected: { sources: configSources(connector, workload) } }],
  };
}

function ports(role: Role): { name: string; containerPort: number }[] {
  const health = { name: 'health', containerPort: podPorts.health };
  return role === 'ingest' ? [{ name: 'webhook', containerPort: podPorts.webhook }, health] : [health];
}

function environment({ install, natsURL }: WorkloadFacts): Record<string, unknown>[] {
  const downward = (name: string, fieldPath: string): Record<string, unknown> => ({ name, valueFrom: { fieldRef: { fieldPath } } });
  return [
    { name: 'PEPPASYNC_INSTALL', value: install },
    { name: 'PEPPASYNC_NATS_URL', value: natsURL },
    downward('POD_NAME', 'metadata.name'),
    downward('POD_NAMESPACE', 'metadata.namespace'),
    downward('POD_IP', 'status.podIP'),
  ];
}

/** One volume with everything a pod reads, so that it sees all of one version of it; of Secrets, the keys that are needed. */
function configSources(connector: string, { using, secrets }: Workload): Record<string, unknown>[] {
  return [
    { configMap: { name: connectorConfigMap(connector), items: [{ key: configMapKeys.connector, path: podPaths.connectorFile }] } },
    ...using.map(({ name }) => ({
      configMap: { name: pipelineConfigMap(name), items: [{ key: configMapKeys.pipeline, path: podPaths.pipelineFile(name) }] },
    })),
    ...secretNames(secrets).map((name) => ({ secret: { name, items: keysOf(name, secrets) } })),
  ];
}

function secretNames(references: readonly SecretReference[]): string[] {
  return [...new Set(references.map(({ name }) => name))].toSorted();
}

function keysOf(secret: string, references: readonly SecretReference[]): { key: string; path: string }[] {
  const keys = [...new Set(references.filter(({ name }) => name === secret).map(({ key }) => key))].toSorted();
  return keys.map((key) => ({ key, path: podPaths.secretFile({ name: secret, key }) }));
}
