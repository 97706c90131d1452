import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chartOf, daysOf } from '../../worker/api/backend/chart.ts';
import { usagePoint } from '../../worker/gateway/usage-point.ts';
import { type AnalyticsStandIn, startAnalytics } from '../helpers/analytics-stand-in.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { startListener } from '../helpers/listener.ts';
import { type Management, manage } from '../helpers/management.ts';
import { aCall } from './facts.ts';

let analytics: AnalyticsStandIn;
let gateway: Gateway;
let api: Management;
let operation: number;

const june = 'from=2015-06-01&to=2015-06-30';

beforeAll(async () => {
  analytics = await startAnalytics();
  gateway = await startGateway({
    vars: {
      ...{ CLOUDFLARE_ACCOUNT_ID: analytics.account, ANALYTICS_TOKEN: analytics.token },
      ANALYTICS_URL: analytics.url,
    },
  });
  api = await manage(gateway);
  await api.publish({ name: 'seed.list', httpPath: '/seed', public: true });
  ({ id: operation } = await api.must('GET', '/backend/operation/~seed.list'));
  const other = operation + 1000;
  const roll = (table: string, date: string, [op, app, user, status]: number[], [count, ms, points]: number[]) =>
    gateway.LOGS.prepare(
      `INSERT INTO ${table} (date, category_id, operation_id, app_id, user_id, status_class, count, duration, upstream,
        duration_max, points) VALUES (?, 1, ?, ?, ?, ?, ?, ?, 0, 0, ?)`,
    ).bind(date, op, app, user, status, count, ms, points);
  const log = (date: string, ip: string, path: string) =>
    gateway.LOGS.prepare(
      `INSERT INTO log (operation_id, ip, method, path, response_code, execution_time, date) VALUES (?, ?, 'GET', ?, 200, 10, ?)`,
    ).bind(operation, ip, path, date);
  await gateway.LOGS.batch([
    roll('rollup_day', '2015-06-02T00:00:00Z', [operation, 0, 1, 2], [30, 900, 5]),
    roll('rollup_day', '2015-06-02T00:00:00Z', [operation, 7, 0, 5], [10, 100, 0]),
    roll('rollup_day', '2015-06-03T00:00:00Z', [other, 0, 1, 4], [3, 30, 0]),
    roll('rollup_day', '2015-06-03T00:00:00Z', [0, 0, 0, 4], [99, 99, 0]),
    roll('rollup_day', '2015-07-01T00:00:00Z', [operation, 0, 1, 2], [1000, 1, 0]),
    log('2015-06-02T10:00:00.000Z', '203.0.113.1', '/seed?page=1'),
    log('2015-06-02T11:00:00.000Z', '203.0.113.1', '/seed?page=2'),
    log('2015-06-03T10:00:00.000Z', '203.0.113.2', '/other'),
  ]);
  await gateway.DB.batch([
    gateway.DB.prepare(
      `INSERT INTO "transaction" (user_id, transaction_id, amount, points, insert_date) VALUES (1, 'a', 1999, 1, '2015-06-04T10:00:00Z'), (2, 'b', 1, 1, '2015-06-04T10:00:00Z')`,
    ),
    gateway.DB.prepare(`INSERT INTO test (operation_id, status) VALUES (1, 1), (2, 2), (3, 2), (4, 6)`),
  ]);
});
afterAll(() => Promise.all([gateway?.stop(), analytics?.stop()]));

const chart = (name: string, query = june) => api.must('GET', `/backend/statistic/${name}?${query}`);
/** Day of the month → value, of each series. */
const drawn = async (name: string, query = june) => {
  const { series } = await chart(name, query);
  return Object.fromEntries(
    series.map((one: { name: string; data: number[] }) => [
      one.name,
      Object.fromEntries(one.data.flatMap((value, at) => (value === 0 ? [] : [[at + 1, value]]))),
    ]),
  );
};

