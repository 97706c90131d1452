import { templateValue } from '../../lib/sql/template.ts';
import { fieldValue, type Node, type Parameter, type Query } from './jql.ts';
import type { Bound } from './values.ts';

type Row = Record<string, unknown>;

/** Queries of one tree: each row of a collection may ask for more. */
const mostQueries = 500;
const longestBatch = 50;

/** Runs statements that are asked for at the same time as one batch, and equal ones once. */
export interface Loader {
  load(sql: string, values: readonly Bound[]): Promise<Row[]>;
}

/** Throws what `tooMany` makes when a tree asks for more than 500 statements. */
export function createLoader(database: D1Database, tooMany: () => Error): Loader {
  const known = new Map<string, Promise<Row[]>>();
  let waiting: { statement: D1PreparedStatement; resolve(rows: Row[]): void; reject(thrown: unknown): void }[] = [];
  const flush = async () => {
    const batch = waiting;
    waiting = [];
    try {
      for (let start = 0; start < batch.length; start += longestBatch) {
        const part = batch.slice(start, start + longestBatch);
        const results = await database.batch<Row>(part.map(({ statement }) => statement));
        part.forEach(({ resolve }, index) => {
          resolve(results[index]!.results);
        });
      }
    } catch (thrown) {
      for (const { reject } of batch) {
        reject(thrown);
      }
    }
  };
  return {
    load(sql, values) {
      const key = JSON.stringify([sql, values]);
      const asked = known.get(key);
      if (asked !== undefined) {
        return asked;
      }
      if (known.size >= mostQueries) {
        return Promise.reject(tooMany());
      }
      const answer = new Promise<Row[]>((resolve, reject) => {
        if (waiting.length === 0) {
          // What runs on after the same batch gets its turn before the timer.
          setTimeout(flush, 0);
        }
        waiting.push({ statement: database.prepare(sql).bind(...values), resolve, reject });
      });
      known.set(key, answer);
      return answer;
    },
  };
}

export interface Evaluation {
  loader: Loader;
  /** The arguments of the call. */
  argument(name: string): unknown;
}

/** The value of a node; `row` is the row around it, null at the top. An entity that is not there is null. */
export async function evaluate(node: Node, row: Row | null, run: Evaluation, name = ''): Promise<unknown> {
  switch (node.kind) {
    case 'literal':
      return node.value;
    case 'parameter':
      return parameterValue(node.parameter, row, run) ?? null;
    case 'field':
      return fieldValue(name, node, row ?? {});
    case 'object': {
      const members = node.members.map(async ([member, inner]) => [member, await evaluate(inner, row, run, member)]);
      return Object.fromEntries(await Promise.all(members));
    }
    default:
      return evaluateQuery(node, row, run);
  }
}

async function evaluateQuery(query: Query, row: Row | null, run: Evaluation): Promise<unknown> {
  const values = bindings(query, row, run);
  const limit = query.kind === 'collection' ? countOf(query.limit, row, run) : query.kind === 'column' ? null : 1;
  const offset = query.kind === 'collection' ? countOf(query.offset, row, run) : null;
  const page = limit === null && offset === null ? '' : ` LIMIT ${limit ?? -1} OFFSET ${offset ?? 0}`;
  const rows = await run.loader.load(`${source(query)}${page}`, values);
  return shownRows(query, rows, run);
}

/** The query as a part of a SELECT, where it can do nothing but read; line ends keep a comment from reaching further. */
export function source({ template }: Query): string {
  return `SELECT * FROM (\n${template.sql}\n)`;
}

export function bindings({ template, parameters }: Query, row: Row | null, run: Evaluation): Bound[] {
  return template.parameters.map((wanted) => {
    const parameter = parameters.get(wanted.name);
    const value = parameter === undefined ? run.argument(wanted.name) : parameterValue(parameter, row, run);
    return templateValue(wanted, value);
  });
}

/** What becomes of the rows of a query. */
export async function shownRows(query: Query, rows: Row[], run: Evaluation): Promise<unknown> {
  const { kind, definition, key } = query;
  const show = (row: Row) => (definition === null ? Promise.resolve(row) : evaluate(definition, row, run));
  const single = (row: Row) =>
    definition?.kind === 'field' ? fieldValue(Object.keys(row)[0]!, definition, row) : (Object.values(row)[0] ?? null);
  if (kind === 'value') {
    return rows[0] === undefined ? null : single(rows[0]);
  }
  if (kind === 'column') {
    return rows.map(single);
  }
  if (kind === 'entity') {
    return rows[0] === undefined ? null : show(rows[0]);
  }
  const shown = await Promise.all(rows.map(show));
  return key === null ? shown : Object.fromEntries(rows.map((row, index) => [String(row[key]), shown[index]]));
}

function parameterValue({ context, reference, fixed }: Parameter, row: Row | null, run: Evaluation): unknown {
  const value = reference !== undefined ? row?.[reference] : context !== undefined ? run.argument(context) : undefined;
  return value ?? fixed;
}

/** A number of rows, or null when none is given. */
function countOf(parameter: Parameter | null, row: Row | null, run: Evaluation): number | null {
  const value = parameter === null ? null : Math.trunc(Number(parameterValue(parameter, row, run) ?? 0));
  return value === null || !(value >= 0) ? null : Math.min(value, Number.MAX_SAFE_INTEGER);
}
