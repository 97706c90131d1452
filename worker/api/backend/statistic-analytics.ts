import type { Call } from '../../core/call.ts';
import { categories } from '../../core/system-operation.ts';
import type { Env } from '../../env.ts';
import { isObject } from '../../lib/json.ts';
import type { DateRange } from '../date-range.ts';
import type { Point } from './chart.ts';
import type { CallStatistic } from './statistic-calls.ts';

// The second source of statistics: the points that gateway/usage-point.ts writes, read through the SQL API of Workers Analytics
// Engine (developers.cloudflare.com/analytics/analytics-engine/sql-api): POST /accounts/<id>/analytics_engine/sql, a query as text,
// `{meta, data, rows}` back. It stores a sample, each point with `_sample_interval` w, how many it stands for: kept with the
// probability 1/w. So a sum is estimated by Σ w·y (Horvitz and Thompson 1952), and its variance, points being kept
// independently, by Σ w·(w−1)·y² (Särndal, Swensson and Wretman, Model Assisted Survey Sampling, 1992, section 3.5: Poisson
// sampling); of a mean R = Σ w·y / Σ w by Σ w·(w−1)·(y−R)² / (Σ w)² (section 5.6: ratios, linearised). 1.96 standard errors to both
// sides cover 95 % of samples. Where nothing was sampled, w is 1 and the error 0.

type Query = Record<string, unknown>;

/** A point of a chart with half the width of its 95 % interval, and the sum of its series. */
export interface SampledPoint extends Point {
  error: number;
  total: number;
}

/** Why Analytics Engine was not asked, or gave no answer: what follows "Analytics Engine". */
export class NoAnalytics extends Error {}

/** Whether the account's number and token are there. */
export function hasAnalytics({ CLOUDFLARE_ACCOUNT_ID, ANALYTICS_TOKEN }: Env): boolean {
  return Boolean(CLOUDFLARE_ACCOUNT_ID && ANALYTICS_TOKEN);
}

/** Calls of a statistic by day and key, the series with the most first. Throws NoAnalytics. */
export async function sampledPoints(
  call: Call,
  { by, value }: Pick<CallStatistic, 'by' | 'value'>,
  query: Query,
  range: DateRange,
  page: { startIndex: number; count: number },
): Promise<SampledPoint[]> {
  const condition = conditionOf(call, by, query, range);
  const sums = sumsOf(value);
  if (by === undefined) {
    const rows = await ask(
      call,
      `SELECT toStartOfInterval(timestamp, INTERVAL '1' DAY) AS day, ${sums} FROM @ WHERE ${condition} GROUP BY day`,
    );
    return rows.map((row) => ({ day: dayOf(row), key: '', total: 0, ...estimate(value, row) }));
  }
  const key = columns[by as keyof typeof columns];
  // Nobody's app and operation are not among the most; the anonymous are users.
  const chosen = by === 'user_id' ? condition : `${condition} AND ${key} <> 0`;
  const { count, startIndex } = page;
  const weighted = `sum(_sample_interval * ${measured[value]})`;
  const ranked = value === 'average' ? `${weighted} / sum(_sample_interval)` : weighted;
  const top = await ask(
    call,
    `SELECT ${key} AS key, ${sums}, ${ranked} AS total FROM @ WHERE ${chosen} GROUP BY key ORDER BY total DESC, key LIMIT ${count} OFFSET ${startIndex}`,
  );
  const totals = new Map(top.map((row) => [numberOf(row, 'key'), estimate(value, row).value]));
  const keys = [...totals].filter(([, total]) => total > 0).map(([name]) => name);
  if (keys.length === 0) {
    return [];
  }
  const rows = await ask(
    call,
    `SELECT toStartOfInterval(timestamp, INTERVAL '1' DAY) AS day, ${key} AS key, ${sums} FROM @ WHERE ${condition} AND ${key} IN (${keys}) GROUP BY day, key`,
  );
  return rows
    .map((row) => {
      const name = numberOf(row, 'key');
      return { day: dayOf(row), key: name, total: totals.get(name) ?? 0, ...estimate(value, row) };
    })
    .sort((a, b) => b.total - a.total || a.key - b.key);
}

/** How many calls the query names, with the error. Throws NoAnalytics. */
export async function sampledCount(
  call: Call,
  query: Query,
  range: DateRange,
): Promise<{ value: number; error: number }> {
  const condition = conditionOf(call, undefined, query, range);
  const [row] = await ask(call, `SELECT ${sumsOf('count')} FROM @ WHERE ${condition}`);
  return row === undefined ? { value: 0, error: 0 } : estimate('count', row);
}

/** Where a point has what (gateway/usage-point.ts). */
const columns = { operation_id: 'double6', app_id: 'double7', user_id: 'double8' } as const;

const measured = { count: '1', errors: 'if(double4 >= 400, 1, 0)', points: 'double5', average: 'double2' } as const;