test('a chart has a label and a value for every day', async () => {
  const { labels, series } = await chart('incoming_requests');
  expect([labels.length, labels[0], labels[29]]).toEqual([30, '2015-06-01', '2015-06-30']);
  expect(series[0].data).toHaveLength(30);
  const range = { from: '2026-11-20T10:00:00.000Z', to: '2026-11-22T09:00:00.000Z' };
  expect(daysOf(range)).toEqual(['2026-11-20', '2026-11-21', '2026-11-22']);
  expect(chartOf(range, [{ key: 1, name: 'a' }], [{ day: '2026-11-21', key: 1, value: 1.005 }])).toEqual({
    labels: ['Fri', 'Sat', 'Sun'],
    series: [{ name: 'a', data: [0, 1, 0] }],
  });
});

test.each<[string, Record<string, Record<number, number>>]>([
  ['incoming_requests', { Requests: { 2: 40, 3: 102 } }],
  ['requests_per_operation', { 'seed.list': { 2: 40 }, '#1278': { 3: 3 } }],
  ['errors_per_operation', { 'seed.list': { 2: 10 }, '#1278': { 3: 3 } }],
  ['requests_per_user', { Anonymous: { 2: 10, 3: 99 }, admin: { 2: 30, 3: 3 } }],
  ['most_used_apps', { '#7': { 2: 10 } }],
  ['time_average', { 'Execution time (ms)': { 2: 25, 3: 1.26 } }],
  ['time_per_operation', { 'seed.list (ms)': { 2: 25 }, '#1278 (ms)': { 3: 10 } }],
  ['used_points', { Points: { 2: 5 } }],
  ['incoming_transactions', { Amount: { 4: 20 } }],
])('%s counts every call of the roll-ups, or every row', async (name, expected) => {
  const named = Object.entries(expected).map(([key, days]) => [key.replace('1278', String(operation + 1000)), days]);
  expect(await drawn(name)).toEqual(Object.fromEntries(named));
});

describe('what the query names', () => {
  test.each([
    ['operationId', (id: number) => `operationId=${id}`, { 2: 40 }],
    ['userId', () => 'userId=1', { 2: 30, 3: 3 }],
    ['another category', () => 'categoryId=2', {}],
    ['path, from the log', () => 'path=/seed', { 2: 2 }],
    ['ip, from the log', () => 'ip=203.0.113.2', { 3: 1 }],
  ])('%s', async (_what, query, expected) => {
    expect(await drawn('incoming_requests', `${june}&${query(operation)}`)).toEqual({ Requests: expected });
  });

  test('how many series, and which', async () => {
    expect(Object.keys(await drawn('requests_per_operation', `${june}&count=1`))).toEqual(['seed.list']);
    expect(Object.keys(await drawn('requests_per_operation', `${june}&count=1&startIndex=1`))).toEqual([
      `#${operation + 1000}`,
    ]);
  });
});

test('addresses are counted from the log, which is said', async () => {
  expect(await drawn('requests_per_ip')).toEqual({ '203.0.113.1': { 2: 2 }, '203.0.113.2': { 3: 1 } });
  expect((await chart('requests_per_ip')).note).toContain('log');
});

test('payments are found by all that Fusio finds them by', async () => {
  await gateway.DB.prepare(`UPDATE "transaction" SET app_id = 7, provider = 'Stripe' WHERE transaction_id = 'a'`).run();
  const found = async (query: string) =>
    (await api.must('GET', `/backend/transaction?${june}&${query}`)).entry.map((one: any) => one.transactionId).sort();
  expect(await found('appId=7')).toEqual(['a']);
  expect(await found('provider=Stripe')).toEqual(['a']);
  expect(await found('status=1')).toEqual(['a', 'b']);
  expect(await found('status=none')).toEqual([]);
  expect(await found('taxonomy=1')).toEqual([]);
  expect(await found('userId=1')).toEqual(['a']);
});

test('tests of operations by their state', async () => {
  expect(await chart('test_coverage', '')).toEqual({
    labels: ['Pending', 'Success', 'Warning', 'Error'],
    series: [{ name: 'Tests', data: [1, 2, 0, 0] }],
  });
});

test('calls are counted over a range', async () => {
  expect(await chart('count_requests')).toEqual({
    count: 142,
    from: '2015-06-01T00:00:00Z',
    to: '2015-06-30T23:59:59Z',
  });
});

