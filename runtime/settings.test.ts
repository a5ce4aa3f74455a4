import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCredentials, readRuntimeSettings, runtimeHelp, SettingsError } from './settings.ts';

const required = ['--role', 'deliver', '--nats-url', 'nats://flag:4222'];

function messageOf(args: readonly string[], env: Record<string, string> = {}): string {
  try {
    return JSON.stringify(readRuntimeSettings(args, env));
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
}

test('what is not said has its default', () => {
  expect(readRuntimeSettings(required, {})).toEqual({
    role: 'deliver',
    configDir: '/etc/peppasync',
    natsURL: 'nats://flag:4222',
    natsCredentialsFile: undefined,
    install: 'peppasync',
    pod: 'local',
    host: '0.0.0.0',
    logLevel: 'info',
  });
});

const fromEnv = {
  PEPPASYNC_NATS_URL: 'nats://env:4222',
  PEPPASYNC_NATS_CREDENTIALS_FILE: '/env/creds',
  PEPPASYNC_INSTALL: 'env-install',
  POD_NAME: 'env-pod',
  HOSTNAME: 'env-host',
  POD_IP: '127.0.0.9',
  PEPPASYNC_LOG_LEVEL: 'debug',
};

test('the environment counts where no flag is given', () => {
  expect(readRuntimeSettings(['--role=ingest'], fromEnv)).toEqual({
    role: 'ingest',
    configDir: '/etc/peppasync',
    natsURL: 'nats://env:4222',
    natsCredentialsFile: '/env/creds',
    install: 'env-install',
    pod: 'env-pod',
    host: '127.0.0.9',
    logLevel: 'debug',
  });
  expect(readRuntimeSettings(required, { HOSTNAME: 'env-host' }).pod).toBe('env-host');
});

test('a flag counts over the environment', () => {
  const flags = {
    'config-dir': '/tmp/c',
    'nats-url': 'nats://flag:1',
    'nats-credentials-file': '/flag/creds',
    install: 'flag-install',
    pod: 'flag-pod',
    host: '127.0.0.1',
    'log-level': 'warn',
  };
  const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
  expect(readRuntimeSettings(['--role', 'ingest', ...args], fromEnv)).toEqual({
    role: 'ingest',
    configDir: '/tmp/c',
    natsURL: 'nats://flag:1',
    natsCredentialsFile: '/flag/creds',
    install: 'flag-install',
    pod: 'flag-pod',
    host: '127.0.0.1',
    logLevel: 'warn',
  });
});

test.each<[string, string[], string]>([
  ['no role', ['--nats-url', 'nats://x'], '--role must be operator, ingest or deliver'],
  ['an unknown role', ['--role', 'both', '--nats-url', 'nats://x'], '--role must be operator, ingest or deliver'],
  ['no server', ['--role', 'ingest'], '--nats-url (or PEPPASYNC_NATS_URL) must name the NATS server'],
  ['an unknown flag', [...required, '--natsurl', 'x'], '--natsurl'],
  ['a flag without its value', ['--role'], '--role'],
  ['a word that is no flag', [...required, 'ingest'], 'ingest'],
  ['an unknown level', [...required, '--log-level', 'loud'], '--log-level must be trace, debug, info, warn or error'],
])('with %s the message names the setting', (_, args, message) => {
  expect(messageOf(args)).toContain(message);
});

test('every flag is in the help', () => {
  for (const flag of [
    '--role',
    '--config-dir',
    '--nats-url',
    '--nats-credentials-file',
    '--install',
    '--pod',
    '--host',
    '--log-level',
    '--help',
  ]) {
    expect(runtimeHelp).toContain(flag);
  }
});

test('credentials are read where a file is named', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'peppasync-settings-'));
  try {
    const file = join(folder, 'nats.creds');
    await writeFile(file, 'secret');
    const settings = readRuntimeSettings([...required, '--nats-credentials-file', file], {});
    expect(Buffer.from((await readCredentials(settings)) ?? []).toString()).toBe('secret');
    expect(await readCredentials(readRuntimeSettings(required, {}))).toBeUndefined();
  } finally {
    await rm(folder, { recursive: true });
  }
});
