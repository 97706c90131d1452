import { and, eq, inArray, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { Call } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import type { ParameterRecord } from '../../core/records.ts';
import { apps } from '../../resources/app.ts';
import { operations } from '../../resources/operation.ts';
import { users } from '../../resources/user.ts';
import type { DateRange } from '../date-range.ts';
import { type Chart, chartOf, type Point, type Series } from './chart.ts';
import { hasAnalytics, NoAnalytics, sampledCount, sampledPoints } from './statistic-analytics.ts';
import { type Logged, loggedCount, loggedPoints } from './statistic-logged.ts';

// Which source answers. LOGS does, for it counts every call and knows it a second later. Analytics Engine does where `source` asks
// for it; where calls of one method are asked for, which roll-ups do not tell apart; and where LOGS is out of reach.
// Whoever cannot answer is stood in for by the other one, and then the answer says so.

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

/** The query parameter that chooses between them. */
export const sourceParameter: ParameterRecord = {
  ...{ type: 'string', enum: ['logs', 'analytics'] },
  description:
    'Where calls are counted: logs (every one, unless given) or analytics (estimated from the points of Analytics Engine)',
};

/** The chart of a statistic over the calls that the query names. */
export async function callChart(call: Call, statistic: CallStatistic, query: Query, range: DateRange): Promise<Chart> {
  const { by, total, unit = '' } = statistic;
  const page = { startIndex: Number(query.startIndex ?? 0), count: Number(query.count ?? most) };
  const { found, ...source } = await fromSource<Point[]>(
    call,
    query,
    () => loggedPoints(call, statistic, query, range, page),
    () => sampledPoints(call, statistic, query, range, page),
    (points) => points.some(({ error }) => error),
  );
  const series =
    total !== undefined
      ? [{ key: '', name: total }]
      : await namesOf(call, by!, [...new Set(found.map(({ key }) => key))]);
  const chart = chartOf(
    range,
    series.map(({ key, name }) => ({ key, name: name + unit })),
    found,
  );
  return { ...chart, ...source };
}

/** How many calls the query names, give or take `error`. */
export async function countCalls(call: Call, query: Query, range: DateRange) {
  const { found, ...source } = await fromSource<{ value: number; error?: number }>(
    call,
    query,
    async () => {
      const { found: value, note } = await loggedCount(call, query, range);
      return { found: { value }, note };
    },
    () => sampledCount(call, query, range),
    ({ error }) => Boolean(error),
  );
  const { value, error } = found;
  return { count: Math.round(value), ...(error === undefined ? {} : { error: Math.round(error) }), ...source };
}

interface Sourced<T> {
  found: T;
  source?: 'analytics';
  note?: string;
}

async function fromSource<T>(
  call: Call,
  query: Query,
  logged: () => Promise<Logged<T>>,
  sampled: () => Promise<T>,
  isEstimated: (found: T) => unknown,
): Promise<Sourced<T>> {
  const analytics = async (why = ''): Promise<Sourced<T>> => {
    const found = await sampled();
    const how = isEstimated(found)
      ? 'Estimated from the sample that Analytics Engine keeps; the true values are within ± error with 95 % confidence'
      : 'Counted from the points of Analytics Engine, which sampled none of them';
    return { found, source: 'analytics', note: `${why}${how}` };
  };
  const logs = async (why?: string): Promise<Sourced<T>> => {
    const { found, note } = await logged();
    const notes = [why, note].filter((text) => text !== undefined);
    return { found, ...(notes.length === 0 ? {} : { note: notes.join('. ') }) };
  };
  const configured = hasAnalytics(call.runtime.env);
  if (query.source === 'analytics' || (query.source === undefined && configured && query.method)) {
    try {
      return await analytics();
    } catch (thrown) {
      if (!(thrown instanceof NoAnalytics)) {
        throw thrown;
      }
      return logs(`Analytics Engine ${thrown.message}; counted from the log instead`);
    }
  }
  try {
    return await logs();
  } catch (thrown) {
    if (thrown instanceof ApiError || query.source !== undefined || !configured) {
      throw thrown;
    }
    return analytics('The log did not answer. ').catch(() => {
      throw thrown;
    });
  }
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
