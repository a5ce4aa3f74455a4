/** The ConfigMaps that pods mount, and what of them makes new pods when it changes. */
import { z } from 'zod';
import { configMapKeys } from '../../runtime/contract/names.ts';
import type { Role } from '../../runtime/contract/names.ts';
import { connectorFile, pipelineFile } from '../../runtime/contract/config.ts';
import type { ConnectorFile, PipelineConfig, PipelineFile } from '../../runtime/contract/config.ts';
import { hashOf } from '../kubernetes/hash.ts';
import type { KubernetesObject } from '../kubernetes/objects.ts';
import { label } from './labels.ts';

const configMapData = z.looseObject({ data: z.record(z.string(), z.string()).optional() });

/** A ConfigMap that the operator made, read once. */
export interface OwnConfigMap {
  readonly object: KubernetesObject;
  /** Whose it is; undefined for one of a Connector. */
  readonly pipeline: string | undefined;
  /** What it holds; undefined when that is nothing this build can read. */
  readonly pipelineFile: PipelineFile | undefined;
  readonly connectorFile: ConnectorFile | undefined;
}

export function readConfigMap(object: KubernetesObject): OwnConfigMap {
  return {
    object,
    pipeline: object.metadata.labels?.[label.pipeline],
    pipelineFile: pipelineFile.safeParse(readJSON(object, configMapKeys.pipeline)).data,
    connectorFile: connectorFile.safeParse(readJSON(object, configMapKeys.connector)).data,
  };
}

/** Which Connectors' pods of which role mount this pipeline. */
export function connectorsOf({ source, destinations }: PipelineConfig): { connector: string; role: Role }[] {
  const deliver = [...new Set(destinations.map(({ connector }) => connector))].toSorted();
  return [{ connector: source.connector, role: 'ingest' }, ...deliver.map((connector) => ({ connector, role: 'deliver' as const }))];
}

/** Capture goes on undisturbed by a change of what happens at destinations. */
export function pipelineChecksum({ running, previous }: PipelineFile, role: Role): string {
  const { namespace, name, source, lanes } = running;
  return hashOf(role === 'ingest' ? { namespace, name, source, lanes } : { running, previous });
}

export function connectorChecksum(file: ConnectorFile, role: Role): string {
  const { generation: _, limits, timeoutMs, circuit, maxBodyBytes, ...account } = file;
  return hashOf(role === 'ingest' ? { ...account, maxBodyBytes } : { ...account, limits, timeoutMs, circuit });
}

function readJSON(object: KubernetesObject, key: string): unknown {
  const text = configMapData.parse(object).data?.[key];
  try {
    const value: unknown = text === undefined ? undefined : JSON.parse(text);
    return value;
  } catch {
    return undefined; // Somebody edited it: it counts as lost, and is written again.
  }
}
