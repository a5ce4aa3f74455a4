/** Whether `kubectl get syncpipelines` says the same as the books, once everything has come to rest. */
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import type { Cluster } from '../cluster.ts';
import type { Example } from './example.ts';

export interface Truth {
  readonly captured: number;
  readonly failed: number;
}

const figures = z.object({
  status: z.object({ captured: z.number().optional(), lag: z.number().optional(), failed: z.number().optional() }).default({}),
});

const pollMs = 500;

const saysSo = (json: string, { captured, failed }: Truth): boolean => {
  const { status } = figures.parse(JSON.parse(json));
  return status.captured === captured && status.lag === 0 && status.failed === failed;
};

/** Seconds until it does; null when it did not within the limit. */
export const awaitTruth = async (
  cluster: Cluster,
  { example, truth, limitMs }: { example: Example; truth: Truth; limitMs: number },
  signal: AbortSignal,
): Promise<number | null> => {
  const startedMs = performance.now();
  const args = ['get', 'syncpipeline', example.pipeline.name, '-n', example.namespace, '-o', 'json', '--request-timeout=5s'];
  for (;;) {
    const { exitCode, stdout } = await cluster.kubectl(args, {}, signal);
    const tookMs = performance.now() - startedMs;
    if (exitCode === 0 && saysSo(stdout, truth)) return Math.round(tookMs / 100) / 10;
    if (tookMs > limitMs) return null;
    await delay(pollMs, undefined, { signal });
  }
};
