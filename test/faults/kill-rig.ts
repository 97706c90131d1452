import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { beginHistory, type History, type HistoryEvent, readHistory } from './history.ts';
import { type ProcessEnd, ServerProcess } from './server-process.ts';

export interface KillRigOptions {
  /** An empty folder of the test's own: the server's DATA_DIR and `history.jsonl` are made in it. */
  folder: string;
  /** How often the server is ended. */
  kills: number;
  /** How it is ended, at random; with SIGKILL unless given. */
  ends?: readonly ProcessEnd[];
  clients: number;
  /** Decides when and what is killed, and what the clients' `random` gives: print it, so that a failure can be repeated. */
  seed: number;
  /** Milliseconds that the server lives, at least and at most; 200 to 1,500 unless given. */
  life?: [number, number];
  /** What must have happened before the kill of this number, from 1, beside that the server lived so long. */
  due?: (kill: number) => boolean;
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

const killed = ['server', 'runtime', 'both'] as const;

/**
 * Starts the server as a user does, puts it under load, ends it at random moments of the seed, starts it again, and gives the history for a checker to judge. A server that does not come back throws.
 */
export async function killRig(options: KillRigOptions): Promise<HistoryEvent[]> {
  mkdirSync(options.folder, { recursive: true });
  const path = join(options.folder, 'history.jsonl');
  const history = beginHistory(path);
  const random = randomFrom(options.seed);
  const server = await ServerProcess.at(options.folder, {
    ...(options.entry === undefined ? {} : { POSTERN_ENTRY: options.entry }),
    ...options.env,
  });
  const start = async () => {
    await server.start();
    history.append({ type: 'start' });
  };
  await start();
  try {
    await options.prepare?.(server);
    const load = startLoad(options, server, history);
    try {
      for (let kill = 0; kill < options.kills; kill += 1) {
        const [least, most] = options.life ?? [200, 1_500];
        await pause(least + random() * (most - least));
        while (options.due?.(kill + 1) === false) {
          await pause(20);
        }
        const ends = options.ends ?? killed;
        const end = ends[Math.floor(random() * ends.length)]!;
        history.append({ type: 'kill', value: end });
        await server.end(end);
        await start();
      }
      await pause(300);
    } finally {
      await load.stop();
    }
    await options.finish?.(server);
  } finally {
    await server.end('stop');
  }
  return readHistory(path);
}

function startLoad(options: KillRigOptions, server: KillRigServer, history: History): { stop(): Promise<void> } {
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

function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}
