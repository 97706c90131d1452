import { ApiError } from '../core/errors.ts';
import { isPlatformFailure } from '../lib/platform-failure.ts';
import { type Column, readTables, type Table } from '../lib/sql/introspect.ts';

/** The client of a connection as a database. Throws `not_configured` when it is something else. */
export function databaseOf(client: unknown, connection: string): D1Database {
  if (typeof (client as D1Database | null)?.prepare !== 'function') {
    throw new ApiError('not_configured', `The connection "${connection}" is no database`);
  }
  return client as D1Database;
}

/** Milliseconds that a table's description is believed; a statement that fails over it reads it anew at once. */
const believed = 10_000;
const longestCache = 500;

const known = new Map<string, { at: number; table: Table | undefined }>();

/** Tables by name as they were lately; what does not exist is left out. `place` tells databases apart (tenant and connection). */
export async function describeTables(
  database: D1Database,
  place: string,
  names: readonly string[],
  now: number,
): Promise<Map<string, Table>> {
  const missing = names.filter((name) => !(now - (known.get(`${place} ${name}`)?.at ?? -believed) < believed));
  if (missing.length > 0) {
    const read = await readTables(database, missing);
    if (known.size + missing.length > longestCache) {
      known.clear();
    }
    for (const name of missing) {
      known.set(`${place} ${name}`, { at: now, table: read.get(name) });
    }
  }
  const found = names.map((name) => [name, known.get(`${place} ${name}`)?.table] as const);
  return new Map(found.filter((pair): pair is [string, Table] => pair[1] !== undefined));
}

/** Forgets all descriptions: a table has changed. */
export function forgetTables(): void {
  known.clear();
}

/** Runs work that relies on descriptions, and once more when a table turned out to be another one than described. */
export async function withFreshTables<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const cause = thrown instanceof ApiError ? thrown.cause : thrown;
    if (
      !(cause instanceof Error) ||
      !/no such (?:table|column)|has no column named|values were supplied/.test(cause.message)
    ) {
      throw thrown;
    }
    forgetTables();
    return work();
  }
}

/** What a statement was for; it decides what a refusal of the database means. */
export type Purpose = 'read' | 'write' | 'delete';

/**
 * Runs statements; a refusal of the database becomes what the caller can do about it: 400 for a value, 409 for a
 * conflict with other rows, 503 where the query or the table is not as configured. `propertyOf` gives the name that callers know a column by.
 */
export async function runStatements<T>(
  purpose: Purpose,
  work: () => Promise<T>,
  propertyOf: (column: string) => string = (column) => column,
): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    throw failureOf(purpose, thrown, propertyOf);
  }
}

function failureOf(purpose: Purpose, thrown: unknown, propertyOf: (column: string) => string): unknown {
  if (thrown instanceof ApiError || !(thrown instanceof Error) || isPlatformFailure(thrown)) {
    return thrown;
  }
  const { message } = thrown;
  const columns = [...(/constraint failed: ([^:]+)/.exec(message)?.[1]?.split(',') ?? [])].map((text) =>
    propertyOf(text.trim().split('.').at(-1)!),
  );
  if (message.includes('UNIQUE constraint failed')) {
    return new ApiError('conflict', `Another entry has the same ${columns.join(', ')}`, { cause: thrown });
  }
  if (message.includes('NOT NULL constraint failed')) {
    return valueError(columns[0]!, 'required', `Property ${columns[0]} must not be null`, thrown);
  }
  if (message.includes('FOREIGN KEY constraint failed')) {
    return purpose === 'delete'
      ? new ApiError('conflict', 'The entry cannot be deleted: other entries refer to it', { cause: thrown })
      : new ApiError('invalid_body', 'The entry refers to another one that does not exist', { cause: thrown });
  }
  if (message.includes('CHECK constraint failed') || message.includes('datatype mismatch')) {
    return new ApiError('invalid_body', 'A value is not allowed by the rules of the table', { cause: thrown });
  }
  if (/pattern too complex|string or blob too big/.test(message)) {
    return new ApiError('invalid_parameter', 'A value is too long to be searched for', { cause: thrown });
  }
  return new ApiError('not_configured', 'The database refused the statement: its table or query is not as configured', {
    cause: thrown,
  });
}

/** A broken rule of one property of a body. */
export function valueError(property: string, rule: string, message: string, cause?: unknown): ApiError {
  const pointer = `/body/${property.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  return new ApiError('invalid_body', message, { errors: [{ pointer, rule, message }], cause });
}

/** The column that names a row: the primary key when it is one column; else null. */
export function keyOf(table: Table): Column | null {
  const [name, ...more] = table.primaryKey;
  return name === undefined || more.length > 0 ? null : table.columns.find((column) => column.name === name)!;
}
