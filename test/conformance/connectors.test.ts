/** What is true of every connector that is registered. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Call, ConnectorDefinition, Outcome, ReadSecret, Sink, SinkDefinition, Source } from '../../runtime/connectors/connector.ts';
import { connectors } from '../../runtime/connectors/registry.ts';
import { createSecretReader, SecretMissingError } from '../../runtime/secrets/read-secret.ts';
import type { Harness, OperationHarness, SinkHarness, SourceHarness, TargetOptions } from './harness.ts';
import { harnesses } from './harnesses.ts';
import { startScriptedServer } from './scripted-server.ts';
import type { Behaviour, ScriptedServer } from './scripted-server.ts';
import { makeSecretFolder } from './secret-folder.ts';

const never = new AbortController().signal;
const limit = AbortSignal.timeout(120_000);
const somewhere = 'http://127.0.0.1:9';
const stops: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await delay(5, undefined, { signal: limit });
};

/** Reads what the harness says lies in the Secrets; `replaced` instead of it, null for nothing. */
async function secretsOf(harness: Harness, replaced?: string | null): Promise<ReadSecret> {
  const folder = await makeSecretFolder();
  stops.push(() => folder.remove());
  for (const reference of [...harness.secrets.ingest, ...harness.secrets.deliver]) {
    const content = replaced === undefined ? harness.contentOf(reference) : replaced;
    if (content !== null) await folder.write(reference, content);
  }
  return createSecretReader(folder.configDir);
}

interface OpenSink {
  /** Also asserts that the outcome holds nothing that is secret. */
  readonly send: (call: Call, options?: { readonly signal?: AbortSignal; readonly mayWrite?: boolean }) => Promise<Outcome>;
}

interface SinkUnderTest {
  readonly harness: Harness;
  readonly sink: SinkHarness;
  readonly definition: SinkDefinition;
}

interface SinkWorld {
  readonly origin: string;
  readonly timeoutMs?: number;
  readonly secret?: string | null;
}

function expectNoSecret(text: string, { harness, sink }: SinkUnderTest, more: readonly string[]): void {
  const contents = [...harness.secrets.deliver.map((reference) => harness.contentOf(reference)), ...more];
  // A part of a secret would be as bad: its lines are looked for one by one.
  const secrets = [...contents.flatMap((content) => content.split('\n')), ...sink.grantedSecrets].filter((line) => line.length >= 8);
  expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
}

async function openSink(tested: SinkUnderTest, { origin, timeoutMs = 20_000, secret }: SinkWorld): Promise<OpenSink> {
  const create = await tested.definition.load();
  const readSecret = await secretsOf(tested.harness, secret);
  const sink: Sink = create({ account: tested.harness.smallestAccount(origin), readSecret, timeoutMs, now: Date.now });
  stops.push(() => sink.close());
  const send: OpenSink['send'] = async (call, { signal = never, mayWrite = true } = {}) => {
    const outcome = await sink.send(call, { beforeWrite: () => mayWrite }, signal);
    expectNoSecret(JSON.stringify(outcome), tested, typeof secret === 'string' ? [secret] : []);
    return outcome;
  };
  return { send };
}

async function script({ sink }: SinkUnderTest, behaviour: Behaviour): Promise<ScriptedServer> {
  const server = await startScriptedServer({ answerBeforehand: sink.answerBeforehand, behave: () => behaviour });
  stops.push(() => server.close());
  return server;
}

async function target({ sink }: SinkUnderTest, options?: TargetOptions) {
  const started = await sink.startTarget(options);
  stops.push(() => started.close());
  return started;
}

const kebab = (type: string): string => type.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase();

