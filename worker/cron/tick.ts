import { jobStatus } from '../core/events.ts';
import { laneOf } from '../core/lane-of.ts';
import type { Env } from '../env.ts';
import type { RunRow } from '../resources/cronjob-run.ts';
import { cronLane, jobOf, laneNumber } from './lane.ts';
import { type JobRule, type JobState, type OpenRun, type Plan, planJob } from './plan.ts';

type Report = (place: string, thrown: unknown) => void;

/** Two triggers that come together decide job by job; who finds a job decided looks again, so often. */
const rounds = 5;
/** Lanes written to at a time. */
const together = 6;
/** A run that did not begin for so long is called for again, milliseconds. */
const patience = 10 * 60_000;

/**
 * The trigger of a minute: decides what is due by each cronjob's policy, writes the runs down and hands them to their lanes. Triggers
 * may come twice, late, together or not at all. `now` is the true time, by which runs are found lost.
 */
export async function runCronjobs(
  env: Pick<Env, 'DB' | 'LANE'>,
  tenant: string,
  time: number,
  now: number,
  report: Report,
): Promise<void> {
  const minute = Math.floor(time / 60_000) * 60_000;
  await loseRuns(env.DB, tenant, now);
  for (let round = 0; round < rounds; round += 1) {
    const plans = await planAll(env.DB, tenant, minute);
    if (plans.length === 0 || (await decide(env.DB, tenant, plans, now)) === plans.length) {
      break;
    }
  }
  await handOver(env, tenant, now, report);
}

/** Tenants beside the root one that a trigger looks at; who does not come first this minute does so in the next. */
const mostTenants = 100;

/** Keys of the tenants beside the root one whose cronjobs want something at that time. */
export async function tenantsDue(db: D1Database, time: number): Promise<string[]> {
  const { results } = await db
    .prepare(
      `SELECT due.tenant_id AS tenant, min(due.since) AS since FROM (
         SELECT c.tenant_id, coalesce(s.next, 0) AS since
         FROM cronjob AS c LEFT JOIN cronjob_state AS s ON s.tenant_id = c.tenant_id AND s.cronjob_id = c.id
         WHERE c.tenant_id <> '' AND c.status = 1
           AND (s.version IS NULL OR s.next <= ?1 OR s.schedule <> c.timezone || ' ' || c.cron)
         UNION ALL SELECT tenant_id, created FROM cronjob_run WHERE tenant_id <> '' AND settled = 0
       ) AS due
       WHERE EXISTS (SELECT 1 FROM tenant WHERE tenant.status = 1 AND tenant.name || '.' || tenant.id = due.tenant_id)
       GROUP BY due.tenant_id ORDER BY since LIMIT ${mostTenants}`,
    )
    .bind(time)
    .all<{ tenant: string }>();
  return results.map(({ tenant }) => tenant);
}

/** Runs whose time is over without an end are lost. What belongs to a cronjob that is gone has no consequence. */
async function loseRuns(db: D1Database, tenant: string, now: number): Promise<void> {
  await db.batch([
    db
      .prepare(
        `UPDATE cronjob_run SET status = 'lost', ended = deadline, error = 'The run was interrupted'
         WHERE tenant_id = ?1 AND settled = 0 AND status = 'running' AND deadline < ?2`,
      )
      .bind(tenant, now),
    db
      .prepare(
        `UPDATE cronjob_run SET settled = 1, status = CASE status WHEN 'pending' THEN 'cancelled' ELSE status END
         WHERE tenant_id = ?1 AND settled = 0 AND status IN ('pending', 'lost')
           AND NOT EXISTS (SELECT 1 FROM cronjob WHERE cronjob.id = cronjob_id AND cronjob.status = 1)`,
      )
      .bind(tenant),
  ]);
}

interface JobPlan {
  job: number;
  overlap: JobRule['overlap'];
  version: number;
  plan: Plan;
}

interface JobRow {
  id: number;
  cron: string;
  timezone: string;
  missed: JobRule['missed'];
  missed_limit: number;
  overlap: JobRule['overlap'];
  version: number | null;
  schedule: string;
  cursor: number;
  next: number | null;
}

