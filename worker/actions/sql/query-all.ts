import { Type } from 'typebox';
import { runStatements } from '../../connections/database.ts';
import { defineAction } from '../define.ts';
import { connection, limit, sql } from './config.ts';
import { readLimit, readPage } from './filter.ts';
import { bindingsOf, openDatabase, scopeOf, templateOf } from './query.ts';

/** A page of what a query of the operator's finds. */
export const sqlQueryAll = defineAction({
  class: 'Fusio.Adapter.Sql.Action.Query.SqlQueryAll',
  name: 'SQL-Query-All',
  description: 'Answers with a page of what a query finds; callers choose it by startIndex and count.',
  config: Type.Object({ connection, sql, limit }),
  async run(input, config, context) {
    const template = templateOf(config, context);
    const database = await openDatabase(config, context);
    const { startIndex, count } = readPage(
      { startIndex: input.arguments.startIndex, count: input.arguments.count },
      [],
      readLimit(config),
    );
    const bound = bindingsOf(template, scopeOf(input, context));
    // As a part of a SELECT it can do nothing but read. The line ends keep a comment at its end from reaching further.
    const source = `FROM (\n${template.sql}\n)`;
    return runStatements('read', async () => {
      const [total, rows] = await database.batch<Record<string, unknown>>([
        database.prepare(`SELECT COUNT(*) AS total ${source}`).bind(...bound),
        database
          .prepare(`SELECT * ${source} LIMIT ?${bound.length + 1} OFFSET ?${bound.length + 2}`)
          .bind(...bound, count, startIndex),
      ]);
      return Response.json({
        totalResults: total!.results[0]!.total,
        itemsPerPage: count,
        startIndex,
        entry: rows!.results,
      });
    });
  },
});
