import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { startCluster, type Cluster } from '../../local/cluster.ts';
import { ClusterClient, type PodView } from '../support/cluster-client.ts';
import { eventually } from '../support/eventually.ts';

const signal = AbortSignal.timeout(240_000);
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const program = join(import.meta.dirname, '../support/pod-program.ts');
const images = { 'web:test': { command: [process.execPath, program] }, 'sh:test': { command: ['/bin/sh', '-c'] } };

let cluster: Cluster;
let client: ClusterClient;

beforeAll(async () => {
  cluster = await startCluster({ images }, signal);
  client = new ClusterClient(cluster, signal);
}, 900_000);

afterAll(async () => {
  await client?.close();
  await cluster?.stop();
});

const fieldOf = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
const webEnv = [fieldOf('POD_IP', 'status.podIP'), fieldOf('POD_NAME', 'metadata.name')];

const webContainer = (more: { env?: readonly object[]; [field: string]: unknown } = {}) => ({
  name: 'web',
  image: 'web:test',
  ports: [{ name: 'http', containerPort: 8080 }],
  readinessProbe: { httpGet: { path: '/ready', port: 'http' }, periodSeconds: 1, failureThreshold: 1 },
  ...more,
  env: [...webEnv, ...(more.env ?? [])],
});

const deployment = (name: string, replicas: number, container: object) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [container], terminationGracePeriodSeconds: 5 } },
  },
});

const pod = (name: string, spec: { containers: readonly object[]; [field: string]: unknown }) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: name } },
  spec: { terminationGracePeriodSeconds: 5, ...spec },
});

const shellPod = (name: string, script: string, more: { [field: string]: unknown } = {}) =>
  pod(name, { containers: [{ name: 'sh', image: 'sh:test', args: [script] }], ...more });

const service = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name },
  spec: { selector: { app: name }, ports: [{ port: 8080, targetPort: 'http' }] },
});

const answerSchema = z.object({ name: z.string(), version: z.string().optional(), pid: z.number() });

const ask = async (host: string, path = '/'): Promise<string> => {
  const response = await fetch(`http://${host}:8080${path}`, { signal });
  return response.text();
};

const askWho = async (host: string) => answerSchema.parse(JSON.parse(await ask(host)));

const runningPod = (name: string): Promise<PodView & { status: { podIP: string } }> =>
  eventually(async () => {
    const found = await client.pod(name);
    expect(found.status.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
    return { ...found, status: { ...found.status, podIP: z.string().parse(found.status.podIP) } };
  }, signal);

const remove = (kind: string, name: string, ...more: readonly string[]): Promise<string> =>
  client.kubectl(['delete', kind, name, '--wait=false', ...more]);

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // A zombie still has its id, but nothing of it runs.
    return !/^State:\s+Z/mu.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

/** Every process that carries the cluster's mark, as the operating system sees it. */
const processesOf = (dataFolder: string): readonly number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => {
      try {
        return pid > 0 && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(dataFolder);
      } catch {
        return false;
      }
    });

test('a Deployment answers through its Service, rolls to a new version, and scales to zero', async () => {
  const version = (text: string) => webContainer({ env: [{ name: 'VERSION', value: text }] });
  await client.apply(deployment('web', 2, version('one')), service('web'));
  await eventually(async () => {
    const { status } = await client.deployment('web');
    expect(status).toMatchObject({ readyReplicas: 2 });
    expect(status.conditions).toContainEqual(expect.objectContaining({ type: 'Available', status: 'True' }));
  }, signal);
  const address = await client.clusterIp('web');
  const podNames = (await client.pods('app=web')).map((one) => one.metadata.name).toSorted();
  const answers = await eventually(async () => {
    const found = [await askWho(address), await askWho(address)];
    expect(found.map((one) => one.name).toSorted()).toEqual(podNames);
    return found;
  }, signal);
  expect(answers.map((one) => one.version)).toEqual(['one', 'one']);

  await client.apply(deployment('web', 2, version('two')));
  await eventually(async () => {
    expect((await client.deployment('web')).status).toMatchObject({ replicas: 2, updatedReplicas: 2, readyReplicas: 2 });
  }, signal);
  await eventually(async () => expect([(await askWho(address)).version, (await askWho(address)).version]).toEqual(['two', 'two']), signal);
  await eventually(() => expect(answers.map((one) => isAlive(one.pid))).toEqual([false, false]), signal);

  await client.kubectl(['scale', 'deployment/web', '--replicas=0']);
  await eventually(async () => expect(await client.pods('app=web')).toEqual([]), signal);
  await eventually(() => expect(ask(address)).rejects.toMatchObject({ cause: { code: 'ECONNREFUSED' } }), signal);
});

