import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../admin/host/build.ts';
import { run, runChecks } from './checks.ts';
import { readReport, type Tally } from './report.ts';

// `npm test`: the checks and all tests, with scaled-down counts. `npm test -- FILTER …` runs the tests whose file names hold a
// filter, and no checks. The last line says how it went: `N passed, N failed`. The full counts: verify.ts.

const report = join(projectRoot, '.dev', 'test-report.json');

async function main(filters: string[]): Promise<Tally> {
  // Beside the tests, in the time that these leave.
  const checked = filters.length === 0 ? runChecks() : { passed: 0, failed: 0 };
  mkdirSync(join(projectRoot, '.dev'), { recursive: true });
  rmSync(report, { force: true });
  const code = await run(
    process.execPath,
    [
      ...['node_modules/vitest/vitest.mjs', 'run', ...filters],
      ...['--reporter=default', '--reporter=json', `--outputFile.json=${report}`],
    ],
    { output: (chunk) => process.stdout.write(chunk) },
  );
  const tests = readReport(report, code);
  const { passed, failed } = await checked;
  return { passed: passed + tests.passed, failed: failed + tests.failed };
}

const { passed, failed } = await main(process.argv.slice(2));
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
