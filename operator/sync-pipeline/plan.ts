/** What a reconcile of a SyncPipeline has seen, and what it means to do. Types only. */
import type { ConnectorLive, PipelineFile } from '../../runtime/contract/config.ts';
import type { JournalMessage } from '../../runtime/contract/journal.ts';
import type { ConnectorResource } from '../connector/resource.ts';
import type { DeploymentFacts } from '../data-plane/deployment-facts.ts';
import type { PodFacts } from '../data-plane/pod-trouble.ts';
import type { Growth, StreamFacts, WantedStream } from '../jetstream/streams.ts';
import type { KubernetesObject, RenderedObject } from '../kubernetes/objects.ts';
import type { SpecProblem } from './check-expressions.ts';
import type { PipelineResource } from './resource.ts';

/** Settings of the install that decide about pipelines. */
export interface InstallFacts {
  readonly install: string;
  readonly streamReplicas: number;
  /** How often NATS syncs to disk, as the install says: `always`, a duration, or unknown. */
  readonly natsSyncInterval: string | undefined;
}

export interface LaneObservation {
  readonly destination: string;
  readonly lane: number;
  /** undefined: it could not be read. */
  readonly journal: JournalMessage | undefined;
  /** Records of the lane that were captured before the destination began; undefined: not known. */
  readonly skipped: number | undefined;
  /** When its oldest pending record was captured; undefined: there is none, or it is not known. */
  readonly oldestPendingAt: string | undefined;
}

export type BufferObservation =
  | { readonly kind: 'unreachable'; readonly message: string }
  | {
      readonly kind: 'observed';
      readonly maxPayload: number;
      readonly capture: StreamFacts | undefined;
      readonly state: StreamFacts | undefined;
      readonly hasLiveBucket: boolean;
      /** One for each journal that the state stream holds. Read before `capture`, so that none is ahead of it. */
      readonly lanes: readonly LaneObservation[];
      /** What deliver pods said last, by Connector. */
      readonly live: ReadonlyMap<string, readonly ConnectorLive[]>;
    };

export interface ObservedConfig {
  readonly object: KubernetesObject;
  /** undefined: it holds nothing that this build can read. */
  readonly file: PipelineFile | undefined;
  /** It belongs to this very pipeline, not to one of the same name that was deleted. */
  readonly isOurs: boolean;
}

export interface Observed {
  readonly pipeline: PipelineResource;
  readonly expressionProblems: readonly SpecProblem[];
  /** Those that the spec or the running configuration refers to, and that exist. */
  readonly connectors: ReadonlyMap<string, ConnectorResource>;
  readonly config: ObservedConfig | undefined;
  /** Of the Connectors. */
  readonly deployments: readonly DeploymentFacts[];
  readonly pods: readonly PodFacts[];
  readonly buffer: BufferObservation;
  readonly install: InstallFacts;
}

export type PipelineAction =
  | { readonly kind: 'createStream'; readonly stream: WantedStream }
  /** O1: only ever larger. */
  | { readonly kind: 'growStream'; readonly name: string; readonly growth: Growth }
  | { readonly kind: 'createLiveBucket'; readonly install: string; readonly replicas: number }
  | {
      readonly kind: 'writeFirstJournal';
      readonly destination: string;
      readonly lane: number;
      readonly cursor: number;
      readonly generation: number;
    }
  | { readonly kind: 'applyConfigMap'; readonly object: RenderedObject; readonly force: boolean };

export type Verdict =
  | { readonly kind: 'accepted'; readonly message: string }
  /** Nothing goes on until somebody changes something. */
  | { readonly kind: 'invalid'; readonly reason: string; readonly message: string }
  /** Goes on as soon as what is missing is there. */
  | { readonly kind: 'waiting'; readonly reason: string; readonly message: string };

export interface PipelinePlan {
  /** In this order; none unless the spec is accepted. */
  readonly actions: readonly PipelineAction[];
  readonly verdict: Verdict;
  /** The configuration that is in force when the actions are done: the last good one where the spec is not accepted. */
  readonly file: PipelineFile | undefined;
  /** Streams of an earlier pipeline of this name, with what they hold, are taken over. */
  readonly adopts: boolean;
}