test('a Pod gets its environment, its mounts and a token that the API server accepts', async () => {
  const script = `echo "$POD_IP|$APP|$UID_IN_API|$GREETING|$MODE|$CONFIG|$0"
cat "$CONFIG/name"; echo
curl -s --cacert $SA/ca.crt -H "Authorization: Bearer $(cat $SA/token)" \\
  https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/apis/authentication.k8s.io/v1/selfsubjectreviews \\
  -H 'content-type: application/json' -d '{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'
exec sleep 1000`;
  await client.apply(
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'about' }, data: { name: 'Ada', MODE: 'fast' } },
    pod('env', {
      volumes: [{ name: 'about', configMap: { name: 'about' } }],
      containers: [
        {
          name: 'sh',
          image: 'sh:test',
          command: ['/bin/sh', '-c', script, '--config=/etc/about/name'],
          volumeMounts: [{ name: 'about', mountPath: '/etc/about' }],
          envFrom: [{ configMapRef: { name: 'about' } }],
          env: [
            fieldOf('POD_IP', 'status.podIP'),
            fieldOf('APP', "metadata.labels['app']"),
            fieldOf('UID_IN_API', 'metadata.uid'),
            { name: 'GREETING', value: 'hello $(APP), $$(APP), $(NOBODY)' },
            { name: 'CONFIG', value: '/etc/about' },
            { name: 'SA', value: '/var/run/secrets/kubernetes.io/serviceaccount' },
          ],
        },
      ],
    }),
  );
  const { metadata, status } = await runningPod('env');
  const folder = join(cluster.dataFolder, 'pods', metadata.uid, 'volumes', 'about');
  const log = await eventually(async () => {
    const text = await client.kubectl(['logs', 'env']);
    expect(text).toContain('SelfSubjectReview');
    return text.split('\n');
  }, signal);
  expect(log[0]).toBe(`${status.podIP}|env|${metadata.uid}|hello env, $(APP), $(NOBODY)|fast|${folder}|--config=${folder}/name`);
  expect(log[1]).toBe('Ada');
  expect(log.join('\n')).toContain('"system:serviceaccount:default:default"');
  await remove('pod', 'env', '--now');
});

test('a ConfigMap volume follows its object, and readiness follows the file', async () => {
  const settings = (ready: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { ready } });
  const container = webContainer({
    env: [{ name: 'READY_FILE', value: '/etc/settings/ready' }],
    volumeMounts: [{ name: 'settings', mountPath: '/etc/settings' }],
  });
  await client.apply(
    settings('yes 1'),
    pod('follower', { volumes: [{ name: 'settings', configMap: { name: 'settings' } }], containers: [container] }),
  );
  const { podIP } = (await runningPod('follower')).status;
  expect(await ask(podIP, '/file')).toBe('yes 1');

  await client.apply(settings('no'));
  await eventually(async () => expect(await ask(podIP, '/file')).toBe('no'), signal);
  await eventually(async () => {
    const { conditions, containerStatuses } = (await client.pod('follower')).status;
    expect(conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'False', reason: 'ContainersNotReady' }));
    expect(containerStatuses).toEqual([expect.objectContaining({ ready: false, restartCount: 0 })]);
  }, signal);

  await client.apply(settings('yes 2'));
  await runningPod('follower');
  await remove('pod', 'follower');
});

