/** The parts of Kubernetes objects that the node agent reads. Everything else in them is ignored. */
import { z } from 'zod';

const metadataSchema = z.object({
  name: z.string(),
  namespace: z.string().default(''),
  uid: z.string(),
  resourceVersion: z.string().default(''),
  labels: z.record(z.string(), z.string()).default({}),
  annotations: z.record(z.string(), z.string()).default({}),
  deletionTimestamp: z.string().optional(),
  deletionGracePeriodSeconds: z.number().optional(),
});

const optionalFlag = z.boolean().default(false);
const fieldRefSchema = z.object({ fieldPath: z.string() });
const keyRefSchema = z.object({ name: z.string().default(''), key: z.string(), optional: optionalFlag });

const environmentSchema = z.object({
  name: z.string(),
  value: z.string().optional(),
  valueFrom: z
    .object({
      fieldRef: fieldRefSchema.optional(),
      configMapKeyRef: keyRefSchema.optional(),
      secretKeyRef: keyRefSchema.optional(),
      resourceFieldRef: z.object({ resource: z.string() }).optional(),
    })
    .optional(),
});

const sourceNameSchema = z.object({ name: z.string().default(''), optional: optionalFlag });
const environmentFromSchema = z.object({
  prefix: z.string().default(''),
  configMapRef: sourceNameSchema.optional(),
  secretRef: sourceNameSchema.optional(),
});

const portNameOrNumber = z.union([z.string(), z.number()]);

const probeSchema = z.object({
  httpGet: z
    .object({
      path: z.string().default('/'),
      port: portNameOrNumber,
      host: z.string().optional(),
      scheme: z.string().default('HTTP'),
      httpHeaders: z.array(z.object({ name: z.string(), value: z.string() })).default([]),
    })
    .optional(),
  tcpSocket: z.object({ port: portNameOrNumber, host: z.string().optional() }).optional(),
  exec: z.object({ command: z.array(z.string()).default([]) }).optional(),
  initialDelaySeconds: z.number().default(0),
  periodSeconds: z.number().default(10),
  timeoutSeconds: z.number().default(1),
  successThreshold: z.number().default(1),
  failureThreshold: z.number().default(3),
  terminationGracePeriodSeconds: z.number().optional(),
});
export type Probe = z.infer<typeof probeSchema>;

const containerSchema = z.object({
  name: z.string(),
  image: z.string().default(''),
  command: z.array(z.string()).default([]),
  args: z.array(z.string()).default([]),
  workingDir: z.string().optional(),
  restartPolicy: z.string().optional(),
  env: z.array(environmentSchema).default([]),
  envFrom: z.array(environmentFromSchema).default([]),
  ports: z.array(z.object({ name: z.string().optional(), containerPort: z.number() })).default([]),
  volumeMounts: z
    .array(z.object({ name: z.string(), mountPath: z.string(), subPath: z.string().default(''), subPathExpr: z.string().default('') }))
    .default([]),
  resources: z
    .object({
      limits: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
      requests: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
    })
    .default({ limits: {}, requests: {} }),
  readinessProbe: probeSchema.optional(),
  livenessProbe: probeSchema.optional(),
  startupProbe: probeSchema.optional(),
});
export type Container = z.infer<typeof containerSchema>;

const itemsSchema = z.array(z.object({ key: z.string(), path: z.string(), mode: z.number().optional() })).optional();
const downwardItemsSchema = z
  .array(z.object({ path: z.string(), fieldRef: fieldRefSchema.optional(), mode: z.number().optional() }))
  .default([]);

const projectionSchema = z.object({
  configMap: sourceNameSchema.extend({ items: itemsSchema }).optional(),
  secret: sourceNameSchema.extend({ items: itemsSchema }).optional(),
  downwardAPI: z.object({ items: downwardItemsSchema }).optional(),
  serviceAccountToken: z
    .object({ path: z.string(), audience: z.string().default(''), expirationSeconds: z.number().default(3600) })
    .optional(),
});
export type Projection = z.infer<typeof projectionSchema>;

const volumeSchema = z.object({
  name: z.string(),
  configMap: sourceNameSchema.extend({ items: itemsSchema, defaultMode: z.number().optional() }).optional(),
  secret: z
    .object({ secretName: z.string().default(''), optional: optionalFlag, items: itemsSchema, defaultMode: z.number().optional() })
    .optional(),
  downwardAPI: z.object({ items: downwardItemsSchema, defaultMode: z.number().optional() }).optional(),
  projected: z.object({ sources: z.array(projectionSchema).default([]), defaultMode: z.number().optional() }).optional(),
  emptyDir: z.object({}).optional(),
  hostPath: z.object({ path: z.string() }).optional(),
});
export type Volume = z.infer<typeof volumeSchema>;

export const podSchema = z.object({
  metadata: metadataSchema,
  spec: z.object({
    nodeName: z.string().default(''),
    serviceAccountName: z.string().default('default'),
    restartPolicy: z.enum(['Always', 'OnFailure', 'Never']).default('Always'),
    terminationGracePeriodSeconds: z.number().default(30),
    containers: z.array(containerSchema),
    initContainers: z.array(containerSchema).default([]),
    volumes: z.array(volumeSchema).default([]),
    readinessGates: z.array(z.object({ conditionType: z.string() })).default([]),
  }),
  status: z
    .object({
      phase: z.string().default('Pending'),
      podIP: z.string().default(''),
      conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]),
    })
    .default({ phase: 'Pending', podIP: '', conditions: [] }),
});
export type Pod = z.infer<typeof podSchema>;

export const serviceSchema = z.object({
  metadata: metadataSchema,
  spec: z.object({
    type: z.string().default('ClusterIP'),
    clusterIP: z.string().default(''),
    selector: z.record(z.string(), z.string()).default({}),
    publishNotReadyAddresses: z.boolean().default(false),
    ports: z
      .array(
        z.object({
          name: z.string().default(''),
          protocol: z.string().default('TCP'),
          port: z.number(),
          targetPort: portNameOrNumber.optional(),
        }),
      )
      .default([]),
  }),
});
export type Service = z.infer<typeof serviceSchema>;

export const isReady = (pod: Pod): boolean => pod.status.conditions.some((one) => one.type === 'Ready' && one.status === 'True');

/** A port by its number, or by the name that some container of the Pod gives it. */
export const resolvePort = (port: string | number, containers: readonly Container[]): number | undefined => {
  if (typeof port === 'number') return port;
  const named = containers.flatMap((container) => container.ports).find((one) => one.name === port);
  return named?.containerPort ?? (/^\d+$/u.test(port) ? Number(port) : undefined);
};
