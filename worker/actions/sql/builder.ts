import { Type } from 'typebox';
import { runStatements } from '../../connections/database.ts';
import { memo } from '../../core/snapshot.ts';
import { quoteName } from '../../lib/sql/names.ts';
import { type ActionContext, defineAction } from '../define.ts';
import { connection } from './config.ts';
import { type Page, readPage } from './filter.ts';
import { columnOf, type Node, type Query, readJql } from './jql.ts';
import { bindings, createLoader, type Evaluation, evaluate, shownRows, source } from './jql-run.ts';
import { openDatabase, scopeOf } from './query.ts';
import { entryMissing } from './select-row.ts';
import type { Field } from './shape.ts';
import { misconfigured } from './shape.ts';

/** One answer out of a tree of queries. */
export const sqlBuilder = defineAction({
  class: 'Fusio.Adapter.Sql.Action.SqlBuilder',
  name: 'SQL-Builder',
  description:
    'Answers with what a tree of queries (JQL) finds. When it is a page (totalResults, entry), callers choose, filter and sort it as with SQL-Select-All.',
  config: Type.Object({
    connection,
    jql: Type.Optional(
      Type.Unsafe<string | object>({
        type: ['string', 'object'],
        title: 'JQL',
        description: 'Tree of queries, as JSON',
        mode: 'json',
      }),
    ),
  }),
  async run(input, config, context) {
    const tree = treeOf(config, context);
    const database = await openDatabase(config, context);
    const loader = createLoader(database, () => misconfigured(context, 'its tree makes too many queries'));
    const run: Evaluation = { loader, argument: scopeOf(input, context) };
    const envelope = envelopeOf(tree);
    const value = await runStatements('read', () => {
      return envelope === null ? evaluate(tree, null, run) : evaluatePage(envelope, input.arguments, run);
    });
    if (value === null) {
      throw entryMissing();
    }
    return Response.json(value);
  },
});

function treeOf(config: Record<string, any>, context: ActionContext): Node {
  const read = memo(config, 'jql', (): { tree?: Node; fault?: string } => {
    try {
      return { tree: readJql(config.jql ?? '') };
    } catch (thrown) {
      return { fault: (thrown as Error).message };
    }
  });
  if (read.tree === undefined) {
    throw misconfigured(context, `its JQL is not valid: ${read.fault}`);
  }
  return read.tree;
}

interface Envelope {
  members: [string, Node][];
  entry: Query;
  fields: Field[];
  limit: number;
}

/** A tree that makes a page of a collection: it has `totalResults`, and `entry` is a collection. */
function envelopeOf(tree: Node): Envelope | null {
  return memo(tree, 'envelope', () => {
    const members = tree.kind === 'object' ? tree.members : [];
    const entry = members.find(([name]) => name === 'entry')?.[1];
    if (entry?.kind !== 'collection' || !members.some(([name]) => name === 'totalResults')) {
      return null;
    }
    const defined = entry.definition?.kind === 'object' ? entry.definition.members : [];
    const fields = defined.flatMap(([property, node]): Field[] =>
      node.kind === 'field' ? [{ property, column: columnOf(property, node) }] : [],
    );
    const limit = Math.trunc(Number(entry.limit?.fixed ?? 16));
    return { members, entry, fields, limit: limit >= 1 ? Math.min(limit, 1024) : 16 };
  });
}

async function evaluatePage(envelope: Envelope, given: Record<string, unknown>, run: Evaluation): Promise<unknown> {
  const page = readPage(given, envelope.fields, envelope.limit);
  const members = envelope.members.map(async ([name, node]): Promise<[string, unknown]> => {
    switch (name) {
      case 'entry':
        return [name, await evaluateEntries(envelope.entry, page, run)];
      case 'startIndex':
        return [name, page.startIndex];
      case 'itemsPerPage':
        return [name, page.count];
      case 'totalResults':
        // The tree's own count knows nothing of the filter.
        return [
          name,
          page.where === '' ? await evaluate(node, null, run) : await countEntries(envelope.entry, page, run),
        ];
      default:
        return [name, await evaluate(node, null, run)];
    }
  });
  return Object.fromEntries(await Promise.all(members));
}

async function evaluateEntries(entry: Query, page: Page, run: Evaluation): Promise<unknown> {
  const order = page.order === null ? '' : ` ORDER BY ${quoteName(page.order.column)} ${page.order.direction}`;
  const sql = `${source(entry)}${condition(page)}${order} LIMIT ? OFFSET ?`;
  const rows = await run.loader.load(sql, [...bindings(entry, null, run), ...page.values, page.count, page.startIndex]);
  return shownRows(entry, rows, run);
}

async function countEntries(entry: Query, page: Page, run: Evaluation): Promise<unknown> {
  const sql = `SELECT COUNT(*) AS total FROM (${source(entry)}${condition(page)})`;
  const [row] = await run.loader.load(sql, [...bindings(entry, null, run), ...page.values]);
  return row!.total;
}

function condition({ where }: Page): string {
  return where === '' ? '' : ` WHERE ${where}`;
}
