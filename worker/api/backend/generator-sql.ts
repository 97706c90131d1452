import { type TObject, Type } from 'typebox';
import type { Call } from '../../core/call.ts';
import { invalidAt } from '../../core/errors.ts';
import { type Column, readTableNames, readTables, type Table } from '../../lib/sql/introspect.ts';
import { resourceName } from '../../spec/import-openapi-names.ts';
import { openDatabaseConnection } from './database.ts';
import type { Generator, GeneratorSetup } from './generator.ts';
import { type CrudPlan, collectionSchema, crudOf, prefixOf } from './generator-crud.ts';

export const sqlConnection = Type.Unsafe<string | number>({
  type: ['string', 'integer'],
  title: 'Connection',
  description: 'The SQL connection which should be used',
  connection: true,
});

/** SQL-Table: one table becomes a collection at the path itself. */
export const sqlTableGenerator: Generator = {
  class: 'Fusio.Adapter.Sql.Generator.SqlTable',
  name: 'SQL-Table',
  description: 'Operations to list, filter, sort, read, create, change and delete the rows of a table',
  config: Type.Object({
    connection: sqlConnection,
    table: Type.String({ title: 'Table', description: 'Name of the table', minLength: 1 }),
  }),
  async generate(call, config, setup) {
    const name = String(config.table);
    const table = (await tablesOf(call, config, (other) => other === name))[0];
    if (table === undefined) {
      throw invalidAt('/table', `The table ${name} does not exist`, 'reference');
    }
    const api = { table, short: '', objects: [], lists: [] };
    return crudOf([planOf(api, new Map(), String(config.connection), setup)], setup);
  },
};

/** SQL-Database: every table becomes a collection under its name; what refers to another one shows it. */
export const sqlDatabaseGenerator: Generator = {
  class: 'Fusio.Adapter.Sql.Generator.SqlDatabase',
  name: 'SQL-Database',
  description: 'Operations for the rows of every table, related as their foreign keys say',
  config: Type.Object({
    connection: sqlConnection,
    prefix: Type.Optional(
      Type.String({ title: 'Prefix', description: 'Includes only tables which start with this prefix' }),
    ),
  }) as TObject,
  async generate(call, config, setup) {
    const prefix = String(config.prefix ?? '');
    const tables = await tablesOf(call, config, (name) => name.startsWith(prefix) && name !== prefix);
    if (tables.length === 0) {
      throw invalidAt('/prefix', 'There is no table whose name begins so', 'reference');
    }
    const apis = relate(tables, prefix);
    const plans = [...apis.values()].map((api) => planOf(api, apis, String(config.connection), setup));
    return crudOf(plans, setup);
  },
};

/** A table, the name of its collection, and what it is related to. */
interface TableApi {
  table: Table;
  short: string;
  objects: { column: string; property: string; target: string }[];
  lists: { property: string; kind: 'array' | 'map'; relation: string; own: string; other: string; target: string }[];
}

