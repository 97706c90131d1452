import { Type } from 'typebox';
import { filterOperators, readPage } from '../../actions/sql/filter.ts';
import type { Shape } from '../../actions/sql/shape.ts';
import { type Bound, comparable, fromStored } from '../../actions/sql/values.ts';
import { readWritten } from '../../actions/sql/write.ts';
import { keyOf, runStatements } from '../../connections/database.ts';
import type { Call, Input } from '../../core/call.ts';
import { ApiError, invalidParameter } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import type { Column, Table } from '../../lib/sql/introspect.ts';
import { quoteName } from '../../lib/sql/names.ts';

type Row = Record<string, unknown>;

interface Opened {
  database: D1Database;
  table: Table;
}

/** Rows of the table at `path`, as they are kept: only JSON and bytes are turned into what JSON can hold. */
export function rowOperations(
  path: string,
  scope: string,
  openTable: (call: Call, input: Input) => Promise<Opened>,
): SystemOperation[] {
  const [rows, oneRow] = [`${path}/rows`, `${path}/rows/:id`];
  const incoming = Type.Record(Type.String(), Type.Unknown());
  const text = (description: string) => ({ type: 'string' as const, description });
  return [
    {
      name: 'backend.connection.database.getRows',
      method: 'GET',
      path: rows,
      description: 'Lists rows of a table of a database connection',
      scope,
      query: {
        startIndex: { type: 'integer', minimum: 0 },
        count: { type: 'integer', minimum: 1, maximum: 1024 },
        sortBy: text('Column'),
        sortOrder: text('ASC or DESC'),
        filterBy: text('Column'),
        filterOp: text(filterOperators.join(', ')),
        filterValue: text('Value that rows are compared with'),
        columns: text('Columns that are shown, comma separated; all unless given'),
      },
      run: async (call, input) => listRows(await openTable(call, input), input),
    },
    {
      name: 'backend.connection.database.getRow',
      method: 'GET',
      path: oneRow,
      description: 'Returns a row of a table of a database connection',
      scope,
      async run(call, input) {
        const { database, table } = await openTable(call, input);
        const { key, id } = readKey(table, input);
        const row = await runStatements('read', () =>
          database
            .prepare(`SELECT * FROM ${quoteName(table.name)} WHERE ${quoteName(key.name)} = ?`)
            .bind(id)
            .first<Row>(),
        );
        return shown(table, found(row));
      },
    },
    {
      name: 'backend.connection.database.createRow',
      method: 'POST',
      path: rows,
      description: 'Inserts a row into a table of a database connection',
      scope,
      status: 201,
      incoming,
      async run(call, input) {
        const opened = await openTable(call, input);
        const { values } = readWritten(input.body, shapeOf(opened), 'insert');
        const { database, table } = opened;
        const key = keyOf(table);
        const what =
          values.size === 0
            ? 'DEFAULT VALUES'
            : `(${[...values.keys()].map(quoteName).join(', ')}) VALUES (${[...values].map(() => '?').join(', ')})`;
        const row = await runStatements('write', () =>
          database
            .prepare(
              `INSERT INTO ${quoteName(table.name)} ${what} RETURNING ${key === null ? 'rowid' : quoteName(key.name)} AS id`,
            )
            .bind(...values.values())
            .first<Row>(),
        );
        return done('created', row!.id);
      },
    },
    {
      name: 'backend.connection.database.updateRow',
      method: 'PUT',
      path: oneRow,
      description: 'Changes a row of a table of a database connection',
      scope,
      incoming,
      async run(call, input) {
        const opened = await openTable(call, input);
        const { database, table } = opened;
        const { key, id } = readKey(table, input);
        const { values } = readWritten(input.body, shapeOf(opened), 'update');
        const name = quoteName(key.name);
        const assigned = [...values.keys()].map((column) => `${quoteName(column)} = ?`).join(', ');
        const row = await runStatements('write', () =>
          database
            .prepare(
              `UPDATE ${quoteName(table.name)} SET ${assigned || `${name} = ${name}`} WHERE ${name} = ? RETURNING ${name} AS id`,
            )
            .bind(...values.values(), id)
            .first<Row>(),
        );
        return done('updated', found(row).id);
      },
    },
    {
      name: 'backend.connection.database.deleteRow',
      method: 'DELETE',
      path: oneRow,
      description: 'Deletes a row of a table of a database connection',
      scope,
      async run(call, input) {
        const { database, table } = await openTable(call, input);
        const { key, id } = readKey(table, input);
        const name = quoteName(key.name);
        const row = await runStatements('delete', () =>
          database
            .prepare(`DELETE FROM ${quoteName(table.name)} WHERE ${name} = ? RETURNING ${name} AS id`)
            .bind(id)
            .first<Row>(),
        );
        return done('deleted', found(row).id);
      },
    },
  ];
}

