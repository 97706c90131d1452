import { Type } from 'typebox';
import { runStatements, withFreshTables } from '../../connections/database.ts';
import { quoteName } from '../../lib/sql/names.ts';
import { type ActionContext, defineAction } from '../define.ts';
import { columns, connection, limit, mapping, table } from './config.ts';
import { readLimit, readPage } from './filter.ts';
import { toEntries } from './read.ts';
import { misconfigured, openShape, type Shape } from './shape.ts';

/** A page of a table: `totalResults` counts what the filter finds. */
export const sqlSelectAll = defineAction({
  class: 'Fusio.Adapter.Sql.Action.SqlSelectAll',
  name: 'SQL-Select-All',
  description:
    'Answers with a page of a table. Callers choose it by startIndex, count, sortBy, sortOrder, filterBy, filterOp and filterValue.',
  config: Type.Object({
    connection,
    table,
    mapping,
    columns,
    orderBy: Type.Optional(
      Type.String({ title: 'Order by', description: 'Column that rows are ordered by; the primary key unless given' }),
    ),
    orderDirection: Type.Optional(
      Type.String({
        title: 'Order direction',
        description: 'Direction of the order; descending unless given',
        options: ['ASC', 'DESC'],
      }),
    ),
    limit,
  }),
  run: (input, config, context) =>
    withFreshTables(async () => {
      const shape = await openShape(config, context);
      const chosen = chosenColumns(shape, config, context);
      const page = readPage(input.arguments, [...shape.fields, ...shape.objects], readLimit(config));
      const source = `FROM ${quoteName(shape.table.name)}${page.where === '' ? '' : ` WHERE ${page.where}`}`;
      const order = page.order ?? defaultOrder(shape, config, context);
      // The key last: rows that are equal otherwise keep their places from page to page.
      const sorted = [`${quoteName(order.column)} ${order.direction}`];
      if (shape.key !== null && shape.key.name !== order.column) {
        sorted.push(`${quoteName(shape.key.name)} ${order.direction}`);
      }
      const { database } = shape;
      return runStatements('read', async () => {
        const [total, rows] = await database.batch<Record<string, unknown>>([
          database.prepare(`SELECT COUNT(*) AS total ${source}`).bind(...page.values),
          database
            .prepare(`SELECT * ${source} ORDER BY ${sorted.join(', ')} LIMIT ? OFFSET ?`)
            .bind(...page.values, page.count, page.startIndex),
        ]);
        return Response.json({
          totalResults: total!.results[0]!.total,
          itemsPerPage: page.count,
          startIndex: page.startIndex,
          entry: await toEntries(shape, rows!.results, chosen),
        });
      });
    }),
});

/** The configured columns; undefined for all. */
export function chosenColumns(
  { table }: Shape,
  config: Record<string, any>,
  context: ActionContext,
): string[] | undefined {
  const chosen: string[] | undefined = config.columns?.length > 0 ? config.columns : undefined;
  const unknown = chosen?.find((name) => !table.columns.some((column) => column.name === name));
  if (unknown !== undefined) {
    throw misconfigured(context, `the table "${table.name}" has no column "${unknown}"`);
  }
  return chosen;
}

function defaultOrder({ table, key }: Shape, config: Record<string, any>, context: ActionContext) {
  const wanted = config.orderBy || key?.name || table.primaryKey[0] || table.columns[0]!.name;
  if (!table.columns.some(({ name }) => name === wanted)) {
    throw misconfigured(context, `the table "${table.name}" has no column "${wanted}"`);
  }
  const direction = String(config.orderDirection ?? '').toUpperCase() === 'ASC' ? 'ASC' : 'DESC';
  return { column: wanted as string, direction };
}
