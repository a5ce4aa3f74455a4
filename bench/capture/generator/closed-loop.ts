/**
 * Keep-alive connections that each send their next webhook when they have the answer to the last. Plain sockets: an HTTP client
 * would cost more than what is measured.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { Socket } from 'node:net';

export interface Answered {
  readonly status: number;
  readonly ms: number;
}

/** Status of a complete response; undefined while more has to come. */
function statusOf(text: string): number | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd === -1) return undefined;
  const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
  const isWhole = length === undefined ? text.endsWith('\r\n0\r\n\r\n') : text.length >= headEnd + 4 + Number(length);
  return isWhole ? Number(text.slice(9, 12)) : undefined;
}

export class KeepAliveConnection {
  readonly #socket: Socket;
  #received = '';
  #settle: ((status: number) => void) | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket.setNoDelay(true).setEncoding('latin1');
    socket.on('data', (text: string) => this.#take(text));
    // Status 0: no answer. Whoever waits is told, and a later send is answered so at once.
    socket.on('error', () => this.#end(0));
    socket.on('close', () => this.#end(0));
  }

  static async open(host: string, port: number): Promise<KeepAliveConnection> {
    const socket = connect({ host, port });
    await once(socket, 'connect', { signal: AbortSignal.timeout(10_000) });
    return new KeepAliveConnection(socket);
  }

  send(request: string): Promise<number> {
    if (this.#socket.destroyed) return Promise.resolve(0);
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.#socket.write(request, 'latin1');
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(text: string): void {
    this.#received += text;
    const status = statusOf(this.#received);
    if (status === undefined) return;
    this.#received = '';
    this.#end(status);
  }

  #end(status: number): void {
    const settle = this.#settle;
    this.#settle = undefined;
    settle?.(status);
  }
}

/** Sends what `next` gives, over all connections, until it gives nothing. */
export async function closedLoop(connections: readonly KeepAliveConnection[], next: () => string | undefined): Promise<Answered[]> {
  const answers: Answered[] = [];
  const work = async (connection: KeepAliveConnection): Promise<void> => {
    for (let request = next(); request !== undefined; request = next()) {
      const sentAt = performance.now();
      const status = await connection.send(request);
      answers.push({ status, ms: performance.now() - sentAt });
      if (status === 0) return;
    }
  };
  await Promise.all(connections.map(work));
  return answers;
}
