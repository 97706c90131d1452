import { type ColumnKind, readDeclaredType } from './column-type.ts';
import { isReservedTable } from './names.ts';

export interface Column {
  name: string;
  /** As declared, `VARCHAR(64)`. */
  declared: string;
  kind: ColumnKind;
  /** Largest number of characters, of texts. */
  length: number | null;
  notNull: boolean;
  /** An SQL expression. */
  default: string | null;
  /** Gets a number by itself: the row id under another name (SQLite, "Rowid Tables"). */
  automatic: boolean;
  /** Computed: it cannot be written. */
  generated: boolean;
}

export interface Index {
  name: string;
  unique: boolean;
  columns: string[];
  /** Part of the table's own definition (UNIQUE): it cannot be dropped. */
  inherent: boolean;
}

export interface ForeignKey {
  foreignTable: string;
  localColumns: string[];
  /** Empty: the primary key. */
  foreignColumns: string[];
  onDelete: string;
}

/** A table or view as the database describes it. */
export interface Table {
  name: string;
  view: boolean;
  columns: Column[];
  primaryKey: string[];
  indexes: Index[];
  foreignKeys: ForeignKey[];
}

/** Names of tables (and views), sorted; those of the platform and of Postern are left out. */
export async function readTableNames(database: D1Database): Promise<{ name: string; view: boolean }[]> {
  const { results } = await database
    .prepare("SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name")
    .all<{ name: string; type: string }>();
  return results
    .filter(({ name }) => !isReservedTable(name))
    .map(({ name, type }) => ({ name, view: type === 'view' }));
}

/** Describes tables by their exact names, in three statements whatever their number; what does not exist is left out. */
export async function readTables(database: D1Database, names: readonly string[]): Promise<Map<string, Table>> {
  const wanted = names.filter((name) => !isReservedTable(name));
  if (wanted.length === 0) {
    return new Map();
  }
  const list = JSON.stringify(wanted);
  const [tables, columns, indexes, keys] = await database.batch<Record<string, any>>([
    database
      .prepare(
        "SELECT name, type, sql FROM sqlite_master WHERE type IN ('table', 'view') AND name IN (SELECT value FROM json_each(?))",
      )
      .bind(list),
    database.prepare('SELECT m.value AS tbl, c.* FROM json_each(?) m JOIN pragma_table_xinfo(m.value) c').bind(list),
    database
      .prepare(
        'SELECT m.value AS tbl, l.name AS ix, l."unique" AS uniq, l.origin AS origin, i.name AS col FROM json_each(?) m JOIN pragma_index_list(m.value) l JOIN pragma_index_info(l.name) i ORDER BY l.name, i.seqno',
      )
      .bind(list),
    database
      .prepare(
        'SELECT m.value AS tbl, f.* FROM json_each(?) m JOIN pragma_foreign_key_list(m.value) f ORDER BY f.id, f.seq',
      )
      .bind(list),
  ]);
  const of = (rows: Record<string, any>[], name: string) => rows.filter((row) => row.tbl === name);
  return new Map(
    tables!.results.map(({ name, type }) => {
      const described = of(columns!.results, name).filter(({ hidden }) => hidden !== 1);
      const primaryKey = described
        .filter(({ pk }) => pk > 0)
        .sort((a, b) => a.pk - b.pk)
        .map((row) => row.name as string);
      const table: Table = {
        name,
        view: type === 'view',
        columns: described.map((row) => columnOf(row, primaryKey)),
        primaryKey,
        indexes: indexesOf(of(indexes!.results, name)),
        foreignKeys: foreignKeysOf(of(keys!.results, name)),
      };
      return [name, table];
    }),
  );
}

function columnOf(row: Record<string, any>, primaryKey: string[]): Column {
  const { kind, length } = readDeclaredType(row.type);
  // Only the very word INTEGER makes a row id.
  const automatic = primaryKey.length === 1 && row.pk === 1 && /^INTEGER$/i.test(row.type);
  return {
    name: row.name,
    declared: row.type,
    kind,
    length: kind === 'string' ? (length ?? null) : null,
    notNull: row.notnull === 1 || row.pk > 0,
    default: row.dflt_value,
    automatic,
    generated: row.hidden > 1,
  };
}

function indexesOf(rows: Record<string, any>[]): Index[] {
  const indexes = new Map<string, Index>();
  for (const { ix, uniq, origin, col } of rows) {
    if (origin === 'pk' || col === null) {
      continue;
    }
    const index: Index = indexes.get(ix) ?? { name: ix, unique: uniq === 1, columns: [], inherent: origin !== 'c' };
    index.columns.push(col);
    indexes.set(ix, index);
  }
  return [...indexes.values()];
}

function foreignKeysOf(rows: Record<string, any>[]): ForeignKey[] {
  const keys = new Map<number, ForeignKey>();
  for (const { id, table, from, to, on_delete } of rows) {
    const key: ForeignKey = keys.get(id) ?? {
      foreignTable: table,
      localColumns: [],
      foreignColumns: [],
      onDelete: on_delete,
    };
    key.localColumns.push(from);
    if (to !== null) {
      key.foreignColumns.push(to);
    }
    keys.set(id, key);
  }
  return [...keys.values()].reverse();
}
