/**
 * The demo from an empty machine to its report.
 *
 * 1. Whatever happens, nothing stays behind: simulators and cluster are stopped on every way out.
 * 2. Nothing in it stands in for a part of Peppasync: it does what a user does with kubectl, and reads what everybody may read.
 */
import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { LocalError } from '../local-error.ts';
import type { Progress as Steps } from '../progress.ts';
import { driveToRest, type DriveResult } from './drive.ts';
import { appliedExampleFolder } from './install.ts';
import { awaitTruth } from './kubectl-truth.ts';
import { readAtRest, readCaptured, readLedger } from './ledger.ts';
import { LiveView } from './live-view.ts';
import type { Milestone, Progress } from './milestones.ts';
import type { DemoOptions } from './options.ts';
import { findBrokenPromises, isFullUseJudged, type Expectations } from './report/broken-promises.ts';
import { buildReport, type Report } from './report/build-report.ts';
import type { Evidence, ScenarioSummary } from './report/evidence.ts';
import { renderReport } from './report/render-report.ts';
import { Closers, setStage, type Stage } from './stage.ts';

const clusterReadyLimitSeconds = 10;
const totalLimitSeconds = 120;
const readLimitMs = 60_000;
/** How old its figures may be; after kills the operator and the API server have to be back first. */
const truthLimitMs = { undisturbed: 10_000, afterKills: 60_000 } as const;
const pauseMs = 3_600_000;
/** What is wrong with every bad address of the scenario. */
const binned = { reason: 'InvalidAddress', field: 'shipping_address.address1' };

export interface Terminal {
  readonly output: NodeJS.WriteStream;
  readonly steps: Steps;
}

const milestonesOf = ({ kill, outage }: DemoOptions): Milestone[] => [
  ...kill.map((target) => ({ kind: 'kill', target }) as const),
  ...(outage ? [{ kind: 'outage' } as const] : []),
];

const readProgress = async ({ shopify, netSuite }: Stage, toDeliver: number, signal: AbortSignal): Promise<Progress> => {
  const [sent, taken] = await Promise.all([shopify.progress(signal), netSuite.progress(signal)]);
  return {
    webhooks: sent.webhooks,
    acknowledged: sent.acknowledged,
    webhooksOpen: sent.pending,
    delivered: taken.answered,
    toDeliver,
    callsInFlight: taken.inFlight,
    isTargetUp: taken.isUp,
  };
};

/** One call for each version of each good order. */
const callsToMake = ({ orderIds, badAddresses, updatedOrderIds, cancelledOrderIds }: ScenarioSummary): number =>
  orderIds.length - badAddresses.length + updatedOrderIds.length + cancelledOrderIds.length;

const kubectlView = (stage: Stage, output: NodeJS.WriteStream): LiveView =>
  new LiveView({
    stream: output,
    look: async (signal) => {
      const args = ['get', 'syncpipelines,connectors', '-n', stage.example.namespace, '--request-timeout=5s'];
      const { exitCode, stdout, stderr } = await stage.cluster.kubectl(args, {}, signal);
      return exitCode === 0 ? stdout : `kubectl: ${stderr.split('\n')[0] ?? ''}`;
    },
  });

interface Flow {
  readonly scenario: ScenarioSummary;
  readonly result: DriveResult;
  readonly kubectlCaughtUpSeconds: number | null;
}

const awaitKubectl = async (
  stage: Stage,
  { options, scenario }: { options: DemoOptions; scenario: ScenarioSummary },
  signal: AbortSignal,
) => {
  const { acknowledged } = await stage.shopify.progress(signal);
  const failed = scenario.badAddresses.length * stage.example.pipeline.destinations.length;
  const limitMs = options.kill.length === 0 ? truthLimitMs.undisturbed : truthLimitMs.afterKills;
  return awaitTruth(stage.cluster, { example: stage.example, truth: { captured: acknowledged, failed }, limitMs }, signal);
};

const letOrdersFlow = async (stage: Stage, { options, terminal }: Asked, signal: AbortSignal): Promise<Flow> => {
  const { orders, seed } = options;
  const { summary } = await stage.shopify.burst({ orders, seed, lanes: stage.example.pipeline.lanes }, signal);
  const toDeliver = callsToMake(summary);
  const view = kubectlView(stage, terminal.output);
  const ended = new AbortController();
  const showing = view.run(AbortSignal.any([signal, ended.signal]));
  const drive = {
    milestones: milestonesOf(options),
    view,
    readProgress: (within: AbortSignal) => readProgress(stage, toDeliver, within),
    // While NATS is away nobody can tell, so it is asked again.
    readAtRest: () => readAtRest(stage.ledger, stage.example.pipeline.destinations).catch(() => false),
    kill: stage.kill,
    takeAway: stage.netSuite.offline,
  };
  try {
    const result = await driveToRest(drive, signal);
    const kubectlCaughtUpSeconds = await awaitKubectl(stage, { options, scenario: summary }, signal);
    ended.abort();
    await showing;
    await view.last(signal);
    return { scenario: summary, result, kubectlCaughtUpSeconds };
  } finally {
    ended.abort();
    await showing;
  }
};

