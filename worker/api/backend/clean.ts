import { Type } from 'typebox';
import type { Call, Input } from '../../core/call.ts';
import { invalidAt } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { recordRun } from '../../resources/job-run.ts';

/** What can be cleaned: rows whose column lies more than `days` back. Names of tables and columns come from here only. */
const kinds: Record<
  string,
  { database: 'DB' | 'LOGS'; tables: [table: string, column: string][]; days: number | null }
> = {
  log: {
    database: 'LOGS',
    tables: [
      ['log', 'date'],
      ['log_error', 'insert_date'],
    ],
    days: 60,
  },
  token: { database: 'DB', tables: [['token', 'expire']], days: 7 },
  upload: { database: 'DB', tables: [['upload', 'created']], days: 1 },
  firewall: { database: 'DB', tables: [['firewall', 'expire']], days: 30 },
  // The trail of changes goes only where somebody says so.
  audit: { database: 'DB', tables: [['audit', 'date']], days: null },
};

const day = 86_400_000;
const stepRows = 5000;
/** Statements of one request and table; what is left is said. */
const steps = 20;

/** `POST /backend/clean`: deletes what is over now, as the hourly sweep does by its own times, or counts it. */
export const cleanOperations: readonly SystemOperation[] = [
  {
    name: 'backend.clean.run',
    method: 'POST',
    path: '/backend/clean',
    description: 'Deletes old log rows, ended tokens, forgotten uploads and expired firewall rules, or counts them',
    scope: 'backend.clean',
    incoming: Type.Object({
      dryRun: Type.Optional(Type.Boolean({ description: 'Count, delete nothing' })),
      keep: Type.Optional(
        Type.Record(Type.String(), Type.Integer({ minimum: 0, maximum: 36_500 }), {
          description: `Days to keep, by kind: ${Object.keys(kinds).join(', ')}; audit is cleaned only where it is named`,
        }),
      ),
    }),
    outgoing: Type.Object({
      dryRun: Type.Boolean(),
      results: Type.Array(
        Type.Object({
          name: Type.String(),
          before: Type.String({ description: 'Rows from before this moment' }),
          rows: Type.Integer(),
          more: Type.Boolean({ description: 'More is left than one request deletes' }),
        }),
      ),
    }),
    run: clean,
  },
];

async function clean(call: Call, input: Input) {
  const { dryRun = false, keep = {} } = (input.body ?? {}) as { dryRun?: boolean; keep?: Record<string, number> };
  const unknown = Object.keys(keep).find((name) => !Object.hasOwn(kinds, name));
  if (unknown !== undefined) {
    const message = `There is no kind "${unknown}"; there are ${Object.keys(kinds).join(', ')}`;
    throw invalidAt(`/keep/${unknown}`, message, 'enum');
  }
  const results = [];
  const began = call.runtime.now();
  for (const [name, kind] of Object.entries(kinds)) {
    const set = name === 'log' ? Number(call.snapshot.config('log_retention_days') ?? 0) : 0;
    const days = keep[name] ?? (set >= 1 ? set : kind.days);
    if (days === null) {
      continue;
    }
    const before = new Date(call.runtime.now() - days * day).toISOString();
    let [rows, more] = [0, false];
    for (const [table, column] of kind.tables) {
      const database = call.runtime.env[kind.database];
      const swept = await (dryRun ? count : sweep)(database, table, column, call.tenant, before);
      rows += swept.rows;
      more ||= swept.more;
    }
    results.push({ name, before, rows, more });
  }
  if (!dryRun) {
    const rows = results.reduce((sum, result) => sum + result.rows, 0);
    const more = results.some((result) => result.more);
    const run = { tenant: call.tenant, name: 'clean', userId: call.caller.userId, began, ended: call.runtime.now() };
    await recordRun(call.runtime.env.DB, { ...run, rows, more });
  }
  return { dryRun, results };
}

async function count(db: D1Database, table: string, column: string, tenant: string, before: string) {
  const found = await db
    .prepare(`SELECT count(*) AS count FROM ${table} WHERE tenant_id = ?1 AND ${column} < ?2`)
    .bind(tenant, before)
    .first<{ count: number }>();
  return { rows: found?.count ?? 0, more: false };
}

/** In small steps, so that writers get in between. */
async function sweep(db: D1Database, table: string, column: string, tenant: string, before: string) {
  const statement = db
    .prepare(
      `DELETE FROM ${table} WHERE rowid IN (SELECT rowid FROM ${table} WHERE tenant_id = ?1 AND ${column} < ?2 LIMIT ${stepRows})`,
    )
    .bind(tenant, before);
  let rows = 0;
  for (let step = 0; step < steps; step++) {
    const { meta } = await statement.run();
    rows += meta.changes;
    if (meta.changes < stepRows) {
      return { rows, more: false };
    }
  }
  return { rows, more: true };
}