test('a call shows within two seconds, in the statistics and on the dashboard, with what was done', async () => {
  const day = new Date().toISOString().slice(0, 10);
  const called = Date.now();
  await gateway.fetch('/seed');
  let seen = 0;
  while (seen === 0 && Date.now() - called < 20_000) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    seen = (await chart('count_requests', `from=${day}T00:00:00Z&to=${day}T23:59:00Z&operationId=${operation}`)).count;
  }
  expect(seen).toBe(1);
  const dashboard = await api.must('GET', '/backend/dashboard');
  expect(Object.keys(dashboard)).toHaveLength(9);
  const last = (member: string) => dashboard[member].series.map(({ name, data }: any) => [name, data.at(-1)]);
  expect(last('mostUsedOperations')).toEqual([['seed.list', 1]]);
  expect(last('userRegistrations')).toEqual([['Users', 1]]);
  expect(last('mostUsedActivities')).toContainEqual(['operation.create', 1]);
  expect(last('activitiesPerUser')[0][0]).toBe('admin');
});

describe('Analytics Engine', () => {
  const now = Date.now();
  const recent = `from=${new Date(now - 86_400_000).toISOString().slice(0, 10)}`;
  const at = now - 3_600_000;

  beforeAll(() => {
    for (const [interval, method] of [
      [1, 'GET'],
      [4, 'GET'],
      [9, 'PUT'],
    ] as const) {
      const fact = aCall({ at, operationId: operation, operationName: 'seed.list', method, userId: 1 });
      analytics.add(usagePoint(fact)!, at, interval);
    }
  });

  test('draws where it is asked for, and says how near', async () => {
    const { series, source, note } = await chart('requests_per_operation', `${recent}&source=analytics`);
    expect(source).toBe('analytics');
    expect(note).toMatch(/^Estimated .* 95 % confidence$/);
    expect(series).toEqual([{ name: 'seed.list', data: expect.any(Array), error: expect.any(Array) }]);
    expect(Math.max(...series[0].data)).toBe(14);
    expect(Math.max(...series[0].error)).toBeCloseTo(1.96 * Math.sqrt(4 * 3 + 9 * 8), 2);
    const count = await chart('count_requests', `${recent}&source=analytics&userId=1`);
    expect(count).toMatchObject({ count: 14, error: 18, source: 'analytics' });
    const dashboard = await api.must('GET', `/backend/dashboard?${recent}&source=analytics`);
    expect(dashboard.mostUsedOperations).toMatchObject({ source: 'analytics', series: [{ name: 'seed.list' }] });
    expect(dashboard.testCoverage).not.toHaveProperty('source');
  });

  test('draws calls of a method, which roll-ups do not tell apart; the log draws everything else', async () => {
    expect(await chart('count_requests', `${recent}&method=put`)).toMatchObject({ count: 9, source: 'analytics' });
    expect((await chart('count_requests', `${recent}&method=put&source=logs`)).note).toMatch(/^Counted from the rows/);
    expect(await chart('incoming_requests')).not.toHaveProperty('source');
  });

  test('is stood in for by the log, which is said', async () => {
    for (const query of ['path=/seed', 'ip=203.0.113.1']) {
      const { note, source } = await chart('incoming_requests', `${recent}&${query}&source=analytics`);
      expect([note, source]).toEqual([
        expect.stringMatching(/^Analytics Engine knows nothing of .*; counted from the log instead/),
        undefined,
      ]);
    }
    analytics.failure = { status: 503, text: 'down' };
    const instead = await chart('incoming_requests', `${june}&source=analytics`);
    expect(instead.note).toMatch(/^Analytics Engine keeps points for three months; counted from the log instead$/);
    const failed = await chart('count_requests', `${recent}&source=analytics&userId=999`);
    expect(failed).toMatchObject({
      count: 0,
      note: 'Analytics Engine answered 503: down; counted from the log instead',
    });
    analytics.failure = null;
    const refused = await api.call('GET', `/backend/statistic/incoming_requests?source=elsewhere`);
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([400, '/query/source']);
  });

  test('stands in for a log that does not answer', async () => {
    await gateway.LOGS.prepare('ALTER TABLE rollup_day RENAME TO rollup_away').run();
    try {
      const found = await chart('incoming_requests', recent);
      expect([found.source, found.note]).toEqual(['analytics', expect.stringMatching(/^The log did not answer\. /)]);
      expect((await api.call('GET', `/backend/statistic/incoming_requests?${recent}&source=logs`)).status).toBe(500);
    } finally {
      await gateway.LOGS.prepare('ALTER TABLE rollup_away RENAME TO rollup_day').run();
    }
  });
});