async function listRows(opened: Opened, input: Input) {
  const { database, table } = opened;
  const shape = shapeOf(opened);
  const count = (input.query.count as number | undefined) ?? 16;
  const page = readPage({ ...input.query, count }, shape.fields, 1024);
  const source = `FROM ${quoteName(table.name)}${page.where === '' ? '' : ` WHERE ${page.where}`}`;
  const { column, direction } = page.order ?? {
    column: shape.key?.name ?? table.columns[0]!.name,
    direction: 'DESC' as const,
  };
  const columns = readColumns(table, input.query.columns);
  const order = [column, ...(shape.key === null || shape.key.name === column ? [] : [shape.key.name])];
  const [total, rows] = await runStatements('read', () =>
    database.batch<Row>([
      database.prepare(`SELECT COUNT(*) AS total ${source}`).bind(...page.values),
      database
        .prepare(
          `SELECT ${columns.map(({ name }) => quoteName(name)).join(', ')} ${source} ORDER BY ${order.map((name) => `${quoteName(name)} ${direction}`).join(', ')} LIMIT ? OFFSET ?`,
        )
        .bind(...page.values, page.count, page.startIndex),
    ]),
  );
  return {
    totalResults: total!.results[0]!.total,
    itemsPerPage: page.count,
    startIndex: page.startIndex,
    entry: rows!.results.map((row) => shown({ columns }, row)),
  };
}

/** The columns that `a, b` names, in the table's order; all of them when nothing is named. */
function readColumns({ columns }: Table, given: unknown): Column[] {
  const names = String(given ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  const unknown = names.find((name) => !columns.some((column) => column.name === name));
  if (unknown !== undefined) {
    throw invalidParameter('columns', `there is no column "${unknown}"`, 'column');
  }
  return names.length === 0 ? columns : columns.filter(({ name }) => names.includes(name));
}

function shapeOf({ database, table }: Opened): Shape {
  const fields = table.columns.map((column) => ({ property: column.name, column }));
  return { database, table, key: keyOf(table), fields, objects: [], lists: [] };
}

function readKey(table: Table, input: Input): { key: Column; id: Bound } {
  const key = keyOf(table);
  if (key === null) {
    throw new ApiError('invalid_request', `The table ${table.name} has no primary key of one column`);
  }
  const id = comparable(key, String(input.path.id));
  return { key, id: id === undefined ? found(null) : id };
}

function found<T>(row: T | null): T {
  if (row === null) {
    throw new ApiError('not_found', 'Row not found');
  }
  return row;
}

/** Moments stay in the form in which the database compares them. */
function shown({ columns }: Pick<Table, 'columns'>, row: Row): Row {
  return Object.fromEntries(
    columns.map((column) => [
      column.name,
      column.kind === 'datetime' ? row[column.name] : fromStored(column, row[column.name]),
    ]),
  );
}

function done(verb: 'created' | 'updated' | 'deleted', id: unknown) {
  return { success: true, message: `Row successfully ${verb}`, id: String(id) };
}
