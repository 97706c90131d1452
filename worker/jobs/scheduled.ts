import { runCronjobs, tenantsDue } from '../cron/tick.ts';
import type { Env } from '../env.ts';
import { sweepLanes, sweepOutboxes, sweepStored } from '../events/sweep.ts';
import { recordRun } from '../resources/job-run.ts';
import { livingTenants } from '../resources/tenant.ts';
import { sweepPublisher } from '../snapshot/current.ts';
import { purgeTenants } from './purge.ts';
import { type Sweep, sweepLogs, sweepOwnLogs } from './retention.ts';

/** When the configuration is backed up each day, UTC. */
const backupHour = 3;

/** What the jobs use of the outside world. */
export interface Outside {
  env: Env;
  /** The true time. */
  now(): number;
  report(tenant: string, place: string, thrown: unknown): void;
  backup(tenant: string): Promise<Sweep>;
}

type Job = [place: string, job: () => Promise<unknown>];

/**
 * What the platform's trigger of a minute (`time`) runs. Every job is safe to run late, twice or beside itself. Clean-up
 * leaves a row for each run, which `GET /backend/job` shows to the tenant; what runs each minute leaves one only where it failed.
 * The other tenants' cronjobs run in their minute, too; what only repairs and cleans up is spread over the hour, so that a minute
 * has no more to do than an invocation may.
 */
export async function runScheduled(time: number, outside: Outside): Promise<void> {
  const { env, now, report } = outside;
  const date = new Date(time);
  const [minute, hour] = [date.getUTCMinutes(), date.getUTCHours()];
  const reportOf = (tenant: string) => (place: string, thrown: unknown) => report(tenant, place, thrown);
  const cronjobs = (tenant: string): Job => [
    'jobs.cronjobs',
    () => runCronjobs(env, tenant, time, now(), reportOf(tenant)),
  ];
  const each: Job[] = [
    cronjobs(''),
    ['jobs.publisher', () => sweepPublisher(env, '')],
    ['jobs.outbox', () => sweepOutboxes(env, '', reportOf(''))],
    ['jobs.lanes', () => sweepLanes(env, minute, report)],
  ];
  await runJobs('', [...each, ...(minute === 0 ? cleaning('', time, hour, outside) : [])], outside);
  await runJobs('', [['jobs.tenants', () => purgeTenants(env, now())]], outside);
  const due = await tenantsDue(env.DB, time).catch((thrown) => report('', 'jobs.tenants', thrown));
  for (const tenant of due ?? []) {
    await runJobs(tenant, [cronjobs(tenant)], outside);
  }
  await sweepStored(env, report).catch((thrown) => report('', 'jobs.outbox', thrown));
  const living = await livingTenants(env.DB).catch((thrown) => report('', 'jobs.tenants', thrown));
  for (const { id, key } of living ?? []) {
    const repairs: Job[] = id % 10 === minute % 10 ? [['jobs.publisher', () => sweepPublisher(env, key)]] : [];
    if (id % 60 === minute) {
      repairs.push(
        ['jobs.outbox', () => sweepOutboxes(env, key, reportOf(key))],
        ...cleaning(key, time, hour, outside),
      );
    }
    await runJobs(key, repairs, outside);
  }
}

/** What is done for a tenant once an hour. */
function cleaning(tenant: string, time: number, hour: number, { env, backup }: Outside): Job[] {
  const logs = async () => {
    const own = await sweepOwnLogs(env, tenant, time);
    const all = tenant === '' ? await sweepLogs(env, time) : { deleted: 0, more: false };
    return { deleted: own.deleted + all.deleted, more: own.more || all.more };
  };
  return [
    ['jobs.retention', logs],
    ['jobs.uploads', () => sweepUploads(env, tenant, time)],
    ['jobs.tokens', () => sweepTokens(env, tenant, time)],
    ['jobs.runs', () => sweepRuns(env, tenant, time)],
    ['jobs.letters', () => sweepLetters(env, tenant, time)],
    ...(hour === backupHour ? [['jobs.backup', () => backup(tenant)] as Job] : []),
  ];
}

async function runJobs(tenant: string, jobs: readonly Job[], { env, now, report }: Outside): Promise<void> {
  for (const [place, job] of jobs) {
    const run = { tenant, name: place.replace('jobs.', ''), userId: null, began: now() };
    let outcome: { rows?: number; more?: boolean; error?: string } | null;
    try {
      const swept = await job();
      outcome = isSweep(swept) ? { rows: swept.deleted, more: swept.more } : null;
    } catch (thrown) {
      report(tenant, place, thrown);
      outcome = { error: (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, 500) };
    }
    if (outcome !== null) {
      await recordRun(env.DB, { ...run, ended: now(), ...outcome }).catch((thrown) =>
        report(tenant, 'jobs.record', thrown),
      );
    }
  }
}

function isSweep(result: unknown): result is Sweep {
  return typeof result === 'object' && result !== null && 'deleted' in result;
}

/** Parts of uploads that nobody used within a day. */
async function sweepUploads(env: Env, tenant: string, time: number): Promise<Sweep> {
  const { meta } = await env.DB.prepare('DELETE FROM upload WHERE tenant_id = ? AND created < ?')
    .bind(tenant, new Date(time - 86_400_000).toISOString())
    .run();
  return { deleted: meta.changes, more: false };
}

/** Rows of tokens that ended a week ago. */
async function sweepTokens(env: Env, tenant: string, time: number): Promise<Sweep> {
  const { meta } = await env.DB.prepare('DELETE FROM token WHERE tenant_id = ? AND expire < ?')
    .bind(tenant, new Date(time - 7 * 86_400_000).toISOString())
    .run();
  return { deleted: meta.changes, more: false };
}

/** Runs of cronjobs that ended 30 days ago, but for the last one of each. */
async function sweepRuns(env: Env, tenant: string, time: number): Promise<Sweep> {
  const { meta } = await env.DB.prepare(
    `DELETE FROM cronjob_run WHERE tenant_id = ? AND settled = 1 AND created < ?
     AND id <> (SELECT max(last.id) FROM cronjob_run AS last WHERE last.cronjob_id = cronjob_run.cronjob_id AND last.started IS NOT NULL)`,
  )
    .bind(tenant, time - 30 * 86_400_000)
    .run();
  return { deleted: meta.changes, more: false };
}

/** Dead letters whose lanes remember them no longer. */
async function sweepLetters(env: Env, tenant: string, time: number): Promise<Sweep> {
  const { meta } = await env.DB.prepare('DELETE FROM dead_letter WHERE tenant_id = ? AND date < ?')
    .bind(tenant, new Date(time - 30 * 86_400_000).toISOString())
    .run();
  return { deleted: meta.changes, more: false };
}