function describeDefinition(definition: ConnectorDefinition, harness: Harness): void {
  const account = harness.smallestAccount(somewhere);

  test('the smallest account parses, and nothing of it can be left out but where it answers', () => {
    expect(definition.account.parse(account)).toEqual(account);
    for (const member of Object.keys(account).filter((name) => name !== 'endpoint')) {
      const without = Object.fromEntries(Object.entries(account).filter(([name]) => name !== member));
      expect([member, definition.account.safeParse(without).success]).toEqual([member, false]);
    }
    expect(definition.account.safeParse({ ...account, unknown: 1 }).success).toBe(false);
    expect(Object.keys(definition.account.shape)).toEqual(expect.arrayContaining([...definition.immutable]));
  });

  test('its schemas convert to JSON schema with a description of every field', () => {
    const schemas = [definition.account, definition.source?.schema, definition.sink?.operation].filter((schema) => schema !== undefined);
    const options = { target: 'openapi-3.0', io: 'input', unrepresentable: 'throw', reused: 'inline' } as const;
    const described = z.object({ type: z.literal('object'), properties: z.record(z.string(), z.looseObject({ description: z.string() })) });
    for (const schema of schemas) {
      const converted = described.parse(z.toJSONSchema(schema, options));
      expect(Object.keys(converted.properties)).toEqual(Object.keys(schema.shape));
    }
  });

  test('it names the keys of Secrets for each role', () => {
    expect(definition.secrets(account, 'ingest')).toEqual(harness.secrets.ingest);
    expect(definition.secrets(account, 'deliver')).toEqual(harness.secrets.deliver);
  });

  test('its folder has a README', async () => {
    const readme = new URL(`../../runtime/connectors/${kebab(definition.type)}/README.md`, import.meta.url);
    expect(await readFile(readme, 'utf8')).toMatch(new RegExp(`^# .*${definition.title}`));
  });

  test('it does something, and the suite knows what', () => {
    expect([definition.source !== undefined, definition.sink !== undefined]).toEqual([
      harness.source !== undefined,
      harness.sink !== undefined,
    ]);
    expect(definition.source !== undefined || definition.sink !== undefined).toBe(true);
  });
}

function describeEffects(tested: SinkUnderTest, { before, call }: OperationHarness): void {
  test('one call has one effect, and the same call again none', async () => {
    const at = await target(tested);
    const { send } = await openSink(tested, at);
    if (before !== undefined) await send(before('a'));
    const effects = at.effects('a');
    expect((await send(call('a'))).kind).toBe('delivered');
    expect(at.effects('a') - effects).toBe(1);
    expect(['delivered', 'duplicate']).toContain((await send(call('a'))).kind);
    expect(at.effects('a') - effects).toBe(1);
  });

  test('a call over the limit of the account is throttled', async () => {
    const at = await target(tested, { concurrency: 1, latencyMs: 300 });
    const { send } = await openSink(tested, at);
    if (before !== undefined) await send(before('a'));
    const running = send(call('a'));
    await until(() => at.inFlight() === 1);
    expect((await send(call('b'))).kind).toBe('throttled');
    expect((await running).kind).toBe('delivered');
  });

  test('an abort during the call settles before the target answers', async () => {
    const at = await target(tested, { latencyMs: 30_000 });
    const { send } = await openSink(tested, at);
    const stop = new AbortController();
    const running = send(call('a'), { signal: stop.signal });
    await until(() => at.inFlight() === 1);
    stop.abort();
    expect((await running).kind).toBe('unknown');
    expect(at.inFlight()).toBe(1);
  });

  test('a target that goes away during the call leaves its end unknown', async () => {
    const at = await target(tested, { latencyMs: 30_000 });
    const { send } = await openSink(tested, at);
    const running = send(call('a'));
    await until(() => at.inFlight() === 1);
    at.cutConnections();
    expect((await running).kind).toBe('unknown');
  });
}

function describeLostCalls(tested: SinkUnderTest, { call }: OperationHarness): void {
  test.each(['reset', 'half answer', 'silence'] as const)('%s after the write: unknown, and sent once', async (kind) => {
    const server = await script(tested, { kind });
    const { send } = await openSink(tested, { origin: server.origin, timeoutMs: kind === 'silence' ? 300 : 20_000 });
    expect((await send(call('a'))).kind).toBe('unknown');
    expect(server.calls).toHaveLength(1);
  });

  test('no connection for the call itself: transient', async () => {
    const server = await script(tested, { kind: 'gone' });
    const { send } = await openSink(tested, { origin: server.origin });
    if (tested.sink.grantedSecrets.length === 0) await server.close();
    expect(await send(call('a'))).toMatchObject({ kind: 'transient', reason: 'ConnectionFailed' });
    expect(server.calls).toEqual([]);
  });

  test('a call that may not be written any more is not made: transient', async () => {
    const server = await script(tested, { kind: 'silence' });
    const { send } = await openSink(tested, { origin: server.origin });
    expect(await send(call('a'), { mayWrite: false })).toEqual({ kind: 'transient', reason: 'NotSent' });
    expect(await send(call('a'), { signal: AbortSignal.abort() })).toEqual({ kind: 'transient', reason: 'NotSent' });
    expect(server.calls).toEqual([]);
  });

  test.each(['never answered', 'reset'] as const)('a TLS handshake that is %s: transient', async (how) => {
    const tcp = createServer((socket) => {
      socket.on('error', () => undefined); // its end by reset is what is tested
      stops.push(async () => socket.destroy());
      if (how === 'reset') socket.once('data', () => socket.resetAndDestroy());
    });
    tcp.listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    stops.push(async () => tcp.close());
    const { port } = z.object({ port: z.number() }).parse(tcp.address());
    const { send } = await openSink(tested, { origin: `https://127.0.0.1:${port}`, timeoutMs: how === 'reset' ? 20_000 : 300 });
    expect(await send(call('a'))).toMatchObject({ kind: 'transient', reason: 'ConnectionFailed' });
  });
}

