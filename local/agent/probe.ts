/** One look at a container: does its probe succeed? And the counting that turns looks into a state. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { connect } from 'node:net';
import type { Launch } from './container-process.ts';
import { replaceMountPaths } from './mount-paths.ts';
import { resolvePort, type Container, type Probe } from './pod.ts';

export interface ProbeTarget {
  readonly podIp: string;
  readonly container: Container;
  readonly launch: Launch;
}

interface ProbeResult {
  readonly isSuccess: boolean;
  readonly message: string;
}

type HttpGet = NonNullable<Probe['httpGet']>;

const lookByHttp = async (get: HttpGet, target: ProbeTarget, signal: AbortSignal): Promise<ProbeResult> => {
  const port = resolvePort(get.port, [target.container]);
  const options = {
    host: get.host ?? target.podIp,
    port,
    path: get.path,
    method: 'GET',
    agent: false as const,
    headers: { 'user-agent': 'peppasync-local-probe', ...Object.fromEntries(get.httpHeaders.map(({ name, value }) => [name, value])) },
    signal,
  };
  // A probe asks whether the server answers, not who it is; the kubelet does not check the certificate either.
  const request = get.scheme === 'HTTPS' ? requestHttps({ ...options, rejectUnauthorized: false }) : requestHttp(options);
  const status = await new Promise<number>((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.end();
  });
  request.destroy();
  return { isSuccess: status >= 200 && status < 400, message: `HTTP probe failed with statuscode: ${status}` };
};

const lookByTcp = async (tcp: NonNullable<Probe['tcpSocket']>, target: ProbeTarget, signal: AbortSignal): Promise<ProbeResult> => {
  const socket = connect({ host: tcp.host ?? target.podIp, port: resolvePort(tcp.port, [target.container]) ?? 0, signal });
  try {
    await once(socket, 'connect', { signal });
    return { isSuccess: true, message: '' };
  } finally {
    socket.destroy();
  }
};

const lookByCommand = async (command: readonly string[], target: ProbeTarget, signal: AbortSignal): Promise<ProbeResult> => {
  const { folder, env, mounts } = target.launch;
  const [file = '', ...args] = command.map((word) => replaceMountPaths(word, mounts));
  const child = spawn(file, args, { cwd: folder, env, stdio: 'ignore', signal, killSignal: 'SIGKILL' });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  return { isSuccess: code === 0, message: `command ended with exit code ${code ?? 'none'}` };
};

const look = (probe: Probe, target: ProbeTarget, signal: AbortSignal): Promise<ProbeResult> => {
  if (probe.httpGet !== undefined) return lookByHttp(probe.httpGet, target, signal);
  if (probe.tcpSocket !== undefined) return lookByTcp(probe.tcpSocket, target, signal);
  if (probe.exec !== undefined) return lookByCommand(probe.exec.command, target, signal);
  return Promise.resolve({ isSuccess: false, message: 'the local node agent has no probes of this type' });
};

/** Never rejects: whatever goes wrong is a failed look. */
export const runProbe = async (probe: Probe, target: ProbeTarget, signal: AbortSignal): Promise<ProbeResult> => {
  const timeout = AbortSignal.timeout(probe.timeoutSeconds * 1000);
  try {
    return await look(probe, target, AbortSignal.any([signal, timeout]));
  } catch (error) {
    const message = timeout.aborted ? `no answer within ${probe.timeoutSeconds} s` : error instanceof Error ? error.message : String(error);
    return { isSuccess: false, message };
  }
};

export interface ProbeCount {
  readonly isPassing: boolean;
  /** Looks in a row that spoke against the present state. */
  readonly against: number;
}

export const countProbe = (
  count: ProbeCount,
  isSuccess: boolean,
  thresholds: Pick<Probe, 'successThreshold' | 'failureThreshold'>,
): ProbeCount => {
  if (isSuccess === count.isPassing) return { isPassing: count.isPassing, against: 0 };
  const against = count.against + 1;
  const threshold = isSuccess ? thresholds.successThreshold : thresholds.failureThreshold;
  return against >= threshold ? { isPassing: isSuccess, against: 0 } : { isPassing: count.isPassing, against };
};
