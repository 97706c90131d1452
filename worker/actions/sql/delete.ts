import { Type } from 'typebox';
import { runStatements, withFreshTables } from '../../connections/database.ts';
import { quoteName } from '../../lib/sql/names.ts';
import { defineAction } from '../define.ts';
import { connection, mapping, table } from './config.ts';
import { entryMissing, readId } from './select-row.ts';
import { openShape, requireKey } from './shape.ts';
import { written } from './write.ts';

/** Deletes a row and what its mapping relates to it, in one transaction. */
export const sqlDelete = defineAction({
  class: 'Fusio.Adapter.Sql.Action.SqlDelete',
  name: 'SQL-Delete',
  description:
    'Deletes the row of a table whose primary key is the argument id; 404 when there is none, 409 when others refer to it.',
  config: Type.Object({ connection, table, mapping }),
  run: (input, config, context) =>
    withFreshTables(async () => {
      const shape = await openShape(config, context);
      const key = quoteName(requireKey(shape, context).name);
      const id = readId(input, shape);
      const { database } = shape;
      const results = await runStatements('delete', () =>
        database.batch<{ id: unknown }>([
          ...shape.lists.map(({ relation, own }) =>
            database.prepare(`DELETE FROM ${quoteName(relation.name)} WHERE ${quoteName(own)} = ?`).bind(id),
          ),
          database
            .prepare(`DELETE FROM ${quoteName(shape.table.name)} WHERE ${key} = ? RETURNING ${key} AS id`)
            .bind(id),
        ]),
      );
      const row = results.at(-1)!.results[0];
      if (row === undefined) {
        throw entryMissing();
      }
      return written(200, 'deleted', row.id);
    }),
});
