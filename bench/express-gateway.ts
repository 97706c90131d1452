import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../admin/host/build.ts';
import type { Requests } from './load.ts';
import { type Bench, freePort, listening } from './processes.ts';

/** A running express-gateway and what to ask it. */
export interface RunningExpressGateway {
  url: string;
  pid: number;
  requests: Requests;
}

const home = join(projectRoot, 'bench/express-gateway');
const library = join(home, 'node_modules/express-gateway/lib');

export const expressGatewayVersion = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')).dependencies[
  'express-gateway'
] as string;

/** Installs it when it is missing, apart from our own dependencies. Throws with npm's output. */
export function installExpressGateway(): void {
  if (existsSync(join(library, 'index.js'))) {
    return;
  }
  console.error(`Installing express-gateway ${expressGatewayVersion} …`);
  const npm = spawnSync('npm', ['ci', '--ignore-scripts', '--no-progress'], { cwd: home, encoding: 'utf8' });
  if (npm.status !== 0) {
    throw new Error(`express-gateway cannot be installed:\n${npm.stdout}${npm.stderr}`);
  }
}

/**
 * The peer as its manual sets it up: an endpoint an operation, all in one pipeline of key-auth, rate limit and proxy. Its store
 * of users and counts is the Redis in memory that it ships, which costs it less than a real one would.
 */
export async function startExpressGateway(
  bench: Bench,
  upstream: string,
  operations: string[],
  called: string[],
): Promise<RunningExpressGateway> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const folder = join(bench.folder, `express-gateway-${port}`);
  mkdirSync(folder, { recursive: true });
  cpSync(join(library, 'config/models'), join(folder, 'models'), { recursive: true });
  const endpoints = Object.fromEntries(operations.map((path, at) => [`operation${at}`, { host: '*', paths: path }]));
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a template of the gateway's own.
  const limit = { max: 1_000_000_000, windowMs: 3_600_000, delayMs: 0, rateLimitBy: '${req.user.id}' };
  const gateway = {
    http: { port, hostname: '127.0.0.1' },
    admin: { port: adminPort, host: '127.0.0.1' },
    apiEndpoints: endpoints,
    serviceEndpoints: { upstream: { url: upstream } },
    policies: ['key-auth', 'rate-limit', 'proxy'],
    pipelines: {
      all: {
        apiEndpoints: Object.keys(endpoints),
        policies: [
          { 'key-auth': [] },
          { 'rate-limit': [{ action: limit }] },
          { proxy: [{ action: { serviceEndpoint: 'upstream' } }] },
        ],
      },
    },
  };
  const system = {
    db: { redis: { emulate: true, namespace: 'EG' } },
    crypto: { cipherKey: 'bench', algorithm: 'aes256', saltRounds: 10 },
    session: { secret: 'bench', resave: false, saveUninitialized: false },
    accessTokens: { timeToExpiry: 7_200_000 },
  };
  // Its YAML reader takes JSON.
  writeFileSync(join(folder, 'gateway.config.yml'), JSON.stringify(gateway));
  writeFileSync(join(folder, 'system.config.yml'), JSON.stringify(system));
  const child = bench.start(process.execPath, [join(library, 'index.js')], {
    cwd: home,
    env: {
      ...process.env,
      NODE_ENV: 'production',
      EG_CONFIG_DIR: folder,
      EG_DISABLE_CONFIG_WATCH: 'true',
      LOG_LEVEL: 'error',
    },
  });
  await Promise.all([listening(port, 120_000), listening(adminPort, 120_000)]);
  const key = await createKey(`http://127.0.0.1:${adminPort}`);
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid!,
    requests: { method: 'GET', paths: called, headers: { Authorization: `apiKey ${key}` } },
  };
}

async function createKey(admin: string): Promise<string> {
  const post = async (path: string, body: object) => {
    const response = await fetch(admin + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) {
      throw new Error(`express-gateway's ${path} answered ${response.status}: ${await response.text()}`);
    }
    return (await response.json()) as Record<string, string>;
  };
  const { id } = await post('/users', { username: 'bench', firstname: 'Ada', lastname: 'Lovelace' });
  const { keyId, keySecret } = await post('/credentials', { consumerId: id, type: 'key-auth', credential: {} });
  return `${keyId}:${keySecret}`;
}