test('a missing Secret and a missing key are shown until they are there', async () => {
  const secret = (data: object) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'login' }, stringData: data });
  const env = [{ name: 'VERSION', valueFrom: { secretKeyRef: { name: 'login', key: 'password' } } }];
  await client.apply(pod('secretive', { containers: [webContainer({ env })] }));
  const awaitMessage = (message: string) =>
    eventually(async () => {
      expect((await client.container('secretive')).state).toEqual({ waiting: { reason: 'CreateContainerConfigError', message } });
    }, signal);
  await awaitMessage('secret "login" not found');
  expect((await client.pod('secretive')).status.phase).toBe('Pending');
  await client.apply(secret({ user: 'ada' }));
  await awaitMessage("couldn't find key password in Secret default/login");
  await client.apply(secret({ user: 'ada', password: 'open' }));
  const { podIP } = (await runningPod('secretive')).status;
  expect((await askWho(podIP)).version).toBe('open');
  await remove('pod', 'secretive');
});

test('a volume whose ConfigMap is missing keeps its Pod ContainerCreating until it is there', async () => {
  await client.apply(shellPod('mounter', 'exec sleep 1000', { volumes: [{ name: 'v', configMap: { name: 'late' } }] }));
  await eventually(async () => {
    const { state } = await client.container('mounter');
    expect(state).toEqual({ waiting: { reason: 'ContainerCreating', message: 'volume "v": configmap "late" not found' } });
  }, signal);
  await client.apply({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'late' }, data: {} });
  await runningPod('mounter');
  await remove('pod', 'mounter', '--now');
});

test('an unknown image and a subPath mount are refused with a message', async () => {
  const mount = { name: 'v', mountPath: '/etc/v', subPath: 'a' };
  await client.apply(
    pod('imageless', { containers: [{ name: 'c', image: 'nobody:knows' }] }),
    pod('subpath', { volumes: [{ name: 'v', emptyDir: {} }], containers: [{ name: 'c', image: 'sh:test', volumeMounts: [mount] }] }),
  );
  await eventually(async () => {
    expect((await client.container('imageless')).state.waiting).toEqual({
      reason: 'ErrImagePull',
      message: 'image "nobody:knows" is not among those of this local cluster (web:test, sh:test)',
    });
    expect((await client.container('subpath')).state.waiting?.message).toContain('uses subPath');
  }, signal);
  await remove('pod', 'imageless');
  await remove('pod', 'subpath');
  await eventually(async () => expect(await client.pods('app in (imageless,subpath)')).toEqual([]), signal);
});

test('a crashing container goes into CrashLoopBackOff, and its logs stay readable', async () => {
  await client.apply(shellPod('crasher', 'echo run; exit 3'));
  await eventually(async () => {
    const { state, lastState, restartCount } = await client.container('crasher');
    expect(state.waiting?.reason).toBe('CrashLoopBackOff');
    expect(state.waiting?.message).toMatch(/^back-off \d+s restarting failed container=sh pod=crasher_default/u);
    expect(lastState.terminated).toMatchObject({ exitCode: 3, reason: 'Error' });
    expect(restartCount).toBeGreaterThanOrEqual(1);
  }, signal);
  expect((await client.pod('crasher')).status.phase).toBe('Running');
  expect(await client.kubectl(['logs', 'crasher', '--previous'])).toBe('run\n');
  await remove('pod', 'crasher');
});

test('Pods that end show Succeeded and Failed, after their init containers', async () => {
  const init = { name: 'init', image: 'sh:test', args: ['echo first > "$SHARED/a"'], env: [{ name: 'SHARED', value: '/shared' }] };
  const mounts = { volumeMounts: [{ name: 'shared', mountPath: '/shared' }] };
  await client.apply(
    pod('finisher', {
      restartPolicy: 'Never',
      volumes: [{ name: 'shared', emptyDir: {} }],
      initContainers: [{ ...init, ...mounts }],
      containers: [{ name: 'sh', image: 'sh:test', args: ['cat /shared/a'], ...mounts }],
    }),
    shellPod('failer', 'exit 4', { restartPolicy: 'Never' }),
  );
  await eventually(async () => {
    expect((await client.pod('finisher')).status.phase).toBe('Succeeded');
    const failer = await client.pod('failer');
    expect(failer.status.phase).toBe('Failed');
    expect(failer.status.containerStatuses).toEqual([
      expect.objectContaining({ state: { terminated: { exitCode: 4, reason: 'Error' } }, restartCount: 0 }),
    ]);
  }, signal);
  expect(await client.kubectl(['logs', 'finisher', '-c', 'sh'])).toBe('first\n');
  await remove('pod', 'finisher');
  await remove('pod', 'failer');
});

