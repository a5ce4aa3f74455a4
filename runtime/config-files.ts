/** Reads the mounted configuration once at start. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { connectorFile, pipelineFile } from './contract/config.ts';
import type { ConnectorFile, PipelineFile } from './contract/config.ts';
import { podPaths } from './contract/names.ts';

export class ConfigFileError extends Error {}

export async function readConnectorFile(configDir: string): Promise<ConnectorFile> {
  return read(join(configDir, podPaths.connectorFile), connectorFile);
}

export async function readPipelineFiles(configDir: string): Promise<PipelineFile[]> {
  const names = await readdir(join(configDir, 'pipelines'));
  return Promise.all(names.toSorted().map((name) => read(join(configDir, podPaths.pipelineFile(name)), pipelineFile)));
}

async function read<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    const why = cause instanceof z.ZodError ? z.prettifyError(cause) : cause instanceof Error ? cause.message : 'it cannot be read';
    throw new ConfigFileError(`${path}: ${why}`, { cause });
  }
}
