/** Which keys have to be looked at when something changed. */
import type { Change } from './engine/watch-cache.ts';
import type { ConnectorResource } from './connector/resource.ts';
import { connectorsOf } from './data-plane/config-maps.ts';
import type { OwnConfigMap } from './data-plane/config-maps.ts';
import { label } from './data-plane/labels.ts';
import { keyOf } from './kubernetes/objects.ts';
import { referencedConnectors } from './sync-pipeline/resource.ts';
import type { PipelineResource } from './sync-pipeline/resource.ts';
import type { World } from './world.ts';

export interface Keys {
  readonly add: (key: string) => void;
}

export interface RouterParts {
  readonly pipelines: Keys;
  readonly connectors: Keys;
  readonly world: () => World;
}

/** Of whom a Deployment, Service or Pod is. */
export interface Place {
  readonly namespace: string;
  readonly connector: string;
}

export class Router {
  readonly #parts: RouterParts;

  constructor(parts: RouterParts) {
    this.#parts = parts;
  }

  pipelineChanged(key: string, change: Change<PipelineResource>): void {
    if (!concernsSpec(change)) return;
    this.#parts.pipelines.add(key);
    for (const pipeline of [change.before, change.after]) {
      if (pipeline === undefined) continue;
      for (const name of referencedConnectors(pipeline.spec)) this.#parts.connectors.add(keyOf({ namespace: pipeline.namespace, name }));
    }
  }

  connectorChanged(key: string, change: Change<ConnectorResource>): void {
    if (!concernsSpec(change)) return;
    this.#parts.connectors.add(key);
    const changed = change.after ?? change.before;
    if (changed === undefined) return;
    // L1: it may stand for the account of another one, or no longer.
    for (const other of this.#parts.world().connectors.values()) {
      if (other.spec?.type === changed.spec?.type) this.#parts.connectors.add(keyOf(other));
    }
    this.#addPipelinesUsing({ namespace: changed.namespace, connector: changed.name });
  }

  configMapChanged({ before, after }: Change<OwnConfigMap>): void {
    for (const configMap of [before, after]) {
      if (configMap === undefined) continue;
      const { object, pipeline, pipelineFile } = configMap;
      const { namespace, labels } = object.metadata;
      const connector = labels?.[label.connector];
      if (connector !== undefined) this.#parts.connectors.add(keyOf({ namespace, name: connector }));
      if (pipeline !== undefined) this.#parts.pipelines.add(keyOf({ namespace, name: pipeline }));
      const purposes = pipelineFile === undefined ? [] : connectorsOf(pipelineFile.running);
      for (const { connector: name } of purposes) this.#parts.connectors.add(keyOf({ namespace, name }));
    }
  }

  workloadChanged(place: Place | undefined): void {
    if (place === undefined) return;
    this.#parts.connectors.add(keyOf({ namespace: place.namespace, name: place.connector }));
    this.#addPipelinesUsing(place);
  }

  #addPipelinesUsing({ namespace, connector }: Place): void {
    const { world, pipelines } = this.#parts;
    for (const pipeline of world().pipelines.values()) {
      const isNamed = pipeline.namespace === namespace && referencedConnectors(pipeline.spec).includes(connector);
      if (isNamed) pipelines.add(keyOf(pipeline));
    }
    for (const { object, pipeline, pipelineFile } of world().configMaps.values()) {
      if (pipeline === undefined || pipelineFile === undefined || object.metadata.namespace !== namespace) continue;
      const isNamed = connectorsOf(pipelineFile.running).some((purpose) => purpose.connector === connector);
      if (isNamed) pipelines.add(keyOf({ namespace, name: pipeline }));
    }
  }
}

/** Whether a change of one of our kinds is more than a change of its status, which the operator itself writes. */
function concernsSpec({ before, after }: Change<{ uid: string; generation: number; isDeleting: boolean }>): boolean {
  if (before === undefined || after === undefined) return true;
  return before.uid !== after.uid || before.generation !== after.generation || before.isDeleting !== after.isDeleting;
}
