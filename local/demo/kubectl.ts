/** kubectl that has to succeed. */
import type { Cluster } from '../cluster.ts';
import { LocalError } from '../local-error.ts';

export interface KubectlCall {
  readonly args: readonly string[];
  readonly input?: string;
}

/** What it printed. @throws LocalError with what it complained of */
export const kubectl = async (cluster: Cluster, { args, input }: KubectlCall, signal: AbortSignal): Promise<string> => {
  const { exitCode, stdout, stderr } = await cluster.kubectl(args, input === undefined ? {} : { input }, signal);
  if (exitCode !== 0) throw new LocalError(`kubectl ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
};
