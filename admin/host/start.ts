import { createHmac, randomBytes } from 'node:crypto';
import { watch } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { buildWorker, kilobytes, projectRoot } from './build.ts';
import { type DataDir, openDataDir, runtimesOf } from './data-dir.ts';
import { deployCommand, deployExample, startExampleUpstream } from './example.ts';
import { type Host, startHost } from './miniflare.ts';

// `npm start`: everything between a fresh clone and a served API, in one process and one folder. The README tells what the
// environment variables mean.

interface Settings {
  port: number;
  host: string;
  dataDir: string;
  upstreamPort?: number;
  adminName: string;
  adminEmail: string;
  adminPassword?: string;
  /** EXAMPLE=off serves an empty installation. */
  example: boolean;
  /** The module to serve; the worker, unless a test of this file says otherwise. */
  entry?: string;
  watch: boolean;
}

async function start(settings: Settings): Promise<void> {
  const data = await openDataDir(settings.dataDir);
  if (data.orphans.length > 0) {
    say(`Ended what a killed run had left: process ${data.orphans.join(', ')}`);
  }
  await assertFree(settings.host, settings.port, data.orphans.length > 0 ? 3_000 : 0);

  const worker = await step('Building the worker', async (note) => {
    const built = await buildWorker({ entry: settings.entry });
    note(`${kilobytes(built.gzip)} gzipped${built.fresh ? '' : ', unchanged'}`);
    return built;
  });

  const upstream = await startExampleUpstream(data, settings.upstreamPort);

  const host = await step('Starting', async (note) => {
    const started = await startHost({
      worker,
      secretKey: data.secretKey,
      host: settings.host,
      port: settings.port,
      persist: join(data.path, 'state'),
      temporary: join(data.path, 'tmp'),
      vars: localVars(),
      log: (level, message) => (level === 'error' || level === 'warn' ? console.error(message) : console.log(message)),
    });
    note(started.migrated.length > 0 ? `${started.migrated.length} migrations applied` : 'databases up to date');
    return started;
  });
  const url = host.urls[0] as string;
  stopOnSignal(host, upstream.close, data);

  const password = settings.adminPassword ?? randomBytes(15).toString('base64url');
  const created = await step('Administrator', async (note) => {
    const isNew = await createAdministrator(url, data, { ...settings, adminPassword: password });
    note(isNew ? `${settings.adminName} created` : 'exists');
    return isNew;
  });

  if (settings.example) {
    await step('Example', async (note) => note(await loadExample()));
  }

  async function loadExample(): Promise<string> {
    if (data.read('example-loaded') !== null) {
      return upstream.moved ? `its upstream moved, run: ${deployCommand(url, upstream)}` : 'loaded earlier';
    }
    if (!created && settings.adminPassword === undefined) {
      return `not loaded (its password is not kept here), run: ${deployCommand(url, upstream)}`;
    }
    try {
      await deployExample(url, upstream, settings.adminName, password);
      data.write('example-loaded', new Date().toISOString());
      return 'loaded';
    } catch (error) {
      return `not loaded: ${(error as Error).message}`;
    }
  }

  tickCron(host);
  if (settings.watch) {
    reloadOnChange(host, settings.entry);
  }
  say('');
  say(`Postern serves   ${url}`);
  say(`State is kept in ${data.path}`);
  if (created) {
    const shown = settings.adminPassword === undefined ? `${password}   (shown only now)` : 'as ADMIN_PASSWORD says';
    say(`Administrator    ${settings.adminName}, password ${shown}`);
  }
  say(`Try it:          curl ${url}${await answering(url, ['/me', '/system/health'])}`);
  say('Stop it:         Ctrl-C');
  say('');
}

/** The first of some paths that answers well: what is printed to try must work, also when the user has removed the example. */
async function answering(url: string, paths: string[]): Promise<string> {
  for (const path of paths) {
    const response = await fetch(`${url}${path}`).catch(() => null);
    await response?.body?.cancel();
    if (response?.ok) {
      return path;
    }
  }
  return '/';
}

/** What differs from wrangler.toml's vars when nobody stands between the caller and the worker. */
function localVars(): Record<string, string> {
  const { EGRESS_ALLOW, TRUSTED_IP_HEADER, PUBLIC_URL } = process.env;
  return {
    // The examples' upstream, and whatever else the user develops, is on this machine.
    EGRESS_ALLOW: EGRESS_ALLOW ?? '127.0.0.1,localhost,[::1]',
    // Empty: the socket's address, which is loopback.
    TRUSTED_IP_HEADER: TRUSTED_IP_HEADER ?? '',
    ...(PUBLIC_URL === undefined ? {} : { PUBLIC_URL }),
  };
}

/**
 * Fails in words when the port is taken: the runtime would only say that it could not start. A process that was just ended
 * may keep its port some milliseconds more: `patience`.
 */
async function assertFree(host: string, port: number, patience: number): Promise<void> {
  for (const end = Date.now() + patience; !(await isFree(host, port)); ) {
    if (Date.now() > end) {
      throw new Error(`Port ${port} is taken. Take another one: PORT=${port + 1} DATA_DIR=.data-${port + 1} npm start`);
    }
    await new Promise((done) => setTimeout(done, 50));
  }
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((answer, failed) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? answer(false) : failed(error),
    );
    probe.listen(port, host, () => probe.close(() => answer(true)));
  });
}

