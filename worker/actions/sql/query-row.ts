import { Type } from 'typebox';
import { runStatements } from '../../connections/database.ts';
import { defineAction } from '../define.ts';
import { connection, sql } from './config.ts';
import { bindingsOf, openDatabase, scopeOf, templateOf } from './query.ts';
import { entryMissing } from './select-row.ts';

/** The first row that a query of the operator's finds. */
export const sqlQueryRow = defineAction({
  class: 'Fusio.Adapter.Sql.Action.Query.SqlQueryRow',
  name: 'SQL-Query-Row',
  description: 'Answers with the first row that a query finds; 404 when there is none.',
  config: Type.Object({ connection, sql }),
  async run(input, config, context) {
    const template = templateOf(config, context);
    const database = await openDatabase(config, context);
    const bound = bindingsOf(template, scopeOf(input, context));
    const row = await runStatements('read', () =>
      database
        .prepare(`SELECT * FROM (\n${template.sql}\n) LIMIT 1`)
        .bind(...bound)
        .first<Record<string, unknown>>(),
    );
    if (row === null) {
      throw entryMissing();
    }
    return Response.json(row);
  },
});
