import { sql } from 'drizzle-orm';
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

// The database LOGS. It is written by gateway/observe.ts, read by api/ and swept by jobs/retention.ts.
//
// Few indexes on purpose: the platform bills a written row a thousand times as dearly as a read one, and every index is
// one more written row per call. So those beyond the first three hold only the few calls that are sought by them; what lists
// filter by without an index is found by walking `tenant_id, date` for a while (resources/growing-list.ts).
// Dates are texts in UTC with milliseconds, `2026-11-21T22:58:00.123Z`: they sort as they read.

/** One row per call that the log keeps. Ids grow in the order of insertion, so a reader that remembers the last one misses nothing. */
export const logs = sqliteTable(
  'log',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    tenant_id: text().notNull().default(''),
    /** 1 default, 2 backend, 3 consumer, 4 system, 5 authorization. */
    category_id: integer().notNull().default(1),
    /** Null: no operation matched. Negative: an operation of the platform itself. */
    operation_id: integer(),
    /** The name at the time of the call: the operation may be gone when somebody reads this. */
    operation_name: text(),
    app_id: integer(),
    user_id: integer(),
    request_id: text().notNull().default(''),
    ip: text().notNull().default(''),
    user_agent: text().notNull().default(''),
    method: text().notNull(),
    /** With the query, secrets redacted. */
    path: text().notNull(),
    /** `Name: value` lines, secrets redacted. */
    header: text(),
    body: text(),
    response_code: integer().notNull(),
    error_code: text(),
    /** Milliseconds until the answer's headers. */
    execution_time: integer().notNull(),
    /** Milliseconds of these spent waiting for upstreams. */
    upstream_time: integer().notNull().default(0),
    revision: integer().notNull().default(0),
    points: integer().notNull().default(0),
    /** JSON: why it ended as it did (gateway/explain-call.ts). */
    explain: text(),
    date: text().notNull(),
  },
  (table) => [
    index('log_date').on(table.tenant_id, table.date),
    index('log_operation').on(table.tenant_id, table.operation_id, table.date).where(sql`operation_id IS NOT NULL`),
    index('log_user').on(table.tenant_id, table.user_id, table.date).where(sql`user_id IS NOT NULL`),
    index('log_category').on(table.tenant_id, table.category_id, table.date).where(sql`category_id <> 1`),
    index('log_failed').on(table.tenant_id, table.date).where(sql`response_code >= 400`),
    index('log_body').on(table.tenant_id, table.date).where(sql`body IS NOT NULL`),
  ],
);

/** What went wrong: in a call (`log_id` names its row), or behind the callers' backs (`log_id` is null). */
export const logErrors = sqliteTable(
  'log_error',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    tenant_id: text().notNull().default(''),
    log_id: integer(),
    request_id: text(),
    message: text().notNull(),
    trace: text(),
    /** Where: the file of the topmost frame, else the step that reported. */
    file: text(),
    line: integer(),
    /** How often the same fault came within one flush. */
    count: integer().notNull().default(1),
    insert_date: text().notNull(),
  },
  (table) => [
    index('log_error_log').on(table.log_id).where(sql`log_id IS NOT NULL`),
    index('log_error_tenant').on(table.tenant_id),
  ],
);

/** Upper bounds in milliseconds of the columns `ms_N`: calls that took more than the bound before and at most this one. Slower calls are in `count` alone. */
export const durationBounds = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10000] as const;

/** A roll-up counts every call, also those that leave no row in the log. Zero stands for none: a key column cannot be null. */
const rollup = {
  tenant_id: text().notNull().default(''),
  /** The bucket's beginning, `2026-11-21T22:00:00Z`. */
  date: text().notNull(),
  category_id: integer().notNull(),
  operation_id: integer().notNull(),
  app_id: integer().notNull(),
  user_id: integer().notNull(),
  /** 1 … 5 as the first digit of the status; 0 for anything else. */
  status_class: integer().notNull(),
  count: integer().notNull(),
  /** Sums, milliseconds. */
  duration: integer().notNull(),
  upstream: integer().notNull(),
  duration_max: integer().notNull(),
  points: integer().notNull(),
  ms_5: integer().notNull().default(0),
  ms_10: integer().notNull().default(0),
  ms_25: integer().notNull().default(0),
  ms_50: integer().notNull().default(0),
  ms_100: integer().notNull().default(0),
  ms_250: integer().notNull().default(0),
  ms_500: integer().notNull().default(0),
  ms_1000: integer().notNull().default(0),
  ms_2500: integer().notNull().default(0),
  ms_10000: integer().notNull().default(0),
};

export const rollupHours = sqliteTable('rollup_hour', rollup, (t) => [
  primaryKey({
    columns: [t.tenant_id, t.date, t.category_id, t.operation_id, t.app_id, t.user_id, t.status_class],
  }),
]);

export const rollupDays = sqliteTable('rollup_day', rollup, (t) => [
  primaryKey({
    columns: [t.tenant_id, t.date, t.category_id, t.operation_id, t.app_id, t.user_id, t.status_class],
  }),
]);

/** The ids of batches that were written: one that is repeated because its reply was lost fails on this key, as a whole. */
export const flushes = sqliteTable('flush', {
  id: text().primaryKey(),
  date: text().notNull(),
});