test('a killed process is restarted, with its end in lastState and both logs', async () => {
  const container = webContainer({ env: [{ name: 'VERSION', value: 'v' }] });
  await client.apply(pod('victim', { containers: [container] }));
  const { podIP } = (await runningPod('victim')).status;
  const { pid } = await askWho(podIP);
  expect(await cluster.signalPod({ namespace: 'default', name: 'victim', signal: 'SIGKILL' }, signal)).toEqual([pid]);
  await eventually(async () => {
    const { lastState, restartCount, ready } = await client.container('victim');
    expect({ ...lastState.terminated, restartCount, ready }).toEqual({ exitCode: 137, reason: 'Error', restartCount: 1, ready: true });
  }, signal);
  expect((await askWho(podIP)).pid).not.toBe(pid);
  await ask(podIP, '/crash').catch(() => undefined); // it dies instead of answering
  await eventually(async () => expect((await client.container('victim')).lastState.terminated?.exitCode).toBe(3), signal);
  await eventually(async () => expect(await client.kubectl(['logs', 'victim'])).toBe('starting v\nlistening\n'), signal);
  expect(await client.kubectl(['logs', 'victim', '--previous', '--tail=1'])).toBe('listening\n');
  expect(await client.kubectl(['logs', 'victim', '--timestamps', '--tail=1'])).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z listening\n$/u);
  await remove('pod', 'victim');
});

test('a failing liveness probe restarts its container', async () => {
  // The delay gives the second run the time to remove what made the first one sick.
  const livenessProbe = {
    exec: { command: ['/bin/sh', '-c', 'test ! -e /tmp-of-pod/sick'] },
    initialDelaySeconds: 1,
    periodSeconds: 1,
    failureThreshold: 1,
  };
  const volumeMounts = [{ name: 't', mountPath: '/tmp-of-pod' }];
  const args = ['if [ ! -e "$F" ]; then touch "$F"; exec sleep 1000; fi; rm "$F"; echo healed; exec sleep 1000'];
  const env = [{ name: 'F', value: '/tmp-of-pod/sick' }];
  const container = { name: 'sh', image: 'sh:test', args, env, volumeMounts, livenessProbe };
  await client.apply(pod('sick', { volumes: [{ name: 't', emptyDir: {} }], containers: [container] }));
  await eventually(async () => expect(await client.kubectl(['logs', 'sick'])).toBe('healed\n'), signal);
  expect(await client.container('sick')).toMatchObject({ restartCount: 1, lastState: { terminated: { exitCode: 143 } } });
  await remove('pod', 'sick', '--now');
});

test('a deleted Pod sees SIGTERM, and followed logs show its last words', async () => {
  await client.apply(pod('graceful', { containers: [webContainer()] }));
  await runningPod('graceful');
  const following = client.kubectl(['logs', '-f', 'graceful']);
  await remove('pod', 'graceful');
  expect(await following).toBe('starting \nlistening\ngot SIGTERM\n');
  await eventually(async () => expect(await client.pods('app=graceful')).toEqual([]), signal);
});

