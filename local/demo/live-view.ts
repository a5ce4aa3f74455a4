/**
 * What a person sees while orders flow: `kubectl get syncpipelines,connectors`, again and again, over one line of what the simulators
 * say. On a terminal it is redrawn in place; elsewhere it is printed less often.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Progress } from './milestones.ts';

const redrawMs = 2_000;
const printAgainMs = 5_000;

export interface LiveViewOptions {
  readonly stream: NodeJS.WriteStream;
  /** Lines of `kubectl get`, or what kept it from answering. */
  readonly look: (signal: AbortSignal) => Promise<string>;
}

const barWidth = 20;
const bar = (part: number, whole: number): string => {
  const filled = whole === 0 ? 0 : Math.min(barWidth, Math.floor((part / whole) * barWidth));
  return `${'█'.repeat(filled)}${'·'.repeat(barWidth - filled)}`;
};

const describe = (progress: Progress, elapsedMs: number): string => {
  const { webhooks, acknowledged, delivered, toDeliver, callsInFlight, isTargetUp } = progress;
  return [
    `${(elapsedMs / 1000).toFixed(0).padStart(4)} s`,
    `captured ${acknowledged}/${webhooks}`,
    `delivered ${bar(delivered, toDeliver)} ${delivered}/${toDeliver}`,
    isTargetUp ? `${callsInFlight} calls in flight` : 'NetSuite is away',
  ].join('   ');
};

export class LiveView {
  readonly #options: LiveViewOptions;
  readonly #startedMs = performance.now();
  #progress: Progress | undefined;
  #table = '';
  #drawnLines = 0;

  constructor(options: LiveViewOptions) {
    this.#options = options;
  }

  saw(progress: Progress): void {
    this.#progress = progress;
  }

  /** A line that stays. */
  note(text: string): void {
    this.#erase();
    this.#options.stream.write(`${text}\n`);
    if (this.#options.stream.isTTY) this.#draw();
  }

  /** Until `signal` aborts; the last picture stays. */
  async run(signal: AbortSignal): Promise<void> {
    const pauseMs = this.#options.stream.isTTY ? redrawMs : printAgainMs;
    while (!signal.aborted) {
      await this.#show(signal);
      await delay(pauseMs, undefined, { signal }).catch(() => undefined); // aborted: the loop ends
    }
  }

  /** One picture more, for the end. */
  async last(signal: AbortSignal): Promise<void> {
    await this.#show(signal);
  }

  async #show(signal: AbortSignal): Promise<void> {
    const table = await this.#options.look(signal).catch(() => this.#table); // aborted: the last table stays
    if (signal.aborted) return;
    this.#table = table;
    this.#erase();
    this.#draw();
  }

  #draw(): void {
    const { stream } = this.#options;
    const head = this.#progress === undefined ? [] : ['', describe(this.#progress, performance.now() - this.#startedMs)];
    const lines = [...head, '', ...this.#table.trimEnd().split('\n')];
    // A line that wraps would count as two.
    const shown = stream.isTTY ? lines.map((line) => line.slice(0, stream.columns - 1)) : lines;
    stream.write(`${shown.join('\n')}\n`);
    this.#drawnLines = shown.length;
  }

  #erase(): void {
    const { stream } = this.#options;
    if (stream.isTTY && this.#drawnLines > 0) stream.write(`\u001b[${this.#drawnLines}A\u001b[J`);
    this.#drawnLines = 0;
  }
}
