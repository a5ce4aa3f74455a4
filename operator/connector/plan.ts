/** What a reconcile of a Connector has seen, and what it means to do. Types only. */
import type { ConnectorFile, ConnectorLive, PipelineFile } from '../../runtime/contract/config.ts';
import type { Role } from '../../runtime/contract/names.ts';
import type { DeploymentFacts } from '../data-plane/deployment-facts.ts';
import type { PodFacts } from '../data-plane/pod-trouble.ts';
import type { KubernetesObject, RenderedObject } from '../kubernetes/objects.ts';
import type { ConnectorResource } from './resource.ts';

/** Settings of the install that end up in pods. */
export interface WorkloadFacts {
  readonly install: string;
  readonly image: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  readonly natsURL: string;
}

/** A pipeline whose configuration names the Connector. */
export interface UsingPipeline {
  readonly name: string;
  readonly file: PipelineFile;
  readonly roles: readonly Role[];
}

export type LiveObservation =
  { readonly kind: 'unreachable'; readonly message: string } | { readonly kind: 'observed'; readonly reports: readonly ConnectorLive[] };

export interface ObservedConnector {
  readonly connector: ConnectorResource;
  /** Other Connectors for the same account, oldest first, as namespace/name. */
  readonly rivals: readonly string[];
  /** One of them is older than this one. */
  readonly isYounger: boolean;
  /** In the order of their names. */
  readonly using: readonly UsingPipeline[];
  /** Pipelines that live pods mount and that exist, but whose configuration is not there just now. */
  readonly awaited: readonly string[];
  readonly config: { readonly object: KubernetesObject; readonly file: ConnectorFile | undefined } | undefined;
  readonly deployments: readonly DeploymentFacts[];
  readonly service: KubernetesObject | undefined;
  readonly pods: readonly PodFacts[];
  readonly live: LiveObservation;
  readonly workload: WorkloadFacts;
}

export type ConnectorAction =
  | {
      readonly kind: 'apply';
      readonly type: 'configMap' | 'deployment' | 'service';
      readonly object: RenderedObject;
      readonly force: boolean;
    }
  | { readonly kind: 'remove'; readonly type: 'deployment' | 'service'; readonly object: { namespace: string; name: string; uid: string } };

export type ConnectorVerdict =
  { readonly kind: 'accepted' } | { readonly kind: 'invalid'; readonly reason: string; readonly message: string };

export interface ConnectorPlan {
  /** In this order; none unless the spec is accepted. */
  readonly actions: readonly ConnectorAction[];
  readonly verdict: ConnectorVerdict;
  /** What the pods are told when the actions are done. */
  readonly file: ConnectorFile | undefined;
}
