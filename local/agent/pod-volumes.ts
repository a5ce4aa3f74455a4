/**
 * The volumes of one Pod on disk.
 *
 * 1. No container starts before every volume is written once.
 * 2. Afterwards files follow their objects: on every change that the agent hears of, when a token needs renewal, and now and then anyway.
 *    An object that has gone keeps its last files, as with the kubelet.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Bell } from './bell.ts';
import type { Mount } from './mount-paths.ts';
import type { Container, Pod, Volume } from './pod.ts';
import { equalFiles, writeVolumeFiles, type VolumeFiles } from './volume-files.ts';
import { resolveVolume, type Token, type VolumeLookup } from './volumes.ts';

interface PodVolumesInput {
  readonly folder: string;
  readonly log: Logger;
  /** For the Pod as it is now: labels may change. */
  readonly lookup: (signal: AbortSignal) => VolumeLookup;
  readonly onMissing: (message: string) => void;
}

const resyncMs = 30_000;
const retryMs = 1_000;

export class PodVolumes {
  readonly #input: PodVolumesInput;
  readonly #bell = new Bell();
  readonly #written = new Map<string, VolumeFiles>();
  readonly #tokens = new Map<string, Token>();
  #version = 0;

  constructor(input: PodVolumesInput) {
    this.#input = input;
  }

  wake(): void {
    this.#bell.ring();
  }

  mountsOf(pod: Pod, container: Container): readonly Mount[] {
    return container.volumeMounts.flatMap(({ name, mountPath }) => {
      const volume = pod.spec.volumes.find((one) => one.name === name);
      return volume === undefined ? [] : [{ mountPath, folder: volume.hostPath?.path ?? this.#folderOf(volume) }];
    });
  }

  /** Returns true when every volume is there, false when `signal` aborted before. */
  async prepare(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const missing = await this.#writeAll(signal).catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
      if (missing === undefined) return true;
      if (!signal.aborted) this.#input.onMissing(missing);
      await this.#bell.wait(retryMs, signal);
    }
    return false;
  }

  async keepFresh(signal: AbortSignal): Promise<void> {
    let waitMs = this.#untilNextMs();
    while (!signal.aborted) {
      await this.#bell.wait(waitMs, signal);
      if (signal.aborted) return;
      waitMs = await this.#writeAll(signal).then(
        () => this.#untilNextMs(),
        (err: unknown) => {
          if (!signal.aborted) this.#input.log.debug({ err }, 'volumes not refreshed; trying again');
          return retryMs;
        },
      );
    }
  }

  #folderOf(volume: Volume): string {
    return join(this.#input.folder, volume.name);
  }

  #untilNextMs(): number {
    const renewAtMs = Math.min(...[...this.#tokens.values()].map((token) => token.renewAtMs));
    return Math.max(retryMs, Math.min(resyncMs, renewAtMs - Date.now()));
  }

  /** Writes what has changed; returns what is missing, if anything. */
  async #writeAll(signal: AbortSignal): Promise<string | undefined> {
    const lookup = this.#input.lookup(signal);
    let missing: string | undefined;
    for (const volume of lookup.pod.spec.volumes) {
      const message = await this.#writeOne(volume, this.#withCachedTokens(volume, lookup));
      if (message !== undefined) missing ??= `volume "${volume.name}": ${message}`;
    }
    return missing;
  }

  async #writeOne(volume: Volume, lookup: VolumeLookup): Promise<string | undefined> {
    const content = await resolveVolume(lookup, volume);
    switch (content.kind) {
      case 'missing':
        return content.message;
      case 'host':
        return undefined;
      case 'empty':
        await mkdir(this.#folderOf(volume), { recursive: true });
        return undefined;
      case 'files': {
        const before = this.#written.get(volume.name);
        if (before !== undefined && equalFiles(before, content.files)) return undefined;
        this.#version += 1;
        await writeVolumeFiles(this.#folderOf(volume), content.files, this.#version);
        this.#written.set(volume.name, content.files);
        return undefined;
      }
    }
  }

  #withCachedTokens(volume: Volume, lookup: VolumeLookup): VolumeLookup {
    return {
      ...lookup,
      requestToken: async (ask) => {
        const key = JSON.stringify([volume.name, ask.audience, ask.expirationSeconds]);
        const known = this.#tokens.get(key);
        if (known !== undefined && known.renewAtMs > Date.now()) return known;
        const token = await lookup.requestToken(ask);
        this.#tokens.set(key, token);
        return token;
      },
    };
  }
}
