import { getTableName } from 'drizzle-orm';
import type { Write } from './log-buffer.ts';
import { errorColumns, logColumns, rollupColumns } from './log-rows.ts';
import { flushes, rollupDays, rollupHours } from './log-tables.ts';

/**
 * Writes what a flush holds, in one transaction with its id. Written before (the reply was lost, another flush took over):
 * nothing changes and no error is thrown. Rejects when D1 does.
 */
export async function writeLogs(db: D1Database, write: Write, now: number): Promise<void> {
  const statements = [
    db.prepare(insertFlush).bind(write.id, new Date(now).toISOString()),
    ...chunks(write.rows).map((json) => db.prepare(insertLogs).bind(json)),
    ...chunks(write.errors).map((json) => db.prepare(insertErrors).bind(json)),
  ];
  for (const json of chunks(write.rollups.map((rollup) => JSON.stringify(rollup)))) {
    statements.push(db.prepare(upsertHours).bind(json), db.prepare(upsertDays).bind(json));
  }
  try {
    await db.batch(statements);
  } catch (error) {
    if (!isRepeat(error)) {
      throw error;
    }
  }
}

function isRepeat(error: unknown): boolean {
  return String((error as Error)?.message).includes('UNIQUE constraint failed: flush.id');
}

/** D1 takes 2 MB as one bound value; a UTF-16 unit is at most three bytes of UTF-8. */
const chunkSize = 600_000;

/** JSON arrays of the given JSON texts, none too large to bind. */
function chunks(rows: readonly string[]): string[] {
  const made: string[] = [];
  let from = 0;
  let size = 0;
  rows.forEach((row, at) => {
    if (at > from && size + row.length > chunkSize) {
      made.push(`[${rows.slice(from, at).join(',')}]`);
      from = at;
      size = 0;
    }
    size += row.length + 1;
  });
  if (from < rows.length) {
    made.push(`[${rows.slice(from).join(',')}]`);
  }
  return made;
}

const members = (columns: readonly string[]) => columns.map((_, at) => `value->>${at}`);

const insertFlush = `INSERT INTO ${getTableName(flushes)} (id, date) VALUES (?1, ?2)`;
const insertLogs = `INSERT INTO log (${logColumns}) SELECT ${members(logColumns)} FROM json_each(?1)`;

// The log rows of the same transaction have the last ids, without gaps: an error counts back from the end to its own.
const insertErrors = `INSERT INTO log_error (${errorColumns}) SELECT ${members(errorColumns).map((member, at) =>
  errorColumns[at] === 'log_id' ? `(SELECT max(id) FROM log) - (${member})` : member,
)} FROM json_each(?1)`;

function upsert(table: string, date: string): string {
  const values = members(rollupColumns).map((member, at) => (rollupColumns[at] === 'date' ? date : member));
  const sums = rollupColumns
    .slice(7)
    .map((column) =>
      column === 'duration_max'
        ? `${column} = max(${column}, excluded.${column})`
        : `${column} = ${column} + excluded.${column}`,
    );
  // `WHERE true` keeps SQLite from reading ON as the beginning of a join.
  return `INSERT INTO ${table} (${rollupColumns}) SELECT ${values} FROM json_each(?1) WHERE true ON CONFLICT (${rollupColumns.slice(0, 7)}) DO UPDATE SET ${sums}`;
}

const upsertHours = upsert(getTableName(rollupHours), 'value->>1');
const upsertDays = upsert(getTableName(rollupDays), `substr(value->>1, 1, 10) || 'T00:00:00Z'`);