/** Creates the first administrator by the one-time command; false when there is one. Throws when the worker refuses. */
async function createAdministrator(url: string, data: DataDir, settings: Settings): Promise<boolean> {
  const token = createHmac('sha256', Buffer.from(data.secretKey, 'base64')).update('postern:setup').digest('hex');
  const response = await fetch(`${url}/system/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      token,
      name: settings.adminName,
      email: settings.adminEmail,
      password: settings.adminPassword,
    }),
  });
  if (response.status !== 201 && response.status !== 410) {
    throw new Error(`The administrator was not created: ${response.status} ${await response.text()}`);
  }
  return response.status === 201;
}

/** Fires the cron trigger at every full minute, as the platform would. */
function tickCron(host: Host): void {
  const [cron] = host.config.triggers?.crons ?? [];
  if (cron === undefined) {
    return;
  }
  const tick = async (scheduledTime: number) => {
    try {
      const worker = await host.mf.getWorker();
      await worker.scheduled({ scheduledTime: new Date(scheduledTime), cron });
    } catch (error) {
      console.error(`The cron run failed: ${(error as Error).message}`);
    }
  };
  const plan = () => {
    const next = (Math.floor(Date.now() / 60_000) + 1) * 60_000;
    setTimeout(() => {
      plan();
      void tick(next);
    }, next - Date.now());
  };
  plan();
}

/** Builds and swaps the worker when a source changes; what does not build leaves the former one serving. */
function reloadOnChange(host: Host, entry: string | undefined): void {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();
  const reload = async () => {
    const started = Date.now();
    try {
      const worker = await buildWorker({ entry });
      await host.reload(worker);
      say(`Reloaded in ${seconds(started)}, ${kilobytes(worker.gzip)} gzipped`);
    } catch (error) {
      console.error(`${(error as Error).message}\nThe former worker goes on.`);
    }
  };
  const changed = () => {
    clearTimeout(timer);
    timer = setTimeout(() => (running = running.then(reload)), 100);
  };
  for (const folder of ['worker', 'durable-objects', 'd1-migrations']) {
    watch(join(projectRoot, folder), { recursive: true }, changed);
  }
}

/**
 * Ends all on SIGTERM, SIGINT or SIGHUP, or when the starting process is gone: answers what is under way (for at most
 * 1.5 s), then stops the runtime, the upstream and this process.
 */
function stopOnSignal(host: Host, closeUpstream: () => Promise<void>, data: DataDir): void {
  let stopping = false;
  const stop = async () => {
    if (stopping) {
      return;
    }
    stopping = true;
    say('Stopping');
    const patience = Date.now() + 1_500;
    const runtimes = runtimesOf(data.path);
    for (const pid of runtimes) {
      process.kill(pid, 'SIGTERM');
    }
    const isLeft = () => runtimesOf(data.path).some((pid) => runtimes.includes(pid));
    while (Date.now() < patience && isLeft()) {
      await new Promise((done) => setTimeout(done, 20));
    }
    await Promise.all([host.stop(), closeUpstream()]).catch(() => {});
    data.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    // Miniflare's own handlers would end the process at once.
    process.removeAllListeners(signal);
    process.on(signal, () => void stop());
  }
  if (process.env.POSTERN_PARENT !== undefined) {
    setInterval(() => {
      if (String(process.ppid) !== process.env.POSTERN_PARENT) {
        void stop();
      }
    }, 500).unref();
  }
}

/** Shows a line of progress: what is done, then how it went and how long it took. */
async function step<T>(title: string, run: (note: (text: string) => void) => Promise<T>): Promise<T> {
  const started = Date.now();
  if (process.stdout.isTTY) {
    process.stdout.write(`· ${title} …`);
  }
  let noted = '';
  try {
    const result = await run((text) => (noted = text));
    say(`${process.stdout.isTTY ? '\r\x1b[K' : ''}✓ ${title}${noted === '' ? '' : `: ${noted}`} (${seconds(started)})`);
    return result;
  } catch (error) {
    say(`${process.stdout.isTTY ? '\r\x1b[K' : ''}✗ ${title} (${seconds(started)})`);
    throw error;
  }
}

function seconds(since: number): string {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

function say(text: string): void {
  console.log(text);
}

function readSettings(args: string[]): Settings {
  const { env } = process;
  const port = Number(env.PORT || 8787);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new Error(`PORT is ${env.PORT}: it must be a number from 1 to 65535`);
  }
  return {
    port,
    host: env.HOST || '127.0.0.1',
    dataDir: resolve(projectRoot, env.DATA_DIR || '.data'),
    upstreamPort: env.UPSTREAM_PORT ? Number(env.UPSTREAM_PORT) : undefined,
    adminName: env.ADMIN_NAME || 'admin',
    adminEmail: env.ADMIN_EMAIL || 'admin@example.com',
    adminPassword: env.ADMIN_PASSWORD || undefined,
    example: env.EXAMPLE !== 'off',
    entry: env.POSTERN_ENTRY || undefined,
    watch: args.includes('--watch'),
  };
}

try {
  await start(readSettings(process.argv.slice(2)));
} catch (error) {
  // "fetch failed" says nothing without its cause.
  const { message, cause } = error as Error;
  console.error(`\n${message}${cause instanceof Error ? ` (${cause.message})` : ''}`);
  process.exit(1);
}
