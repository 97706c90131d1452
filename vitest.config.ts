import { globSync, readFileSync } from 'node:fs';
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

const files = globSync('test/**/*.test.ts', { exclude: ['**/node_modules/**'] });
const withGateway = files.filter((file) => /\bstartGateway\(/.test(readFileSync(file, 'utf8')));

/** Then the files that share a process, so that it need not end in between. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId, project }: TestSpecification) => {
      const at = long.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return at >= 0 ? at : long.length + (project.name === 'gateway' ? 0 : 1);
    };
    return (await super.sort(files)).sort((one, other) => place(one) - place(other));
  }
}

export default defineConfig({
  test: {
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
    projects: [
      // What is tested runs in a gateway's own process: these files share one of Node's, which has Miniflare loaded.
      { extends: true, test: { name: 'gateway', include: withGateway, isolate: false } },
      { extends: true, test: { name: 'parts', include: files.filter((file) => !withGateway.includes(file)) } },
    ],
  },
});
