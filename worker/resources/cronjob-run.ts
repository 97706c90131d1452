import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core';
import { toSeconds } from './define.ts';

// What became of cronjobs: no configuration, so it is kept apart from them. worker/cron/ writes it. Times are milliseconds since the epoch.

/** How far a cronjob's times have been dealt with. */
export const cronjobStates = sqliteTable(
  'cronjob_state',
  {
    tenant_id: text().notNull().default(''),
    cronjob_id: integer().notNull(),
    /** Grows with every decision: two triggers cannot both decide. */
    version: integer().notNull(),
    /** Time zone and expression that `next` was made of. */
    schedule: text().notNull(),
    /** Everything due until here is decided. */
    cursor: integer().notNull(),
    next: integer(),
  },
  (table) => [primaryKey({ columns: [table.tenant_id, table.cronjob_id] })],
);

/**
 * pending → running → done or failed; lost: begun, and nobody knows the end; missed: not run, as the policy says; cancelled: its
 * cronjob went before it began.
 */
export type RunStatus = 'pending' | 'running' | 'done' | 'failed' | 'lost' | 'missed' | 'cancelled';

export const cronjobRuns = sqliteTable(
  'cronjob_run',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    tenant_id: text().notNull().default(''),
    cronjob_id: integer().notNull(),
    /** The time it is for; null: run by hand. */
    minute: integer(),
    /** Counts from 0: a lost run may be made again. */
    attempt: integer().notNull().default(0),
    /** `schedule`, `missed` (made up for), `lost` (made again) or `manual`. */
    cause: text().notNull(),
    status: text().$type<RunStatus>().notNull(),
    /** 0: its end is open, or what follows from its loss. */
    settled: integer().notNull().default(0),
    /** The lane that it runs in. */
    lane: integer().notNull(),
    /** Names the start, so that a lost reply can be told from a former life. */
    token: text(),
    created: integer().notNull(),
    started: integer(),
    /** Running beyond it means lost. */
    deadline: integer(),
    ended: integer(),
    /** 0 well, 1 failed. */
    exit_code: integer(),
    /** Status of the action's answer, and its first kilobyte. */
    code: integer(),
    answer: text(),
    error: text(),
  },
  (table) => [
    uniqueIndex('cronjob_run_minute').on(table.tenant_id, table.cronjob_id, table.minute, table.attempt),
    index('cronjob_run_job').on(table.cronjob_id),
    index('cronjob_run_open').on(table.tenant_id).where(sql`settled = 0`),
  ],
);

export type RunRow = typeof cronjobRuns.$inferSelect;

/** A run as callers see it. */
export function runOf(row: RunRow): Record<string, unknown> {
  const { id, status, cause, attempt, started, ended } = row;
  return present({
    ...{ id, status, cause, attempt: attempt + 1 },
    date: date(row.minute ?? row.created),
    executeDate: started === null ? null : date(started),
    duration: started === null || ended === null ? null : ended - started,
    exitCode: row.exit_code,
    code: row.code,
    error: row.error,
    answer: row.answer,
  });
}

/** A failed run as Fusio shows the errors of a cronjob. */
export function runErrorOf(row: RunRow, action: string): Record<string, unknown> {
  return {
    message: row.error ?? '',
    trace: `Run ${row.id} of ${date(row.started ?? row.created)}`,
    file: action,
    line: 0,
  };
}

function date(time: number): string {
  return toSeconds(new Date(time).toISOString());
}

function present(entity: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(entity).filter(([, value]) => value !== null));
}
