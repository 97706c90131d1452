import { and, eq, isNotNull } from 'drizzle-orm';
import type { SystemOperation } from '../../core/system-operation.ts';
import { jobRun } from '../../resources/job-run.ts';
import { jobRuns } from '../../resources/tables.ts';
import { datedParameters, listDated } from './dated-list.ts';

/** `GET /backend/job`: what the platform's own jobs did, newest first. The last 200 runs of each are kept. */
export const jobOperations: readonly SystemOperation[] = [
  {
    name: 'backend.job.getAll',
    method: 'GET',
    path: '/backend/job',
    description: 'Lists runs of the jobs of the platform (clean-up, log rotation), newest first',
    scope: 'backend.clean',
    query: {
      ...datedParameters,
      name: { type: 'string', description: 'Only this job' },
      failed: { type: 'boolean', description: 'Only runs that failed' },
    },
    run: (call, { query }) =>
      listDated(
        call,
        jobRun,
        jobRuns.date,
        query,
        and(
          query.name === undefined ? undefined : eq(jobRuns.name, String(query.name)),
          query.failed === true ? isNotNull(jobRuns.error) : undefined,
        ),
      ),
  },
];
