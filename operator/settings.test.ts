import { expect, test } from 'vitest';
import { operatorHelp, OperatorSettingsError, readOperatorSettings } from './settings.ts';

const needed = { PEPPASYNC_NATS_URL: 'nats://nats:4222', PEPPASYNC_IMAGE: 'peppasync:1' };

test('what is not said has a default', () => {
  expect(readOperatorSettings([], needed)).toEqual({
    natsURL: 'nats://nats:4222',
    image: 'peppasync:1',
    imagePullPolicy: 'IfNotPresent',
    install: 'peppasync',
    streamReplicas: 1,
    namespace: 'peppasync-system',
    pod: 'local',
    host: '0.0.0.0',
    healthPort: 8081,
    logLevel: 'info',
  });
});

test.each([
  ['10.96.0.1', 'https://10.96.0.1:6443'],
  ['fd00::1', 'https://[fd00::1]:6443'],
])('the API server is the one that pods are told of: %s', (host, expected) => {
  const env = { ...needed, KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: '6443' };
  expect(readOperatorSettings([], env).apiServer).toBe(expected);
});

test('flags come before the environment, and an empty value says nothing', () => {
  const env = {
    ...needed,
    PEPPASYNC_INSTALL: 'a',
    PEPPASYNC_WATCH_NAMESPACE: '',
    POD_NAME: 'pod-1',
    PEPPASYNC_NATS_SYNC_INTERVAL: 'always',
  };
  const read = readOperatorSettings(['--role', 'operator', '--install', 'b', '--stream-replicas=3'], env);
  expect(read).toMatchObject({ install: 'b', streamReplicas: 3, pod: 'pod-1', natsSyncInterval: 'always' });
  expect(read.watchNamespace).toBeUndefined();
});

test.each([
  [[], { PEPPASYNC_IMAGE: 'x' }, '--nats-url'],
  [[], { PEPPASYNC_NATS_URL: 'x' }, '--image'],
  [['--stream-replicas', '2'], needed, '--stream-replicas must be 1, 3 or 5'],
  [['--install', 'Bad_Name'], needed, '--install'],
  [['--nats-sync-interval', 'often'], needed, '--nats-sync-interval'],
  [['--nope'], needed, '--nope'],
])('%j with %j is refused and the setting named', (args, env, named) => {
  const read = () => readOperatorSettings(args, env);
  expect(read).toThrow(OperatorSettingsError);
  expect(read).toThrow(named);
});

test('the help names every flag', () => {
  for (const flag of [
    'nats-url',
    'image',
    'install',
    'stream-replicas',
    'nats-sync-interval',
    'watch-namespace',
    'health-port',
    'log-level',
  ]) {
    expect(operatorHelp).toContain(`--${flag} `);
  }
});
