/** What deliver pods say of their Connectors: which reports count, and what they mean. Pure. */
import type { ConnectorLive } from '../../runtime/contract/config.ts';
import type { ConditionFact } from '../engine/conditions.ts';

/** An older report says nothing of now. */
const freshForMs = 10_000;

export function freshReports(reports: readonly ConnectorLive[], now: number): ConnectorLive[] {
  return reports.filter(({ at }) => Math.abs(now - at) < freshForMs);
}

/** No calls go out but probes. */
export function isDown({ circuit }: ConnectorLive): boolean {
  return circuit !== 'Closed';
}

/** TargetReachable over Connectors, each with its fresh reports. */
export function targetReachable(connectors: ReadonlyMap<string, readonly ConnectorLive[]>): ConditionFact {
  const type = 'TargetReachable';
  const names = [...connectors.keys()].toSorted();
  const down = names.flatMap((name) => {
    const report = connectors.get(name)?.find(isDown);
    return report === undefined ? [] : [`${name} (${report.circuitReason ?? 'failing'})`];
  });
  if (down.length > 0) {
    const message = `Calls have stopped but for probes: ${down.join(', ')}. They go on by themselves when the target answers.`;
    return { type, status: 'False', reason: 'CircuitOpen', message };
  }
  const silent = names.filter((name) => connectors.get(name)?.length === 0);
  if (silent.length > 0) {
    return { type, status: 'Unknown', reason: 'NotObserved', message: `No deliver pod reports of ${silent.join(', ')}.` };
  }
  return { type, status: 'True', reason: 'CircuitClosed', message: 'Calls go out.' };
}