test('a Pod that ignores SIGTERM is killed after its grace time, with all its children', async () => {
  const script = `trap '' TERM; sh -c 'trap "" TERM; while true; do sleep 0.1; done' & echo $! ; while true; do sleep 0.1; done`;
  await client.apply(shellPod('stubborn', script, { terminationGracePeriodSeconds: 1 }), shellPod('forced', script));
  const childOf = async (name: string): Promise<number> => {
    await runningPod(name);
    return eventually(
      async () =>
        z
          .number()
          .positive()
          .parse(Number(await client.kubectl(['logs', name]))),
      signal,
    );
  };
  const children = [await childOf('stubborn'), await childOf('forced')];
  expect(children.map(isAlive)).toEqual([true, true]);
  await remove('pod', 'stubborn');
  await remove('pod', 'forced', '--grace-period=0', '--force');
  expect(await client.pods('app=forced')).toEqual([]);
  await eventually(async () => {
    expect(await client.pods('app=stubborn')).toEqual([]);
    expect(children.map(isAlive)).toEqual([false, false]);
  }, signal);
});

test('a Service carries 2,000 connections at once', async () => {
  await client.apply(deployment('crowd', 1, webContainer()), service('crowd'));
  await eventually(async () => expect((await client.deployment('crowd')).status.readyReplicas).toBe(1), signal);
  const host = await client.clusterIp('crowd');
  await eventually(() => ask(host), signal);
  const sockets = Array.from({ length: 2000 }, () => connectTcp({ host, port: 8080 }));
  const answer = async (socket: Socket): Promise<string> => {
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString()));
    await once(socket, 'end', { signal });
    return text.split('\r\n')[0] ?? '';
  };
  await Promise.all(sockets.map((socket) => once(socket, 'connect', { signal })));
  const answers = Promise.all(sockets.map(answer));
  for (const socket of sockets) socket.write('GET / HTTP/1.1\r\nhost: crowd\r\n\r\n');
  expect(new Set(await answers)).toEqual(new Set(['HTTP/1.1 200 OK']));
  for (const socket of sockets) socket.destroy();
  await remove('deployment', 'crowd');
});

test('after SIGKILL of the API server, etcd, the controllers and the scheduler a new Deployment runs', async () => {
  const pids = [];
  for (const name of ['apiserver', 'etcd', 'controller-manager', 'scheduler'] as const) pids.push(await cluster.kill(name, signal));
  expect(pids.map(isAlive)).toEqual([false, false, false, false]);
  await eventually(() => client.apply(deployment('after', 1, webContainer())), signal);
  await eventually(async () => expect((await client.deployment('after')).status.readyReplicas).toBe(1), signal);
  await remove('deployment', 'after');
});

test('after SIGKILL NATS is back with its data', async () => {
  const url = cluster.nats?.url ?? '';
  const before = await connect({ servers: url });
  const manager = await jetstreamManager(before);
  await manager.streams.add({ name: 'kept', subjects: ['kept.>'] });
  await jetstream(before).publish('kept.a', 'one');
  await before.close();
  const pid = await cluster.kill('nats', signal);
  expect(isAlive(pid)).toBe(false);
  const messages = await eventually(async () => {
    const after = await connect({ servers: url });
    try {
      return (await (await jetstreamManager(after)).streams.info('kept')).state.messages;
    } finally {
      await after.close();
    }
  }, signal);
  expect(messages).toBe(1);
});

test('a second cluster stands beside the first, and SIGKILL of its parent leaves nothing of it', async () => {
  const imagesFile = join(cluster.dataFolder, 'images.json');
  writeFileSync(imagesFile, JSON.stringify(images));
  const command = [join(import.meta.dirname, '../../local/cluster-main.ts'), 'up', '--json', '--images', imagesFile];
  const parent = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(parent, 'exit').then(() => Promise.reject(new Error('it ended by itself')));
  ended.catch(() => undefined); // its end is expected below
  const firstLine = once(createInterface(parent.stdout), 'line', { signal });
  const [line] = z.tuple([z.string()]).parse(await Promise.race([firstLine, ended]));
  const other = z
    .object({ host: z.string(), dataFolder: z.string(), kubeconfigPath: z.string(), supervisorPid: z.number() })
    .parse(JSON.parse(line));
  expect(other.host).not.toBe(cluster.host);
  await client.kubectl(['--kubeconfig', other.kubeconfigPath, 'apply', '-f', '-'], JSON.stringify(shellPod('left', 'setsid sleep 1000')));
  const all = await eventually(() => {
    const found = processesOf(other.dataFolder);
    // Supervisor, five programs, the shell and its sleep.
    expect(found.length).toBeGreaterThanOrEqual(8);
    return found;
  }, signal);
  expect(await client.exists('/api/v1/namespaces/default/pods/left')).toBe(false);

  parent.kill('SIGKILL');
  await eventually(() => {
    expect(all.filter(isAlive)).toEqual([]);
    expect(existsSync(other.dataFolder)).toBe(false);
  }, signal);
  expect(processesOf(other.dataFolder)).toEqual([]);
  expect((await client.kubectl(['get', 'nodes', '-o', 'name'])).trim()).toBe('node/local');
});

