import { type AnyColumn, getTableColumns, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import type { Row } from './define.ts';

// Lists of what happens (calls, errors, changes, tokens) grow without end, and a page must come as fast from ten million rows as
// from ten. So a list walks an index from its newest row on, examines so many rows and no more, and counts so many and no more.

/** Entries that are counted; of more it is only said that there are more. */
export const countedTo = 10_000;

/** Rows that a list examines, unless it says otherwise. */
export const examinedRows = 100_000;

/** The part of a table that a list looks at: what one of its indexes finds, from one end on. */
export interface Walk {
  table: SQLiteTable & { id: SQLiteColumn };
  /** Equalities, by the first columns of an index. */
  key: SQL;
  /** The index's next column. */
  along: SQLiteColumn;
  /** Both ends belong to the range. */
  from: string | number;
  to: string | number;
  /** From `from` up, instead of from `to` down. */
  ascending?: boolean;
  /** Rows that are examined at most, give or take those of one moment. */
  examined?: number;
}

/** What a page of these lists says beside Fusio's members, where there is something to say. */
export interface Bounds {
  /** There are more results than `totalResults`: it is counted to 10,000, and over the entries that were searched. */
  totalIsMinimum?: true;
  /** Entries before this moment were not searched; a list from there back begins with `to`. */
  searchedSince?: string;
}

export const boundsSchema = {
  totalIsMinimum: Type.Optional(
    Type.Boolean({
      description: `True when there may be more than totalResults says: it is counted to ${countedTo}, over what was searched`,
    }),
  ),
  searchedSince: Type.Optional(
    Type.String({
      format: 'date-time',
      description: 'Older entries of the range were not searched; "to" with this moment goes on there',
    }),
  ),
};

/** The rows of a walk as a condition; its range ends where so many rows are passed. `end` says where, null when everything is in it. */
export function walked({ table, key, along, from, to, ascending = false, examined = examinedRows }: Walk): {
  condition(end: SQL): SQL;
  end: SQL;
} {
  const direction = sql.raw(ascending ? 'ASC' : 'DESC');
  return {
    // Asks the index alone, so that passing rows costs next to nothing.
    end: sql`(SELECT ${along} FROM ${table} WHERE ${key} AND ${along} >= ${from} AND ${along} <= ${to}
      ORDER BY ${along} ${direction} LIMIT 1 OFFSET ${examined})`,
    // One bound a side: with a second one SQLite would walk to the wider and drop rows on the way.
    condition: (end) =>
      ascending
        ? sql`${key} AND ${along} >= ${from} AND ${along} <= coalesce(${end}, ${to})`
        : sql`${key} AND ${along} >= coalesce(${end}, ${from}) AND ${along} <= ${to}`,
  };
}

export interface GrowingPage {
  rows: Row[];
  total: number;
  bounds: Bounds;
  /** Where the walk ended before its range did. */
  end: string | number | null;
}

/**
 * A page of the rows of a walk that meet `where`, decoded, `columns` of them. One statement, which goes through the rows once.
 * An order along the walk ends it as soon as the page is full and counted.
 */
export async function growingPage(
  db: D1Database,
  walk: Walk,
  page: { where?: SQL; order: SQL[]; startIndex: number; count: number; columns?: Record<string, AnyColumn> },
): Promise<GrowingPage> {
  const { table } = walk;
  const { where, startIndex, count, columns = getTableColumns(table) } = page;
  const { condition, end } = walked(walk);
  const order = sql.join(page.order, sql`, `);
  const found = await drizzle(db).all<Record<string, unknown>>(sql`
    WITH bound AS MATERIALIZED (SELECT ${end} AS _end),
      hits AS MATERIALIZED (
        SELECT ${table.id} AS _id FROM ${table}
        WHERE ${condition(sql`(SELECT _end FROM bound)`)} AND ${where === undefined ? sql`1` : sql`(${where})`}
        ORDER BY ${order} LIMIT ${Math.max(countedTo, startIndex + count) + 1})
    SELECT _total, _end, _id, ${sql.join(Object.values(columns), sql`, `)}
    FROM (SELECT count(*) AS _total FROM hits)
      CROSS JOIN bound
      LEFT JOIN (SELECT _id FROM hits LIMIT ${count} OFFSET ${startIndex})
      LEFT JOIN ${table} ON ${table.id} = _id
    ORDER BY ${order}`);
  const [{ _total, _end } = { _total: 0, _end: null }] = found;
  const total = Math.min(Number(_total), countedTo);
  const place = _end as string | number | null;
  return {
    rows: found.filter(({ _id }) => _id !== null).map((row) => decoded(row, columns)),
    total,
    bounds: {
      ...(Number(_total) > total || place !== null ? { totalIsMinimum: true } : {}),
      ...(typeof place === 'string' ? { searchedSince: place } : {}),
    },
    end: place,
  };
}

/** A row of a raw query with JSON and booleans as the table declares them. */
function decoded(raw: Record<string, unknown>, columns: Record<string, AnyColumn>): Row {
  return Object.fromEntries(
    Object.entries(columns).map(([name, column]) => {
      const value = raw[column.name];
      return [name, value === null || value === undefined ? null : column.mapFromDriverValue(value)];
    }),
  ) as Row;
}
