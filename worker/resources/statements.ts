import { getTableColumns } from 'drizzle-orm';
import { getTableConfig, type SQLiteTable } from 'drizzle-orm/sqlite-core';
import type { Actor } from '../core/ports.ts';
import { commits } from './commit.ts';
import type { Resource, Row } from './define.ts';
import { audits } from './tables.ts';
import type { Guard, Mutation, View } from './view.ts';

/** Characters of JSON per statement: D1 takes 2 MB a value in production, which local emulation does not enforce. */
const chunkSize = 1_000_000;

/** What a view's mutations write: rows, commits and audit, as few D1 statements as the platform's limits allow. */
export function statementsOf(db: D1Database, view: View): D1PreparedStatement[] {
  const latest = new Map<Resource, Map<number, Mutation>>();
  for (const mutation of view.mutations) {
    const rows = latest.get(mutation.resource) ?? new Map<number, Mutation>();
    latest.set(mutation.resource, rows);
    rows.set(mutation.after.id, { ...mutation, before: rows.get(mutation.after.id)?.before ?? mutation.before });
  }
  const statements: D1PreparedStatement[] = [];
  for (const [resource, mutations] of latest) {
    statements.push(...freeNames(db, resource, [...mutations.values()]));
    const rows = [...mutations.values()];
    // Writers of live data do not wait for each other: two may have taken the same id for a new row.
    const fresh = resource.versioned ? [] : rows.filter(({ before }) => before === undefined);
    statements.push(
      ...inserts(
        db,
        resource.table,
        fresh.map(({ after }) => after),
      ),
      ...upserts(
        db,
        resource.table,
        rows.filter((mutation) => !fresh.includes(mutation)).map(({ after }) => after),
      ),
    );
  }
  statements.push(...upserts(db, commits, view.commitRows as unknown as Row[]));
  statements.push(...upserts(db, audits, auditRows(view) as unknown as Row[]));
  statements.push(...guardStatements(db, view.guards));
  return statements;
}

/** Statements that fail, and the batch with them, where a condition does not hold: `!0` is no JSON. */
export function guardStatements(db: D1Database, guards: readonly Guard[]): D1PreparedStatement[] {
  return guards.map(({ condition, values }) =>
    db
      .prepare(`SELECT CASE WHEN held THEN 1 ELSE json('!' || held) END FROM (SELECT (${condition}) AS held)`)
      .bind(...values),
  );
}

/** Whether a condition holds at the moment. */
export async function holds(db: D1Database, { condition, values }: Guard): Promise<boolean> {
  const held = await db
    .prepare(`SELECT (${condition}) AS held`)
    .bind(...values)
    .first<number>('held');
  return held === 1;
}

/** Rows that give a unique value up do so before others take it, whatever the order within the upsert. */
function freeNames(db: D1Database, resource: Resource, mutations: Mutation[]): D1PreparedStatement[] {
  const leaving = mutations
    .filter(
      ({ before, after }) =>
        before !== undefined && Object.keys(resource.unique).some((column) => before[column] !== after[column]),
    )
    .map(({ after }) => after.id);
  const { name } = getTableConfig(resource.table);
  return leaving.length === 0
    ? []
    : [
        db
          .prepare(`UPDATE "${name}" SET status = -1 WHERE id IN (SELECT value FROM json_each(?))`)
          .bind(JSON.stringify(leaving)),
      ];
}

/** Inserts rows, or overwrites those whose id exists. Rows without an id get one. */
export function upserts(db: D1Database, table: SQLiteTable, rows: readonly Row[]): D1PreparedStatement[] {
  return inserts(db, table, rows, rows[0]?.id !== undefined);
}

/** Inserts rows; an id that exists is overwritten or, as any broken unique value, fails. */
function inserts(db: D1Database, table: SQLiteTable, rows: readonly Row[], overwriting = false): D1PreparedStatement[] {
  if (rows.length === 0) {
    return [];
  }
  const withId = rows[0]!.id !== undefined;
  const columns = Object.values(getTableColumns(table)).filter((column) => withId || column.name !== 'id');
  const { name } = getTableConfig(table);
  const names = columns.map((column) => `"${column.name}"`).join(', ');
  const values = columns
    .map((column) =>
      column.dataType === 'json' ? `nullif(value -> '$.${column.name}', 'null')` : `value ->> '$.${column.name}'`,
    )
    .join(', ');
  const overwrite = columns
    .filter((column) => column.name !== 'id')
    .map(
      (column) => `"${column.name}" = ${column.name === 'tenant_id' ? ownTenant(name) : `excluded."${column.name}"`}`,
    )
    .join(', ');
  const sql = `INSERT INTO "${name}" (${names}) SELECT ${values} FROM json_each(?) WHERE true${
    overwriting ? ` ON CONFLICT (id) DO UPDATE SET ${overwrite}` : ''
  }`;
  return chunks(rows).map((part) => db.prepare(sql).bind(part));
}

/**
 * Ids are counted over all tenants, and publishers of two may take the same for a new row: whoever comes second must not
 * overwrite the other's. No tenant is NULL, which the column refuses (`isTakenId`).
 */
function ownTenant(table: string): string {
  return `CASE WHEN "${table}".tenant_id = excluded.tenant_id THEN excluded.tenant_id END`;
}

function chunks(rows: readonly Row[]): string[] {
  const parts: string[] = [];
  let texts: string[] = [];
  let size = 0;
  for (const row of [...rows].sort((a, b) => Number((a.status ?? 1) > 0) - Number((b.status ?? 1) > 0))) {
    const text = JSON.stringify(row);
    if (size + text.length > chunkSize && texts.length > 0) {
      parts.push(`[${texts.join(',')}]`);
      texts = [];
      size = 0;
    }
    texts.push(text);
    size += text.length;
  }
  parts.push(`[${texts.join(',')}]`);
  return parts;
}

function auditRows(view: View) {
  const date = new Date(view.now).toISOString();
  return view.mutations.map(({ resource, before, after }) => {
    const verb = before === undefined ? 'create' : after.status === resource.deleted ? 'delete' : 'update';
    return auditRow(view.tenant, view.actor, date, `${resource.name}.${verb}`, after.id, {
      message: `${{ create: 'Created', update: 'Updated', delete: 'Deleted' }[verb]} ${resource.name} ${after.name ?? after.id}`,
      content: { id: after.id, name: after.name ?? null },
    });
  });
}

export function auditRow(
  tenant: string,
  actor: Actor,
  date: string,
  event: string,
  reference: number | null,
  text: { message: string; content: unknown },
) {
  return {
    tenant_id: tenant,
    app_id: actor.appId,
    user_id: actor.userId,
    ref_id: reference,
    event,
    ip: actor.ip,
    message: text.message,
    content: text.content,
    date,
  };
}
