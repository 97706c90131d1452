import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** The files that take longest: they start first, so that none of them is left for the end. */
const long = [
  ...['host/deploy', 'conformance/replay', 'oauth/attempts', 'host/start', 'api/matrix', 'cli/gateway', 'faults/kills'],
  ...[
    'spec/github-gateway',
    'faults/database-gone',
    'gateway/guards',
    'oauth/tokens',
    'faults/publish',
    'events/webhooks',
  ],
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const at = long.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return at < 0 ? long.length : at;
    };
    return (await super.sort(files)).sort((one, other) => place(one) - place(other));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/helpers/replay.ts'],
    // A gateway is a process of its own (workerd) beside the test's: two files at a time fill a small machine.
    sequence: { sequencer: LongestFirst },
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
