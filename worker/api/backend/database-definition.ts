import { Type } from 'typebox';
import { invalidAt } from '../../core/errors.ts';
import { declareType, designerTypes, readDeclaredType } from '../../lib/sql/column-type.ts';
import type { Column, Table } from '../../lib/sql/introspect.ts';
import { isPlainName, isReservedTable, quoteName, quoteText } from '../../lib/sql/names.ts';

/** A table as the designer describes it; Fusio's shape, and of ours `renamedFrom` and `onDelete`. */
export interface TableDefinition {
  name: string;
  columns: ColumnDefinition[];
  primaryKey?: string | null;
  indexes?: IndexDefinition[] | null;
  foreignKeys?: ForeignKeyDefinition[] | null;
}

export interface ColumnDefinition {
  name: string;
  type: string;
  length?: number | null;
  precision?: number | null;
  scale?: number | null;
  notNull?: boolean | null;
  autoIncrement?: boolean | null;
  default?: unknown;
  /** The column that this one was, in a table that is changed. */
  renamedFrom?: string | null;
}

interface IndexDefinition {
  name?: string | null;
  unique?: boolean | null;
  columns: string[];
}

export interface ForeignKeyDefinition {
  name?: string | null;
  foreignTable: string;
  localColumnNames: string[];
  foreignColumnNames: string[];
  onDelete?: string | null;
}

const optional = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Optional(Type.Union([schema, Type.Null()]));

/** What the designer sends. Members that SQLite has not got (comment, unsigned, fixed) are taken and not kept. */
export const tableBody = Type.Object({
  name: optional(Type.String({ description: 'Name of the table' })),
  columns: Type.Array(
    Type.Object({
      name: Type.String({ description: 'Name of the column' }),
      type: Type.String({ description: `One of ${designerTypes.join(', ')}` }),
      length: optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
      precision: optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
      scale: optional(Type.Integer({ minimum: 0, maximum: 1_000 })),
      notNull: optional(Type.Boolean()),
      autoIncrement: optional(Type.Boolean()),
      default: Type.Optional(Type.Unknown()),
      renamedFrom: optional(Type.String({ description: 'Name that the column had' })),
    }),
    { minItems: 1, maxItems: 100 },
  ),
  primaryKey: optional(Type.String({ description: 'Column that names a row' })),
  indexes: optional(
    Type.Array(
      Type.Object({
        name: optional(Type.String()),
        unique: optional(Type.Boolean()),
        columns: Type.Array(Type.String(), { minItems: 1 }),
      }),
    ),
  ),
  foreignKeys: optional(
    Type.Array(
      Type.Object({
        name: optional(Type.String()),
        foreignTable: Type.String(),
        localColumnNames: Type.Array(Type.String(), { minItems: 1 }),
        foreignColumnNames: Type.Array(Type.String(), { minItems: 1 }),
        onDelete: optional(Type.String({ description: 'CASCADE, SET NULL, RESTRICT or NO ACTION' })),
      }),
    ),
  ),
});

/** Checks names, types and references; 400 that points at what is wrong. */
export function checkDefinition(definition: TableDefinition): void {
  checkName(definition.name, '/name');
  if (isReservedTable(definition.name)) {
    throw invalidAt('/body/name', `The name ${definition.name} is reserved`);
  }
  const names = new Set<string>();
  for (const [index, column] of definition.columns.entries()) {
    const at = `/columns/${index}`;
    checkName(column.name, `${at}/name`);
    if (names.has(column.name.toLowerCase())) {
      throw invalidAt(`/body${at}/name`, `There are two columns ${column.name}`);
    }
    names.add(column.name.toLowerCase());
    if (!designerTypes.includes(column.type)) {
      throw invalidAt(`/body${at}/type`, `The type must be one of: ${designerTypes.join(', ')}`);
    }
    if (typeof column.default === 'object' && column.default !== null) {
      throw invalidAt(`/body${at}/default`, 'A default must be a text, a number or a boolean');
    }
  }
  const known = (column: string, at: string) => {
    if (!definition.columns.some(({ name }) => name === column)) {
      throw invalidAt(`/body${at}`, `The table has no column ${column}`);
    }
  };
  if (definition.primaryKey) {
    known(definition.primaryKey, '/primaryKey');
  }
  for (const [index, { name, columns }] of (definition.indexes ?? []).entries()) {
    if (name) {
      checkName(name, `/indexes/${index}/name`);
    }
    columns.forEach((column, position) => {
      known(column, `/indexes/${index}/columns/${position}`);
    });
  }
  for (const [index, key] of (definition.foreignKeys ?? []).entries()) {
    const at = `/foreignKeys/${index}`;
    checkName(key.foreignTable, `${at}/foreignTable`);
    key.localColumnNames.forEach((column, position) => {
      known(column, `${at}/localColumnNames/${position}`);
    });
    key.foreignColumnNames.forEach((column, position) => {
      checkName(column, `${at}/foreignColumnNames/${position}`);
    });
    if (key.foreignColumnNames.length !== key.localColumnNames.length) {
      throw invalidAt(`/body${at}`, 'A foreign key has as many columns here as there');
    }
    if (key.onDelete && !deletions.includes(key.onDelete.toUpperCase())) {
      throw invalidAt(`/body${at}/onDelete`, `What happens on deletion must be one of: ${deletions.join(', ')}`);
    }
  }
}

const deletions = ['NO ACTION', 'RESTRICT', 'CASCADE', 'SET NULL'];

