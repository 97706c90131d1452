import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, type V4WorkerOptions } from 'miniflare';
import { parse } from 'smol-toml';
import { type BuiltWorker, projectRoot } from './build.ts';
import { applyMigrations, readMigrations } from './migrations.ts';

/** The parts of wrangler.toml that a local run needs. */
export interface PlatformConfig {
  name: string;
  compatibility_date: string;
  compatibility_flags?: string[];
  triggers?: { crons?: string[] };
  vars?: Record<string, string>;
  d1_databases?: { binding: string; database_name: string; database_id: string; migrations_dir?: string }[];
  kv_namespaces?: { binding: string; id: string }[];
  analytics_engine_datasets?: { binding: string; dataset?: string }[];
  durable_objects?: { bindings: { name: string; class_name: string }[] };
  queues?: {
    producers?: { binding: string; queue: string }[];
    consumers?: { queue: string; max_batch_size?: number; max_batch_timeout?: number; max_retries?: number }[];
  };
}

export interface HostOptions {
  worker: BuiltWorker;
  /** 32 bytes in base64. */
  secretKey: string;
  /** Laid over wrangler.toml's vars. */
  vars?: Record<string, string>;
  /** Loopback unless given. */
  host?: string;
  /** The port of the worker's own socket; any free one unless given. Further isolates always take free ones. */
  port?: number;
  /** How many isolates of the worker, each with its own memory and socket, on shared databases, KV and objects. */
  isolates?: number;
  /** The folder that keeps the state; a temporary one, removed at the end, unless given. */
  persist?: string;
  /** `persist` is known to have every migration: nobody looks. */
  migrated?: boolean;
  /** The folder for the runtime's scratch files; the system's unless given. */
  temporary?: string;
  /** The port where DevTools find the isolates; none unless given. */
  inspector?: number;
  /** What the worker writes to its console, and the runtime's own complaints. */
  log?: (level: string, message: string) => void;
}

export interface Host {
  mf: Miniflare;
  /** Base URLs of the isolates, without a trailing slash. */
  urls: string[];
  config: PlatformConfig;
  /** Names of the migrations that this start applied. */
  migrated: string[];
  /** Swaps the worker's code, keeping state and ports. */
  reload(worker: BuiltWorker): Promise<void>;
  stop(): Promise<void>;
}

// Everything wrangler.toml may say: a binding that is not handled below must not go missing silently.
const handled = new Set([
  ...['name', 'main', 'compatibility_date', 'compatibility_flags', 'workers_dev', 'preview_urls', 'send_metrics'],
  ...['observability', 'triggers', 'vars', 'd1_databases', 'kv_namespaces', 'analytics_engine_datasets'],
  ...[
    'durable_objects',
    'queues',
    'migrations',
    'minify',
    'keep_names',
    'upload_source_maps',
    'limits',
    'placement',
    'routes',
  ],
]);

/** Reads wrangler.toml, the one description of what the worker needs from the platform. */
export function readPlatformConfig(path = join(projectRoot, 'wrangler.toml')): PlatformConfig {
  const config = parse(readFileSync(path, 'utf8'));
  const unknown = Object.keys(config).filter((key) => !handled.has(key));
  if (unknown.length > 0) {
    throw new Error(
      `wrangler.toml has ${unknown.join(', ')}, which admin/host/miniflare.ts does not pass on to Miniflare.`,
    );
  }
  return config as unknown as PlatformConfig;
}

/**
 * Serves the built worker in this process's Miniflare with everything wrangler.toml binds, migrated. Each isolate has a
 * socket of its own into workerd, so requests do not pass through Node. Throws when a port is taken.
 */
export async function startHost(options: HostOptions): Promise<Host> {
  const config = readPlatformConfig();
  // Who waits for a server asks its port again and again: nobody gets an answer before the tables are there.
  const known = options.migrated === true;
  const hidden = !known && options.persist !== undefined && !(await isMigrated(options.persist, config));
  const mf = new Miniflare(toMiniflare(config, hidden ? { ...options, port: 0 } : options));
  try {
    await mf.ready;
    const migrated = known ? [] : await migrate(mf, config);
    if (hidden) {
      await noteMigrated(options.persist!, config);
      await mf.setOptions(toMiniflare(config, options));
    }
    const urls = await directUrls(mf, config, options);
    // Ports that the system chose stay the same over a reload.
    const settled = { ...options, ports: urls.map((url) => Number(new URL(url).port)) };
    return {
      mf,
      urls,
      config,
      migrated,
      reload: async (worker) => {
        await mf.setOptions(toMiniflare(config, { ...settled, worker }));
        await migrate(mf, config);
      },
      stop: () => mf.dispose(),
    };
  } catch (error) {
    await mf.dispose().catch(() => {});
    throw error;
  }
}

