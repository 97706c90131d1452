import type { Env } from '../env.ts';
import { sweepLanes, sweepOutboxes } from '../events/sweep.ts';
import { sweepPublisher } from '../snapshot/current.ts';
import { sweepLogs } from './retention.ts';

/** What the platform's trigger runs each minute. Every job is safe to run late, twice or beside itself. */
export async function runScheduled(
  env: Env,
  time: number,
  report: (place: string, thrown: unknown) => void,
): Promise<void> {
  const minute = new Date(time).getUTCMinutes();
  const jobs: [string, () => Promise<unknown>][] = [
    ['jobs.publisher', () => sweepPublisher(env, '')],
    ['jobs.outbox', () => sweepOutboxes(env, '', report)],
    ['jobs.lanes', () => sweepLanes(env, '', minute, report)],
  ];
  if (minute === 0) {
    jobs.push(['jobs.retention', () => sweepLogs(env, time)]);
    jobs.push(['jobs.uploads', () => sweepUploads(env, time)]);
    jobs.push(['jobs.tokens', () => sweepTokens(env, time)]);
  }
  for (const [place, job] of jobs) {
    await job().catch((thrown) => report(place, thrown));
  }
}

/** Parts of uploads that nobody used within a day. */
async function sweepUploads(env: Env, time: number): Promise<void> {
  await env.DB.prepare('DELETE FROM upload WHERE created < ?')
    .bind(new Date(time - 86_400_000).toISOString())
    .run();
}

/** Rows of tokens that ended a week ago. */
async function sweepTokens(env: Env, time: number): Promise<void> {
  await env.DB.prepare('DELETE FROM token WHERE expire < ?')
    .bind(new Date(time - 7 * 86_400_000).toISOString())
    .run();
}
