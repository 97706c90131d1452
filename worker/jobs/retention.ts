import { and, eq, gt } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { Env } from '../env.ts';
import { configs } from '../resources/config.ts';

export interface Sweep {
  /** Rows that went. */
  deleted: number;
  /** Old rows are left: the next run goes on. */
  more: boolean;
}

/** Days that roll-ups stay: by the hour, by the day. */
const rollupDays = { rollup_hour: 92, rollup_day: 800 };
const day = 86_400_000;
const stepRows = 5000;
const defaultDays = 60;

/**
 * Deletes what is older than `days` (default: the setting `log_retention_days`) from the log and its errors, roll-ups when their longer time is over, and the marks of
 * flushes after a day: in small steps, at most `steps` a table, so that writers get in between. Safe to repeat.
 */
export async function sweepLogs(
  env: Pick<Env, 'DB' | 'LOGS'>,
  now: number,
  days?: number,
  steps = 100,
): Promise<Sweep> {
  const kept = days ?? (await retentionDays(env.DB));
  const total: Sweep = { deleted: 0, more: false };
  const tables: [table: string, column: string, days: number][] = [
    ['log', 'date', kept],
    ['log_error', 'insert_date', kept],
    ['rollup_hour', 'date', Math.max(kept, rollupDays.rollup_hour)],
    ['rollup_day', 'date', Math.max(kept, rollupDays.rollup_day)],
    ['flush', 'date', 1],
  ];
  for (const [table, column, kept] of tables) {
    const { deleted, more } = await sweepTable(
      env.LOGS,
      table,
      column,
      new Date(now - kept * day).toISOString(),
      steps,
    );
    total.deleted += deleted;
    total.more ||= more;
  }
  return total;
}

/** Deletes a tenant's rows that others keep longer, from the log and its errors. */
export async function sweepOwnLogs(
  env: Pick<Env, 'DB' | 'LOGS'>,
  tenant: string,
  now: number,
  steps = 100,
): Promise<Sweep> {
  const total: Sweep = { deleted: 0, more: false };
  const own = await retentionDays(env.DB, tenant);
  if (own >= (await retentionDays(env.DB))) {
    return total;
  }
  const before = new Date(now - own * day).toISOString();
  for (const [table, column] of [
    ['log', 'date'],
    ['log_error', 'insert_date'],
  ]) {
    const statement = env.LOGS.prepare(
      `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE tenant_id = ?1 AND ${column} < ?2 LIMIT ${stepRows})`,
    ).bind(tenant, before);
    for (let step = 0; ; step++) {
      const { meta } = await statement.run();
      total.deleted += meta.changes;
      if (meta.changes < stepRows) {
        break;
      }
      if (step === steps) {
        total.more = true;
        break;
      }
    }
  }
  return total;
}

/** What a tenant set, or else the longest that any did: the tables are swept as one. */
async function retentionDays(db: D1Database, tenant?: string): Promise<number> {
  const rows = await drizzle(db)
    .select({ value: configs.value })
    .from(configs)
    .where(
      and(
        eq(configs.name, 'log_retention_days'),
        gt(configs.status, 0),
        tenant === undefined ? undefined : eq(configs.tenant_id, tenant),
      ),
    );
  const set = rows.map(({ value }) => Number(value)).filter((days) => days >= 1);
  return set.length === 0 ? defaultDays : Math.max(...set);
}

/** Rows come in the order of time but for seconds: the oldest are the first, and no index on the date alone is needed. */
async function sweepTable(
  db: D1Database,
  table: string,
  column: string,
  before: string,
  steps: number,
): Promise<Sweep> {
  const statement = db
    .prepare(
      `DELETE FROM ${table} WHERE rowid IN (SELECT id FROM (SELECT rowid AS id, ${column} AS date FROM ${table} ORDER BY rowid LIMIT ${stepRows}) WHERE date < ?1)`,
    )
    .bind(before);
  let deleted = 0;
  for (let step = 0; step < steps; step++) {
    const { meta } = await statement.run();
    deleted += meta.changes;
    if (meta.changes === 0) {
      return { deleted, more: false };
    }
  }
  return { deleted, more: true };
}
