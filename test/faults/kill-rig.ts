import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { projectRoot } from '../../admin/host/build.ts';
import { runtimesOf } from '../../admin/host/data-dir.ts';
import { beginHistory, type History, type HistoryEvent, readHistory } from './history.ts';

export interface KillRigOptions {
  /** An empty folder of the test's own: the server's DATA_DIR and `history.jsonl` are made in it. */
  folder: string;
  /** How often the server is ended with SIGKILL. */
  kills: number;
  clients: number;
  /** Decides when and what is killed, and what the clients' `random` gives: print it, so that a failure can be repeated. */
  seed: number;
  /** Milliseconds that the server lives, at least and at most; 200 to 1,500 unless given. */
  life?: [number, number];
  /** Once, before the load. */
  prepare?: (server: KillRigServer) => Promise<void>;
  /** What each client does over and over. */
  operation: (client: KillRigClient) => Promise<void>;
  /** Once, after the last restart, when all clients are silent: reads the final state. */
  finish?: (server: KillRigServer) => Promise<void>;
  /** Another module to serve than the worker, relative to the checkout. */
  entry?: string;
  /** Further environment variables of the server. */
  env?: Record<string, string>;
}

export interface KillRigServer {
  /** Base URL, without a trailing slash; the same after each restart. */
  url: string;
  admin: { name: string; password: string };
}

export interface KillRigClient extends KillRigServer {
  index: number;
  /** 0 … 1, from the seed. */
  random(): number;
  /**
   * Runs `run` between an `invoke` and its outcome in the history. Gives what `run` gave, or undefined when it threw: as
   * `fail` if nobody listened, else as `unknown`.
   */
  invoke<T>(operation: string, input: unknown, run: () => Promise<T>): Promise<T | undefined>;
}

/**
 * Starts the server as a user does, puts it under load, ends it with SIGKILL at random moments of the seed (the server, its
 * runtime, or both), starts it again, and gives the history for a checker to judge. A server that does not come back throws.
 */
export async function killRig(options: KillRigOptions): Promise<HistoryEvent[]> {
  mkdirSync(options.folder, { recursive: true });
  const path = join(options.folder, 'history.jsonl');
  const history = beginHistory(path);
  const random = randomFrom(options.seed);
  const server = new Server(options, await freePort(), history);
  await server.start();
  try {
    await options.prepare?.(server);
    const load = startLoad(options, server, history);
    try {
      for (let kill = 0; kill < options.kills; kill += 1) {
        const [least, most] = options.life ?? [200, 1_500];
        await pause(least + random() * (most - least));
        await server.kill((['server', 'runtime', 'both'] as const)[Math.floor(random() * 3)]!);
        await server.start();
      }
      await pause(300);
    } finally {
      await load.stop();
    }
    await options.finish?.(server);
  } finally {
    await server.stop();
  }
  return readHistory(path);
}

class Server implements KillRigServer {
  readonly url: string;
  readonly admin = { name: 'admin', password: randomBytes(12).toString('base64url') };
  readonly #dataDir: string;
  readonly #environment: Record<string, string>;
  readonly #history: History;
  #process: ChildProcess | undefined;

  constructor(options: KillRigOptions, port: number, history: History) {
    this.url = `http://127.0.0.1:${port}`;
    this.#dataDir = join(options.folder, 'data');
    this.#history = history;
    this.#environment = {
      PORT: String(port),
      DATA_DIR: this.#dataDir,
      ADMIN_NAME: this.admin.name,
      ADMIN_PASSWORD: this.admin.password,
      EXAMPLE: 'off',
      ...(options.entry === undefined ? {} : { POSTERN_ENTRY: options.entry }),
      ...options.env,
    };
  }

  /** Does nothing when the server lives (only its runtime was killed, and is started again by itself). */
  async start(): Promise<void> {
    if (this.#process === undefined) {
      const { POSTERN_PARENT: _, ...environment } = process.env;
      const child = spawn(process.execPath, [join(projectRoot, 'admin/host/start.ts')], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: { ...environment, ...this.#environment },
      });
      this.#process = child;
      let output = '';
      child.stderr.on('data', (chunk) => (output += chunk));
      await new Promise<void>((ready, failed) => {
        child.stdout.on('data', (chunk) => {
          output += chunk;
          if (output.includes('Postern serves')) {
            ready();
          }
        });
        child.once('exit', (code) =>
          failed(new Error(`The server ended with ${code} instead of starting:\n${output}`)),
        );
      });
    }
    await this.#answers();
    this.#history.append({ type: 'start' });
  }

  async kill(what: 'server' | 'runtime' | 'both'): Promise<void> {
    this.#history.append({ type: 'kill', value: what });
    if (what !== 'server') {
      for (const pid of runtimesOf(this.#dataDir)) {
        process.kill(pid, 'SIGKILL');
      }
    }
    if (what !== 'runtime') {
      await this.#end('SIGKILL');
    }
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((done) => child.once('exit', done));
      child.kill(signal);
      await ended;
    }
  }

  /** Waits until somebody answers on the port, whatever the answer. */
  async #answers(): Promise<void> {
    for (const patience = Date.now() + 20_000; ; ) {
      try {
        await (await fetch(`${this.url}/`)).arrayBuffer();
        return;
      } catch (error) {
        if (Date.now() > patience) {
          throw new Error(`Nobody answers on ${this.url}`, { cause: error });
        }
        await pause(50);
      }
    }
  }
}

function startLoad(options: KillRigOptions, server: Server, history: History): { stop(): Promise<void> } {
  let running = true;
  let operations = 0;
  const clients = Array.from({ length: options.clients }, async (_, index) => {
    const client: KillRigClient = {
      url: server.url,
      admin: server.admin,
      index,
      random: randomFrom(options.seed * 1_000 + index + 1),
      invoke: async (operation, input, run) => {
        const id = ++operations;
        history.append({ type: 'invoke', id, client: index, operation, value: input });
        try {
          const output = await run();
          history.append({ type: 'ok', id, client: index, operation, value: output });
          return output;
        } catch (error) {
          const refused = reason(error) === 'ECONNREFUSED';
          history.append({ type: refused ? 'fail' : 'unknown', id, client: index, operation, value: reason(error) });
          await pause(50);
          return undefined;
        }
      },
    };
    while (running) {
      await options.operation(client);
    }
  });
  // A client that throws is a broken test: it ends the load, and `stop` says so.
  const all = Promise.all(clients);
  all.catch(() => (running = false));
  return {
    stop: async () => {
      running = false;
      await all;
    },
  };
}

/** `fetch` hides the system's error code in the cause. */
function reason(error: unknown): string {
  const { cause, message } = error as { cause?: { code?: string }; message: string };
  return cause?.code ?? message;
}

/** Mulberry32: small, seeded, good enough to choose moments. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((listening) => probe.listen(0, '127.0.0.1', listening));
  const { port } = probe.address() as AddressInfo;
  await new Promise((closed) => probe.close(closed));
  return port;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}
