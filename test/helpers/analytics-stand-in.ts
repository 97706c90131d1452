import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

// A stand-in for the SQL API of Workers Analytics Engine, by what developers.cloudflare.com/analytics/analytics-engine/sql-api and
// …/sql-reference say of it: POST /accounts/<id>/analytics_engine/sql with a bearer token and the query as the body; one table a
// data set with `timestamp`, `_sample_interval`, `index1`, `blob1` … `double20`; `{meta, data, rows}` for FORMAT JSON, sums of integers
// as texts, as ClickHouse writes them. It runs the queries, in SQLite, and knows no word of SQL that the reference does not have.

export interface AnalyticsStandIn {
  url: string;
  account: string;
  token: string;
  /** The queries that were asked. */
  queries: string[];
  /** Answers with this status and text until it is null again. */
  failure: { status: number; text: string } | null;
  /** Keeps a point that stands for so many. */
  add(point: AnalyticsEngineDataPoint, at: number, interval: number): void;
  clear(): void;
  stop(): Promise<void>;
}

const numbers = Array.from({ length: 20 }, (_, index) => index + 1);
const columns = [
  ...['timestamp', '_sample_interval', 'index1'],
  ...numbers.map((number) => `blob${number}`),
  ...numbers.map((number) => `double${number}`),
];
const known = new Set(
  `select as from where and in group by order desc limit offset format json sum if todatetime tostartofinterval
  interval day postern_usage key calls weighted spread0 spread1 spread2 total ${columns.join(' ')}`.split(/\s+/),
);

export async function startAnalytics(): Promise<AnalyticsStandIn> {
  const database = new DatabaseSync(':memory:');
  const types = columns.map((name) => `${name} ${/^(double|_)/.test(name) ? 'NUMERIC' : 'TEXT'}`);
  database.exec(`CREATE TABLE postern_usage (${types})`);
  const insert = database.prepare(`INSERT INTO postern_usage VALUES (${columns.map(() => '?')})`);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { status, body } = answer(
        request.method,
        request.url,
        request.headers.authorization,
        Buffer.concat(chunks),
      );
      response.writeHead(status, { 'content-type': 'application/json' }).end(body);
    });
  });

  function answer(
    method: string | undefined,
    path: string | undefined,
    authorization: string | undefined,
    sent: Buffer,
  ) {
    if (method !== 'POST' || path !== `/client/v4/accounts/${standIn.account}/analytics_engine/sql`) {
      return { status: 404, body: '{"success":false,"errors":[{"code":7003,"message":"Could not route"}]}' };
    }
    if (authorization !== `Bearer ${standIn.token}`) {
      return { status: 403, body: '{"success":false,"errors":[{"code":10000,"message":"Authentication error"}]}' };
    }
    if (standIn.failure !== null) {
      return { status: standIn.failure.status, body: standIn.failure.text };
    }
    const query = sent.toString();
    standIn.queries.push(query);
    const unknown = query
      .replace(/'[^']*'/g, '')
      .match(/[A-Za-z_]\w*/g)!
      .find((word) => !known.has(word.toLowerCase()));
    if (unknown !== undefined) {
      return { status: 422, body: `unable to find type of column: ${unknown}` };
    }
    let data: Record<string, unknown>[];
    try {
      data = database.prepare(translated(query)).all();
    } catch (thrown) {
      return { status: 422, body: (thrown as Error).message };
    }
    const meta = Object.keys(data[0] ?? {}).map((name) => ({ name, type: name === 'calls' ? 'UInt64' : 'Float64' }));
    const rows = data.map((row) => ({ ...row, ...(row.calls == null ? {} : { calls: String(row.calls) }) }));
    return { status: 200, body: JSON.stringify({ meta, data: rows, rows: rows.length }) };
  }

  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const standIn: AnalyticsStandIn = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/client/v4`,
    account: '0123456789abcdef0123456789abcdef',
    token: 'analytics-token',
    queries: [],
    failure: null,
    add({ indexes = [], blobs = [], doubles = [] }, at, interval) {
      const values: SQLInputValue[] = [
        new Date(at).toISOString().slice(0, 19).replace('T', ' '),
        interval,
        String(indexes[0]),
      ];
      insert.run(
        ...values,
        ...numbers.map((number) => (blobs[number - 1] ?? '') as string),
        ...numbers.map((number) => doubles[number - 1] ?? 0),
      );
    },
    clear: () => void database.exec('DELETE FROM postern_usage'),
    stop: () => new Promise((done) => void server.close(() => done())),
  };
  return standIn;
}

/** The same query for SQLite. */
function translated(query: string): string {
  return query
    .replace(/ FORMAT JSON$/, '')
    .replace(/toStartOfInterval\(timestamp, INTERVAL '1' DAY\)/g, `substr(timestamp, 1, 10) || ' 00:00:00'`)
    .replace(/toDateTime\(('[^']*')\)/g, '$1')
    .replace(/\bif\(/g, 'iif(');
}