/** The statements that make a table. `as` is another name to make it under, `before` the table whose columns stay as they were declared. */
export function createTable(definition: TableDefinition, as = definition.name, before?: Table): string {
  const parts = [
    ...definition.columns.map((column) => columnSql(column, definition, before)),
    ...(definition.foreignKeys ?? []).map(
      (key) => `FOREIGN KEY (${key.localColumnNames.map(quoteName).join(', ')}) ${referenceSql(key)}`,
    ),
  ];
  return `CREATE TABLE ${quoteName(as)} (${parts.join(', ')})`;
}

/** One column, as a part of CREATE TABLE and of ALTER TABLE ADD. */
export function columnSql(column: ColumnDefinition, definition: TableDefinition, before?: Table): string {
  const name = quoteName(column.name);
  if (definition.primaryKey === column.name && isNumbered(column)) {
    return `${name} INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL`;
  }
  const old = before?.columns.find((one) => one.name === (column.renamedFrom || column.name));
  const same = old !== undefined && sameType(old, column);
  const type = same
    ? old.declared
    : declareType(column.type, column.length ?? undefined, column.precision ?? undefined, column.scale ?? undefined)!;
  const kept = old !== undefined && shownDefault(old) === (column.default ?? null);
  const value = kept ? old.default : defaultSql(column.default);
  return [
    `${name} ${type}`,
    definition.primaryKey === column.name ? ' PRIMARY KEY NOT NULL' : column.notNull ? ' NOT NULL' : '',
    // What was an expression was shown without its parentheses.
    value === null ? '' : ` DEFAULT ${/^[\w.'+-]/.test(value) && !/\(/.test(value) ? value : `(${value})`}`,
  ].join('');
}

export function referenceSql({ foreignTable, foreignColumnNames, onDelete }: ForeignKeyDefinition): string {
  const action = onDelete ? ` ON DELETE ${onDelete.toUpperCase()}` : '';
  return `REFERENCES ${quoteName(foreignTable)} (${foreignColumnNames.map(quoteName).join(', ')})${action}`;
}

/** The statements that make the indexes of a table; those without a name are called after table and columns. */
export function createIndexes({ name: table, indexes }: TableDefinition): Map<string, string> {
  return new Map(
    (indexes ?? []).map((index) => {
      const name = index.name || `${table}_${index.columns.join('_')}`;
      const columns = index.columns.map(quoteName).join(', ');
      return [
        name,
        `CREATE ${index.unique ? 'UNIQUE ' : ''}INDEX ${quoteName(name)} ON ${quoteName(table)} (${columns})`,
      ];
    }),
  );
}

/** A table in the designer's shape. */
export function definitionOf(table: Table): TableDefinition {
  return {
    name: table.name,
    columns: table.columns.map((column) => {
      const { type, length, precision, scale } = readDeclaredType(column.declared);
      return {
        name: column.name,
        type,
        ...(length === undefined ? {} : { length }),
        ...(precision === undefined ? {} : { precision, scale }),
        notNull: column.notNull,
        autoIncrement: column.automatic,
        ...(column.default === null ? {} : { default: shownDefault(column) }),
      };
    }),
    primaryKey: table.primaryKey.length === 1 ? table.primaryKey[0] : null,
    indexes: table.indexes.map(({ name, unique, columns }) => ({ name, unique, columns })),
    foreignKeys: table.foreignKeys.map(({ foreignTable, localColumns, foreignColumns, onDelete }, index) => ({
      name: `fk_${table.name}_${index}`,
      foreignTable,
      localColumnNames: localColumns,
      foreignColumnNames: foreignColumns,
      ...(onDelete === 'NO ACTION' ? {} : { onDelete }),
    })),
  };
}

/** Whether two columns are declared alike, but for their names. */
export function sameColumn(old: Column, column: ColumnDefinition, isKey: boolean): boolean {
  return (
    sameType(old, column) &&
    (isKey || old.notNull === (column.notNull ?? false)) &&
    shownDefault(old) === (column.default ?? null)
  );
}

function sameType(old: Column, column: ColumnDefinition): boolean {
  const shown = readDeclaredType(old.declared);
  return (
    shown.type === column.type &&
    (shown.length ?? null) === (column.length ?? null) &&
    (shown.precision ?? null) === (column.precision ?? null) &&
    (shown.scale ?? null) === (column.scale ?? null)
  );
}

function isNumbered({ type, autoIncrement }: ColumnDefinition): boolean {
  return autoIncrement === true || type === 'integer';
}

/** A default as the designer shows it: the value of a literal, the text of an expression. */
function shownDefault({ default: sql }: Column): unknown {
  if (sql === null || /^NULL$/i.test(sql)) {
    return null;
  }
  const text = /^'((?:[^']|'')*)'$/.exec(sql)?.[1];
  return text !== undefined ? text.replaceAll("''", "'") : /^-?\d+(?:\.\d+)?$/.test(sql) ? Number(sql) : sql;
}

function defaultSql(value: unknown): string | null {
  if (value === null || value === undefined) {
    return null;
  }
  if (typeof value === 'number' || typeof value === 'boolean') {
    return String(Number(value));
  }
  const text = String(value);
  return /^CURRENT_(?:TIMESTAMP|DATE|TIME)$/i.test(text) ? text.toUpperCase() : quoteText(text);
}

function checkName(name: string, pointer: string): void {
  if (!isPlainName(name)) {
    throw invalidAt(
      `/body${pointer}`,
      `"${name.slice(0, 80)}" is no name: letters, digits and _ (at most 63), not beginning with a digit`,
    );
  }
}
