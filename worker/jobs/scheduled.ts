import { runCronjobs } from '../cron/tick.ts';
import type { Env } from '../env.ts';
import { sweepLanes, sweepOutboxes } from '../events/sweep.ts';
import { recordRun } from '../resources/job-run.ts';
import { sweepPublisher } from '../snapshot/current.ts';
import { type Sweep, sweepLogs } from './retention.ts';

/** When the configuration is backed up each day, UTC. */
const backupHour = 3;

/**
 * What the platform's trigger of a minute (`time`) runs; `now` is the true time. Every job is safe to run late, twice or beside
 * itself. Clean-up leaves a row for each run, which `GET /backend/job` shows; what runs each minute leaves one only where it failed.
 */
export async function runScheduled(
  env: Env,
  time: number,
  now: () => number,
  report: (place: string, thrown: unknown) => void,
  backup: () => Promise<Sweep>,
): Promise<void> {
  const minute = new Date(time).getUTCMinutes();
  const jobs: [string, () => Promise<unknown>][] = [
    ['jobs.cronjobs', () => runCronjobs(env, '', time, now(), report)],
    ['jobs.publisher', () => sweepPublisher(env, '')],
    ['jobs.outbox', () => sweepOutboxes(env, '', report)],
    ['jobs.lanes', () => sweepLanes(env, '', minute, report)],
  ];
  if (minute === 0) {
    jobs.push(['jobs.retention', () => sweepLogs(env, time)]);
    jobs.push(['jobs.uploads', () => sweepUploads(env, time)]);
    jobs.push(['jobs.tokens', () => sweepTokens(env, time)]);
    jobs.push(['jobs.runs', () => sweepRuns(env, time)]);
    jobs.push(['jobs.letters', () => sweepLetters(env, time)]);
  }
  if (minute === 0 && new Date(time).getUTCHours() === backupHour) {
    jobs.push(['jobs.backup', backup]);
  }
  for (const [place, job] of jobs) {
    const run = { tenant: '', name: place.replace('jobs.', ''), userId: null, began: now() };
    let outcome: { rows?: number; more?: boolean; error?: string } | null;
    try {
      const swept = await job();
      outcome = isSweep(swept) ? { rows: swept.deleted, more: swept.more } : null;
    } catch (thrown) {
      report(place, thrown);
      outcome = { error: (thrown instanceof Error ? thrown.message : String(thrown)).slice(0, 500) };
    }
    if (outcome !== null) {
      await recordRun(env.DB, { ...run, ended: now(), ...outcome }).catch((thrown) => report('jobs.record', thrown));
    }
  }
}

function isSweep(result: unknown): result is Sweep {
  return typeof result === 'object' && result !== null && 'deleted' in result;
}

/** Parts of uploads that nobody used within a day. */
async function sweepUploads(env: Env, time: number): Promise<Sweep> {
  const { meta } = await env.DB.prepare('DELETE FROM upload WHERE created < ?')
    .bind(new Date(time - 86_400_000).toISOString())
    .run();
  return { deleted: meta.changes, more: false };
}

/** Rows of tokens that ended a week ago. */
async function sweepTokens(env: Env, time: number): Promise<Sweep> {
  const { meta } = await env.DB.prepare('DELETE FROM token WHERE expire < ?')
    .bind(new Date(time - 7 * 86_400_000).toISOString())
    .run();
  return { deleted: meta.changes, more: false };
}

/** Runs of cronjobs that ended 30 days ago, but for the last one of each. */
async function sweepRuns(env: Env, time: number): Promise<Sweep> {
  const { meta } = await env.DB.prepare(
    `DELETE FROM cronjob_run WHERE settled = 1 AND created < ?
     AND id <> (SELECT max(last.id) FROM cronjob_run AS last WHERE last.cronjob_id = cronjob_run.cronjob_id AND last.started IS NOT NULL)`,
  )
    .bind(time - 30 * 86_400_000)
    .run();
  return { deleted: meta.changes, more: false };
}

/** Dead letters whose lanes remember them no longer. */
async function sweepLetters(env: Env, time: number): Promise<Sweep> {
  const { meta } = await env.DB.prepare('DELETE FROM dead_letter WHERE date < ?')
    .bind(new Date(time - 30 * 86_400_000).toISOString())
    .run();
  return { deleted: meta.changes, more: false };
}
