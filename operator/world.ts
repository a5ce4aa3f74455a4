/** The local copies of all that the operator watches. */
import type { Logger } from 'pino';
import { WatchCache } from './engine/watch-cache.ts';
import type { WatchCacheOptions } from './engine/watch-cache.ts';
import { readConnector } from './connector/resource.ts';
import type { ConnectorResource } from './connector/resource.ts';
import { readConfigMap } from './data-plane/config-maps.ts';
import type { OwnConfigMap } from './data-plane/config-maps.ts';
import { deploymentFacts } from './data-plane/deployment-facts.ts';
import type { DeploymentFacts } from './data-plane/deployment-facts.ts';
import { ownSelector, purposeOf } from './data-plane/labels.ts';
import { podFacts } from './data-plane/pod-trouble.ts';
import type { PodFacts } from './data-plane/pod-trouble.ts';
import type { KubernetesClient } from './kubernetes/client.ts';
import { resourceTypes } from './kubernetes/objects.ts';
import type { KubernetesObject } from './kubernetes/objects.ts';
import { watchSource } from './kubernetes/watch-source.ts';
import type { Watched } from './kubernetes/watch-source.ts';
import type { Place, Router } from './router.ts';
import { readPipeline } from './sync-pipeline/resource.ts';
import type { PipelineResource } from './sync-pipeline/resource.ts';

export interface World {
  readonly pipelines: WatchCache<PipelineResource>;
  readonly connectors: WatchCache<ConnectorResource>;
  /** Of the kinds below, what the operator of this install made. */
  readonly configMaps: WatchCache<OwnConfigMap>;
  readonly deployments: WatchCache<DeploymentFacts | undefined>;
  readonly services: WatchCache<KubernetesObject>;
  readonly pods: WatchCache<OwnPod | undefined>;
}

/** A local copy, whatever it holds. */
export type Followed = Pick<WatchCache<unknown>, 'run' | 'listed' | 'isListed' | 'idleForMs' | 'silentForMs'>;

/** All local copies, by the name of what they hold. */
export function cachesOf({ pipelines, connectors, configMaps, deployments, services, pods }: World): [string, Followed][] {
  return Object.entries<Followed>({ pipelines, connectors, configMaps, deployments, services, pods });
}

export interface OwnPod {
  readonly namespace: string;
  readonly facts: PodFacts;
}

export interface WorldParts {
  readonly kubernetes: KubernetesClient;
  readonly install: string;
  /** undefined: all. */
  readonly watchNamespace: string | undefined;
  readonly router: Router;
  readonly log: Logger;
  readonly onTrouble: (resource: string) => void;
}

/** Of many failures in a row every so many is logged. */
const repeatEvery = 20;

const watching = {
  backoff: { baseMs: 200, maxMs: 2_000, factor: 2 },
  watchMs: 60_000,
  graceMs: 15_000,
  relistAfterMs: 600_000,
  now: () => performance.now(),
  random: Math.random,
};

export function createWorld({ kubernetes, install, watchNamespace: namespace, router, log, onTrouble }: WorldParts): World {
  const cacheOf = <T>({ type, selection, read }: Watched<T>, onChange: WatchCacheOptions<T>['onChange']): WatchCache<T> =>
    new WatchCache<T>({
      ...watching,
      source: watchSource(kubernetes, { type, selection, read }),
      onChange,
      onTrouble: ({ error, failures, retryInMs }) => {
        onTrouble(type.plural);
        // While the API server is away the first failure says it all.
        if (failures % repeatEvery === 1)
          log.warn({ resource: type.plural, err: error, retryInMs: Math.round(retryInMs) }, 'watch failed; it goes on');
      },
    });
  const all = { namespace };
  const own = { namespace, labelSelector: ownSelector(install) };
  const { syncPipeline, connector, configMap, deployment, service, pod } = resourceTypes;
  return {
    pipelines: cacheOf({ type: syncPipeline, selection: all, read: readPipeline }, (key, change) => router.pipelineChanged(key, change)),
    connectors: cacheOf({ type: connector, selection: all, read: readConnector }, (key, change) => router.connectorChanged(key, change)),
    configMaps: cacheOf({ type: configMap, selection: own, read: readConfigMap }, (_key, change) => router.configMapChanged(change)),
    deployments: cacheOf({ type: deployment, selection: own, read: deploymentFacts }, (_key, { before, after }) =>
      router.workloadChanged(after ?? before),
    ),
    services: cacheOf({ type: service, selection: own, read: (object) => object }, (_key, { before, after }) =>
      router.workloadChanged(placeOf(after ?? before)),
    ),
    pods: cacheOf({ type: pod, selection: own, read: readPod }, (_key, { before, after }) =>
      router.workloadChanged(placeOfPod(after ?? before)),
    ),
  };
}

function readPod(object: KubernetesObject): OwnPod | undefined {
  const facts = podFacts(object);
  return facts === undefined ? undefined : { namespace: object.metadata.namespace ?? '', facts };
}

function placeOfPod(pod: OwnPod | undefined): Place | undefined {
  return pod === undefined ? undefined : { namespace: pod.namespace, connector: pod.facts.connector };
}

function placeOf(object: KubernetesObject | undefined): Place | undefined {
  const purpose = purposeOf(object?.metadata.labels);
  return purpose === undefined ? undefined : { namespace: object?.metadata.namespace ?? '', connector: purpose.connector };
}
