import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildWorker, projectRoot } from '../../admin/host/build.ts';
import { runtimesOf } from '../../admin/host/data-dir.ts';

// `npm start` itself, serving a worker with nothing of the product in it: how the process behaves is asked here.

const entry = 'test/faults/stand-in/index.ts';
const folder = mkdtempSync(join(tmpdir(), 'postern-start-'));
const running: ChildProcess[] = [];

beforeAll(async () => {
  await buildWorker({ entry });
});

afterEach(async () => {
  for (const child of running.splice(0)) {
    await end(child, 'SIGTERM');
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Run {
  child: ChildProcess;
  output(): string;
  /** Resolves with the exit code. */
  ended: Promise<number | null>;
}

function run(dataDir: string, port: number, env: Record<string, string> = {}): Run {
  const child = spawn(process.execPath, [join(projectRoot, 'admin/host/with-node.mjs'), 'admin/host/start.ts'], {
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DATA_DIR: dataDir, PORT: String(port), POSTERN_ENTRY: entry, ...env },
  });
  running.push(child);
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  return { child, output: () => output, ended: new Promise((done) => child.once('exit', done)) };
}

async function serves(one: Run): Promise<string> {
  const code = await Promise.race([
    expect.poll(one.output, { timeout: 45_000 }).toContain('Stop it:'),
    one.ended.then((exit) => exit ?? -1),
  ]);
  if (typeof code === 'number') {
    throw new Error(`ended with ${code}:\n${one.output()}`);
  }
  return one.output();
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    await ended;
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((listening) => probe.listen(0, '127.0.0.1', listening));
  const { port } = probe.address() as AddressInfo;
  await new Promise((closed) => probe.close(closed));
  return port;
}

async function take(port: number): Promise<{ stored: number; remembered: number }> {
  const response = await fetch(`http://127.0.0.1:${port}/take`, { method: 'POST', body: '{"name":"a"}' });
  return response.json() as Promise<{ stored: number; remembered: number }>;
}

describe('npm start', { timeout: 60_000 }, () => {
  it('shows a made password once, keeps its state, ends on SIGTERM and leaves no process', async () => {
    const dataDir = join(folder, 'one');
    const port = await freePort();
    const first = run(dataDir, port);
    const shown = /password (\S{16,}) {3}\(shown only now\)/.exec(await serves(first))?.[1];
    expect(shown).toBeDefined();
    expect(statSync(join(dataDir, 'secret-key')).mode & 0o777).toBe(0o600);
    const secretKey = readFileSync(join(dataDir, 'secret-key'), 'utf8');
    expect(Buffer.from(secretKey, 'base64')).toHaveLength(32);
    expect(await take(port)).toEqual({ stored: 1, remembered: 1 });

    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    expect(runtimesOf(dataDir)).toEqual([]);

    const second = run(dataDir, port);
    expect(await serves(second)).not.toContain('shown only now');
    expect(await take(port)).toEqual({ stored: 2, remembered: 1 });
    expect(readFileSync(join(dataDir, 'secret-key'), 'utf8')).toBe(secretKey);
  });

  it('answers what is under way when it is told to end', async () => {
    const dataDir = join(folder, 'drain');
    const port = await freePort();
    const one = run(dataDir, port);
    await serves(one);
    const upstream = readFileSync(join(dataDir, 'upstream-port'), 'utf8');
    const answer = fetch(`http://127.0.0.1:${port}/fetch`, {
      method: 'POST',
      body: JSON.stringify({ url: `http://127.0.0.1:${upstream}/slow?ms=600` }),
    });
    await new Promise((done) => setTimeout(done, 200));
    one.child.kill('SIGTERM');
    expect(await (await answer).json()).toContain('slow');
    expect(await one.ended).toBe(0);
  });

  it('finds and ends what a kill -9 leaves behind', async () => {
    const dataDir = join(folder, 'killed');
    const port = await freePort();
    const first = run(dataDir, port);
    await serves(first);
    const [orphan] = runtimesOf(dataDir);
    const server = Number(readFileSync(join(dataDir, 'lock'), 'utf8').split(' ')[0]);
    process.kill(server, 'SIGKILL');
    await first.ended;
    expect(runtimesOf(dataDir)).toEqual([orphan]);

    const second = run(dataDir, port);
    expect(await serves(second)).toContain(`Ended what a killed run had left: process ${orphan}`);
    expect(runtimesOf(dataDir)).not.toContain(orphan);
    await take(port);
  });

  it('refuses a data folder and a port that are in use, and runs beside another instance', async () => {
    const dataDir = join(folder, 'here');
    const [port, other] = [await freePort(), await freePort()];
    const first = run(dataDir, port);
    await serves(first);

    const sameFolder = run(dataDir, other);
    const samePort = run(join(folder, 'there'), port);
    expect(await sameFolder.ended).toBe(1);
    expect(sameFolder.output()).toMatch(/here is in use by process \d+/);
    expect(await samePort.ended).toBe(1);
    expect(samePort.output()).toContain(`Port ${port} is taken`);

    const beside = run(join(folder, 'there'), other);
    await serves(beside);
    await take(port);
    expect(await take(port)).toEqual({ stored: 2, remembered: 2 });
    expect(await take(other)).toEqual({ stored: 1, remembered: 1 });
  });

  it('names a wrong setting', async () => {
    const wrong = run(join(folder, 'wrong'), 0, { PORT: '80a' });
    expect(await wrong.ended).toBe(1);
    expect(wrong.output()).toContain('PORT is 80a');
  });
});
