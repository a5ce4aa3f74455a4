/** What a pod says of its account. Pure. */
import type { ConnectorLive } from '../contract/config.ts';
import type { CircuitState } from '../governor/circuit.ts';

export interface LiveSource {
  readonly circuit: CircuitState;
  readonly limit: number;
  readonly hasAnswered: boolean;
  readonly inUse: (now: number) => number;
}

export function liveReport(source: LiveSource, { pod, now }: { pod: string; now: number }): ConnectorLive {
  const { circuit, limit } = source;
  const base = { v: 1, at: now, pod, inUse: source.inUse(now), limit } as const;
  switch (circuit.kind) {
    case 'closed':
      return { ...base, circuit: 'Closed', credentials: source.hasAnswered ? 'Accepted' : 'Unknown' };
    case 'open':
      return { ...base, circuit: 'Open', openSince: circuit.since, nextProbeAt: circuit.probeAt, ...reasonOf(circuit.reason) };
    case 'probing':
      return { ...base, circuit: 'Probing', openSince: circuit.since, ...reasonOf(circuit.reason) };
  }
}

function reasonOf(circuitReason: string): { circuitReason: string; credentials: 'Refused' | 'Unknown' } {
  return { circuitReason, credentials: circuitReason === 'CredentialsRefused' ? 'Refused' : 'Unknown' };
}
