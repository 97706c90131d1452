import { and, eq, gte, inArray, lte, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { Call } from '../../core/call.ts';
import { categories } from '../../core/system-operation.ts';
import { logs, rollupDays, rollupHours } from '../../gateway/log-tables.ts';
import { apps } from '../../resources/app.ts';
import { examinedRows, walked } from '../../resources/growing-list.ts';
import { operations } from '../../resources/operation.ts';
import { users } from '../../resources/user.ts';
import type { DateRange } from '../date-range.ts';
import { type Chart, chartOf, type Series } from './chart.ts';
import { logWalk } from './log-filter.ts';

// What is known of calls comes from the roll-ups, which count every one. Only what they do not tell apart (addresses, paths,
// headers) is counted from the rows of the log, the newest of them, and then the chart says so.

/** A statistic of calls: what is added up, and what by. */
export interface CallStatistic {
  /** One series of this name, */
  total?: string;
  /** or one for each of these that has most of it. Calls without any are left out, but anonymous ones. */
  by?: 'operation_id' | 'user_id' | 'app_id' | 'ip';
  value: 'count' | 'errors' | 'points' | 'average';
  /** Put behind the name of each series. */
  unit?: string;
}

export const callStatistics = {
  errors_per_operation: { by: 'operation_id', value: 'errors' },
  incoming_requests: { total: 'Requests', value: 'count' },
  most_used_apps: { by: 'app_id', value: 'count' },
  most_used_operations: { by: 'operation_id', value: 'count' },
  requests_per_ip: { by: 'ip', value: 'count' },
  requests_per_operation: { by: 'operation_id', value: 'count' },
  requests_per_user: { by: 'user_id', value: 'count' },
  time_average: { total: 'Execution time (ms)', value: 'average' },
  time_per_operation: { by: 'operation_id', value: 'average', unit: ' (ms)' },
  used_points: { total: 'Points', value: 'points' },
} as const satisfies Record<string, CallStatistic>;

/** Series of a chart of the most, unless the query says how many. */
const most = 6;

type Query = Record<string, unknown>;

/** The chart of a statistic over the calls that the query names. */
export async function callChart(call: Call, statistic: CallStatistic, query: Query, range: DateRange): Promise<Chart> {
  const { by, value, total, unit = '' } = statistic;
  const db = drizzle(call.runtime.env.LOGS);
  const { groups, note } = sourceOf(call, query, range, by);
  const measured = value === 'average' ? sql`sum(duration) * 1.0 / sum(count)` : sql`sum(${sql.raw(value)})`;
  // Who takes most time is who is slowest; everything else is the most of what is counted.
  const chosen = by === 'operation_id' || by === 'app_id' ? sql`key <> 0` : sql`1`;
  const count = Number(query.count ?? most);
  const points = await db.all<{ day: string; key: string | number; value: number; total: number }>(sql`
    WITH picked AS MATERIALIZED (${groups}),
      top AS (SELECT key AS name, ${measured} AS total FROM picked WHERE ${chosen} GROUP BY 1
        HAVING total > 0 ORDER BY total DESC, name LIMIT ${count} OFFSET ${Number(query.startIndex ?? 0)})
    SELECT day, name AS key, ${measured} AS value, total FROM top JOIN picked ON key = name GROUP BY 1, 2 ORDER BY total DESC, key`);
  const series =
    total !== undefined
      ? [{ key: '', name: total }]
      : await namesOf(call, by!, [...new Set(points.map(({ key }) => key))]);
  const chart = chartOf(
    range,
    series.map(({ key, name }) => ({ key, name: name + unit })),
    points,
  );
  return note === undefined ? chart : { ...chart, note };
}

/** How many calls the query names. */
export async function countCalls(call: Call, query: Query, range: DateRange): Promise<number> {
  const { groups } = sourceOf(call, query, range, undefined);
  const [row] = await drizzle(call.runtime.env.LOGS).all<{ count: number }>(
    sql`SELECT coalesce(sum(count), 0) AS count FROM (${groups})`,
  );
  return row?.count ?? 0;
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

const hour = 3_600_000;
/** Hourly roll-ups are kept for 92 days (jobs/retention.ts). */
const hoursKept = 92 * 24 * hour;

/** Whole days are in the daily roll-ups; a range that begins or ends within one is counted by the hours that it touches. */
function rolledUp(call: Call, query: Query, { from, to }: DateRange, key: SQL): SQL {
  const now = call.runtime.now();
  const whole = from.endsWith('T00:00:00.000Z') && (to.slice(11) >= '23:59:59' || Date.parse(to) >= now);
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

/** What people call the things that were counted, in the same order; what is gone for good is called by its number. */
async function namesOf(
  call: Call,
  by: NonNullable<CallStatistic['by']>,
  keys: readonly (string | number)[],
): Promise<Series[]> {
  if (by === 'ip') {
    return keys.map((key) => ({ key, name: String(key) }));
  }
  const table = { operation_id: operations, user_id: users, app_id: apps }[by];
  const ids = keys.map(Number).filter((id) => id > 0);
  const rows =
    ids.length === 0
      ? []
      : await drizzle(call.runtime.env.DB)
          .select({ id: table.id, name: table.name })
          .from(table)
          .where(
            and(
              eq(table.tenant_id, call.tenant),
              inArray(table.id, sql`(SELECT value FROM json_each(${JSON.stringify(ids)}))`),
            ),
          );
  const names = new Map(rows.map(({ id, name }) => [id, name]));
  if (by === 'operation_id') {
    for (const { id, name } of call.runtime.system.operations) {
      names.set(id, name);
    }
  }
  return keys.map((key) => ({ key, name: names.get(Number(key)) ?? (key === 0 ? 'Anonymous' : `#${key}`) }));
}
