import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { gzipSync } from 'node:zlib';
import { withLock } from './lock.ts';

/** The checkout. */
export const projectRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What the platform would be sent may weigh this much, gzipped bytes: our own budget, far under the platform's. */
export const sizeBudget = 1_000_000;

export interface BuildOptions {
  /** The module that exports the handlers and the Durable Object classes; `worker/index.ts` unless given. */
  entry?: string;
  /** Where builds are kept, by the hash of what went in; `.dev/build` unless given. */
  outdir?: string;
  /** Told once when a build really runs. */
  onBuild?: () => void;
}

export interface BuiltWorker {
  /** Absolute path of the main module. */
  script: string;
  /** Absolute paths of all modules, the main one first. */
  modules: string[];
  /** Bytes of all modules, as they are and gzipped. */
  raw: number;
  gzip: number;
  /** Hash of everything that went in: changes exactly when the build may differ. */
  hash: string;
  /** False when nothing had changed and an earlier build is used. */
  fresh: boolean;
}

/**
 * Builds the worker with the very tool that deploys it, without a network, unless the same sources were built before.
 * Builds live in folders named by their inputs' hash and get there by one rename, so any number of processes may build
 * at once. Throws with the tool's output when the sources do not build, or when the result is over the size budget.
 */
export async function buildWorker(options: BuildOptions = {}): Promise<BuiltWorker> {
  const entry = resolve(projectRoot, options.entry ?? 'worker/index.ts');
  const outdir = resolve(projectRoot, options.outdir ?? '.dev/build');
  let hash = await hashInputs(entry);
  let fresh = false;
  while (!existsSync(join(outdir, hash))) {
    await withLock(join(outdir, `${hash}.lock`), async () => {
      if (!existsSync(join(outdir, hash))) {
        options.onBuild?.();
        fresh = true;
        hash = await bundle(entry, outdir, hash);
      }
    });
  }
  const folder = join(outdir, hash);
  if (fresh) {
    await forgetOldBuilds(outdir, folder);
  } else {
    // The folder's age says when it was last of use.
    await utimes(folder, new Date(), new Date()).catch(() => {});
  }
  const built = await describe(folder, entry);
  if (built.gzip > sizeBudget) {
    throw new Error(`The worker weighs ${kilobytes(built.gzip)} gzipped, over its budget of ${kilobytes(sizeBudget)}.`);
  }
  return { ...built, hash, fresh };
}

/** `1,234 KB`, for people. */
export function kilobytes(bytes: number): string {
  return `${Math.ceil(bytes / 1000).toLocaleString('en')} KB`;
}

async function hashInputs(entry: string): Promise<string> {
  const folders = new Set([join(projectRoot, 'worker'), join(projectRoot, 'durable-objects')]);
  if (![...folders].some((folder) => entry.startsWith(`${folder}/`))) {
    folders.add(dirname(entry)).add(join(projectRoot, 'test/faults/worker'));
  }
  const files = ['wrangler.toml', 'package-lock.json', 'tsconfig.json'].map((name) => join(projectRoot, name));
  for (const folder of folders) {
    files.push(...(await sourcesIn(folder)));
  }
  const hash = createHash('sha256').update(relative(projectRoot, entry));
  for (const file of files.sort()) {
    hash.update(`\0${relative(projectRoot, file)}\0`).update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 32);
}

async function sourcesIn(folder: string): Promise<string[]> {
  if (!existsSync(folder)) {
    return [];
  }
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found.filter((item) => item.isFile()).map((item) => join(item.parentPath, item.name));
}

/** Builds into the folder named `hash`; gives the hash of the sources afterwards, which is another one when they were edited meanwhile. */
async function bundle(entry: string, outdir: string, hash: string): Promise<string> {
  const draft = join(outdir, `${hash}.draft-${process.pid}`);
  try {
    const { code, output } = await wrangler([
      ...['deploy', entry, '--dry-run', '--outdir', draft],
      ...['--config', join(projectRoot, 'wrangler.toml')],
    ]);
    const after = await hashInputs(entry);
    if (after !== hash) {
      return after;
    }
    if (code !== 0) {
      throw new Error(`The worker does not build:\n${output}`);
    }
    await rename(draft, join(outdir, hash));
    return hash;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Runs the pinned wrangler without questions, telemetry and log files. */
async function wrangler(args: string[]): Promise<{ code: number; output: string }> {
  const child = spawn(process.execPath, [join(projectRoot, 'node_modules/wrangler/bin/wrangler.js'), ...args], {
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      CI: 'true',
      NO_COLOR: '1',
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_WRITE_LOGS: 'false',
      WRANGLER_HIDE_BANNER: 'true',
      XDG_CONFIG_HOME: join(projectRoot, '.dev', 'config'),
    },
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  const code = await new Promise<number>((done, failed) => {
    child.on('error', failed);
    child.on('close', (status) => done(status ?? 1));
  });
  return { code, output: stripVTControlCharacters(output) };
}

async function describe(folder: string, entry: string): Promise<Omit<BuiltWorker, 'hash' | 'fresh'>> {
  const main = `${(entry.split('/').at(-1) ?? 'index.ts').replace(/\.[cm]?tsx?$/, '')}.js`;
  const names = (await readdir(folder)).filter((name) => name !== 'README.md' && !name.endsWith('.map'));
  const modules = [main, ...names.filter((name) => name !== main)].map((name) => join(folder, name));
  const contents = await Promise.all(modules.map((path) => readFile(path)));
  return {
    script: join(folder, main),
    modules,
    raw: contents.reduce((sum, content) => sum + content.length, 0),
    gzip: contents.reduce((sum, content) => sum + gzipSync(content).length, 0),
  };
}

/** Keeps the ten builds that were of use last, and whatever was of use within the hour: another process may serve it. */
async function forgetOldBuilds(outdir: string, current: string): Promise<void> {
  const folders = (await readdir(outdir)).map((name) => join(outdir, name)).filter((path) => path !== current);
  const aged = await Promise.all(
    folders.map(async (path) => ({ path, used: (await stat(path).catch(() => null))?.mtimeMs ?? 0 })),
  );
  const anHourAgo = Date.now() - 3_600_000;
  const old = aged
    .sort((a, b) => b.used - a.used)
    .slice(10)
    .filter((build) => build.used < anHourAgo);
  await Promise.all(old.map(({ path }) => rm(path, { recursive: true, force: true })));
}

/** `npm run build`: builds and says what it weighs; `--json` for programs. */
async function main(args: string[]): Promise<void> {
  const built = await buildWorker();
  if (args.includes('--json')) {
    console.log(JSON.stringify(built));
    return;
  }
  console.log(
    `${relative(projectRoot, built.script)}: ${kilobytes(built.raw)}, ${kilobytes(built.gzip)} gzipped` +
      ` (budget ${kilobytes(sizeBudget)})${built.fresh ? '' : ', unchanged'}`,
  );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