test('lists of changes and tokens count to 10,000 and say that there are more', async () => {
  const numbers = 'WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < 10020)';
  const date = `strftime('%Y-%m-%dT%H:%M:%fZ', ${Date.parse('2016-03-01T00:00:00Z') / 1000} + value, 'unixepoch')`;
  await gateway.DB.batch([
    gateway.DB.prepare(
      `INSERT INTO audit (user_id, event, message, content, date) ${numbers} SELECT 1, 'thing.update', 'Changed ' || value, '{"name":"x"}', ${date} FROM n`,
    ),
    gateway.DB.prepare(
      `INSERT INTO token (user_id, jti, scopes, expire, date) ${numbers} SELECT 1, 'many-' || value, '["a"]', '2099-01-01T00:00:00Z', ${date} FROM n`,
    ),
  ]);
  const march = 'from=2016-03-01&to=2016-03-31';
  for (const noun of ['audit', 'token']) {
    const page = await api.must('GET', `/backend/${noun}?${march}&startIndex=10016&count=8`);
    expect(page).toMatchObject({ totalResults: 10_000, totalIsMinimum: true, startIndex: 10_016, itemsPerPage: 8 });
    expect(page.entry).toHaveLength(4);
    expect(page.entry[3].date).toBe('2016-03-01T00:00:01Z');
  }
  const found = await api.must(
    'GET',
    `/backend/audit?${march}&search=${encodeURIComponent('"Changed 1000"')}&sortBy=date&sortOrder=asc`,
  );
  expect([found.totalResults, found.totalIsMinimum, found.entry[0].message]).toEqual([11, undefined, 'Changed 1000']);
  const [token] = (await api.must('GET', `/backend/token?${march}&count=1`)).entry;
  expect(token.scopes).toEqual(['a']);
});

describe('a call is explained by its request id', () => {
  const explained = async (answer: Response) => {
    const id = answer.headers.get('x-request-id')!;
    for (let attempt = 0; attempt < 100; attempt++) {
      const found = await api.call('GET', `/backend/log/~${id}`);
      if (found.status === 200) {
        return found.body;
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('the log did not come');
  };

  test('with its route, limit, upstream and time', async () => {
    const upstream = await startListener();
    upstream.answer = () => ({ status: 203, body: 'ok' });
    await api.must('POST', '/backend/action', {
      ...{ name: 'Far', class: 'Fusio.Adapter.Http.Action.HttpProcessor', config: { url: upstream.url } },
    });
    await api.must('POST', '/backend/operation', {
      ...{ name: 'far.get', httpMethod: 'GET', httpPath: '/far/:id', httpCode: 200, public: true, scopes: [] },
      action: 'action://Far',
    });
    const { upstreamTime, executionTime, revision, explain } = await explained(await gateway.fetch('/far/7'));
    await upstream.stop();
    expect(upstreamTime).toBeLessThanOrEqual(executionTime);
    expect(revision).toBeGreaterThan(0);
    expect(explain).toMatchObject({
      ...{ route: 'GET /far/:id', action: 'action://Far' },
      limit: { name: 'Default-Anonymous', limit: 1_000_000 },
      upstreams: [{ target: new URL(upstream.url).origin, status: 203 }],
    });
    expect(explain.limit.before - explain.limit.after).toBe(1);
  });

  test('with the scopes it had and the rules it broke', async () => {
    const answer = await gateway.fetch('/backend/log?count=many', {
      headers: { authorization: `Bearer ${api.token}` },
    });
    const { explain, userId } = await explained(answer);
    expect([answer.status, userId]).toEqual([400, 1]);
    expect(explain.scopes).toEqual({ needed: ['backend.log'], granted: ['backend', 'backend.log'] });
    expect(explain.input.broken).toEqual([{ pointer: '/query/count', rule: 'type' }]);
  });

  test('what is no request id is not found', async () => {
    for (const id of ['nothing', crypto.randomUUID()]) {
      expect((await api.call('GET', `/backend/log/~${id}`)).status).toBe(404);
    }
  });
});