function describeAnswers(tested: SinkUnderTest, { call }: OperationHarness): void {
  const { delivered, throttles, unauthorized, rejections, grantedSecrets } = tested.sink;

  async function outcomeOf(answer: SinkHarness['delivered']): Promise<Outcome> {
    const server = await script(tested, { kind: 'answer', answer });
    const { send } = await openSink(tested, { origin: server.origin });
    return send(call('a'));
  }

  test('a success names the id at the target', async () => {
    expect(await outcomeOf(delivered)).toEqual({ kind: 'delivered', response: { status: delivered.status, id: '1001' } });
  });

  test.each(throttles)('$name: throttled, with the delay', async ({ answer, afterMs }) => {
    expect(await outcomeOf(answer)).toEqual({ kind: 'throttled', ...(afterMs === undefined ? {} : { afterMs }) });
  });

  test('504: unknown, since who stands behind the gateway may still be working', async () => {
    expect(await outcomeOf({ status: 504, body: '<html>away</html>' })).toEqual({ kind: 'unknown', reason: 'GatewayTimeout' });
  });

  test.each([500, 502, 503])('%i: transient', async (status) => {
    expect(await outcomeOf({ status, body: '<html>away</html>' })).toEqual({ kind: 'transient', reason: 'ServerError' });
    expect(await outcomeOf({ status, headers: { 'retry-after': '9' } })).toMatchObject({ kind: 'transient', afterMs: 9_000 });
  });

  test.each(unauthorized)('refused credentials, $status: unauthorized', async (answer) => {
    expect((await outcomeOf(answer)).kind).toBe('unauthorized');
  });

  test.each(rejections)('a refused record: rejected as $reason at $field', async ({ answer, reason, field }) => {
    expect(await outcomeOf(answer)).toMatchObject({ kind: 'rejected', reason, field });
  });

  test.each([400, 404, 409, 413, 415, 422])('%i that explains nothing: rejected', async (status) => {
    expect(await outcomeOf({ status })).toMatchObject({ kind: 'rejected', reason: 'Rejected' });
  });

  test('an answer that repeats what it was sent gives no secret away', async () => {
    for (const { answer } of rejections) {
      const repeated = { ...answer, body: answer.body?.replace('why', grantedSecrets.join(' ')) ?? '' };
      expect((await outcomeOf(repeated)).kind).toBe('rejected');
    }
  });
}

function describeSecrets(tested: SinkUnderTest, { call }: OperationHarness): void {
  test.each([
    ['wrong', 'no-secret-that-anybody-takes'],
    ['missing', null],
  ])('a secret that is %s: unauthorized', async (_how, secret) => {
    const at = await target(tested);
    const { send } = await openSink(tested, { origin: at.origin, secret });
    expect((await send(call('a'))).kind).toBe('unauthorized');
    expect(at.effects('a')).toBe(0);
  });
}

function describeSink(tested: SinkUnderTest): void {
  describe.each(tested.sink.operations)('sink, $name', (operation) => {
    describeEffects(tested, operation);
    describeLostCalls(tested, operation);
    describeAnswers(tested, operation);
    describeSecrets(tested, operation);
  });
}

const oddBodies: [string, Buffer][] = [
  ['nothing', Buffer.alloc(0)],
  ['invalid UTF-8', Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28])],
  ['broken JSON', Buffer.from('{"id":')],
  ['64-bit ids and odd text', Buffer.from('{"id":820982911946154508,"note":"\\ud83d \u202e 💸 \u0000"}')],
  ['100,000 brackets', Buffer.from('['.repeat(100_000))],
  ['10 MB', Buffer.alloc(10_000_000, 0x61)],
];

