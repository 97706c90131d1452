import { and, eq, gte, lte, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { Call } from '../../core/call.ts';
import { categories } from '../../core/system-operation.ts';
import { logs, rollupDays, rollupHours } from '../../gateway/log-tables.ts';
import { examinedRows, walked } from '../../resources/growing-list.ts';
import type { DateRange } from '../date-range.ts';
import type { Point } from './chart.ts';
import { logWalk } from './log-filter.ts';
import type { CallStatistic } from './statistic-calls.ts';

// The first source of statistics, LOGS: roll-ups, which count every call. Only what they do not tell apart (addresses, paths, headers)
// is counted from the rows of the log, the newest of them, and that is said.

type Query = Record<string, unknown>;

/** What LOGS knows of the calls that a query names, and in which words that is not the whole truth. */
export interface Logged<T> {
  found: T;
  note?: string;
}

/** Calls of a statistic by day and key, the series with the most first. */
export async function loggedPoints(
  call: Call,
  { by, value }: Pick<CallStatistic, 'by' | 'value'>,
  query: Query,
  range: DateRange,
  { startIndex, count }: { startIndex: number; count: number },
): Promise<Logged<Point[]>> {
  const { groups, note } = sourceOf(call, query, range, by);
  const measured = value === 'average' ? sql`sum(duration) * 1.0 / sum(count)` : sql`sum(${sql.raw(value)})`;
  // Who takes most time is who is slowest; everything else is the most of what is counted.
  const chosen = by === 'operation_id' || by === 'app_id' ? sql`key <> 0` : sql`1`;
  const found = await drizzle(call.runtime.env.LOGS).all<Point & { total: number }>(sql`
    WITH picked AS MATERIALIZED (${groups}),
      top AS (SELECT key AS name, ${measured} AS total FROM picked WHERE ${chosen} GROUP BY 1
        HAVING total > 0 ORDER BY total DESC, name LIMIT ${count} OFFSET ${startIndex})
    SELECT day, name AS key, ${measured} AS value, total FROM top JOIN picked ON key = name GROUP BY 1, 2 ORDER BY total DESC, key`);
  return { found, note };
}

/** How many calls the query names. */
export async function loggedCount(call: Call, query: Query, range: DateRange): Promise<Logged<number>> {
  const { groups, note } = sourceOf(call, query, range, undefined);
  const [row] = await drizzle(call.runtime.env.LOGS).all<{ count: number }>(
    sql`SELECT coalesce(sum(count), 0) AS count FROM (${groups})`,
  );
  return { found: row?.count ?? 0, note };
}

/** Filters that only the rows of the log know. */
const rowFilters = ['ip', 'userAgent', 'method', 'path', 'header', 'body', 'search'];

/** Calls in groups by day and `by`: day, key, count, errors, duration, points. */
function sourceOf(call: Call, query: Query, range: DateRange, by: CallStatistic['by']): { groups: SQL; note?: string } {
  if (by !== 'ip' && !rowFilters.some((name) => query[name] !== undefined && query[name] !== '')) {
    return { groups: rolledUp(call, query, range, by === undefined ? sql`''` : sql.raw(by)) };
  }
  const { walk, where } = logWalk(call.tenant, query, call.runtime.now());
  const { condition, end } = walked(walk);
  const key = by === undefined ? sql`''` : by === 'ip' ? logs.ip : sql`coalesce(${sql.raw(by)}, 0)`;
  const sample = Number(call.snapshot.config('log_sample') ?? 1);
  return {
    groups: sql`SELECT substr(date, 1, 10) AS day, ${key} AS key, count(*) AS count, sum(response_code >= 400) AS errors,
        sum(execution_time) AS duration, sum(points) AS points
      FROM ${logs} WHERE ${and(condition(end), where)} GROUP BY 1, 2`,
    note: `Counted from the rows of the log, the newest ${walk.examined ?? examinedRows} at most${sample < 1 ? `; of successful calls it keeps a share of ${sample}` : ''}`,
  };
}

const [minute, hour] = [60_000, 3_600_000];
/** Hourly roll-ups are kept for 92 days (jobs/retention.ts). */
const hoursKept = 92 * 24 * hour;

/** Whole days are in the daily roll-ups; a range that begins or ends within one is counted by the hours that it touches. */
function rolledUp(call: Call, query: Query, { from, to }: DateRange, key: SQL): SQL {
  const now = call.runtime.now();
  const whole = from.endsWith('T00:00:00.000Z') && (to.slice(11) >= '23:59:59' || Date.parse(to) >= now - minute);
  const table = whole || Date.parse(from) < now - hoursKept ? rollupDays : rollupHours;
  const first = table === rollupDays ? `${from.slice(0, 10)}T00:00:00Z` : `${from.slice(0, 13)}:00:00Z`;
  const operation = query.operationId === undefined ? undefined : Number(query.operationId);
  const category = Number(query.categoryId ?? (operation === undefined ? categories.default : 0));
  const condition = and(
    eq(table.tenant_id, call.tenant),
    gte(table.date, first),
    lte(table.date, to),
    category === 0 ? undefined : eq(table.category_id, category),
    operation === undefined ? undefined : eq(table.operation_id, operation),
    query.appId === undefined ? undefined : eq(table.app_id, Number(query.appId)),
    query.userId === undefined ? undefined : eq(table.user_id, Number(query.userId)),
  );
  // Grouped by the date itself: the key of the table has operations in this order.
  return sql`SELECT substr(date, 1, 10) AS day, ${key} AS key, sum(count) AS count,
    sum(iif(status_class >= 4, count, 0)) AS errors, sum(duration) AS duration, sum(points) AS points
    FROM ${table} WHERE ${condition} GROUP BY date, ${key}`;
}
