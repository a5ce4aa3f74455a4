/** The one entry point of the image: `--role operator|ingest|deliver`. */
import { runtimeHelp, SettingsError } from './runtime/settings.ts';
import { ConfigFileError } from './runtime/config-files.ts';
import { OperatorSettingsError } from './operator/settings.ts';

async function run(args: readonly string[], signal: AbortSignal): Promise<void> {
  if (roleOf(args) === 'operator') {
    const { runOperator } = await import('./operator/main.ts');
    await runOperator(args, process.env, signal);
    return;
  }
  if (args.includes('--help')) {
    process.stdout.write(`${runtimeHelp}\n`);
    return;
  }
  const { runRuntime } = await import('./runtime/main.ts');
  await runRuntime(args, process.env, signal);
}

function roleOf(args: readonly string[]): string | undefined {
  const at = args.indexOf('--role');
  return at === -1 ? args.find((arg) => arg.startsWith('--role='))?.slice('--role='.length) : args[at + 1];
}

/** The user's mistakes are told in one line; anything else keeps its stack for whoever mends it. */
function describe(error: unknown): string {
  if (error instanceof SettingsError || error instanceof OperatorSettingsError || error instanceof ConfigFileError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : 'stopped by something that is no error';
}

const stop = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
try {
  await run(process.argv.slice(2), stop.signal);
  process.exit(0);
} catch (error) {
  if (stop.signal.aborted) process.exit(0);
  process.stderr.write(`${describe(error)}\n`);
  process.exit(1);
}
