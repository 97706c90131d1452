import { Type } from 'typebox';
import { runStatements, withFreshTables } from '../../connections/database.ts';
import { ApiError } from '../../core/errors.ts';
import { quoteName } from '../../lib/sql/names.ts';
import { type ActionInput, defineAction } from '../define.ts';
import { columns, connection, mapping, table } from './config.ts';
import { toEntries } from './read.ts';
import { chosenColumns } from './select-all.ts';
import { openShape, requireKey, type Shape } from './shape.ts';
import { type Bound, comparable } from './values.ts';

/** One row by its primary key. */
export const sqlSelectRow = defineAction({
  class: 'Fusio.Adapter.Sql.Action.SqlSelectRow',
  name: 'SQL-Select-Row',
  description: 'Answers with the row of a table whose primary key is the argument id; 404 when there is none.',
  config: Type.Object({ connection, table, mapping, columns }),
  run: (input, config, context) =>
    withFreshTables(async () => {
      const shape = await openShape(config, context);
      const chosen = chosenColumns(shape, config, context);
      const key = requireKey(shape, context);
      const id = readId(input, shape);
      return runStatements('read', async () => {
        const row = await shape.database
          .prepare(`SELECT * FROM ${quoteName(shape.table.name)} WHERE ${quoteName(key.name)} = ?`)
          .bind(id)
          .first<Record<string, unknown>>();
        if (row === null) {
          throw entryMissing();
        }
        const [entry] = await toEntries(shape, [row], chosen);
        return Response.json(entry);
      });
    }),
});

/** The argument `id` as a value of the primary key. Throws 404 for what no key can be. */
export function readId({ arguments: given }: ActionInput, { key }: Shape): Bound {
  const id = given.id ?? given[key!.name];
  const value = id === undefined || id === null || typeof id === 'object' ? undefined : comparable(key!, String(id));
  if (value === undefined) {
    throw entryMissing();
  }
  return value;
}

export function entryMissing(): ApiError {
  return new ApiError('not_found', 'Entry not available');
}
