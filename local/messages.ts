/** What the process that asked for a cluster and the cluster's supervisor tell each other, over the IPC channel between them. */
import { z } from 'zod';

const clusterProcesses = ['etcd', 'apiserver', 'controller-manager', 'scheduler', 'nats'] as const;
export type ClusterProcess = (typeof clusterProcesses)[number];

export const imageSchema = z.object({
  /** Program and first arguments, as an ENTRYPOINT; a container's `command` takes its place, its `args` follow. */
  command: z.array(z.string()).min(1),
  env: z.record(z.string(), z.string()).optional(),
  workingFolder: z.string().optional(),
});

/** A local program under the name by which Pods ask for it. */
export type Image = z.infer<typeof imageSchema>;

const toolPathsSchema = z.object({
  etcd: z.string(),
  kubeApiserver: z.string(),
  kubeControllerManager: z.string(),
  kubeScheduler: z.string(),
  kubectl: z.string(),
  natsServer: z.string(),
});

const startSchema = z.object({
  kind: z.literal('start'),
  tools: toolPathsSchema,
  kubernetesVersion: z.string(),
  dataFolder: z.string(),
  parts: z.enum(['all', 'api']),
  nats: z.boolean(),
  keepData: z.boolean(),
  images: z.record(z.string(), imageSchema),
});
export type StartMessage = z.infer<typeof startSchema>;

export const toSupervisorSchema = z.discriminatedUnion('kind', [
  startSchema,
  z.object({ kind: z.literal('kill'), call: z.number(), process: z.enum(clusterProcesses) }),
  z.object({
    kind: z.literal('killPod'),
    call: z.number(),
    namespace: z.string(),
    name: z.string(),
    signal: z.enum(['SIGKILL', 'SIGTERM', 'SIGSTOP', 'SIGCONT']),
  }),
  z.object({ kind: z.literal('stop') }),
]);
export type ToSupervisor = z.infer<typeof toSupervisorSchema>;

/** Milliseconds from the start of the cluster until each part was ready; absent for parts that were not asked for. */
const timingsSchema = z.object({
  certificates: z.number(),
  apiserver: z.number(),
  defaultServiceAccount: z.number().optional(),
  node: z.number().optional(),
  nats: z.number().optional(),
  total: z.number(),
});
export type Timings = z.infer<typeof timingsSchema>;

const readySchema = z.object({
  kind: z.literal('ready'),
  host: z.string(),
  apiserver: z.object({ url: z.string(), ca: z.string(), cert: z.string(), key: z.string() }),
  kubeconfig: z.string(),
  nats: z.object({ url: z.string(), monitoringUrl: z.string() }).optional(),
  timings: timingsSchema,
});
export type ReadyMessage = z.infer<typeof readySchema>;

export const fromSupervisorSchema = z.discriminatedUnion('kind', [
  readySchema,
  /** The answer to a kill: the processes that got the signal. */
  z.object({ kind: z.literal('killed'), call: z.number(), pids: z.array(z.number()) }),
]);
export type FromSupervisor = z.infer<typeof fromSupervisorSchema>;
