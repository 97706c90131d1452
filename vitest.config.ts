import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/helpers/replay.ts'],
    // A gateway is a process of its own (workerd) beside the test's: two files at a time fill a small machine.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    // The first gateway builds the worker.
    hookTimeout: 180_000,
    // One flaky test would teach everybody to press "again".
    retry: 0,
    allowOnly: false,
  },
});