async function planAll(db: D1Database, tenant: string, minute: number): Promise<JobPlan[]> {
  const [jobs, open] = await db.batch<JobRow & OpenRun & { cronjob_id: number }>([
    db
      .prepare(
        `SELECT c.id, c.cron, c.timezone, c.missed, c.missed_limit, c.overlap, s.version, s.schedule, s.cursor, s.next
         FROM cronjob AS c LEFT JOIN cronjob_state AS s ON s.tenant_id = c.tenant_id AND s.cronjob_id = c.id
         WHERE c.tenant_id = ?1 AND c.status = 1 AND (s.version IS NULL OR s.next <= ?2 OR s.schedule <> c.timezone || ' ' || c.cron
           OR c.id IN (SELECT cronjob_id FROM cronjob_run WHERE tenant_id = ?1 AND settled = 0 AND status = 'lost'))`,
      )
      .bind(tenant, minute),
    db
      .prepare(
        'SELECT id, cronjob_id, minute, attempt, status FROM cronjob_run WHERE tenant_id = ?1 AND settled = 0 ORDER BY id',
      )
      .bind(tenant),
  ]);
  return jobs!.results.flatMap((row) => {
    const { id: job, version, schedule, cursor, next, missed_limit: missedLimit } = row;
    const known: JobState | null = version === null ? null : { version, schedule, cursor, next };
    const runs = open!.results.filter(({ cronjob_id }) => cronjob_id === job);
    const plan = planJob({ ...row, missedLimit }, known, runs, minute);
    return plan === null ? [] : [{ job, overlap: row.overlap, version: version ?? 0, plan }];
  });
}

/** Writes down what nobody else decided meanwhile, in one transaction; gives for how many jobs. */
async function decide(db: D1Database, tenant: string, plans: JobPlan[], now: number): Promise<number> {
  const unchanged = `FROM json_each(?2) AS p LEFT JOIN cronjob_state AS s
    ON s.tenant_id = ?1 AND s.cronjob_id = p.value ->> '$.job' WHERE coalesce(s.version, 0) = p.value ->> '$.version'`;
  const value = (name: string) => `p.value ->> '$.${name}'`;
  const runs = plans.flatMap(({ job, overlap, version, plan }) =>
    plan.runs.map((run) => ({ ...run, job, version, lane: laneNumber(job, overlap, run.minute) })),
  );
  const settled = plans.flatMap(({ job, version, plan }) => plan.settled.map((id) => ({ job, version, id })));
  const states = plans.map(({ job, version, plan }) => ({ ...plan.state, job, version }));
  const results = await db.batch([
    db
      .prepare(
        `INSERT OR IGNORE INTO cronjob_run (tenant_id, cronjob_id, minute, attempt, cause, status, settled, lane, created, error)
         SELECT ?1, ${['job', 'minute', 'attempt', 'cause', 'status'].map(value).join(', ')},
           ${value('status')} = 'missed', ${value('lane')}, ?3, ${value('error')} ${unchanged} ORDER BY p.key`,
      )
      .bind(tenant, JSON.stringify(runs), now),
    db
      // Without the plus SQLite looks through all runs of the tenant.
      .prepare(
        `UPDATE cronjob_run SET settled = 1 WHERE +tenant_id = ?1 AND id IN (SELECT ${value('id')} ${unchanged})`,
      )
      .bind(tenant, JSON.stringify(settled)),
    db
      .prepare(
        `INSERT INTO cronjob_state (tenant_id, cronjob_id, version, schedule, cursor, next)
         SELECT ?1, ${value('job')}, ${value('version')} + 1, ${['schedule', 'cursor', 'next'].map(value).join(', ')} ${unchanged}
         ON CONFLICT (tenant_id, cronjob_id) DO UPDATE SET version = excluded.version, schedule = excluded.schedule,
           cursor = excluded.cursor, next = excluded.next`,
      )
      .bind(tenant, JSON.stringify(states)),
  ]);
  return results[2]!.meta.changes;
}

/** Lanes take a run once, and a run begins once: handing over again what did not begin yet repairs what a crash cut off. */
async function handOver(env: Pick<Env, 'DB' | 'LANE'>, tenant: string, now: number, report: Report): Promise<void> {
  const { results } = await env.DB.prepare(
    `SELECT * FROM cronjob_run WHERE tenant_id = ?1 AND settled = 0 AND status = 'pending' ORDER BY id LIMIT 1000`,
  )
    .bind(tenant)
    .all<RunRow>();
  const lanes = [...Map.groupBy(results, ({ lane }) => lane)];
  await Promise.all(
    Array.from({ length: Math.min(together, lanes.length) }, async () => {
      for (let next = lanes.shift(); next !== undefined; next = lanes.shift()) {
        await call(env, tenant, next[0], next[1], now).catch((thrown) => report('jobs.cronjobs', thrown));
      }
    }),
  );
}

async function call(
  env: Pick<Env, 'LANE'>,
  tenant: string,
  number: number,
  runs: RunRow[],
  now: number,
): Promise<void> {
  const settings = cronLane(tenant, number);
  const lane = laneOf(env, settings);
  await lane.add(settings, runs.map(jobOf));
  const late = runs.filter(({ created }) => created < now - patience);
  if (late.length > 0) {
    await lane.replay({ ids: late.map((run) => jobOf(run).id), status: jobStatus.dead });
  }
}
