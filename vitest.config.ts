import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest: they start first, so that none of them is left for the end. */
const long = [
  ...['oauth/attempts', 'host/start', 'api/matrix', 'cli/gateway', 'host/deploy', 'faults/kills', 'tenants/tenants'],
  ...['oauth/tokens', 'spec/github-gateway', 'conformance/replay', 'faults/upgrade', 'faults/database-gone'],
  ...['resources/new-entity', 'gateway/guards', 'spec/sql-entity', 'cli/backup', 'oauth/secrets', 'events/webhooks'],
  ...['faults/kill-rig', 'host/build', 'api/authority', 'faults/sweep', 'faults/kills-events', 'faults/publish'],
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = long.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return at >= 0 ? at : long.length;
    };
    return (await super.sort(files)).sort((one, other) => place(one) - place(other));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**'],
    setupFiles: ['test/helpers/replay.ts'],
    sequence: { sequencer: LongestFirst },
    pool: 'forks',
    // A gateway is a process of its own (workerd) beside the test's: two files at a time fill a small machine.
    maxWorkers: 2,
    // Two processes run all files, one after the other, with what they share loaded once: a test changes nothing that it does not put back.
    isolate: false,
    testTimeout: 30_000,
    // The first gateway builds the worker.
    hookTimeout: 180_000,
    // One flaky test would teach everybody to press "again".
    retry: 0,
    allowOnly: false,
  },
});
