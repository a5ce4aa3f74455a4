/**
 * Names that both sides derive and must derive alike: streams, subjects, buckets, Kubernetes objects and paths in pods.
 * Namespaces and names are DNS labels, so none holds a dot or an underscore, and no two pipelines share a subject.
 */

export interface PipelineName {
  readonly namespace: string;
  readonly name: string;
}

export interface LaneName {
  readonly pipeline: PipelineName;
  readonly destination: string;
  readonly lane: number;
}

export function captureStream({ namespace, name }: PipelineName): string {
  return `PP_${namespace}_${name}_CAPTURE`;
}

export function stateStream({ namespace, name }: PipelineName): string {
  return `PP_${namespace}_${name}_STATE`;
}

function prefix({ namespace, name }: PipelineName): string {
  return `pp.${namespace}.${name}`;
}

/** Subject of what was captured for one lane. */
export function captureSubject(pipeline: PipelineName, lane: number): string {
  return `${prefix(pipeline)}.c.${lane}`;
}

export function captureSubjects(pipeline: PipelineName): string {
  return `${prefix(pipeline)}.c.*`;
}

/** Everything the state stream holds: journals, parked units, facts. */
export function stateSubjects(pipeline: PipelineName): string[] {
  return [`${prefix(pipeline)}.j.*.*`, `${prefix(pipeline)}.p.>`, `${prefix(pipeline)}.f.>`];
}

export function journalSubject({ pipeline, destination, lane }: LaneName): string {
  return `${prefix(pipeline)}.j.${destination}.${lane}`;
}

export interface ParkedName {
  /** `hashText` of the key. */
  readonly keyHash: string;
  /** Position among the parked units of the key: 20 digits of the highest sequence read when it was parked, and a counter. */
  readonly order: string;
  /** `_` for the whole record, else the hash of the line's id. */
  readonly unit: string;
}

export function parkedSubject(lane: LaneName, { keyHash, order, unit }: ParkedName): string {
  return `${prefix(lane.pipeline)}.p.${lane.destination}.${lane.lane}.${keyHash}.${order}.${unit}`;
}

export function parkedSubjects({ pipeline, destination, lane }: LaneName): string {
  return `${prefix(pipeline)}.p.${destination}.${lane}.>`;
}

/** KV bucket of what pods say of themselves; its entries die by themselves. */
export function liveBucket(install: string): string {
  return `PP_${install}_LIVE`;
}

/** Key in the live bucket under which a deliver pod reports its Connector. */
export function connectorLiveKey(connector: { namespace: string; name: string }, pod: string): string {
  return `conn.${connector.namespace}.${connector.name}.${pod}`;
}

export type Role = 'ingest' | 'deliver';

/** Name of the Deployment that runs one role of a Connector. */
export function deploymentName(connector: string, role: Role): string {
  return `pp-${connector}-${role}`;
}

/** Name of the Service in front of a Connector's ingest pods. */
export function serviceName(connector: string): string {
  return `pp-${connector}`;
}

export function pipelineConfigMap(pipeline: string): string {
  return `pp-pipeline-${pipeline}`;
}

export function connectorConfigMap(connector: string): string {
  return `pp-connector-${connector}`;
}

/** Where a pod finds its files, below the folder given by `--config-dir`. */
export const podPaths = {
  configDir: '/etc/peppasync',
  connectorFile: 'connector/connector.json',
  pipelineFile: (pipeline: string) => `pipelines/${pipeline}/pipeline.json`,
  secretFile: (secret: { name: string; key: string }) => `secrets/${secret.name}/${secret.key}`,
} as const;

/** Keys of the ConfigMaps. */
export const configMapKeys = { pipeline: 'pipeline.json', connector: 'connector.json' } as const;

/** Ports of the pods. */
export const podPorts = { webhook: 8080, health: 8081, metrics: 9090 } as const;
