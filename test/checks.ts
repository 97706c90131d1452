import { spawn } from 'node:child_process';
import { getPriority, setPriority } from 'node:os';
import { buildWorker, kilobytes, projectRoot, sizeBudget } from '../admin/host/build.ts';
import type { Tally } from './report.ts';

const checks: (() => Promise<boolean>)[] = [
  () => command('Linter and import rules', 'node_modules/.bin/biome', ['check', '--error-on-warnings', '.']),
  () => command('Types', 'node_modules/.bin/tsc', ['--noEmit']),
  () => command('Dead code', 'node_modules/.bin/knip', ['--no-progress', '--no-config-hints']),
  size,
];

/** The checks that need no test: the linter with the import rules, types, dead code, and the size of what would be deployed. */
export async function runChecks(): Promise<Tally> {
  const tally = { passed: 0, failed: 0 };
  for (const check of checks) {
    tally[(await check()) ? 'passed' : 'failed'] += 1;
  }
  return tally;
}

/** Runs a tool and shows what it says only when it fails. */
async function command(title: string, tool: string, args: string[]): Promise<boolean> {
  const started = Date.now();
  let output = '';
  const code = await run(tool, args, { output: (chunk) => (output += chunk), patient: true });
  verdict(title, code === 0, started);
  if (code !== 0) {
    console.log(output.trimEnd());
  }
  return code === 0;
}

async function size(): Promise<boolean> {
  const started = Date.now();
  try {
    const { gzip } = await buildWorker();
    verdict(`Deployed size: ${kilobytes(gzip)} gzipped of ${kilobytes(sizeBudget)}`, true, started);
    return true;
  } catch (error) {
    verdict('Deployed size', false, started);
    console.log((error as Error).message);
    return false;
  }
}

export interface RunOptions {
  output(chunk: Buffer): void;
  env?: Record<string, string>;
  /** The checkout unless given. */
  cwd?: string;
  /** Leaves the processor to whoever else wants it. */
  patient?: boolean;
  /** Ends the process when it fires. */
  signal?: AbortSignal;
}

/** Runs a program of the project and gives its exit code; a signal to this process ends it too. */
export function run(
  tool: string,
  args: string[],
  { output, env = {}, cwd = projectRoot, patient = false, signal }: RunOptions,
): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(tool, args, {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }) },
    });
    if (patient && child.pid !== undefined) {
      setPriority(child.pid, Math.min(getPriority() + 5, 19));
    }
    const stop = () => child.kill('SIGTERM');
    process.once('SIGTERM', stop).once('SIGINT', stop);
    signal?.addEventListener('abort', stop, { once: true });
    child.stdout.on('data', output);
    child.stderr.on('data', output);
    child.on('error', (error) => {
      output(Buffer.from(`${error.message}\n`));
      resolve(1);
    });
    child.on('close', (code) => {
      process.off('SIGTERM', stop).off('SIGINT', stop);
      signal?.removeEventListener('abort', stop);
      resolve(code ?? 1);
    });
  });
}

export function verdict(title: string, ok: boolean, started: number): void {
  console.log(`${ok ? '✓' : '✗'} ${title} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}
