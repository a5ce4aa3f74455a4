/** When Pods can be scheduled: the Node is Ready and the taint that every new Node begins with is gone. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { nodeName } from '../agent/agent.ts';
import type { KubernetesClient } from '../kubernetes-client.ts';
import { LocalError } from '../local-error.ts';

const nodeSchema = z.object({
  spec: z.object({ taints: z.array(z.object({ key: z.string() })).default([]) }).default({ taints: [] }),
  status: z.object({ conditions: z.array(z.object({ type: z.string(), status: z.string() })).default([]) }),
});

const pollMs = 50;
const limitMs = 60_000;

const isSchedulable = async (client: KubernetesClient, signal: AbortSignal): Promise<boolean> => {
  const answer = await client.call({ method: 'GET', path: `/api/v1/nodes/${nodeName}` }, signal);
  const node = nodeSchema.safeParse(answer.body);
  if (answer.status !== 200 || !node.success) return false;
  const isReady = node.data.status.conditions.some((one) => one.type === 'Ready' && one.status === 'True');
  return isReady && node.data.spec.taints.length === 0;
};

export const awaitNode = async (client: KubernetesClient, signal: AbortSignal): Promise<void> => {
  const giveUpMs = performance.now() + limitMs;
  while (!(await isSchedulable(client, signal))) {
    if (performance.now() > giveUpMs) throw new LocalError(`the Node was not Ready after ${limitMs / 1000} s; see agent.log`);
    await delay(pollMs, undefined, { signal });
  }
};
