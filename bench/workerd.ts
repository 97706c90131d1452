import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import type { BuiltWorker } from '../admin/host/build.ts';
import { projectRoot } from '../admin/host/build.ts';
import { type PlatformConfig, readPlatformConfig } from '../admin/host/miniflare.ts';
import { type Bench, firstLine, freePort, listening } from './processes.ts';

/** A worker in a workerd of its own, without Miniflare. */
export interface RunningWorker {
  url: string;
  pid: number;
  /** Where DevTools would connect; null unless asked for. */
  inspector: number | null;
  /** Ends the process and starts it anew on the same storage: its isolate knows nothing. */
  restart(): Promise<void>;
}

const require = createRequire(join(projectRoot, 'node_modules/miniflare/package.json'));
const { default: binary, version, compatibilityDate } = require('workerd') as Record<string, string>;

export const workerdVersion = `${version} (compatibility up to ${compatibilityDate})`;

/** The bare worker that everything is compared with: it forwards, and does nothing else. */
export function startForwarder(bench: Bench, upstream: string): Promise<RunningWorker> {
  return startBare(bench, 'forward.mjs', { UPSTREAM: upstream });
}

/** What the least gateway does beside forwarding. */
export const everyStep = ['request', 'clock', 'answer'];

/** The least gateway, or one that leaves some of it out. */
export function startLeast(bench: Bench, upstream: string, steps: string[] = everyStep): Promise<RunningWorker> {
  return startBare(bench, 'least.mjs', { UPSTREAM: upstream, STEPS: steps.join(',') });
}

async function startBare(bench: Bench, module: string, texts: Record<string, string>): Promise<RunningWorker> {
  const folder = join(bench.folder, `bare-${await freePort()}`);
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(projectRoot, 'bench', module), join(folder, module));
  const bindings = Object.entries(texts).map(([name, text]) => `(name = "${name}", text = ${quoted(text)})`);
  return startWorkerd(bench, folder, [module], bindings);
}

/** Laid over wrangler.toml's vars: upstreams are on loopback, and callers' addresses are the socket's. */
export const serveVars = { EGRESS_ALLOW: '127.0.0.1', TRUSTED_IP_HEADER: '' };

export interface PosternOptions {
  secretKey: string;
  inspector?: boolean;
}

/** Postern as it is deployed: Durable Objects inside, D1, KV and the cache in another process. */
export async function startPostern(bench: Bench, worker: BuiltWorker, options: PosternOptions): Promise<RunningWorker> {
  const config = readPlatformConfig();
  const stores = await startStores(bench, config);
  const folder = join(bench.folder, `postern-${await freePort()}`);
  mkdirSync(join(folder, 'objects'), { recursive: true });
  for (const module of worker.modules) {
    copyFileSync(module, join(folder, basename(module)));
  }
  const vars = { ...config.vars, ...serveVars, SECRET_KEY: options.secretKey };
  const bindings = [
    ...Object.entries(vars).map(([name, text]) => `(name = "${name}", text = ${quoted(text)})`),
    ...(config.d1_databases ?? []).map(
      ({ binding }) =>
        `(name = "${binding}", wrapped = (moduleName = "cloudflare-internal:d1-api", innerBindings = [(name = "fetcher", service = "${binding}")]))`,
    ),
    ...(config.kv_namespaces ?? []).map(({ binding }) => `(name = "${binding}", kvNamespace = "KV")`),
    ...(config.queues?.producers ?? []).map(({ binding }) => `(name = "${binding}", queue = "QUEUE")`),
    ...(config.durable_objects?.bindings ?? []).map(
      ({ name, class_name }) => `(name = "${name}", durableObjectNamespace = "${class_name}")`,
    ),
  ];
  const objects = (config.durable_objects?.bindings ?? []).map(
    ({ class_name }) => `(className = "${class_name}", uniqueKey = "bench-${class_name}", enableSql = true)`,
  );
  const more = [
    `durableObjectNamespaces = [${objects.join(', ')}]`,
    'durableObjectStorage = (localDisk = "objects")',
    'cacheApiOutbound = "CACHE"',
  ];
  const services = [
    ...Object.entries(stores).map(
      ([name, port]) => `(name = "${name}", external = (address = "127.0.0.1:${port}", http = ()))`,
    ),
    `(name = "objects", disk = (path = "${join(folder, 'objects')}", writable = true))`,
  ];
  const modules = worker.modules.map((path) => basename(path));
  return startWorkerd(bench, folder, modules, bindings, more, services, options.inspector);
}

async function startStores(bench: Bench, config: PlatformConfig): Promise<Record<string, number>> {
  const databases = (config.d1_databases ?? []).map(({ binding, migrations_dir }) => `${binding}=${migrations_dir}`);
  const child = bench.start(process.execPath, ['--no-warnings', join(projectRoot, 'bench/stores.ts'), ...databases]);
  return JSON.parse(await firstLine(child));
}

async function startWorkerd(
  bench: Bench,
  folder: string,
  modules: string[],
  bindings: string[],
  more: string[] = [],
  services: string[] = [],
  inspect = false,
): Promise<RunningWorker> {
  const { compatibility_date: date, compatibility_flags: flags = [] } = readPlatformConfig();
  const port = await freePort();
  const inspector = inspect ? await freePort() : null;
  const worker = [
    `modules = [${modules.map((name) => `(name = "${name}", esModule = embed "${name}")`).join(', ')}]`,
    `compatibilityDate = "${date}"`,
    `compatibilityFlags = [${flags.map((flag) => `"${flag}"`).join(', ')}]`,
    `bindings = [${bindings.join(',\n    ')}]`,
    ...more,
  ];
  const config = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (${worker.join(',\n    ')})),
    (name = "internet", network = (allow = ["public", "private", "local"])),
    ${services.join(',\n    ')}
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`;
  writeFileSync(join(folder, 'config.capnp'), config);
  const inspection = inspector === null ? [] : [`--inspector-addr=127.0.0.1:${inspector}`];
  const serve = async () => {
    const started = bench.start(binary!, ['serve', 'config.capnp', '--experimental', ...inspection], { cwd: folder });
    await listening(port);
    return started;
  };
  let child = await serve();
  return {
    url: `http://127.0.0.1:${port}`,
    get pid() {
      return child.pid!;
    },
    inspector,
    async restart() {
      await bench.end(child);
      child = await serve();
    },
  };
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
