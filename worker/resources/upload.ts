import { blob, index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core';

/** Parts of something too large for one request, until it is used or a day is over. */
export const uploads = sqliteTable(
  'upload',
  {
    tenant_id: text().notNull().default(''),
    id: text().notNull(),
    part: integer().notNull(),
    body: blob({ mode: 'buffer' }).notNull(),
    /** ISO 8601. */
    created: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.tenant_id, table.id, table.part] }),
    index('upload_created').on(table.created),
  ],
);

const lifetime = 86_400_000;

/** Stores one part, again if it was there; with the first part of an upload goes what has expired. */
export async function putPart(
  db: D1Database,
  tenant: string,
  upload: { id: string; part: number; body: Uint8Array },
  now: number,
): Promise<void> {
  const insert = db
    .prepare(
      `INSERT INTO upload (tenant_id, id, part, body, created) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (tenant_id, id, part) DO UPDATE SET body = excluded.body, created = excluded.created`,
    )
    .bind(tenant, upload.id, upload.part, upload.body, new Date(now).toISOString());
  await (upload.part === 0 ? db.batch([expire(db, now), insert]) : insert.run());
}

/** The numbers of the parts that are there, in order. */
export async function listParts(db: D1Database, tenant: string, id: string, now: number): Promise<number[]> {
  const { results } = await db
    .prepare('SELECT part FROM upload WHERE tenant_id = ? AND id = ? AND created > ? ORDER BY part')
    .bind(tenant, id, oldest(now))
    .all<{ part: number }>();
  return results.map((row) => row.part);
}

/** One part; null when it is gone meanwhile. Parts are read one by one, since an answer of D1 is held as a whole. */
export async function getPart(db: D1Database, tenant: string, id: string, part: number): Promise<Uint8Array | null> {
  const row = await db
    .prepare('SELECT body FROM upload WHERE tenant_id = ? AND id = ? AND part = ?')
    .bind(tenant, id, part)
    .first<{ body: number[] | ArrayBuffer }>();
  return row === null ? null : new Uint8Array(row.body);
}

function expire(db: D1Database, now: number): D1PreparedStatement {
  return db.prepare('DELETE FROM upload WHERE created <= ?').bind(oldest(now));
}

function oldest(now: number): string {
  return new Date(now - lifetime).toISOString();
}
