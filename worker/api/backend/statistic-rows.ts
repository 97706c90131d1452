import { and, eq, gt, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import type { Call } from '../../core/call.ts';
import { examinedRows, type Walk, walked } from '../../resources/growing-list.ts';
import { audits } from '../../resources/tables.ts';
import { testStatus, tests } from '../../resources/test.ts';
import { tokens } from '../../resources/token.ts';
import { transactions } from '../../resources/transaction.ts';
import { users } from '../../resources/user.ts';
import type { DateRange } from '../date-range.ts';
import { type Chart, chartOf } from './chart.ts';

/** A statistic of rows that have a date: what is added up, what by, and what the query narrows it by. */
interface RowStatistic {
  table: Walk['table'];
  date: SQLiteColumn;
  tenant: SQLiteColumn;
  /** One series of this name, */
  total?: string;
  /** or one for each value that has most. */
  by?: SQL;
  /** What the value of `by`, `found.key`, is called. */
  named?: SQL;
  value: SQL;
  where?: SQL;
  filters: Record<string, SQLiteColumn>;
}

/** What people did; the platform itself (user 0) only seeds. */
const audited = {
  table: audits,
  date: audits.date,
  tenant: audits.tenant_id,
  value: sql`count(*)`,
  where: gt(audits.user_id, 0),
  filters: { userId: audits.user_id, appId: audits.app_id, ip: audits.ip },
};

export const rowStatistics = {
  activities_per_user: {
    ...audited,
    by: sql`${audits.user_id}`,
    named: sql`coalesce((SELECT ${users.name} FROM ${users} WHERE ${users.id} = found.key), '#' || found.key)`,
  },
  incoming_transactions: {
    table: transactions,
    date: transactions.insert_date,
    tenant: transactions.tenant_id,
    total: 'Amount',
    value: sql`sum(${transactions.amount}) / 100.0`,
    filters: { userId: transactions.user_id },
  },
  issued_tokens: {
    table: tokens,
    date: tokens.date,
    tenant: tokens.tenant_id,
    total: 'Tokens',
    value: sql`count(*)`,
    filters: { userId: tokens.user_id, appId: tokens.app_id, ip: tokens.ip },
  },
  most_used_activities: { ...audited, by: sql`${audits.event}` },
  user_registrations: {
    table: users,
    date: users.date,
    tenant: users.tenant_id,
    total: 'Users',
    value: sql`count(*)`,
    where: gt(users.status, 0),
    filters: {},
  },
} as const satisfies Record<string, RowStatistic>;

const most = 6;

/** The chart of a statistic over rows of the configuration's database. */
export async function rowChart(
  call: Call,
  statistic: RowStatistic,
  query: Record<string, unknown>,
  range: DateRange,
): Promise<Chart> {
  const { table, date, tenant, total, by = sql`''`, named = sql`found.key`, value, where, filters } = statistic;
  const narrowed = Object.entries(filters).flatMap(([name, column]) =>
    query[name] === undefined || query[name] === '' ? [] : [eq(column, query[name])],
  );
  const { condition, end } = walked({ table, key: eq(tenant, call.tenant), along: date, ...range });
  const found = await drizzle(call.runtime.env.DB).all<{
    day: string;
    key: string;
    value: number;
    since: string | null;
  }>(
    sql`SELECT day, ${named} AS key, value, ${end} AS since FROM (
      SELECT substr(${date}, 1, 10) AS day, ${by} AS key, ${value} AS value
      FROM ${table} WHERE ${and(condition(end), where, ...narrowed)} GROUP BY 1, 2) AS found`,
  );
  const chart = chartOf(range, total === undefined ? leaders(found, query) : [{ key: '', name: total }], found);
  const since = found[0]?.since ?? null;
  return since === null ? chart : { ...chart, note: `Counted from the newest ${examinedRows}, back to ${since}` };
}

/** The series with the largest sums, from `startIndex`, `count` of them. */
function leaders(points: { key: string; value: number }[], query: Record<string, unknown>) {
  const sums = new Map<string, number>();
  for (const { key, value } of points) {
    sums.set(key, (sums.get(key) ?? 0) + value);
  }
  const first = Number(query.startIndex ?? 0);
  return [...sums]
    .sort(([a, left], [b, right]) => right - left || (a < b ? -1 : 1))
    .slice(first, first + Number(query.count ?? most))
    .map(([key]) => ({ key, name: key }));
}

/** How many tests of operations are in which state. */
export async function testCoverage(call: Call): Promise<Chart> {
  const rows = await drizzle(call.runtime.env.DB)
    .select({ status: tests.status, count: sql<number>`count(*)` })
    .from(tests)
    .where(eq(tests.tenant_id, call.tenant))
    .groupBy(tests.status);
  const { pending, success, warning, error } = testStatus;
  const data = [pending, success, warning, error].map(
    (state) => rows.find(({ status }) => status === state)?.count ?? 0,
  );
  return { labels: ['Pending', 'Success', 'Warning', 'Error'], series: [{ name: 'Tests', data }] };
}
