/**
 * Live progress of long steps for a person who waits.
 *
 * On a terminal the running step rewrites its own line every second; elsewhere (a log of a build server) it says every 15 s that it
 * is still at work, so that nobody takes a long build for a hang.
 */
import { setTimeout as delay } from 'node:timers/promises';

export interface Progress {
  /** Runs `work` as a named step and prints its elapsed time at the end, whether it succeeds or not. */
  readonly step: <T>(title: string, work: () => Promise<T>) => Promise<T>;
  readonly note: (text: string) => void;
}

export const silentProgress: Progress = { step: (_title, work) => work(), note: () => {} };

const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;

const tick = async (input: { stream: NodeJS.WriteStream; title: string; startedMs: number }, signal: AbortSignal): Promise<void> => {
  const { stream, title, startedMs } = input;
  while (!signal.aborted) {
    if (stream.isTTY) stream.write(`\r\u001b[K  ${title} … ${seconds(startedMs)}`);
    await delay(stream.isTTY ? 1000 : 15_000, undefined, { signal }).catch(() => undefined); // aborted: the step has ended
    if (!stream.isTTY && !signal.aborted) stream.write(`  ${title} … still at work after ${seconds(startedMs)}\n`);
  }
};

export const terminalProgress = (stream: NodeJS.WriteStream): Progress => ({
  note: (text) => stream.write(`  ${text}\n`),
  step: async (title, work) => {
    const startedMs = performance.now();
    const ended = new AbortController();
    const ticking = tick({ stream, title, startedMs }, ended.signal);
    const finish = async (result: string): Promise<void> => {
      ended.abort();
      await ticking;
      stream.write(`${stream.isTTY ? '\r\u001b[K' : ''}  ${title}: ${result} ${seconds(startedMs)}\n`);
    };
    try {
      const value = await work();
      await finish('done in');
      return value;
    } catch (error) {
      await finish('failed after');
      throw error;
    }
  },
});
