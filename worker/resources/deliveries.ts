import type { JobRecord, LaneHealth } from '../core/events.ts';
import { toSeconds } from './define.ts';

/** A delivery in Fusio's shape, and what a curious reader wants beyond it. */
export function deliveryOf(job: JobRecord): Record<string, unknown> {
  return {
    id: job.number,
    status: job.status,
    ...(job.code === null ? {} : { code: job.code }),
    attempts: job.attempts,
    ...(job.error === null ? {} : { error: job.error }),
    ...(job.executed === null ? {} : { executeDate: date(job.executed) }),
    message: job.id,
    event: job.name,
    date: date(job.time),
    ...(job.next === null ? {} : { nextDate: date(job.next) }),
    history: job.history.map(({ at, duration, code, error, answer }) => ({
      date: new Date(at).toISOString(),
      duration,
      ...(code === null ? {} : { code }),
      ...(error === null ? {} : { error }),
      ...(answer === null ? {} : { answer }),
    })),
  };
}

function date(time: number): string {
  return toSeconds(new Date(time).toISOString());
}

/** What is to be known of a receiver at a glance. */
export function healthOf({ oldest, succeeded, failing, ...counts }: LaneHealth): Record<string, unknown> {
  return {
    ...counts,
    ...(oldest === null ? {} : { oldestDate: date(oldest) }),
    ...(succeeded === null ? {} : { successDate: date(succeeded) }),
    ...(failing === null ? {} : { failingSince: date(failing) }),
  };
}