test('a cluster of the API alone stops without a trace, also when its supervisor is killed', async () => {
  const small = await startCluster({ parts: 'api', nats: false }, signal);
  expect(small.nats).toBe(undefined);
  const { stdout } = await small.kubectl(['get', 'namespaces', '-o', 'name'], {}, signal);
  expect(stdout.split('\n')).toContain('namespace/default');
  const all = processesOf(small.dataFolder);
  expect(all).toHaveLength(3);
  process.kill(small.supervisorPid, 'SIGKILL');
  await small.ended;
  expect(all.filter(isAlive)).toEqual([]);
  expect(existsSync(small.dataFolder)).toBe(false);
});

/** Runs `work` with other environment variables, and with a folder for temporary files that nobody else uses. */
const withEnvironment = async (values: Readonly<Record<string, string>>, work: () => Promise<void>): Promise<readonly string[]> => {
  const own = join(cluster.dataFolder, 'own-tmp');
  mkdirSync(own, { recursive: true });
  const before = { ...process.env };
  Object.assign(process.env, { ...values, TMPDIR: own });
  try {
    await work();
    return readdirSync(own);
  } finally {
    for (const name of ['TMPDIR', ...Object.keys(values)]) delete process.env[name];
    Object.assign(process.env, before);
  }
};

test('a start that fails shows the end of the log and leaves nothing', async () => {
  const tools = join(cluster.dataFolder, 'broken-tools');
  mkdirSync(tools);
  const folder = dirname(cluster.kubectlPath);
  for (const name of readdirSync(folder)) if (name !== 'kube-apiserver') symlinkSync(join(folder, name), join(tools, name));
  writeFileSync(join(tools, 'kube-apiserver'), '#!/bin/sh\necho it cannot go on; exit 7\n', { mode: 0o755 });
  const left = await withEnvironment({ PEPPASYNC_TOOLS: tools }, async () => {
    await expect(startCluster({}, signal)).rejects.toThrow(/apiserver ended \(exit code 7\).*\nit cannot go on/u);
  });
  expect(left).toEqual([]);
});

test('an aborted start leaves nothing', async () => {
  const left = await withEnvironment({}, async () => {
    await expect(startCluster({}, AbortSignal.timeout(1500))).rejects.toMatchObject({ name: 'TimeoutError' });
  });
  expect(left).toEqual([]);
});

test('a cluster whose parent and supervisor were killed at once is cleared away by the next start', async () => {
  const left = await withEnvironment({}, async () => {
    const args = [join(import.meta.dirname, '../../local/cluster-main.ts'), 'up', '--api', '--no-nats', '--json'];
    const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = z.tuple([z.string()]).parse(await once(createInterface(parent.stdout), 'line', { signal }));
    const { dataFolder, supervisorPid } = z.object({ dataFolder: z.string(), supervisorPid: z.number() }).parse(JSON.parse(line));
    parent.kill('SIGSTOP');
    process.kill(supervisorPid, 'SIGKILL');
    parent.kill('SIGKILL');
    await eventually(() => expect([supervisorPid, parent.pid ?? 0].filter(isAlive)).toEqual([]), signal);
    const orphans = processesOf(dataFolder);
    expect(orphans).toHaveLength(2);
    await expect(startCluster({}, AbortSignal.timeout(500))).rejects.toMatchObject({ name: 'TimeoutError' });
    expect(orphans.filter(isAlive)).toEqual([]);
  });
  expect(left).toEqual([]);
});
