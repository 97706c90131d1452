import { databaseOf, forgetTables, runStatements } from '../../connections/database.ts';
import { connectionType } from '../../connections/index.ts';
import { openConnection } from '../../connections/open.ts';
import type { Call, Input } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import type { ConnectionRecord } from '../../core/records.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { withDeadline } from '../../lib/d1-deadline.ts';
import { secretsOf } from '../../lib/derive.ts';
import { open } from '../../lib/seal.ts';
import { readTableNames, readTables, type Table } from '../../lib/sql/introspect.ts';
import { quoteName } from '../../lib/sql/names.ts';
import { connection } from '../../resources/connection.ts';
import { findRow } from '../../resources/crud.ts';
import { changeTable, referringTables } from './database-change.ts';
import {
  checkDefinition,
  createIndexes,
  createTable,
  definitionOf,
  type TableDefinition,
  tableBody,
} from './database-definition.ts';
import { rowOperations } from './database-rows.ts';

const scope = 'backend.connection';
const tables = '/backend/connection/:connection_id/database';
const oneTable = `${tables}/:table_name`;

/** Longest wait of the designer for a statement or batch, milliseconds: making a table anew copies its rows. */
const patience = { statement: 10_000, batch: 25_000 };

/** The table designer over a database connection: tables, and rows of them. */
export const databaseOperations: readonly SystemOperation[] = [
  {
    name: 'backend.connection.database.getTables',
    method: 'GET',
    path: tables,
    description: 'Lists the tables of a database connection',
    scope,
    query: {
      startIndex: { type: 'integer', minimum: 0 },
      count: { type: 'integer', minimum: 1, maximum: 1024 },
      search: { type: 'string', description: 'Part of the name' },
    },
    async run(call, input) {
      const database = await openDatabase(call, input);
      const { startIndex = 0, count = 16, search = '' } = input.query as Record<string, any>;
      const names = (await readTableNames(database))
        .filter(({ view, name }) => !view && name.toLowerCase().includes(String(search).toLowerCase()))
        .map(({ name }) => name);
      const page = names.slice(startIndex, startIndex + count);
      const found = await readTables(database, page);
      return {
        totalResults: names.length,
        itemsPerPage: count,
        startIndex,
        entry: page.flatMap((name) => found.get(name) ?? []).map(definitionOf),
      };
    },
  },
  {
    name: 'backend.connection.database.getTable',
    method: 'GET',
    path: oneTable,
    description: 'Returns a table of a database connection',
    scope,
    run: async (call, input) => definitionOf(await findTable(await openDatabase(call, input), input)),
  },
  {
    name: 'backend.connection.database.createTable',
    method: 'POST',
    path: tables,
    description: 'Creates a table in a database connection',
    scope,
    status: 201,
    incoming: tableBody,
    async run(call, input) {
      const database = await openDatabase(call, input);
      const definition = input.body as TableDefinition;
      definition.name ??= '';
      checkDefinition(definition);
      await refuseTaken(database, definition.name);
      await apply(database, [createTable(definition), ...createIndexes(definition).values()]);
      return done('created', definition.name);
    },
  },
  {
    name: 'backend.connection.database.updateTable',
    method: 'PUT',
    path: oneTable,
    description: 'Changes a table of a database connection into what is described',
    scope,
    incoming: tableBody,
    async run(call, input) {
      const database = await openDatabase(call, input);
      const before = await findTable(database, input);
      const given = input.body as TableDefinition;
      const definition = { ...given, name: given.name || before.name };
      checkDefinition(definition);
      if (definition.name.toLowerCase() !== before.name.toLowerCase()) {
        await refuseTaken(database, definition.name);
      }
      await apply(database, await changeTable(database, before, definition));
      return done('updated', definition.name);
    },
  },
  {
    name: 'backend.connection.database.deleteTable',
    method: 'DELETE',
    path: oneTable,
    description: 'Deletes a table of a database connection',
    scope,
    async run(call, input) {
      const database = await openDatabase(call, input);
      const { name } = await findTable(database, input);
      const referring = (await referringTables(database, name)).filter((other) => other !== name);
      if (referring.length > 0) {
        throw new ApiError(
          'conflict',
          `The table ${name} cannot be deleted while ${referring.join(', ')} refers to it`,
        );
      }
      await apply(database, [`DROP TABLE ${quoteName(name)}`]);
      return done('deleted', name);
    },
  },
  ...rowOperations(oneTable, scope, async (call, input) => {
    const database = await openDatabase(call, input);
    return { database, table: await findTable(database, input) };
  }),
];

/** The database of the connection that a path or configuration names, by id, name or `~name`. */
export async function openDatabase(call: Call, input: Pick<Input, 'path'>): Promise<D1Database> {
  const { database } = await openDatabaseConnection(call, String(input.path.connection_id));
  return database;
}

/** The same with the connection's name. Throws 400 for a connection that is no database. */
export async function openDatabaseConnection(
  call: Call,
  given: string,
): Promise<{ name: string; database: D1Database }> {
  const row = await findRow(call, connection, /^[0-9]+$|^~/.test(given) ? given : `~${given}`);
  const { runtime, tenant } = call;
  const type = connectionType(row.class);
  if (type === undefined || !/\.(?:System|Sql|SqlAdvanced)$/.test(type.class)) {
    throw new ApiError('invalid_request', `The connection "${row.name}" is no SQL connection`);
  }
  const secrets = secretsOf(runtime.env);
  const client = await openConnection(
    { connection: async () => row as unknown as ConnectionRecord },
    row.name,
    (envelope, place) => open(envelope, `${tenant}/${place}`, secrets),
    { env: runtime.env, tenant, egress: runtime.egress, timeout: patience.batch },
  );
  return { name: row.name, database: withDeadline(databaseOf(client, row.name), patience) };
}

/** The table that the path names, as it is now. */
async function findTable(database: D1Database, input: Input): Promise<Table> {
  const name = String(input.path.table_name);
  const table = (await readTables(database, [name])).get(name);
  if (table === undefined || table.view) {
    throw new ApiError('not_found', 'Provided table does not exist');
  }
  return table;
}

async function refuseTaken(database: D1Database, name: string): Promise<void> {
  // SQLite's names do not tell upper from lower case.
  const taken = (await readTableNames(database)).some((other) => other.name.toLowerCase() === name.toLowerCase());
  if (taken) {
    const message = `A table ${name} exists already`;
    throw new ApiError('already_exists', message, { errors: [{ pointer: '/body/name', rule: 'unique', message }] });
  }
}

/** Runs the statements of a change, whole or not at all. */
async function apply(database: D1Database, statements: readonly string[]): Promise<void> {
  if (statements.length > 0) {
    await runStatements('write', () => database.batch(statements.map((sql) => database.prepare(sql))));
    forgetTables();
  }
}

function done(verb: 'created' | 'updated' | 'deleted', id: string) {
  return { success: true, message: `Table successfully ${verb}`, id };
}
