/** NetSuite: one account behind its own listener, and a control API beside it. */
import { anyLoopbackPort, startListener, steadyNowMs, type Address } from '../listener.ts';
import { Account, type AccountOptions } from './account.ts';
import type { NetSuiteBook, NetSuiteProgress } from './call-book.ts';
import { controlHandler } from './control.ts';
import { readPublicKey, tokenPath } from './token-request.ts';

export interface NetSuiteOptions extends AccountOptions {
  /** PEM of a public key (RSA or EC) or certificate. */
  publicKey: string;
  clientId: string;
  certificateId: string;
  /** The token endpoint's URL as the client knows it. Default: as listened on. */
  audience?: string;
  /** Default: a free port of 127.0.0.1. So too `control`, the address of the control API. */
  listen?: Address;
  control?: Address;
}

export interface NetSuiteSimulator {
  url: string;
  /** The control API, on a listener of its own that outages do not touch. */
  controlUrl: string;
  /** Cuts all connections and reads nothing more, for so long or until online(). Calls in flight go on to their own end. */
  offline(forMs?: number): void;
  online(): void;
  /** Ends all access tokens; returns how many. */
  revokeTokens(): number;
  book(): NetSuiteBook;
  progress(): NetSuiteProgress;
  /** The stored order as JSON text, all digits kept. */
  record(externalId: string): string | undefined;
  close(): Promise<void>;
}

const bookOf = (account: Account): NetSuiteBook => ({
  limit: account.concurrency.limit,
  inFlight: account.concurrency.inFlight,
  peakInFlight: account.concurrency.peak,
  refused: account.concurrency.refused,
  calls: account.calls,
  tokenCalls: account.tokenCalls,
  callsDuringOutage: account.outages.reduce((sum, { calls }) => sum + calls, 0),
  outages: account.outages,
  records: Object.fromEntries(account.orders.books),
  timeline: account.concurrency.timeline,
});

const progressOf = (book: NetSuiteBook, isOnline: boolean): NetSuiteProgress => ({
  isOnline,
  limit: book.limit,
  inFlight: book.inFlight,
  peakInFlight: book.peakInFlight,
  refused: book.refused,
  calls: book.calls,
  callsDuringOutage: book.callsDuringOutage,
  records: Object.values(book.records).filter(({ objects }) => objects > 0).length,
});

export const startNetSuite = async (options: NetSuiteOptions): Promise<NetSuiteSimulator> => {
  const publicKey = readPublicKey(options.publicKey);
  const { clientId, certificateId } = options;
  // The default audience is known once the port is.
  const account = new Account(options, () => ({
    clientId,
    certificateId,
    publicKey,
    audience: options.audience ?? `${listener.url}${tokenPath}`,
  }));
  const listener = await startListener((request, response) => account.handle(request, response), options.listen ?? anyLoopbackPort);
  let returns: NodeJS.Timeout | undefined;
  const online = (): void => {
    clearTimeout(returns);
    if (account.outage !== undefined) account.outage.toMs = steadyNowMs();
  };
  const offline = (forMs?: number): void => {
    clearTimeout(returns);
    if (account.outage === undefined) account.beginOutage();
    listener.dropConnections();
    if (forMs !== undefined) returns = setTimeout(online, forMs);
  };
  const controls = {
    offline,
    online,
    revokeTokens: () => account.tokens.revokeAll(),
    book: () => bookOf(account),
    progress: () => progressOf(bookOf(account), account.outage === undefined),
    record: (externalId: string) => account.orders.read(externalId),
  };
  const control = await startListener(controlHandler(controls), options.control ?? anyLoopbackPort);
  const close = async (): Promise<void> => {
    clearTimeout(returns);
    await account.stop();
    await Promise.all([listener.close(), control.close()]);
  };
  return { url: listener.url, controlUrl: control.url, ...controls, close };
};
