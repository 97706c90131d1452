import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { projectRoot } from '../../admin/host/build.ts';
import { runtimesOf } from '../../admin/host/data-dir.ts';
import type { Gateway } from '../helpers/gateway.ts';

/** SIGKILL to the server, to its runtime or to both; or the signal by which an operator stops it. */
export type ProcessEnd = 'server' | 'runtime' | 'both' | 'stop';

/** The server as a user starts it, in a process of its own, on one port and with one DATA_DIR however often it is started. */
export class ServerProcess {
  readonly url: string;
  readonly admin = { name: 'admin', password: randomBytes(12).toString('base64url') };
  readonly #dataDir: string;
  readonly #environment: Record<string, string>;
  #process: ChildProcess | undefined;

  /** Keeps its state below `folder`. `env` is laid over the environment. Nothing is started yet. */
  static async at(folder: string, env: Record<string, string> = {}): Promise<ServerProcess> {
    return new ServerProcess(folder, await freePort(), env);
  }

  private constructor(folder: string, port: number, env: Record<string, string>) {
    this.url = `http://127.0.0.1:${port}`;
    this.#dataDir = join(folder, 'data');
    this.#environment = {
      PORT: String(port),
      DATA_DIR: this.#dataDir,
      ADMIN_NAME: this.admin.name,
      ADMIN_PASSWORD: this.admin.password,
      EXAMPLE: 'off',
      ...env,
    };
  }

  /**
   * Starts the checkout `root` and waits for an answer. Does nothing when the server lives (only its runtime was killed, and
   * is started again by itself). Throws when it does not come.
   */
  async start(root = projectRoot): Promise<void> {
    if (this.#process === undefined) {
      const { POSTERN_PARENT: _, ...environment } = process.env;
      const child = spawn(process.execPath, [join(root, 'admin/host/start.ts')], {
        cwd: root,
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
  }

  async end(how: ProcessEnd): Promise<void> {
    if (how === 'runtime' || how === 'both') {
      for (const pid of runtimesOf(this.#dataDir)) {
        process.kill(pid, 'SIGKILL');
      }
    }
    const child = this.#process;
    if (how === 'runtime' || child === undefined) {
      return;
    }
    this.#process = undefined;
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((done) => child.once('exit', done));
      child.kill(how === 'stop' ? 'SIGTERM' : 'SIGKILL');
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
        await new Promise((done) => setTimeout(done, 50));
      }
    }
  }
}

/** The helpers of tests, over a server that is another process. */
export function remote({ url, admin }: Pick<ServerProcess, 'url' | 'admin'>): Gateway {
  return {
    fetch: (path: string, init: RequestInit) => fetch(`${url}${path}`, init),
    setup: async () => ({ ...admin, email: 'admin@example.com' }),
  } as unknown as Gateway;
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((listening) => probe.listen(0, '127.0.0.1', listening));
  const { port } = probe.address() as AddressInfo;
  await new Promise((closed) => probe.close(closed));
  return port;
}
