/** How a simulator's own process ends: on SIGTERM or SIGINT, or with whoever holds its standard input. */

export const untilStopped = (withStdin: boolean): Promise<void> =>
  new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
    if (!withStdin) return;
    process.stdin.once('end', () => resolve());
    process.stdin.once('error', () => resolve());
    process.stdin.resume();
  });
