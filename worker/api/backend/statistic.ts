import { Type } from 'typebox';
import type { Call } from '../../core/call.ts';
import type { ParameterRecord } from '../../core/records.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { toSeconds } from '../../resources/define.ts';
import { type DateRange, dateParameters, dateRange } from '../date-range.ts';
import { type Chart, chartSchema } from './chart.ts';
import { callChart, callStatistics, countCalls, sourceParameter } from './statistic-calls.ts';
import { rowChart, rowStatistics, testCoverage } from './statistic-rows.ts';

type Query = Record<string, unknown>;
type Draw = (call: Call, query: Query, range: DateRange) => Promise<Chart>;

/** How each chart is drawn, by the last segment of its path. */
const charts = new Map<string, Draw>([
  ...Object.entries(callStatistics).map(([path, statistic]): [string, Draw] => [
    path,
    (call, query, range) => callChart(call, statistic, query, range),
  ]),
  ...Object.entries(rowStatistics).map(([path, statistic]): [string, Draw] => [
    path,
    (call, query, range) => rowChart(call, statistic, query, range),
  ]),
  ['test_coverage', testCoverage],
]);

const text = (description: string): ParameterRecord => ({ type: 'string', description });
const integer = (description: string): ParameterRecord => ({ type: 'integer', description });

const parameters: Record<string, ParameterRecord> = {
  startIndex: { type: 'integer', minimum: 0, description: 'How many series to skip' },
  count: { type: 'integer', minimum: 1, maximum: 1024, description: 'How many series to draw, 6 unless given' },
  search: text('As in the log: an address, /path, METHOD, Name: value of a header, else a part of the body'),
  ...dateParameters,
  operationId: integer('Calls of this operation'),
  appId: integer('With this app'),
  userId: integer('By this user'),
  ip: text('From this address'),
  userAgent: text('A part of the user agent'),
  method: text('The HTTP method'),
  path: text('The beginning of the path'),
  header: text('A part of the headers'),
  body: text('A part of the body'),
};

const categoryId: ParameterRecord = {
  ...{ type: 'integer', minimum: 0 },
  description: '1 default (unless given), 2 backend, 3 consumer, 4 system, 5 authorization, 0 all',
};

const callParameters = { categoryId, source: sourceParameter };

const scope = 'backend.statistic';

/** Fusio calls `requests_per_ip` `getRequestsPerIP`. */
function nameOf(path: string): string {
  const words = path.split('_').map((word) => (word === 'ip' ? 'IP' : word[0]!.toUpperCase() + word.slice(1)));
  return `${scope}.get${words.join('')}`;
}

/** The charts of the dashboard, by member. */
const widgets = {
  errorsPerOperation: 'errors_per_operation',
  incomingRequests: 'incoming_requests',
  incomingTransactions: 'incoming_transactions',
  mostUsedOperations: 'most_used_operations',
  timePerOperation: 'time_per_operation',
  testCoverage: 'test_coverage',
  mostUsedActivities: 'most_used_activities',
  activitiesPerUser: 'activities_per_user',
  userRegistrations: 'user_registrations',
};

/** The dashboard and the statistics: one value a day, of all calls but those that an evicted isolate had not written yet. */
export const statisticOperations: readonly SystemOperation[] = [
  ...[...charts].map(
    ([path, draw]): SystemOperation => ({
      name: nameOf(path),
      method: 'GET',
      path: `/backend/statistic/${path}`,
      description: `Statistic: ${path.replaceAll('_', ' ')}`,
      scope,
      query: path === 'test_coverage' ? {} : { ...parameters, ...(path in callStatistics ? callParameters : {}) },
      outgoing: chartSchema,
      run: async (call, { query }) => draw(call, query, dateRange(query, call.runtime.now())),
    }),
  ),
  {
    name: nameOf('count_requests'),
    method: 'GET',
    path: '/backend/statistic/count_requests',
    description: 'Statistic: count requests',
    scope,
    query: { ...parameters, ...callParameters },
    outgoing: Type.Object({
      count: Type.Integer(),
      error: Type.Optional(Type.Integer({ description: 'Of an estimate: half the width of its 95 % interval' })),
      source: Type.Optional(Type.String({ description: 'analytics when Analytics Engine counted the calls' })),
      note: Type.Optional(Type.String({ description: 'Why the number is not the whole truth' })),
      from: Type.String({ format: 'date-time' }),
      to: Type.String({ format: 'date-time' }),
    }),
    async run(call, { query }) {
      const range = dateRange(query, call.runtime.now());
      const counted = await countCalls(call, query, range);
      return { ...counted, from: toSeconds(range.from), to: toSeconds(range.to) };
    },
  },
  {
    name: 'backend.dashboard.getAll',
    method: 'GET',
    path: '/backend/dashboard',
    description: 'All charts of the dashboard in one response',
    scope: 'backend.dashboard',
    query: { ...dateParameters, source: sourceParameter },
    outgoing: Type.Object(Object.fromEntries(Object.keys(widgets).map((member) => [member, chartSchema]))),
    async run(call, { query }) {
      const range = dateRange(query, call.runtime.now());
      const drawn = Object.entries(widgets).map(async ([member, path]) => [
        member,
        await charts.get(path)!(call, query, range),
      ]);
      return Object.fromEntries(await Promise.all(drawn));
    },
  },
];
