/** `up`: a local cluster for a person or a script, until Ctrl-C. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { startCluster, type Cluster } from './cluster.ts';
import { LocalError } from './local-error.ts';
import { imageSchema } from './messages.ts';
import { terminalProgress } from './progress.ts';
import { ensureTools } from './tools.ts';

const help = `Usage: node local/cluster-main.ts up [options]      start a cluster and keep it until Ctrl-C
       node local/cluster-main.ts tools             only build the programs it needs

Options of up:
  --images FILE   a JSON object: image name -> { "command": [program, ...arguments], "env"?: {...}, "workingFolder"?: path }
  --api           etcd and the API server alone
  --no-nats       without NATS
  --keep-data     leave the data folder (logs, state) behind
  --json          print what is needed to use the cluster as one line of JSON
  --help          this text

Everything is started as a process of yours: no Docker, no root. PEPPASYNC_TOOLS names a folder with ready programs;
without it they are built once (Go is needed) into the cache folder.
`;

const readImages = async (file: string | undefined) =>
  file === undefined ? {} : z.record(z.string(), imageSchema).parse(JSON.parse(await readFile(file, 'utf8')));

const describe = (cluster: Cluster): string => {
  const { apiserver, defaultServiceAccount, node, nats, total } = cluster.timings;
  const seconds = (ms: number | undefined): string => (ms === undefined ? '-' : `${(ms / 1000).toFixed(1)} s`);
  return [
    `# API server after ${seconds(apiserver)}, default ServiceAccount ${seconds(defaultServiceAccount)}, Node ${seconds(node)}, NATS ${seconds(nats)}; all after ${seconds(total)}`,
    `# logs: ${cluster.dataFolder}/logs`,
    `export KUBECONFIG=${cluster.kubeconfigPath}`,
    ...(cluster.nats === undefined ? [] : [`export NATS_URL=${cluster.nats.url}`]),
    `alias kubectl=${cluster.kubectlPath}`,
    '# Ctrl-C stops the cluster and removes its data.',
    '',
  ].join('\n');
};

const describeAsJson = (cluster: Cluster): string => {
  const { host, dataFolder, supervisorPid, kubeconfigPath, kubectlPath, nats, timings } = cluster;
  return `${JSON.stringify({ host, dataFolder, supervisorPid, kubeconfigPath, kubectlPath, nats, timings })}\n`;
};

const parse = () =>
  parseArgs({
    allowPositionals: true,
    options: {
      images: { type: 'string' },
      api: { type: 'boolean', default: false },
      'no-nats': { type: 'boolean', default: false },
      'keep-data': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });

const main = async (): Promise<number> => {
  const { values, positionals } = parse();
  const [verb] = positionals;
  if (values.help || (verb !== 'up' && verb !== 'tools')) {
    process.stdout.write(help);
    return values.help ? 0 : 2;
  }
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupted.abort());
  const progress = terminalProgress(process.stderr);
  if (verb === 'tools') {
    process.stdout.write(`${JSON.stringify(await ensureTools(progress, interrupted.signal), undefined, 2)}\n`);
    return 0;
  }
  const cluster = await startCluster(
    {
      images: await readImages(values.images),
      parts: values.api ? 'api' : 'all',
      nats: !values['no-nats'],
      keepData: values['keep-data'],
      progress,
    },
    interrupted.signal,
  );
  process.stdout.write(values.json ? describeAsJson(cluster) : describe(cluster));
  const stop = (): void => void cluster.stop();
  if (interrupted.signal.aborted) stop();
  else interrupted.signal.addEventListener('abort', stop, { once: true });
  const lastWords = await cluster.ended;
  if (interrupted.signal.aborted) return 0;
  process.stderr.write(`The cluster has ended by itself. ${lastWords}\n`);
  return 1;
};

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof LocalError ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
