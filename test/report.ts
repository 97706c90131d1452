import { readFileSync } from 'node:fs';

export interface Tally {
  passed: number;
  failed: number;
}

/** What vitest's JSON report counts; a run that left none, or ended with an error, has failed at least once. */
export function readReport(file: string, code: number): Tally {
  try {
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(file, 'utf8'));
    // A file that does not load has no tests to count.
    const broken = testResults.filter((one: any) => one.status === 'failed' && one.assertionResults.length === 0);
    const failed = numFailedTests + broken.length;
    return { passed: numPassedTests, failed: code === 0 ? failed : Math.max(failed, 1) };
  } catch {
    return { passed: 0, failed: 1 };
  }
}
