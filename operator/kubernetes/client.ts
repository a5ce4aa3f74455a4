/**
 * The operator's calls to the API server. One field manager for all that it applies. What is read is parsed here; every
 * failure is one of the classes in errors.ts.
 */
import { z } from 'zod';
import type { KubernetesConnection } from './connection.ts';
import { kubernetesObject } from './objects.ts';
import type { KubernetesObject, RenderedObject, ResourceType } from './objects.ts';
import { send, stream } from './transport.ts';
import type { Call } from './transport.ts';

const fieldManager = 'peppasync-operator';

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

/** Which objects: of one namespace or of all, and with which labels. */
export interface Selection {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
}

export interface WatchQuery extends Selection {
  readonly resourceVersion: string;
  readonly timeoutMs: number;
}

export interface ObjectList {
  readonly items: readonly KubernetesObject[];
  readonly resourceVersion: string;
}

const pageSize = 500;

const listAnswer = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string(), continue: z.string().optional() }),
  items: z.array(kubernetesObject),
});

export class KubernetesClient {
  readonly #connection: KubernetesConnection;

  constructor(connection: KubernetesConnection) {
    this.#connection = connection;
  }

  /** @throws NotFoundError */
  async get(type: ResourceType, name: ObjectName, signal: AbortSignal): Promise<KubernetesObject> {
    return this.#object({ doing: `reading ${type.kind} ${name.name}`, method: 'GET', path: pathOf(type, name) }, signal);
  }

  /** All of a selection, page by page. @throws ExpiredError when it takes too long for one consistent view */
  async list(type: ResourceType, selection: Selection, signal: AbortSignal): Promise<ObjectList> {
    const items: KubernetesObject[] = [];
    let position = '';
    for (;;) {
      const query = { limit: String(pageSize), ...selectorOf(selection), ...(position === '' ? {} : { continue: position }) };
      const call: Call = { doing: `listing ${type.plural}`, method: 'GET', path: pathOf(type, selection), query };
      const page = listAnswer.parse(await send(this.#connection, call, signal));
      items.push(...page.items);
      position = page.metadata.continue ?? '';
      if (position === '') return { items, resourceVersion: page.metadata.resourceVersion };
    }
  }

  /** Watch events as they come, until the server ends the watch. */
  watch(type: ResourceType, query: WatchQuery, signal: AbortSignal): AsyncIterable<unknown> {
    const { resourceVersion, timeoutMs } = query;
    const call: Call = {
      doing: `watching ${type.plural}`,
      method: 'GET',
      path: pathOf(type, { namespace: query.namespace }),
      query: {
        watch: 'true',
        allowWatchBookmarks: 'true',
        resourceVersion,
        timeoutSeconds: String(Math.max(1, Math.round(timeoutMs / 1000))),
        ...selectorOf(query),
      },
    };
    return stream(this.#connection, call, signal);
  }

  /** @throws AlreadyExistsError */
  async create(type: ResourceType, object: RenderedObject, signal: AbortSignal): Promise<KubernetesObject> {
    const path = pathOf(type, { namespace: object.metadata.namespace });
    const call: Call = {
      doing: `creating ${type.kind} ${object.metadata.name}`,
      method: 'POST',
      path,
      query: { fieldManager },
      body: object,
    };
    return this.#object(call, signal);
  }

  /** Server-side apply; `force` takes over fields that somebody else owns. @throws ConflictError without it */
  async apply(
    type: ResourceType,
    { object, force }: { object: RenderedObject; force: boolean },
    signal: AbortSignal,
  ): Promise<KubernetesObject> {
    return this.#object(applyCall(type, { object, force, path: pathOf(type, object.metadata) }), signal);
  }

  /** Server-side apply of the status. `object` names the uid, so that a namesake created meanwhile is left alone. */
  async applyStatus(type: ResourceType, object: RenderedObject, signal: AbortSignal): Promise<KubernetesObject> {
    return this.#object(applyCall(type, { object, force: true, path: `${pathOf(type, object.metadata)}/status` }), signal);
  }

  /** Writes over the version that the object names. @throws ConflictError */
  async replace(type: ResourceType, object: RenderedObject, signal: AbortSignal): Promise<KubernetesObject> {
    const path = pathOf(type, object.metadata);
    return this.#object(
      { doing: `replacing ${type.kind} ${object.metadata.name}`, method: 'PUT', path, query: { fieldManager }, body: object },
      signal,
    );
  }

  /** Deletes the object of this uid and no namesake. @throws NotFoundError */
  async remove(type: ResourceType, { uid, ...name }: ObjectName & { uid: string }, signal: AbortSignal): Promise<void> {
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid }, propagationPolicy: 'Background' };
    await send(this.#connection, { doing: `deleting ${type.kind} ${name.name}`, method: 'DELETE', path: pathOf(type, name), body }, signal);
  }

  async #object(call: Call, signal: AbortSignal): Promise<KubernetesObject> {
    return kubernetesObject.parse(await send(this.#connection, call, signal));
  }
}

function applyCall(type: ResourceType, { object, force, path }: { object: RenderedObject; force: boolean; path: string }): Call {
  return {
    doing: `applying ${type.kind} ${object.metadata.name}`,
    method: 'PATCH',
    path,
    query: { fieldManager, ...(force ? { force: 'true' } : {}) },
    body: object,
    contentType: 'application/apply-patch+yaml',
  };
}

function selectorOf({ labelSelector }: Selection): Record<string, string> {
  return labelSelector === undefined ? {} : { labelSelector };
}

function pathOf({ group, version, plural }: ResourceType, { namespace, name }: { namespace?: string | undefined; name?: string }): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const scope = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root}${scope}/${plural}${name === undefined ? '' : `/${encodeURIComponent(name)}`}`;
}
