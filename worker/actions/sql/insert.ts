import { Type } from 'typebox';
import { runStatements, withFreshTables } from '../../connections/database.ts';
import { quoteName } from '../../lib/sql/names.ts';
import { defineAction } from '../define.ts';
import { withPayload } from '../payload.ts';
import { connection, mapping, table } from './config.ts';
import { openShape } from './shape.ts';
import { propertyNames, readWritten, relationStatements, written } from './write.ts';

/** A new row, with its relations in one transaction. */
export const sqlInsert = defineAction({
  class: 'Fusio.Adapter.Sql.Action.SqlInsert',
  name: 'SQL-Insert',
  description: 'Inserts the payload as a row of a table, with its relations, and answers 201 with its id.',
  config: Type.Object({ connection, table, mapping }),
  async run(given, config, context) {
    // A body can be read once, the work below may run twice.
    const input = await withPayload(given);
    return withFreshTables(async () => {
      const shape = await openShape(config, context);
      const { values, lists } = readWritten(input.payload, shape, 'insert');
      const { database, key } = shape;
      const source = quoteName(shape.table.name);
      const names = [...values.keys()];
      const what =
        names.length === 0
          ? 'DEFAULT VALUES'
          : `(${names.map(quoteName).join(', ')}) VALUES (${names.map(() => '?').join(', ')})`;
      const returning = key === null ? 'rowid AS id' : `${quoteName(key.name)} AS id`;
      // The newest number is the row's own within the transaction; other keys are known.
      const known = key === null ? undefined : values.get(key.name);
      const owner = known === undefined ? `(SELECT max(rowid) FROM ${source})` : '?';
      const results = await runStatements(
        'write',
        () =>
          database.batch<{ id: unknown }>([
            database.prepare(`INSERT INTO ${source} ${what} RETURNING ${returning}`).bind(...values.values()),
            ...relationStatements(shape, lists, owner, known === undefined ? [] : [known], true),
          ]),
        propertyNames(shape),
      );
      return written(201, 'created', results[0]!.results[0]!.id);
    });
  },
});