/** What `estimate` needs; as doubles, for the product of two intervals would leave the range of integers. */
function sumsOf(value: CallStatistic['value']): string {
  const y = measured[value];
  const spread = '_sample_interval * (_sample_interval - 1.0)';
  return [
    'sum(_sample_interval) AS calls',
    `sum(_sample_interval * ${y}) AS weighted`,
    `sum(${spread}) AS spread0`,
    `sum(${spread} * ${y}) AS spread1`,
    `sum(${spread} * ${y} * ${y}) AS spread2`,
  ].join(', ');
}

/** The estimate of the measured value and half the width of its 95 % interval, by the formulas above. */
function estimate(value: CallStatistic['value'], row: Row): { value: number; error: number } {
  const [calls, weighted, spread0, spread1, spread2] = ['calls', 'weighted', 'spread0', 'spread1', 'spread2'].map(
    (name) => numberOf(row, name),
  ) as [number, number, number, number, number];
  if (value !== 'average') {
    return { value: weighted, error: 1.96 * Math.sqrt(spread2) };
  }
  const mean = calls === 0 ? 0 : weighted / calls;
  const variance = calls === 0 ? 0 : (spread2 - 2 * mean * spread1 + mean * mean * spread0) / (calls * calls);
  return { value: mean, error: 1.96 * Math.sqrt(Math.max(0, variance)) };
}

/** Points are kept for three months. */
const kept = 90 * 86_400_000;
/** Members that a point does not have. */
const unknown = ['ip', 'userAgent', 'path', 'header', 'body', 'search'];

function conditionOf(call: Call, by: CallStatistic['by'], query: Query, { from, to }: DateRange): string {
  const asked = unknown.find((name) => query[name] !== undefined && query[name] !== '');
  if (by === 'ip' || asked !== undefined) {
    throw new NoAnalytics(`knows nothing of ${asked ?? 'ip'}`);
  }
  if (Date.parse(from) < call.runtime.now() - kept) {
    throw new NoAnalytics('keeps points for three months');
  }
  const { operationId, appId, userId, method, categoryId } = query;
  const category = Number(categoryId ?? (operationId === undefined ? categories.default : 0));
  const is = (column: string, value: unknown) => (value === undefined ? [] : [`${column} = ${Number(value)}`]);
  return [
    `blob1 = 'call'`,
    `blob2 = ${literal(call.tenant)}`,
    `timestamp >= ${moment(from)}`,
    `timestamp <= ${moment(to)}`,
    ...is('double10', category === 0 ? undefined : category),
    ...is(columns.operation_id, operationId),
    ...is(columns.app_id, appId),
    ...is(columns.user_id, userId),
    ...(method === undefined || method === '' ? [] : [`blob4 = ${literal(String(method).toUpperCase())}`]),
  ].join(' AND ');
}

/** How quotes are escaped is not documented, so that only texts without any go into a query. */
function literal(text: string): string {
  if (!/^[\w.:-]{0,255}$/.test(text)) {
    throw new NoAnalytics('cannot be asked for such a text');
  }
  return `'${text}'`;
}

function moment(date: string): string {
  return `toDateTime('${date.slice(0, 10)} ${date.slice(11, 19)}')`;
}

type Row = Record<string, unknown>;

/** Rows of a query; `@` stands for the data set. */
async function ask(call: Call, sql: string): Promise<Row[]> {
  const { env, egress, report } = call.runtime;
  if (!hasAnalytics(env)) {
    throw new NoAnalytics('is not configured: CLOUDFLARE_ACCOUNT_ID and ANALYTICS_TOKEN are missing');
  }
  const base = env.ANALYTICS_URL || 'https://api.cloudflare.com/client/v4';
  const url = `${base}/accounts/${encodeURIComponent(env.CLOUDFLARE_ACCOUNT_ID!)}/analytics_engine/sql`;
  try {
    const response = await egress.fetch(
      url,
      {
        method: 'POST',
        headers: { Authorization: `Bearer ${env.ANALYTICS_TOKEN}`, 'Content-Type': 'text/plain' },
        body: `${sql.replace('@', env.ANALYTICS_DATASET || 'postern_usage')} FORMAT JSON`,
      },
      { timeout: 4_000 },
    );
    if (response.status !== 200) {
      throw new NoAnalytics(`answered ${response.status}: ${(await response.text()).slice(0, 200)}`);
    }
    const answer: unknown = await response.json();
    if (!isObject(answer) || !Array.isArray(answer.data) || !answer.data.every(isObject)) {
      throw new NoAnalytics('gave no rows');
    }
    return answer.data as Row[];
  } catch (thrown) {
    report('statistic.analytics', thrown);
    throw thrown instanceof NoAnalytics ? thrown : new NoAnalytics('did not answer');
  }
}

/** Sums of integers come as texts, for they may be larger than a double holds. */
function numberOf(row: Row, name: string): number {
  const number = Number(row[name]);
  if (row[name] === null || row[name] === undefined || !Number.isFinite(number)) {
    throw new NoAnalytics(`gave no ${name}`);
  }
  return number;
}

/** `2026-11-21 00:00:00` */
function dayOf(row: Row): string {
  return String(row.day).slice(0, 10);
}
