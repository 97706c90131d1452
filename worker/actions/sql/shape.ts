import { databaseOf, describeTables, keyOf } from '../../connections/database.ts';
import { ApiError } from '../../core/errors.ts';
import { memo } from '../../core/snapshot.ts';
import { isObject } from '../../lib/json.ts';
import type { Column, Table } from '../../lib/sql/introspect.ts';
import type { ActionContext } from '../define.ts';

/** A table behind an action: what it is, and under which properties callers know its columns. */
export interface Shape {
  database: D1Database;
  table: Table;
  /** The column that names a row; null when the primary key is none or several. */
  key: Column | null;
  fields: Field[];
  objects: ObjectRelation[];
  lists: ListRelation[];
}

export interface Field {
  property: string;
  column: Column;
}

/** A column that refers to a row of another table: callers see that row. */
export interface ObjectRelation extends Field {
  /** Null when no foreign key says which table it is: then callers see the id alone. */
  target: Table | null;
}

/** Rows of another table that a table of relations assigns: callers see a list, or a map by the relation's `name`. */
export interface ListRelation {
  property: string;
  kind: 'array' | 'map';
  relation: Table;
  /** The relation's columns that refer to this table and to the other one. */
  own: string;
  other: string;
  target: Table | null;
}

interface Mapping {
  /** Column → property. */
  names: Map<string, string>;
  objects: Map<string, string>;
  lists: { property: string; kind: 'array' | 'map'; relation: string; own: string; other: string }[];
}

/** Opens the table of an action. Throws `not_configured` that names the part of the configuration that is wrong. */
export async function openShape(config: Record<string, any>, context: ActionContext): Promise<Shape> {
  if (!config.table) {
    throw misconfigured(context, 'it names no table');
  }
  const connection = connectionName(config);
  const database = databaseOf(await context.connection(connection), connection);
  const mapping = memo(config, 'mapping', () => readMapping(config.mapping));
  const describe = (names: string[]) =>
    describeTables(database, `${context.tenant}/${connection}`, names, context.now());
  const first = await describe([String(config.table), ...mapping.lists.map(({ relation }) => relation)]);
  const table = first.get(String(config.table));
  if (table === undefined) {
    throw misconfigured(context, `the table "${config.table}" does not exist`);
  }
  const targets = await describe([
    ...[...mapping.objects.keys()].flatMap((name) => targetOf(table, name) ?? []),
    ...mapping.lists.flatMap(({ relation, other }) => targetOf(first.get(relation), other) ?? []),
  ]);
  const column = (name: string) =>
    table.columns.find((one) => one.name === name) ??
    refuse(context, `the table "${table.name}" has no column "${name}"`);
  for (const name of mapping.names.keys()) {
    column(name);
  }
  return {
    database,
    table,
    key: keyOf(table),
    fields: table.columns
      .filter(({ name }) => !mapping.objects.has(name))
      .map((one) => ({ property: mapping.names.get(one.name) ?? one.name, column: one })),
    objects: [...mapping.objects].map(([name, property]) => ({
      property,
      column: column(name),
      target: targets.get(targetOf(table, name) ?? '') ?? null,
    })),
    lists: mapping.lists.map(({ property, kind, relation: name, own, other }) => {
      const relation = first.get(name) ?? refuse(context, `the table "${name}" does not exist`);
      for (const wanted of [own, other, ...(kind === 'map' ? ['name'] : [])]) {
        if (!relation.columns.some((one) => one.name === wanted)) {
          throw misconfigured(context, `the table "${name}" has no column "${wanted}"`);
        }
      }
      return { property, kind, relation, own, other, target: targets.get(targetOf(relation, other) ?? '') ?? null };
    }),
  };
}

/** The connection that an action names, as text. */
export function connectionName(config: Record<string, any>): string {
  return String(config.connection ?? '') || 'System';
}

/** The only column that names a row, which reading, changing and deleting one row needs. */
export function requireKey({ key, table }: Shape, context: ActionContext): Column {
  return key ?? refuse(context, `the table "${table.name}" has no primary key of one column`);
}

export function misconfigured({ action }: ActionContext, what: string): ApiError {
  return new ApiError('not_configured', `The action "${action}" cannot run: ${what}`);
}

function refuse(context: ActionContext, what: string): never {
  throw misconfigured(context, what);
}

/** The table that a single column refers to. */
function targetOf(table: Table | undefined, column: string): string | null {
  const key = table?.foreignKeys.find(({ localColumns }) => localColumns.length === 1 && localColumns[0] === column);
  return key?.foreignTable ?? null;
}

function readMapping(given: unknown): Mapping {
  const mapping: Mapping = { names: new Map(), objects: new Map(), lists: [] };
  for (const [column, text] of Object.entries(isObject(given) ? given : {})) {
    const [property = '', kind, relation = '', own = '', other = ''] = String(text).split(':');
    if (kind === 'array' || kind === 'map') {
      mapping.lists.push({ property: property || column, kind, relation, own, other });
    } else if (kind === 'object') {
      mapping.objects.set(column, property || column);
    } else {
      mapping.names.set(column, property || column);
    }
  }
  return mapping;
}