async function tablesOf(
  call: Call,
  config: Record<string, unknown>,
  wanted: (name: string) => boolean,
): Promise<Table[]> {
  const { database } = await openDatabaseConnection(call, String(config.connection));
  const names = (await readTableNames(database)).filter(({ name, view }) => !view && wanted(name));
  const tables = await readTables(
    database,
    names.map(({ name }) => name),
  );
  return [...tables.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A table that only relates two others is shown as a list of each, and has no collection of its own. */
function relate(tables: readonly Table[], prefix: string): Map<string, TableApi> {
  const links = tables.filter((table) => isRelation(table, tables));
  const apis = new Map<string, TableApi>();
  for (const table of tables.filter((one) => !links.includes(one))) {
    apis.set(table.name, { table, short: table.name.slice(prefix.length), objects: [], lists: [] });
  }
  for (const api of apis.values()) {
    const taken = new Set(api.table.columns.map(({ name }) => name));
    for (const { localColumns, foreignTable } of api.table.foreignKeys) {
      const [column, ...more] = localColumns;
      if (more.length === 0 && apis.has(foreignTable) && api.table.primaryKey[0] !== column) {
        api.objects.push({
          column: column!,
          property: free(column!.replace(/_id$/, ''), taken, column!),
          target: foreignTable,
        });
      }
    }
  }
  for (const relation of links) {
    const [first, second] = relation.foreignKeys;
    const kind = relation.columns.some(({ name }) => name === 'name') ? 'map' : 'array';
    const add = (own: typeof first, other: typeof first) => {
      const api = apis.get(own!.foreignTable);
      const target = apis.get(other!.foreignTable);
      if (api !== undefined && target !== undefined) {
        const taken = new Set([
          ...api.table.columns.map(({ name }) => name),
          ...api.objects.map(({ property }) => property),
          ...api.lists.map(({ property }) => property),
        ]);
        const property = free(target.short, taken, relation.name.slice(prefix.length));
        api.lists.push({
          ...{ property, kind, relation: relation.name, target: other!.foreignTable },
          ...{ own: own!.localColumns[0]!, other: other!.localColumns[0]! },
        });
      }
    };
    add(first, second);
    if (kind === 'array' && first!.foreignTable !== second!.foreignTable) {
      add(second, first);
    }
  }
  return apis;
}

function free(wanted: string, taken: Set<string>, otherwise: string): string {
  const name = wanted === '' || (taken.has(wanted) && wanted !== otherwise) ? otherwise : wanted;
  taken.add(name);
  return name;
}

function isRelation(table: Table, tables: readonly Table[]): boolean {
  const keys = table.foreignKeys.filter(
    ({ localColumns, foreignTable }) => localColumns.length === 1 && tables.some(({ name }) => name === foreignTable),
  );
  const referring = new Set(keys.map(({ localColumns }) => localColumns[0]));
  const rest = table.columns.filter(({ name, automatic }) => !referring.has(name) && !automatic && name !== 'name');
  const referred = tables.some(({ foreignKeys }) =>
    foreignKeys.some(({ foreignTable }) => foreignTable === table.name),
  );
  return keys.length === 2 && table.foreignKeys.length === 2 && referring.size === 2 && rest.length === 0 && !referred;
}

function planOf(
  api: TableApi,
  apis: ReadonlyMap<string, TableApi>,
  connection: string,
  setup: GeneratorSetup,
): CrudPlan {
  const { table, short } = api;
  const prefix = prefixOf(setup);
  const resource = resourcePrefix(short);
  const struct = capitals(table.name);
  const schemaOf = (target: string) => resourceName(prefix, `${resourcePrefix(apis.get(target)!.short)}Get`);
  const related = [...api.objects, ...api.lists];
  const imports = Object.fromEntries(related.map(({ target }) => [capitals(target), `schema://${schemaOf(target)}`]));
  const reference = (target: string) => ({ type: 'reference', target: `${capitals(target)}:${capitals(target)}` });
  const objects = new Map(api.objects.map((object) => [object.column, object]));
  const properties = Object.fromEntries([
    ...table.columns.map((column) => {
      const object = objects.get(column.name);
      return object === undefined
        ? [column.name, propertyOf(column)]
        : [object.property, target(object.target, struct, reference)];
    }),
    ...api.lists.map((list) => [list.property, { type: list.kind, schema: target(list.target, struct, reference) }]),
  ]);
  delete imports[struct];
  const mapping = Object.fromEntries([
    ...api.objects.map(({ column, property }) => [column, `${property}:object`]),
    ...api.lists.map(({ property, kind, relation, own, other }) => [
      property,
      `${property}:${kind}:${relation}:${own}:${other}`,
    ]),
  ]);
  const config = { connection, table: table.name, ...(related.length === 0 ? {} : { mapping }) };
  const action = (name: string) => ({ class: `Fusio.Adapter.Sql.Action.${name}`, config });
  return {
    path: short === '' ? '/' : `/${short}/`,
    operation: short === '' ? '' : `${short}.`,
    resource,
    words: {
      all: 'Returns a collection of rows',
      one: 'Returns a single row',
      create: 'Creates a new row',
      update: 'Updates an existing row',
      delete: 'Deletes an existing row',
    },
    createCode: 201,
    properties: table.columns.map(({ name }) => objects.get(name)?.property ?? name),
    actions: {
      GetAll: action('SqlSelectAll'),
      Get: action('SqlSelectRow'),
      Insert: action('SqlInsert'),
      Update: action('SqlUpdate'),
      Delete: action('SqlDelete'),
    },
    collection: collectionSchema(`${struct}_Collection`, 'entity', resourceName(prefix, `${resource}Get`), struct),
    entity: {
      ...(Object.keys(imports).length === 0 ? {} : { import: imports }),
      definitions: { [struct]: { type: 'struct', properties } },
      root: struct,
    },
  };
}

/** A reference to the struct itself needs no import. */
function target(table: string, struct: string, reference: (table: string) => object): object {
  return capitals(table) === struct ? { type: 'reference', target: struct } : reference(table);
}

/** `order_items` → `Order_Items_SQL_`. */
function resourcePrefix(short: string): string {
  return short === '' ? 'SQL_' : `${capitals(short)}_SQL_`;
}

function capitals(name: string): string {
  return name
    .split('_')
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('_');
}

/** A column as TypeSchema. A primary key that needs a value is told by its own rule when it lacks one. */
function propertyOf(column: Column): Record<string, unknown> {
  switch (column.kind) {
    case 'integer':
    case 'number':
    case 'boolean':
      return { type: column.kind };
    case 'datetime':
      return { type: 'string', format: 'date-time' };
    case 'date':
    case 'time':
      return { type: 'string', format: column.kind };
    case 'json':
    case 'any':
      return { type: 'any' };
    default:
      return { type: 'string', ...(column.length === null ? {} : { maxLength: column.length }) };
  }
}
