import { spawn } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildWorker, kilobytes, projectRoot, sizeBudget } from '../admin/host/build.ts';

// `npm test`: the linter with the import rules, the type check, the dead-code check, the size of what would be deployed, and
// all tests. `npm test -- FILTER …` runs the tests whose file names hold a filter, and no checks. `npm run verify`
// (`--full`) runs the counts that the acceptance figures name instead of scaled-down ones: tests read
// POSTERN_FULL. The last line says how it went: `N passed, N failed`.

const report = join(projectRoot, '.dev', 'test-report.json');

interface Tally {
  passed: number;
  failed: number;
}

async function main(args: string[]): Promise<Tally> {
  const full = args.includes('--full');
  const passedOn = args.filter((arg) => arg !== '--full');
  const tally = { passed: 0, failed: 0 };
  if (passedOn.length === 0) {
    for (const check of checks) {
      const ok = await check();
      tally[ok ? 'passed' : 'failed'] += 1;
    }
  }
  const tests = await vitest(passedOn, full);
  return { passed: tally.passed + tests.passed, failed: tally.failed + tests.failed };
}

const checks: (() => Promise<boolean>)[] = [
  () => command('Linter and import rules', 'node_modules/.bin/biome', ['check', '--error-on-warnings', '.']),
  () => command('Types', 'node_modules/.bin/tsc', ['--noEmit']),
  () => command('Dead code', 'node_modules/.bin/knip', ['--no-progress', '--no-config-hints']),
  size,
];

/** Runs a tool and shows what it says only when it fails. */
async function command(title: string, tool: string, args: string[]): Promise<boolean> {
  const started = Date.now();
  let output = '';
  const code = await run(tool, args, (chunk) => (output += chunk));
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

async function vitest(args: string[], full: boolean): Promise<Tally> {
  mkdirSync(join(projectRoot, '.dev'), { recursive: true });
  rmSync(report, { force: true });
  const code = await run(
    process.execPath,
    [
      ...['node_modules/vitest/vitest.mjs', 'run', ...args],
      ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    ],
    (chunk) => process.stdout.write(chunk),
    full ? { POSTERN_FULL: '1' } : {},
  );
  try {
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
    // A file that does not load has no tests to count.
    const broken = testResults.filter((file: any) => file.status === 'failed' && file.assertionResults.length === 0);
    const failed = numFailedTests + broken.length;
    return { passed: numPassedTests, failed: code === 0 ? failed : Math.max(failed, 1) };
  } catch {
    return { passed: 0, failed: 1 };
  }
}

function run(
  tool: string,
  args: string[],
  output: (chunk: Buffer) => void,
  env: Record<string, string> = {},
): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(tool, args, {
      cwd: projectRoot,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }) },
    });
    const stop = () => child.kill('SIGTERM');
    process.once('SIGTERM', stop).once('SIGINT', stop);
    child.stdout.on('data', output);
    child.stderr.on('data', output);
    child.on('error', (error) => {
      output(Buffer.from(`${error.message}\n`));
      resolve(1);
    });
    child.on('close', (code) => resolve(code ?? 1));
  });
}

function verdict(title: string, ok: boolean, started: number): void {
  console.log(`${ok ? '✓' : '✗'} ${title} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

const { passed, failed } = await main(process.argv.slice(2));
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
