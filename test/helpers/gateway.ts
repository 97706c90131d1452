import { createHmac, randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import type { D1Database, KVNamespace } from '@cloudflare/workers-types';
import type { Miniflare } from 'miniflare';
import { buildWorker } from '../../admin/host/build.ts';
import { startHost } from '../../admin/host/miniflare.ts';
import type { Outbound } from '../faults/worker/egress.ts';
import type { Fault, FaultState } from '../faults/worker/plan.ts';
import { lazyDatabase, lazyStore } from './lazy-bindings.ts';
import { prepareState } from './prepared-state.ts';

export interface GatewayOptions {
  /** Isolates of the worker on shared state, each with its own URL; 1 unless given. */
  isolates?: number;
  /** Keeps the state in this folder, so that a later gateway finds it; else it is gone at the end. */
  persist?: string;
  /** Laid over wrangler.toml's vars and the ones that tests have (loopback upstreams are allowed). */
  vars?: Record<string, string>;
  /** Base64 of 32 bytes; a new one unless given. Give the old one with an old `persist`. */
  secretKey?: string;
  /**
   * Serves the test entry (test/faults/worker/entry.ts) instead of the shipped one: bindings fail as `gateway.faults` says,
   * the clock can be moved, and production's limits hold that local emulation lets pass (1,000 statements an
   * invocation, 2 MB a row, 25 data points).
   */
  faults?: boolean;
  /** Another module to build and serve, relative to the checkout; it begins with empty databases. */
  entry?: string;
  /** Begins as a new installation does, which nobody set up yet. */
  fresh?: boolean;
  /** The port of the first isolate; any free one unless given. */
  port?: number;
  /** The port where DevTools find the isolates (`bench/inspector.ts`). */
  inspector?: number;
}

export interface Administrator {
  name: string;
  email: string;
  password: string;
}

/** The running product, as its callers and its operator see it. */
export interface Gateway {
  /** Base URL of the first isolate, without a trailing slash. */
  url: string;
  port: number;
  /** Base URLs of all isolates. */
  urls: string[];
  mf: Miniflare;
  secretKey: string;
  /** The databases and the content store, behind the worker's back. */
  DB: D1Database;
  LOGS: D1Database;
  DATA: D1Database;
  CONTENT: KVNamespace;
  /** What the worker wrote to its console. */
  console: string[];
  /** One request to the first isolate (or the one that `isolate` names); redirects are not followed. */
  fetch(path: string, init?: RequestInit & { isolate?: number }): Promise<Response>;
  /** Only with `faults: true`. They steer every isolate, and the Durable Objects. */
  faults: {
    /** Replaces what shall go wrong and opens a new book of calls. */
    set(...faults: Fault[]): Promise<void>;
    /** The same for one isolate alone. */
    setIn(isolate: number, ...faults: Fault[]): Promise<void>;
    /** Of one isolate (the first one also runs the Durable Objects): what happened, and every call since `set`. */
    state(isolate?: number): Promise<FaultState>;
  };
  /** Only with `faults: true`: every outbound request of all isolates since they started. */
  egress(): Promise<Outbound[]>;
  /** Only with `faults: true`: sets the clock ahead of (or behind) the true one, milliseconds. */
  clock(offset: number): Promise<void>;
  /** Only with `faults: true`: fires an object's alarm, or ends the object as a crash does. `binding` as in wrangler.toml. */
  alarm(binding: string, name: string): Promise<void>;
  abort(binding: string, name: string): Promise<void>;
  /** Gives the administrator, who was created by the one-time command. */
  setup(): Promise<Administrator>;
  /** A token from a login of his, good at any port; null where he has not logged in, or it would be another installation's. */
  token: string | null;
  /** Fires the cron trigger, at a time (milliseconds since the epoch) if given. */
  cron(scheduledTime?: number): Promise<void>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export const administrator: Administrator = {
  name: 'admin',
  email: 'admin@example.com',
  password: 'correct-horse-battery',
};

/**
 * Boots the built worker on loopback with migrated, seeded databases and one administrator. Boot one per test file
 * (`beforeAll`) and stop it in the end (`afterAll`).
 */
export async function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const worker = await buildWorker({
    entry: options.entry ?? (options.faults ? 'test/faults/worker/entry.ts' : undefined),
  });
  const own = [options.persist, options.entry, options.secretKey, options.fresh].some((option) => option !== undefined);
  const prepared = own ? undefined : await prepareState(worker, beginWith);
  const secretKey = prepared?.secretKey ?? options.secretKey ?? randomBytes(32).toString('base64');
  const lines: string[] = [];
  const forget = () => prepared && rmSync(prepared.folder, { recursive: true, force: true });
  process.once('exit', forget);
  const host = await startHost({
    worker,
    secretKey,
    isolates: options.isolates,
    port: options.port,
    inspector: options.inspector,
    persist: prepared?.folder ?? options.persist,
    migrated: prepared !== undefined,
    vars: { EGRESS_ALLOW: '127.0.0.1,localhost,[::1]', TRUSTED_IP_HEADER: '', ...options.vars },
    log: (level, message) => {
      lines.push(`${level}: ${message}`);
      if (process.env.POSTERN_CONSOLE !== undefined) {
        process.stderr.write(`[worker] ${level}: ${message}\n`);
      }
    },
  });
  const { mf, urls } = host;
  const stop = async () => {
    await host.stop();
    forget();
    process.off('exit', forget);
  };
  const [DB, LOGS, DATA] = ['DB', 'LOGS', 'DATA'].map((name) => lazyDatabase(() => mf.getD1Database(name)));
  let created: Promise<unknown> | undefined = prepared && Promise.resolve();

  const control = async (method: string, path: string, body: unknown, isolates = urls) => {
    for (const url of isolates) {
      const response = await fetch(`${url}/__test/${path}`, { method, body: JSON.stringify(body) });
      if (!response.ok) {
        throw new Error(`${method} /__test/${path} answered ${response.status}: is the gateway started with faults?`);
      }
    }
  };

  const gateway: Gateway = {
    url: urls[0]!,
    port: Number(new URL(urls[0]!).port),
    urls,
    mf,
    secretKey,
    DB: DB!,
    LOGS: LOGS!,
    DATA: DATA!,
    CONTENT: lazyStore(() => mf.getKVNamespace('CONTENT')),
    console: lines,
    fetch: (path, { isolate = 0, ...init } = {}) => fetch(`${urls[isolate]}${path}`, { redirect: 'manual', ...init }),
    faults: {
      set: (...faults) => control('PUT', 'faults', faults),
      setIn: (isolate, ...faults) => control('PUT', 'faults', faults, [urls[isolate]!]),
      state: async (isolate = 0) => (await fetch(`${urls[isolate]}/__test/faults`)).json() as Promise<FaultState>,
    },
    egress: async () => {
      const books = urls.map(async (url) => (await fetch(`${url}/__test/egress`)).json() as Promise<Outbound[]>);
      return (await Promise.all(books)).flat();
    },
    clock: (offset) => control('PUT', 'clock', { offset }),
    alarm: (binding, name) => control('POST', 'alarm', { binding, name }),
    abort: (binding, name) => control('POST', 'abort', { binding, name }),
    setup: async () => {
      await (created ??= createAdministrator(gateway.url, secretKey));
      return administrator;
    },
    cron: async (scheduledTime = Date.now()) => {
      const target = await mf.getWorker();
      await target.scheduled({ scheduledTime: new Date(scheduledTime), cron: host.config.triggers?.crons?.[0] ?? '' });
    },
    // A configured address is that of an installation, and its tokens name it.
    token: options.vars?.PUBLIC_URL === undefined ? (prepared?.token ?? null) : null,
    stop,
    [Symbol.asyncDispose]: stop,
  };
  return gateway;
}

/** The token of the one-time setup command: only who holds the secret can make it. */
export function setupToken(secretKey: string): string {
  return createHmac('sha256', Buffer.from(secretKey, 'base64')).update('postern:setup').digest('hex');
}

/** With an administrator who has logged in: hashing his password anew for each file would take its time. */
async function beginWith(url: string, secretKey: string): Promise<string> {
  await createAdministrator(url, secretKey);
  const { name, password } = administrator;
  const response = await fetch(`${url}/authorization/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${name}:${password}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  return ((await response.json()) as { access_token: string }).access_token;
}

async function createAdministrator(url: string, secretKey: string): Promise<void> {
  const response = await fetch(`${url}/system/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: setupToken(secretKey), ...administrator }),
  });
  if (response.status !== 201) {
    throw new Error(`POST /system/setup answered ${response.status}: ${await response.text()}`);
  }
}