/** The one place that speaks Miniflare's options. */
function toMiniflare(config: PlatformConfig, options: HostOptions & { ports?: number[] }) {
  const host = options.host ?? '127.0.0.1';
  const log = options.log ?? (() => {});
  const workers = Array.from({ length: options.isolates ?? 1 }, (_, index): V4WorkerOptions => {
    const objects = (config.durable_objects?.bindings ?? []).map(({ name, class_name }) => [
      name,
      // Further isolates use the objects of the first: one state for all.
      { className: class_name, useSQLite: true, ...(index === 0 ? {} : { scriptName: isolateName(config, 0) }) },
    ]);
    return {
      name: isolateName(config, index),
      modules: options.worker.modules.map((path) => ({ type: 'ESModule' as const, path })),
      compatibilityDate: config.compatibility_date,
      compatibilityFlags: config.compatibility_flags ?? [],
      bindings: { ...config.vars, ...options.vars, SECRET_KEY: options.secretKey },
      d1Databases: Object.fromEntries((config.d1_databases ?? []).map((d1) => [d1.binding, d1.database_id])),
      kvNamespaces: Object.fromEntries((config.kv_namespaces ?? []).map((kv) => [kv.binding, kv.id])),
      analyticsEngineDatasets: Object.fromEntries(
        (config.analytics_engine_datasets ?? []).map((ae) => [ae.binding, { dataset: ae.dataset ?? ae.binding }]),
      ),
      durableObjects: Object.fromEntries(objects),
      queueProducers: Object.fromEntries(
        (config.queues?.producers ?? []).map(({ binding, queue }) => [binding, queue]),
      ),
      // A queue has one consumer.
      queueConsumers: index > 0 ? {} : consumersOf(config),
      unsafeDirectSockets: [{ host, port: options.ports?.[index] ?? (index === 0 ? (options.port ?? 0) : 0) }],
    };
  });
  return convertV4MiniflareOptions({
    // Miniflare's own entry, through Node, serves only its own needs.
    host: '127.0.0.1',
    port: 0,
    cf: false,
    telemetry: { enabled: false },
    unsafeLocalExplorer: false,
    log: new Log(LogLevel.ERROR),
    ...(options.inspector === undefined ? {} : { inspectorPort: options.inspector }),
    handleStructuredLogs: ({ level, message }: { level: string; message: string }) => log(level, message),
    ...(options.persist === undefined ? {} : { resourcePersistencePath: options.persist }),
    ...(options.temporary === undefined ? {} : { resourceTmpPath: options.temporary }),
    workers,
  });
}

function consumersOf({ queues }: PlatformConfig): NonNullable<V4WorkerOptions['queueConsumers']> {
  return Object.fromEntries(
    (queues?.consumers ?? []).map((one) => [
      one.queue,
      { maxBatchSize: one.max_batch_size, maxBatchTimeout: one.max_batch_timeout, maxRetries: one.max_retries },
    ]),
  );
}

function isolateName(config: PlatformConfig, index: number): string {
  return index === 0 ? config.name : `${config.name}-${index}`;
}

async function directUrls(mf: Miniflare, config: PlatformConfig, options: HostOptions): Promise<string[]> {
  await mf.ready;
  const indexes = Array.from({ length: options.isolates ?? 1 }, (_, index) => index);
  const urls = await Promise.all(indexes.map((index) => mf.unsafeGetDirectURL(isolateName(config, index))));
  return urls.map((url) => url.origin);
}

/** A file beside the databases tells which migrations they have, so that an ordinary start needs no second look. */
const stamp = (persist: string) => join(persist, 'migrations.json');

async function migrationNames(config: PlatformConfig): Promise<string> {
  const folders = (config.d1_databases ?? []).flatMap(({ migrations_dir }) => migrations_dir ?? []);
  const names = await Promise.all(
    folders.map(async (folder) => (await readMigrations(folder)).map(({ name }) => `${folder}/${name}`)),
  );
  return JSON.stringify(names.flat());
}

async function isMigrated(persist: string, config: PlatformConfig): Promise<boolean> {
  const noted = await readFile(stamp(persist), 'utf8').catch(() => null);
  return noted === (await migrationNames(config));
}

async function noteMigrated(persist: string, config: PlatformConfig): Promise<void> {
  await mkdir(persist, { recursive: true });
  await writeFile(stamp(persist), await migrationNames(config));
}

async function migrate(mf: Miniflare, config: PlatformConfig): Promise<string[]> {
  const databases = (config.d1_databases ?? []).filter((d1) => d1.migrations_dir !== undefined);
  const applied = await Promise.all(
    databases.map(async ({ binding, migrations_dir }) => {
      const database = await mf.getD1Database(binding, config.name);
      const names = await applyMigrations(database, await readMigrations(migrations_dir as string));
      return names.map((name) => `${migrations_dir}/${name}`);
    }),
  );
  return applied.flat();
}
