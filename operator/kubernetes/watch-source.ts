/** The objects of one kind, as a source for a watch cache. */
import { z } from 'zod';
import { HistoryGoneError } from '../engine/watch-cache.ts';
import type { Versioned, WatchEvent, WatchSource } from '../engine/watch-cache.ts';
import type { KubernetesClient, Selection } from './client.ts';
import { errorOf, ExpiredError } from './errors.ts';
import { keyOf, kubernetesObject } from './objects.ts';
import type { KubernetesObject, ResourceType } from './objects.ts';

const watchEvent = z.discriminatedUnion('type', [
  z.object({ type: z.enum(['ADDED', 'MODIFIED', 'DELETED']), object: kubernetesObject }),
  z.object({ type: z.literal('BOOKMARK'), object: z.looseObject({ metadata: z.looseObject({ resourceVersion: z.string() }) }) }),
  z.object({ type: z.literal('ERROR'), object: z.looseObject({ code: z.number().int().optional() }) }),
]);

export interface Watched<T> {
  readonly type: ResourceType;
  readonly selection: Selection;
  /** What is kept of an object. Must not throw. */
  readonly read: (object: KubernetesObject) => T;
}

export function watchSource<T>(client: KubernetesClient, { type, selection, read }: Watched<T>): WatchSource<T> {
  return {
    list: async (signal) => {
      const { items, resourceVersion } = await client.list(type, selection, signal);
      return { version: resourceVersion, objects: items.map((object) => versioned(object, read)) };
    },
    watch: async function* (request, signal) {
      const query = { ...selection, resourceVersion: request.version, timeoutMs: request.timeoutMs };
      try {
        for await (const line of client.watch(type, query, signal)) yield eventOf(line, { type, read });
      } catch (error) {
        throw error instanceof ExpiredError ? new HistoryGoneError(error.message, { cause: error }) : error;
      }
    },
  };
}

function eventOf<T>(line: unknown, { type, read }: Pick<Watched<T>, 'type' | 'read'>): WatchEvent<T> {
  const event = watchEvent.parse(line);
  switch (event.type) {
    case 'ADDED':
    case 'MODIFIED':
      return { kind: 'changed', object: versioned(event.object, read) };
    case 'DELETED':
      return { kind: 'removed', key: keyOf(event.object.metadata), version: event.object.metadata.resourceVersion };
    case 'BOOKMARK':
      return { kind: 'bookmark', version: event.object.metadata.resourceVersion };
    case 'ERROR':
      throw errorOf(`watching ${type.plural}`, { status: event.object.code ?? 500, body: event.object });
  }
}

/** Who owns which field is never read and is the larger part of many objects. */
export function versioned<T>(object: KubernetesObject, read: (object: KubernetesObject) => T): Versioned<T> {
  const { managedFields: _, ...metadata } = object.metadata;
  return { key: keyOf(metadata), version: metadata.resourceVersion, value: read({ ...object, metadata }) };
}