const gatherEvidence = async (stage: Stage, scenario: ScenarioSummary, signal: AbortSignal): Promise<Evidence> => {
  const [shopify, book] = await Promise.all([stage.shopify.book(signal), stage.netSuite.book(signal)]);
  const observedUntilMs = performance.timeOrigin + performance.now();
  const destinations = [];
  for (const name of stage.example.pipeline.destinations) {
    destinations.push({
      name,
      account: stage.example.netSuite.name,
      book,
      externalIdOf: (orderId: string) => `shopify-${orderId}`,
      keyHashOf: stage.keyHashOf,
      ledger: await readLedger(stage.ledger, name, signal),
    });
  }
  return { shopify, scenario, captured: await readCaptured(stage.ledger, signal), destinations, observedUntilMs };
};

const expectationsOf = (stage: Stage, { options }: Asked, { scenario, result }: Flow): Expectations => {
  const { maxOpenForMs, timeoutMs } = stage.example.netSuite;
  const undisturbed = options.kill.length === 0;
  const failed = scenario.badAddresses.map(() => binned);
  return {
    failed: Object.fromEntries(stage.example.pipeline.destinations.map((name) => [name, failed])),
    settled: result.settled,
    kills: options.kill,
    fullUse: isFullUseJudged({ orders: options.orders, kills: options.kill }),
    longestRecoverySeconds: undisturbed ? (maxOpenForMs + timeoutMs) / 1000 : undefined,
  };
};

const reportOn = async (stage: Stage, asked: Asked, flow: Flow): Promise<{ report: Report; broken: readonly string[] }> => {
  const { orders, seed, realLatency } = asked.options;
  const evidence = await gatherEvidence(stage, flow.scenario, AbortSignal.timeout(readLimitMs));
  const report = buildReport(evidence, {
    orders,
    seed,
    kills: flow.result.kills,
    kubectlCaughtUpSeconds: flow.kubectlCaughtUpSeconds,
    setup: {
      fromCache: stage.fromCache,
      clusterReadySeconds: Math.round(stage.clusterReadySeconds * 10) / 10,
      clusterReadyLimitSeconds,
      totalSeconds: Math.round(performance.now() / 100) / 10,
      totalLimitSeconds: realLatency ? null : totalLimitSeconds,
    },
  });
  return { report, broken: findBrokenPromises(report, expectationsOf(stage, asked, flow)) };
};

const whatToTry = ({ cluster, example }: Stage): string => `
The cluster stays up until Ctrl-C. In another terminal:

  export KUBECONFIG=${cluster.kubeconfigPath}
  alias kubectl=${cluster.kubectlPath}

  kubectl get syncpipelines,connectors -n ${example.namespace} -o wide
  kubectl describe syncpipeline ${example.pipeline.name} -n ${example.namespace}
  kubectl explain syncpipeline.spec.destinations
  kubectl get pods -A
  kubectl apply -f ${appliedExampleFolder(cluster)}
`;

const stayUp = async (stage: Stage, output: NodeJS.WriteStream, signal: AbortSignal): Promise<void> => {
  output.write(whatToTry(stage));
  while (!signal.aborted) await delay(pauseMs, undefined, { signal }).catch(() => undefined); // aborted: the loop ends
};

export interface Asked {
  readonly options: DemoOptions;
  readonly terminal: Terminal;
}

const play = async (asked: Asked, closers: Closers, signal: AbortSignal): Promise<number> => {
  const { options, terminal } = asked;
  const stage = await setStage({ options, steps: terminal.steps, closers }, signal);
  const clusterLost = new AbortController();
  // `ended` never rejects.
  void stage.cluster.ended.then(() => clusterLost.abort(new LocalError('the cluster has ended by itself: its supervisor died')));
  const whileUp = AbortSignal.any([signal, clusterLost.signal]);
  const flow = await letOrdersFlow(stage, asked, whileUp);
  const { report, broken } = await reportOn(stage, asked, flow);
  if (options.reportFile !== undefined) await writeFile(options.reportFile, `${JSON.stringify({ ...report, broken }, undefined, 2)}\n`);
  terminal.output.write(`\n${renderReport(report, broken)}`);
  if (options.keep) await stayUp(stage, terminal.output, whileUp);
  return broken.length === 0 ? 0 : 1;
};

/** The exit code. @throws LocalError for what the user can mend */
export const runDemo = async (asked: Asked, signal: AbortSignal): Promise<number> => {
  const { reportFile } = asked.options;
  if (reportFile !== undefined) {
    await writeFile(reportFile, '', { flag: 'a' }).catch((cause: unknown) => {
      throw new LocalError(`--report ${reportFile} cannot be written`, { cause });
    });
  }
  const closers = new Closers();
  try {
    return await play(asked, closers, signal);
  } finally {
    await closers.close();
  }
};