function describeSource(definition: ConnectorDefinition, harness: Harness, source: SourceHarness): void {
  const accepted = { kind: 'Accepted', ...source.expected };
  const [firstSecret = ''] = harness.secrets.ingest.map((reference) => harness.contentOf(reference));
  const body = Buffer.from('{"id":820982911946154508}');

  async function open(replaced?: null): Promise<Source> {
    const create = await definition.source?.load();
    if (create === undefined) throw new Error('there is no source');
    return create({ account: harness.smallestAccount(somewhere), readSecret: await secretsOf(harness, replaced) });
  }

  test('its smallest configuration parses and names its topics', () => {
    expect(definition.source?.schema.parse(source.smallestSource.source)).toEqual(source.smallestSource.source);
    expect(definition.source?.topics(source.smallestSource.source)).toEqual(source.smallestSource.topics);
  });

  test.each(harness.secrets.ingest)('a webhook signed with $key of $name is accepted', async (reference) => {
    const verdict = await (await open()).verify(source.webhook(body, { secret: harness.contentOf(reference) }), never);
    expect(verdict).toEqual(accepted);
  });

  test.each(oddBodies)('a signature over %s counts by bytes alone', async (_what, odd) => {
    const { verify } = await open();
    const signed = source.webhook(odd, { secret: firstSecret });
    expect(await verify(signed, never)).toEqual(accepted);
    const changed = Buffer.from(odd.length === 0 ? [0] : odd);
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    expect(await verify({ ...signed, body: changed }, never)).toMatchObject({ kind: 'Refused' });
  });

  test('another secret, and another account, are refused', async () => {
    const { verify } = await open();
    expect(await verify(source.webhook(body, { secret: `${firstSecret}x` }), never)).toMatchObject({ kind: 'Refused' });
    expect(await verify(source.webhook(body, { secret: '' }), never)).toMatchObject({ kind: 'Refused' });
    expect(await verify(source.webhook(body, { secret: firstSecret, isFromOther: true }), never)).toMatchObject({ kind: 'Refused' });
  });

  test.each(Object.entries(source.headers))('without %s, or with it empty or twice, it is %s', async (name, kind) => {
    const { verify } = await open();
    const webhook = source.webhook(body, { secret: firstSecret });
    const value = webhook.headers[name];
    if (typeof value !== 'string') throw new Error(`a webhook has no ${name}`);
    for (const wrong of [undefined, '', [value, value]]) {
      expect(await verify({ ...webhook, headers: { ...webhook.headers, [name]: wrong } }, never)).toMatchObject({ kind });
    }
  });

  test('a secret that cannot be read is an error that names it, and no verdict', async () => {
    const { verify } = await open(null);
    const webhook = source.webhook(body, { secret: firstSecret });
    await expect(verify(webhook, never)).rejects.toThrow(SecretMissingError);
  });
}

describe.each(connectors)('$type', (connector) => {
  const definition: ConnectorDefinition = connector;
  const harness = harnesses[connector.type];
  describeDefinition(definition, harness);
  if (harness.source !== undefined) describeSource(definition, harness, harness.source);
  if (definition.sink !== undefined && harness.sink !== undefined) {
    describeSink({ harness, sink: harness.sink, definition: definition.sink });
  }
});

test('every registered connector has a harness, in the order of the registry, which is the alphabet', () => {
  const types = connectors.map(({ type }) => type);
  expect(Object.keys(harnesses)).toEqual(types);
  expect(types).toEqual(types.toSorted());
});

test('the registry loads definitions alone: no sink, no source, no network', async () => {
  const registry = new URL('../../runtime/connectors/registry.ts', import.meta.url).href;
  const program = `
    import { registerHooks } from 'node:module';
    const loaded = [];
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
    await import(${JSON.stringify(registry)});
    console.log(JSON.stringify(loaded));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { signal: limit });
  const loaded = z.array(z.string()).parse(JSON.parse(stdout));
  const own = loaded.filter((url) => url.startsWith('file:') && !url.includes('/node_modules/'));
  const folders = connectors.map(({ type }) => `runtime/connectors/${kebab(type)}/definition.ts`);
  const root = new URL('../../', import.meta.url).href;
  expect(own.map((url) => url.slice(root.length)).toSorted()).toEqual(
    [...folders, 'runtime/connectors/connector.ts', 'runtime/connectors/registry.ts', 'runtime/contract/schema-fields.ts'].toSorted(),
  );
  expect(loaded.filter((url) => /node:(net|tls|http)|\/undici\/|\/jose\//.test(url))).toEqual([]);
});
