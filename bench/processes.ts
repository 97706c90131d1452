import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a benchmark started, and ends again: processes and scratch folders. */
export interface Bench {
  /** A folder that is gone at the end. */
  folder: string;
  /** Starts a program whose output is shown only when it fails. */
  start(command: string, args: string[], options?: { cwd?: string; env?: NodeJS.ProcessEnv }): ChildProcess;
  /** Ends one of the programs. */
  end(child: ChildProcess): Promise<void>;
  /** Ends everything, the last started first. */
  stop(): Promise<void>;
  /** Called before the processes end. */
  onStop(before: () => Promise<void>): void;
}

export function openBench(): Bench {
  const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  const children: ChildProcess[] = [];
  const ends: (() => Promise<void>)[] = [];
  const ending = new Set<ChildProcess>();
  const end = async (child: ChildProcess) => {
    ending.add(child);
    const gone = child.exitCode !== null || new Promise((done) => child.once('exit', done));
    child.kill('SIGTERM');
    await Promise.race([gone, sleep(2000, undefined, { ref: false }).then(() => child.kill('SIGKILL'))]);
  };
  return {
    folder,
    end,
    start(command, args, options = {}) {
      const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
      let output = '';
      const keep = (chunk: Buffer) => {
        output = `${output}${chunk}`.slice(-4000);
      };
      child.stdout.on('data', keep);
      child.stderr.on('data', keep);
      child.on('exit', (code, signal) => {
        if (!ending.has(child) && code !== 0) {
          console.error(`${command} ended (${code ?? signal}):\n${output}`);
        }
      });
      children.push(child);
      return child;
    },
    async stop() {
      for (const before of ends.reverse()) {
        await before();
      }
      for (const child of children.reverse()) {
        await end(child);
      }
      rmSync(folder, { recursive: true, force: true });
    },
    onStop: (before) => void ends.push(before),
  };
}

/** The first line that a program prints. */
export function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((done, failed) => {
    let text = '';
    child.stdout!.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) {
        done(text.slice(0, text.indexOf('\n')));
      }
    });
    child.once('exit', (code) => failed(new Error(`It ended with ${code} and printed nothing`)));
  });
}

/** Whether a program is there; `argument` makes it end at once. */
export function isInstalled(program: string, argument: string): boolean {
  return spawnSync(program, [argument], { stdio: 'ignore' }).error === undefined;
}

export function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
}

/** Waits until something listens on a port of loopback. */
export async function listening(port: number, patience = 30_000): Promise<void> {
  for (const end = Date.now() + patience; Date.now() < end; await sleep(50)) {
    const open = await new Promise<boolean>((done) => {
      const socket = connect(port, '127.0.0.1', () => done(true)).on('error', () => done(false));
      socket.unref();
      socket.on('connect', () => socket.destroy());
    });
    if (open) {
      return;
    }
  }
  throw new Error(`Nothing listens on port ${port} after ${patience} ms`);
}

/** Microseconds of CPU that a process and its children have used. */
export function cpuOf(pid: number): number {
  let total = 0;
  for (const each of [pid, ...childrenOf(pid)]) {
    for (const thread of readdirSync(`/proc/${each}/task`)) {
      try {
        total += Number(readFileSync(`/proc/${each}/task/${thread}/schedstat`, 'utf8').split(' ')[0]) / 1000;
      } catch {
        // The thread ended.
      }
    }
  }
  return total;
}

/** Processes that a process started, and theirs. */
export function childrenOf(pid: number): number[] {
  const direct = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && parentOf(name) === pid)
    .map(Number);
  return direct.flatMap((child) => [child, ...childrenOf(child)]);
}

function parentOf(pid: string): number | null {
  try {
    // The name in brackets may hold anything.
    return Number(
      readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) \S /s, '')
        .split(' ', 1)[0],
    );
  } catch {
    return null;
  }
}
