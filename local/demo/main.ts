/** `npm run demo`. */
import { LocalError } from '../local-error.ts';
import { terminalProgress } from '../progress.ts';
import { help, readOptions } from './options.ts';
import { runDemo } from './run-demo.ts';

const wrongUsage = 2;
const interruptedExit = 130;

const main = async (): Promise<number> => {
  const read = readOptions(process.argv.slice(2));
  if (read.kind === 'help') {
    process.stdout.write(help);
    return 0;
  }
  if (read.kind === 'wrong') {
    process.stderr.write(`${read.message}. See: npm run demo -- --help\n`);
    return wrongUsage;
  }
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupted.abort());
  const terminal = { output: process.stdout, steps: terminalProgress(process.stderr) };
  try {
    return await runDemo({ options: read.options, terminal }, interrupted.signal);
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    process.stderr.write('interrupted; everything is stopped\n');
    return interruptedExit;
  }
};

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(
    `${error instanceof LocalError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = 1;
}
