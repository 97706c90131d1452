import { keyOf } from '../../connections/database.ts';
import type { Column, Table } from '../../lib/sql/introspect.ts';
import { quoteName } from '../../lib/sql/names.ts';
import type { ListRelation, Shape } from './shape.ts';
import { fromStored } from './values.ts';

type Row = Record<string, unknown>;

/** Most related entries that one entry shows. */
const longestList = 100;

/**
 * Rows of a table as callers see them: properties for columns, and what the row is related to, read in one batch for all.
 * `columns` narrows what is shown; relations are shown then only when their column (or property) is among them.
 */
export async function toEntries(shape: Shape, rows: readonly Row[], columns?: readonly string[]): Promise<Row[]> {
  const shown = (...names: string[]) => columns === undefined || names.some((name) => columns.includes(name));
  const entries = rows.map((row): Row => {
    const fields = shape.fields.filter(({ column }) => shown(column.name));
    return Object.fromEntries(fields.map(({ property, column }) => [property, fromStored(column, row[column.name])]));
  });
  const reads = rows.length === 0 ? [] : relationReads(shape, shown);
  if (reads.length === 0) {
    return entries;
  }
  const statements = reads.map((read) =>
    shape.database.prepare(read.sql).bind(JSON.stringify([...new Set(rows.map(read.keyOf))])),
  );
  const results = await shape.database.batch<Row>(statements);
  reads.forEach((read, index) => {
    const found = results[index]!.results;
    rows.forEach((row, position) => {
      entries[position]![read.property] = read.show(found, row);
    });
  });
  return entries;
}

interface RelationRead {
  property: string;
  /** Takes one JSON list of keys. */
  sql: string;
  keyOf(row: Row): unknown;
  show(found: Row[], row: Row): unknown;
}

function relationReads(shape: Shape, shown: (...names: string[]) => boolean): RelationRead[] {
  const objects = shape.objects
    .filter(({ column, property }) => shown(column.name, property))
    .map(({ property, column, target }): RelationRead => {
      const key = target === null ? null : keyOf(target);
      const keyOfRow = (row: Row) => row[column.name] ?? null;
      const bare = (row: Row) => (keyOfRow(row) === null ? null : { id: keyOfRow(row) });
      if (target === null || key === null) {
        return {
          property,
          sql: 'SELECT 1 FROM json_each(?) LIMIT 0',
          keyOf: keyOfRow,
          show: (_found, row) => bare(row),
        };
      }
      const sql = `SELECT ${columnsOf(target, 't')} FROM ${quoteName(target.name)} t WHERE t.${quoteName(key.name)} IN (SELECT value FROM json_each(?))`;
      const show = (found: Row[], row: Row) => {
        const match = found.find((other) => other[key.name] === keyOfRow(row));
        return match === undefined ? bare(row) : entryOf(target, match);
      };
      return { property, sql, keyOf: keyOfRow, show };
    });
  const { key } = shape;
  const lists = key === null ? [] : shape.lists.filter(({ property }) => shown(property));
  return [...objects, ...lists.map((list) => listRead(list, key!))];
}

/** The related rows of many, each with its owner under a name that no column has. */
function listRead({ property, kind, relation, own, other, target }: ListRelation, key: Column): RelationRead {
  const [ownColumn, otherColumn, source] = [quoteName(own), quoteName(other), quoteName(relation.name)];
  const foreign = target === null ? null : keyOf(target);
  const name = kind === 'map' ? ', r."name" AS ":name"' : '';
  const inner = `SELECT r.${ownColumn} AS ":own", r.${otherColumn} AS ":other"${name}, row_number() OVER (PARTITION BY r.${ownColumn} ORDER BY r.${otherColumn}) AS ":place" FROM ${source} r WHERE r.${ownColumn} IN (SELECT value FROM json_each(?))`;
  const sql =
    target === null || foreign === null
      ? `SELECT * FROM (${inner}) WHERE ":place" <= ${longestList} ORDER BY ":place"`
      : `SELECT l.*, ${columnsOf(target, 't')} FROM (${inner}) l JOIN ${quoteName(target.name)} t ON t.${quoteName(foreign.name)} = l.":other" WHERE l.":place" <= ${longestList} ORDER BY l.":place"`;
  return {
    property,
    sql,
    keyOf: (row) => row[key.name] ?? null,
    show(found, row) {
      const mine = found.filter((other) => other[':own'] === row[key.name]);
      const entry = (other: Row) =>
        target === null || foreign === null ? { id: other[':other'] } : entryOf(target, other);
      return kind === 'array'
        ? mine.map(entry)
        : Object.fromEntries(mine.map((other) => [String(other[':name']), entry(other)]));
    },
  };
}

function columnsOf(table: Table, alias: string): string {
  return table.columns.map(({ name }) => `${alias}.${quoteName(name)} AS ${quoteName(name)}`).join(', ');
}

function entryOf(table: Table, row: Row): Row {
  return Object.fromEntries(table.columns.map((column) => [column.name, fromStored(column, row[column.name])]));
}
