import { ApiError, invalidAt } from '../../core/errors.ts';
import { readTableNames, readTables, type Table } from '../../lib/sql/introspect.ts';
import { quoteName } from '../../lib/sql/names.ts';
import {
  type ColumnDefinition,
  columnSql,
  createIndexes,
  createTable,
  definitionOf,
  referenceSql,
  sameColumn,
  type TableDefinition,
} from './database-definition.ts';

/**
 * The statements that make a table what the definition says; they belong in one batch. What ALTER TABLE can do is done so;
 * for the rest the table is made anew and its rows are copied, which is refused (409) while other tables refer to it, for their
 * rows would lose what they refer to (SQLite deletes them with the old table).
 */
export async function changeTable(database: D1Database, before: Table, wanted: TableDefinition): Promise<string[]> {
  if (before.columns.some(({ generated }) => generated)) {
    throw new ApiError('conflict', `The table ${before.name} has computed columns: change it by a migration`);
  }
  const statements = isStructural(before, wanted)
    ? await rebuild(database, before, wanted)
    : [...alter(before, wanted), ...rename(before, wanted)];
  return statements;
}

/** Tables that have a foreign key to this one; itself, too, when it has one. */
export async function referringTables(database: D1Database, name: string): Promise<string[]> {
  const names = (await readTableNames(database)).filter(({ view }) => !view);
  const tables = await readTables(
    database,
    names.map((table) => table.name),
  );
  return [...tables.values()]
    .filter(({ foreignKeys }) =>
      foreignKeys.some(({ foreignTable }) => foreignTable.toLowerCase() === name.toLowerCase()),
    )
    .map((table) => table.name);
}

function oldName(column: ColumnDefinition): string {
  return column.renamedFrom || column.name;
}

function isStructural(before: Table, wanted: TableDefinition): boolean {
  const known = new Map(before.columns.map((column) => [column.name, column]));
  const shown = definitionOf(before);
  const key = shown.primaryKey ?? null;
  const keyNow = wanted.columns.find(({ name }) => name === wanted.primaryKey);
  if ((keyNow === undefined ? null : oldName(keyNow)) !== key && before.primaryKey.length <= 1) {
    return true;
  }
  const changed = wanted.columns.some((column) => {
    const old = known.get(oldName(column));
    return old !== undefined && !sameColumn(old, column, before.primaryKey.includes(old.name));
  });
  const kept = new Set(wanted.columns.map(oldName));
  const bound = new Set([
    ...before.primaryKey,
    ...before.foreignKeys.flatMap(({ localColumns }) => localColumns),
    ...before.indexes.filter(({ inherent }) => inherent).flatMap(({ columns }) => columns),
  ]);
  const dropsBound = before.columns.some(({ name }) => !kept.has(name) && bound.has(name));
  return changed || dropsBound || foreignKeyText(shown) !== foreignKeyText(wanted, known);
}

/** Foreign keys as a text to compare; those of columns that are added come with them. */
function foreignKeyText({ foreignKeys, columns }: TableDefinition, known?: Map<string, unknown>): string {
  const names = new Map(columns.map((column) => [column.name, oldName(column)]));
  return (foreignKeys ?? [])
    .filter((key) => known === undefined || !comesWithColumn(key.localColumnNames, names, known))
    .map((key) =>
      JSON.stringify([
        key.foreignTable,
        key.localColumnNames.map((name) => names.get(name) ?? name),
        key.foreignColumnNames,
        (key.onDelete ?? 'NO ACTION').toUpperCase(),
      ]),
    )
    .sort()
    .join();
}

function comesWithColumn(local: string[], names: Map<string, string>, known: Map<string, unknown>): boolean {
  return local.length === 1 && !known.has(names.get(local[0]!) ?? local[0]!);
}

function alter(before: Table, wanted: TableDefinition): string[] {
  const table = quoteName(before.name);
  const known = new Map(before.columns.map((column) => [column.name, column]));
  const kept = new Set(wanted.columns.map(oldName));
  const indexes = createIndexes({ ...wanted, name: before.name });
  const shown = createIndexes(definitionOf(before));
  const dropped = before.indexes.filter(({ name, inherent }) => !inherent && indexes.get(name) !== shown.get(name));
  const fresh = [...indexes].filter(
    ([name, sql]) => shown.get(name) !== sql && !before.indexes.some((index) => index.name === name && index.inherent),
  );
  return [
    ...dropped.map(({ name }) => `DROP INDEX ${quoteName(name)}`),
    ...before.columns
      .filter(({ name }) => !kept.has(name))
      .map(({ name }) => `ALTER TABLE ${table} DROP COLUMN ${quoteName(name)}`),
    ...wanted.columns
      .filter((column) => oldName(column) !== column.name && known.has(oldName(column)))
      .map((column) => `ALTER TABLE ${table} RENAME COLUMN ${quoteName(oldName(column))} TO ${quoteName(column.name)}`),
    ...wanted.columns
      .filter((column) => !known.has(oldName(column)))
      .map((column) => `ALTER TABLE ${table} ADD COLUMN ${addedColumn(column, wanted)}`),
    ...fresh.map(([, sql]) => sql),
  ];
}

function addedColumn(column: ColumnDefinition, wanted: TableDefinition): string {
  if (column.notNull && (column.default ?? null) === null) {
    throw invalidAt('/body/columns', `The new column ${column.name} needs a default, for the rows that are there`);
  }
  const key = wanted.foreignKeys?.find(
    ({ localColumnNames }) => localColumnNames.length === 1 && localColumnNames[0] === column.name,
  );
  return `${columnSql(column, wanted)}${key === undefined ? '' : ` ${referenceSql(key)}`}`;
}

function rename(before: Table, wanted: TableDefinition): string[] {
  return wanted.name === before.name
    ? []
    : [`ALTER TABLE ${quoteName(before.name)} RENAME TO ${quoteName(wanted.name)}`];
}

async function rebuild(database: D1Database, before: Table, wanted: TableDefinition): Promise<string[]> {
  const referring = await referringTables(database, before.name);
  if (referring.length > 0) {
    throw new ApiError(
      'conflict',
      `The table ${before.name} cannot be changed so while ${referring.join(', ')} refers to it: only columns that are added, renamed or dropped, and indexes; for more write a migration`,
    );
  }
  const { results: triggers } = await database
    .prepare("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?")
    .bind(before.name)
    .all<{ sql: string }>();
  const copied = wanted.columns.filter((column) => before.columns.some(({ name }) => name === oldName(column)));
  const into = copied.map(({ name }) => quoteName(name)).join(', ');
  const from = copied.map((column) => quoteName(oldName(column))).join(', ');
  const made = '_postern_rebuild';
  return [
    createTable(wanted, made, before),
    ...(copied.length === 0
      ? []
      : [`INSERT INTO ${quoteName(made)} (${into}) SELECT ${from} FROM ${quoteName(before.name)}`]),
    `DROP TABLE ${quoteName(before.name)}`,
    `ALTER TABLE ${quoteName(made)} RENAME TO ${quoteName(wanted.name)}`,
    ...createIndexes(wanted).values(),
    ...triggers.map(({ sql }) => sql),
  ];
}
