import type { D1Database } from '@cloudflare/workers-types';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { applyMigrations, readMigrations } from '../../admin/host/migrations.ts';

/** The database LOGS alone, migrated, in a runtime of its own. */
export async function openLogs(): Promise<{ LOGS: D1Database; close(): Promise<void> }> {
  const mf = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: 'export default { fetch: () => new Response(null) }',
      compatibilityDate: '2026-10-01',
      d1Databases: ['LOGS'],
      cf: false,
      telemetry: { enabled: false },
    }),
  );
  const LOGS = (await mf.getD1Database('LOGS')) as unknown as D1Database;
  await applyMigrations(LOGS, await readMigrations('d1-migrations/logs'));
  return { LOGS, close: () => mf.dispose() };
}

export async function emptyLogs(db: D1Database): Promise<void> {
  const tables = ['log', 'log_error', 'rollup_hour', 'rollup_day', 'flush'];
  await db.batch(tables.map((table) => db.prepare(`DELETE FROM ${table}`)));
}

export async function rowsOf(db: D1Database, sql: string): Promise<Record<string, any>[]> {
  return (await db.prepare(sql).all<Record<string, any>>()).results;
}
