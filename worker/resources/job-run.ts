import { Type } from 'typebox';
import { defineResource } from './define.ts';
import { jobRuns } from './tables.ts';

/** What a job of the platform did. Rows come from the jobs themselves. */
export const jobRun = defineResource({
  name: 'job',
  title: 'Job',
  description: 'A run of a job of the platform: when, how long, how many rows it removed, why it failed.',
  table: jobRuns,
  versioned: false,
  search: 'name',
  unique: {},
  order: { column: 'id', direction: 'desc' },
  verbs: [],
  fields: {
    name: { schema: Type.String({ description: 'Job' }), list: true },
    userId: { schema: Type.Integer({ description: 'Who ran it by hand; none: the clock' }), list: true },
    date: { schema: Type.String({ description: 'When it began' }), list: true },
    duration: { schema: Type.Integer({ description: 'Milliseconds' }), list: true },
    rows: { schema: Type.Integer({ description: 'Rows that it removed' }), list: true },
    more: { schema: Type.Boolean({ description: 'There is more: the next run goes on' }), list: true },
    error: { schema: Type.String({ description: 'Why it failed' }), list: true },
  },
});

/** Runs that are kept of each job. */
const keptRuns = 200;

/** A run that is over. */
export interface JobRun {
  tenant: string;
  name: string;
  userId: number | null;
  /** Milliseconds since the epoch. */
  began: number;
  ended: number;
  rows?: number;
  more?: boolean;
  error?: string;
}

/** Writes a run down and forgets those of the same job that are too many. */
export async function recordRun(db: D1Database, run: JobRun): Promise<void> {
  const { tenant, name, userId, began, ended, rows = 0, more = false, error = null } = run;
  await db.batch([
    db
      .prepare(
        'INSERT INTO job_run (tenant_id, name, user_id, date, duration, rows, more, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      )
      .bind(tenant, name, userId, new Date(began).toISOString(), Math.max(0, ended - began), rows, more ? 1 : 0, error),
    db
      .prepare(
        `DELETE FROM job_run WHERE tenant_id = ?1 AND name = ?2 AND id <=
         (SELECT id FROM job_run WHERE tenant_id = ?1 AND name = ?2 ORDER BY id DESC LIMIT 1 OFFSET ${keptRuns})`,
      )
      .bind(tenant, name),
  ]);
}
