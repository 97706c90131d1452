import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { projectRoot } from '../admin/host/build.ts';
import { run, runChecks, verdict } from './checks.ts';
import { releases } from './helpers/releases.ts';
import { readReport, type Tally } from './report.ts';

// `npm run verify`: the checks and all tests with the full counts that the acceptance figures name (tests read POSTERN_FULL),
// in parts of nine minutes: a part that ends before everything ran says what is left, and the next run goes on there. What is
// known of a file holds as long as the sources do; what failed is run again. `--minutes N` changes the length of a part,
// `--jobs N` how many files run at a time, filters choose files, `--again` forgets what is known.
//
// Exit codes: 0 everything passed, 1 something failed, 3 nothing failed and some is left.

const folder = join(projectRoot, '.dev', 'verify');
const memory = join(folder, 'results.json');

interface Result extends Tally {
  seconds: number;
}
interface Known {
  sources: string;
  results: Record<string, Result>;
  /** Seconds that a file took in some run, so that one is not begun that a part cannot finish. */
  durations: Record<string, number>;
}

/** Files whose full counts are more than a part holds: they are run so many times, each with `POSTERN_PART=n/N`, its share. */
const parted: Record<string, number> = {
  'test/faults/database-gone.test.ts': 2,
  'test/api/strings.test.ts': 6,
  'test/faults/upgrade.test.ts': releases.length,
  'test/spec/sql-entity.test.ts': 4,
  'test/observation/log-operations.test.ts': 6,
};

const { values: options, positionals: filters } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: 'string', default: '9' },
    jobs: { type: 'string', default: '2' },
    again: { type: 'boolean', default: false },
  },
});
const partEnds = Date.now() + Number(options.minutes) * 60_000;

mkdirSync(folder, { recursive: true });
const known = recall();
const { results, durations } = known;
const chosen = ['checks', ...globSync('test/**/*.test.ts', { cwd: projectRoot })]
  .filter((name) => !name.includes('node_modules'))
  .flatMap((name) =>
    Array.from({ length: parted[name] ?? 1 }, (_, at, of = parted[name]) => (of ? `${name} ${at + 1}/${of}` : name)),
  )
  .filter((name) => filters.length === 0 || filters.some((filter) => name.includes(filter)));
// The longest first, so that the jobs end together.
const waiting = chosen
  .filter((name) => (results[name]?.failed ?? 1) > 0)
  .sort((a, b) => (durations[b] ?? 60) - (durations[a] ?? 60));
console.log(`${chosen.length - waiting.length} of ${chosen.length} are known to pass.`);
await Promise.all(Array.from({ length: Number(options.jobs) }, worker));
conclude();

async function worker(): Promise<void> {
  for (;;) {
    const left = (partEnds - Date.now()) / 1000;
    const at = waiting.findIndex((name) => (durations[name] ?? 60) * 1.2 < left);
    const [name] = at < 0 ? [] : waiting.splice(at, 1);
    if (name === undefined) {
      return;
    }
    const started = Date.now();
    const tally = name === 'checks' ? await runChecks() : await runFile(name);
    const seconds = (Date.now() - started) / 1000;
    durations[name] = seconds;
    if (tally !== null) {
      results[name] = { ...tally, seconds };
    }
    writeFileSync(memory, JSON.stringify(known, null, 1));
  }
}

/** One test file; null when the part ended before it. */
async function runFile(name: string): Promise<Tally | null> {
  const started = Date.now();
  const [file = name, part] = name.split(' ');
  const report = join(folder, `${name.replaceAll(/[/ ]/g, '-')}.json`);
  rmSync(report, { force: true });
  let output = '';
  const signal = AbortSignal.timeout(Math.max(1, partEnds - Date.now()));
  const code = await run(
    process.execPath,
    [
      ...['node_modules/vitest/vitest.mjs', 'run', file],
      ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    ],
    { output: (chunk) => (output += chunk), env: { POSTERN_FULL: '1', ...(part && { POSTERN_PART: part }) }, signal },
  );
  if (signal.aborted) {
    console.log(`– ${name}: the part ended (${((Date.now() - started) / 1000).toFixed(0)} s)`);
    return null;
  }
  const tally = readReport(report, code);
  verdict(`${name}: ${tally.passed} passed, ${tally.failed} failed`, tally.failed === 0, started);
  if (tally.failed > 0) {
    console.log(output.trimEnd());
  }
  return tally;
}

function conclude(): void {
  const done = chosen.flatMap((name) => results[name] ?? []);
  const passed = done.reduce((sum, result) => sum + result.passed, 0);
  const failed = done.reduce((sum, result) => sum + result.failed, 0);
  const left = chosen.filter((name) => results[name] === undefined);
  if (left.length > 0) {
    console.log(`\n${left.length} of ${chosen.length} are left, run again to go on: ${left.join(', ')}`);
  }
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : left.length > 0 ? 3 : 0;
}

/** What earlier parts found out, unless the sources changed since. */
function recall(): Known {
  const sources = fingerprint();
  const before = existsSync(memory) ? (JSON.parse(readFileSync(memory, 'utf8')) as Known) : undefined;
  const same = before?.sources === sources && !options.again;
  return { sources, results: same ? before.results : {}, durations: before?.durations ?? {} };
}

/** Changes whenever a file does that git knows or would add. */
function fingerprint(): string {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: projectRoot, maxBuffer: 1 << 28 });
  const hash = createHash('sha256');
  for (const name of git('ls-files', '-co', '--exclude-standard', '-z').toString().split('\0')) {
    if (name !== '' && existsSync(join(projectRoot, name))) {
      hash.update(name).update(readFileSync(join(projectRoot, name)));
    }
  }
  return hash.digest('hex');
}
