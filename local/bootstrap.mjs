/**
 * `node local/bootstrap.mjs COMMAND [ARGUMENT...]`: runs a command of the project on a fresh clone, under whatever Node 20 or later
 * the machine has. Installs the packages when they are missing or not those of package-lock.json, then runs the command with the
 * Node of node_modules and node_modules/.bin first in PATH.
 *
 * 1. Without dependencies, in syntax that an old Node can read, so that it can say which one it needs.
 * 2. The command gets each signal once, however many senders there are (a terminal signals npm and us, and npm passes it on), and
 *    SIGTERM when we are killed without warning. It owns its own children.
 * 3. Its standard output belongs to the command alone; what we say goes to standard error.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { accessSync, constants, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { constants as osConstants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const oldestNode = 20;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, 'node_modules');
const binFolder = join(modules, '.bin');
const nodeProgram = join(binFolder, 'node');

/** A terminal's Ctrl-C reaches us twice when npm started us. */
const sameSignalMs = 500;
const passedOn = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

class BootstrapError extends Error {}

function say(text) {
  process.stderr.write(`${text}\n`);
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** npm writes the hidden lock file last, so an install that was cut off has none. */
function isInstalled() {
  try {
    accessSync(nodeProgram, constants.X_OK);
    const wanted = readJson(join(root, 'package-lock.json')).packages;
    const present = readJson(join(modules, '.package-lock.json')).packages;
    return Object.keys(wanted).every((path) => {
      const found = present[path];
      if (path === '' || (found === undefined && wanted[path].optional === true)) return true;
      return found !== undefined && found.version === wanted[path].version;
    });
  } catch (error) {
    return notThere(error);
  }
}

/** A file that is missing or half written means "not installed"; anything else is a fault of ours. */
function notThere(error) {
  if (error instanceof SyntaxError || error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'EACCES') return false;
  throw error;
}

/** Two commands on a fresh clone install once. The lock is a socket, so it ends with the process that holds it. */
function takeLock() {
  const name = createHash('sha256').update(root).digest('hex').slice(0, 32);
  return new Promise((resolve, reject) => {
    let waited = false;
    const attempt = () => {
      const server = createServer((socket) => socket.destroy());
      server.once('error', (error) => {
        if (error.code !== 'EADDRINUSE') {
          reject(error);
          return;
        }
        if (!waited) say('another command is installing the packages; waiting for it');
        waited = true;
        setTimeout(attempt, 500);
      });
      server.listen({ path: `\0peppasync-install-${name}` }, () => resolve(server));
    };
    attempt();
  });
}

/** The Node that npm runs on must not lie in the folder that npm is about to replace. */
function pathWithoutModules() {
  return (process.env.PATH || '')
    .split(delimiter)
    .filter((folder) => folder !== binFolder)
    .join(delimiter);
}

function everyQuarterMinute(act) {
  let timer;
  const wait = () => {
    timer = setTimeout(() => {
      act();
      wait();
    }, 15000);
  };
  wait();
  return () => clearTimeout(timer);
}

function npmInstall() {
  const startedMs = Date.now();
  const elapsed = () => `${((Date.now() - startedMs) / 1000).toFixed(0)} s`;
  say('installing the packages of package-lock.json (once, about a minute) …');
  // Engine warnings are about the Node that npm runs on, not about the one that the project uses.
  const npm = spawn('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    env: { ...process.env, PATH: pathWithoutModules() },
    stdio: ['ignore', 2, 2],
  });
  const stopTicking = everyQuarterMinute(() => say(`  still installing after ${elapsed()}`));
  return new Promise((resolve, reject) => {
    npm.once('error', (cause) => reject(new BootstrapError(`npm could not be started (${cause.message}); it comes with Node.`)));
    npm.once('close', (code) => {
      if (code === 0) resolve(say(`  installed in ${elapsed()}`));
      else reject(new BootstrapError(`npm ci failed (exit code ${code}). Its message above says why; try "npm ci" by itself.`));
    });
  }).finally(stopTicking);
}

function requireNodeProgram() {
  if (isInstalled()) return;
  throw new BootstrapError(
    `The packages are installed, but ${nodeProgram} is not there. The package "node" fetches it in its install script: ` +
      'allow that and run "npm rebuild node --ignore-scripts=false".',
  );
}

async function install() {
  if (isInstalled()) return;
  const lock = await takeLock();
  try {
    if (!isInstalled()) await npmInstall();
    requireNodeProgram();
  } finally {
    lock.close();
  }
}

/** In a session of its own, so that a terminal's signals come through us alone. */
function startCommand([command, ...args]) {
  return spawn(command, args, {
    cwd: root,
    env: { ...process.env, PATH: binFolder + delimiter + pathWithoutModules() },
    stdio: 'inherit',
    detached: true,
  });
}

/** Outlives us by a moment: when our end of its pipe closes, it stops the command. */
function startWatchdog(pid) {
  const watchdog = spawn('/bin/sh', ['-c', 'read -r _; kill -TERM "$0" 2>/dev/null', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  watchdog.stdin.on('error', () => undefined); // it ended first: nothing is left to tell it
  return watchdog;
}

function passSignals(child) {
  const lastMs = new Map();
  for (const name of passedOn) {
    process.on(name, () => {
      const now = Date.now();
      if (now - (lastMs.get(name) || 0) >= sameSignalMs) child.kill(name);
      lastMs.set(name, now);
    });
  }
  process.on('SIGWINCH', () => child.kill('SIGWINCH'));
}

function run(command) {
  const child = startCommand(command);
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(new BootstrapError(`${command[0]} could not be started: ${cause.message}`)));
    child.once('spawn', () => {
      passSignals(child);
      const watchdog = startWatchdog(child.pid);
      child.once('exit', (code, signal) => {
        watchdog.kill('SIGKILL');
        resolve(code === null ? 128 + osConstants.signals[signal] : code);
      });
    });
  });
}

async function main() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < oldestNode)
    throw new BootstrapError(`Node ${oldestNode} or later is needed; this is ${process.version}. See https://nodejs.org`);
  const command = process.argv.slice(2);
  if (command.length === 0) throw new BootstrapError('usage: node local/bootstrap.mjs COMMAND [ARGUMENT...]');
  await install();
  return run(command);
}

main().then(
  (code) => process.exit(code),
  (error) => {
    say(error instanceof BootstrapError ? error.message : error.stack);
    process.exit(1);
  },
);
