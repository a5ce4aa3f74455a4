import { expect, test } from 'vitest';
import { connectorLive } from '../contract/config.ts';
import type { ConnectorLive } from '../contract/config.ts';
import type { CircuitState } from '../governor/circuit.ts';
import { liveReport } from './live-report.ts';

test.each<[CircuitState, Partial<ConnectorLive>]>([
  [
    { kind: 'closed', failures: 2 },
    { circuit: 'Closed', credentials: 'Accepted' },
  ],
  [
    { kind: 'open', reason: 'ServerError', since: 10, pauseMs: 1_000, probeAt: 1_010 },
    { circuit: 'Open', openSince: 10, nextProbeAt: 1_010, circuitReason: 'ServerError', credentials: 'Unknown' },
  ],
  [
    { kind: 'open', reason: 'CredentialsRefused', since: 10, pauseMs: 1_000, probeAt: 1_010 },
    { circuit: 'Open', openSince: 10, nextProbeAt: 1_010, circuitReason: 'CredentialsRefused', credentials: 'Refused' },
  ],
  [
    { kind: 'probing', reason: 'Timeout', since: 10, pauseMs: 1_000, probe: 'p' },
    { circuit: 'Probing', openSince: 10, circuitReason: 'Timeout', credentials: 'Unknown' },
  ],
  [
    { kind: 'probing', reason: 'CredentialsRefused', since: 10, pauseMs: 1_000, probe: 'p' },
    { circuit: 'Probing', openSince: 10, circuitReason: 'CredentialsRefused', credentials: 'Refused' },
  ],
])('P7: with the circuit %j a pod says %j', (circuit, expected) => {
  const report = liveReport({ circuit, limit: 15, hasAnswered: true, inUse: (now) => now - 490 }, { pod: 'pp-erp-deliver-0', now: 500 });
  expect(report).toStrictEqual({ v: 1, at: 500, pod: 'pp-erp-deliver-0', inUse: 10, limit: 15, ...expected });
  expect(connectorLive.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
});

test('P7: before the target has answered anything, nobody knows whether the credentials are good', () => {
  const source = { circuit: { kind: 'closed', failures: 0 }, limit: 15, hasAnswered: false, inUse: () => 0 } as const;
  expect(liveReport(source, { pod: 'p', now: 500 }).credentials).toBe('Unknown');
});
