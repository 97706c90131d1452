import { Type } from 'typebox';
import { runStatements, withFreshTables } from '../../connections/database.ts';
import { quoteName } from '../../lib/sql/names.ts';
import { defineAction } from '../define.ts';
import { withPayload } from '../payload.ts';
import { connection, mapping, table } from './config.ts';
import { entryMissing, readId } from './select-row.ts';
import { openShape, requireKey } from './shape.ts';
import { propertyNames, readWritten, relationStatements, written } from './write.ts';

/** Changes a row, and its relations, in one transaction. */
export const sqlUpdate = defineAction({
  class: 'Fusio.Adapter.Sql.Action.SqlUpdate',
  name: 'SQL-Update',
  description:
    'Updates the row of a table whose primary key is the argument id; properties that the payload lacks stay as they are. 404 when there is no such row.',
  config: Type.Object({ connection, table, mapping }),
  async run(given, config, context) {
    // A body can be read once, the work below may run twice.
    const input = await withPayload(given);
    return withFreshTables(async () => {
      const shape = await openShape(config, context);
      const key = quoteName(requireKey(shape, context).name);
      const id = readId(input, shape);
      const { values, lists } = readWritten(input.payload, shape, 'update');
      const { database } = shape;
      const source = quoteName(shape.table.name);
      const assigned = [...values.keys()].map((name) => `${quoteName(name)} = ?`);
      // Setting the key to itself makes a change of nothing an answer as well: is the row there?
      const set = assigned.length === 0 ? `${key} = ${key}` : assigned.join(', ');
      const owner = `(SELECT ${key} FROM ${source} WHERE ${key} = ?)`;
      const results = await runStatements(
        'write',
        () =>
          database.batch<{ id: unknown }>([
            database
              .prepare(`UPDATE ${source} SET ${set} WHERE ${key} = ? RETURNING ${key} AS id`)
              .bind(...values.values(), id),
            ...relationStatements(shape, lists, owner, [id], false),
          ]),
        propertyNames(shape),
      );
      const [row] = results[0]!.results;
      if (row === undefined) {
        throw entryMissing();
      }
      return written(200, 'updated', row.id);
    });
  },
});
