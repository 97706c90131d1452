import type { D1Database } from '@cloudflare/workers-types';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { logOperations } from '../../worker/api/backend/log.ts';
import type { Call, Input } from '../../worker/core/call.ts';
import { ApiError } from '../../worker/core/errors.ts';
import { addCall, addFault, closeBuffer, createLogBuffer, defaultLimits } from '../../worker/gateway/log-buffer.ts';
import { writeLogs } from '../../worker/gateway/log-write.ts';
import { inParallel } from '../helpers/entity-bodies.ts';
import { ownShare } from '../helpers/share.ts';
import { injections } from '../spec/sql-injections.ts';
import { aCall, aFault, type CallFacts, noon } from './facts.ts';
import { openLogs } from './logs-database.ts';

let LOGS: D1Database;
let close: () => Promise<void>;
const day = 86_400_000;
const ids = new Map<string, number>();

/** Twelve calls, one an hour before the other, with what the filters look for. */
const calls: CallFacts[] = [
  { requestId: 'a', path: '/todo', query: 'page=1' },
  { requestId: 'b', path: '/todo/7', method: 'DELETE', status: 204, operationId: 12, operationName: 'todo.delete' },
  { requestId: 'c', path: '/other%_\\', ip: '2001:db8::1', appId: null, userId: null },
  {
    requestId: 'd',
    path: '/todo',
    method: 'POST',
    body: '{"title":"Bread, 100%_"}',
    headers: { 'x-team': 'Blue', host: 'a.example' },
  },
  {
    requestId: 'e',
    path: '/todo',
    status: 500,
    errorCode: 'internal',
    errorMessage: 'boom',
    trace: 'Error: boom\n    at work (index.js:3:4)',
  },
  {
    requestId: 'f',
    path: '/missing',
    status: 404,
    errorCode: 'unknown_location',
    operationId: null,
    operationName: null,
  },
  { requestId: 'g', path: '/backend/log', categoryId: 2, operationId: -9, operationName: 'backend.log.getAll' },
  { requestId: 'h', userAgent: 'Mozilla/5.0 (Test)', headers: { 'x-host': 'a.example' } },
  { requestId: 'i', tenant: 'acme', path: '/theirs' },
  { requestId: '3f2504e0-4f89-41d3-9a0c-0305e82c3301', path: '/known', appId: 3, userId: 6 },
  { requestId: 'k', path: '/old', at: noon - 40 * day },
  { requestId: 'l', path: '/older', at: noon - 400 * day },
];

beforeAll(async () => {
  ({ LOGS, close } = await openLogs());
  const buffer = createLogBuffer();
  calls.forEach((call, hours) => {
    addCall(buffer, aCall({ at: noon - hours * 3_600_000, ...call }), defaultLimits);
  });
  addFault(buffer, aFault({ message: 'Network 100%_ lost' }), defaultLimits);
  addFault(buffer, aFault({ tenant: 'acme', message: 'theirs' }), defaultLimits);
  await writeLogs(LOGS as never, closeBuffer(buffer, 'seed')!, noon);
  const { results } = await LOGS.prepare('SELECT id, request_id FROM log').all<{ id: number; request_id: string }>();
  for (const { id, request_id } of results) {
    ids.set(request_id, id);
  }
});
afterAll(() => close());

async function run(name: string, query: Record<string, unknown>, path: Record<string, unknown> = {}): Promise<any> {
  const operation = logOperations.find((one) => one.name === name)!;
  const call = { tenant: '', runtime: { env: { LOGS }, now: () => noon } } as unknown as Call;
  return operation.run(call, { query, path, body: undefined, bytes: null } as Input);
}

const list = (query: Record<string, unknown>) => run('backend.log.getAll', query);
const found = async (query: Record<string, unknown>) => {
  const { entry } = await list({ count: 100, ...query });
  return entry.map(({ requestId }: { requestId: string }) => requestId[0]).join('');
};

describe('the list', () => {
  test('is dated, newest first, of the default category, in Fusio’s shape', async () => {
    const page = await list({ count: 2 });
    expect(page).toMatchObject({ totalResults: 8, startIndex: 0, itemsPerPage: 2 });
    expect(page.entry[0]).toEqual({
      id: ids.get('a'),
      operationId: 11,
      operationName: 'todo.getAll',
      appId: 2,
      userId: 5,
      requestId: 'a',
      ip: '192.0.2.1',
      userAgent: 'curl/8',
      method: 'GET',
      path: '/todo?page=1',
      responseCode: 200,
      executionTime: 12,
      date: '2026-11-21T12:34:56Z',
    });
    expect(await found({})).toBe('abcdefh3');
  });

  test('pages', async () => {
    const second = await list({ startIndex: 3, count: 2 });
    expect(second.entry.map(({ requestId }: any) => requestId)).toEqual(['d', 'e']);
    expect(second).toMatchObject({ totalResults: 8, startIndex: 3, itemsPerPage: 2 });
    expect(await list({ startIndex: 99 })).toEqual({ totalResults: 8, startIndex: 99, itemsPerPage: 16, entry: [] });
  });

  test.each([
    [{ operationId: 12 }, 'b'],
    [{ operationId: -9 }, 'g'],
    [{ appId: 3 }, '3'],
    [{ userId: 6 }, '3'],
    [{ ip: '2001:0DB8::0001' }, 'c'],
    [{ ip: '192.0.2' }, 'abdefh3'],
    [{ userAgent: 'mozilla' }, 'h'],
    [{ method: 'delete' }, 'b'],
    [{ path: '/todo' }, 'abdeh'],
    [{ path: '/todo?' }, 'a'],
    [{ path: '/other%_\\' }, 'c'],
    [{ path: '%' }, ''],
    [{ header: 'blue' }, 'd'],
    [{ header: 'X-Team: blue' }, 'd'],
    [{ header: 'Host: a.example' }, 'd'],
    [{ header: 'Host:' }, 'd'],
    [{ body: '100%_' }, 'd'],
    [{ body: 'br%d' }, ''],
    [{ requestId: 'g' }, 'g'],
    [{ responseCode: '404' }, 'f'],
    [{ responseCode: '5XX' }, 'e'],
    [{ categoryId: 2 }, 'g'],
    [{ categoryId: 0 }, 'abcdefgh3'],
    [{ path: '/todo', method: 'POST', header: 'X-Team: Blue' }, 'd'],
    [{ search: '2001:db8:0::1' }, 'c'],
    [{ search: '/todo' }, 'abdeh'],
    [{ search: '/todo, DELETE' }, 'b'],
    [{ search: 'POST,X-Team:Blue,bread' }, 'd'],
    [{ search: '3F2504E0-4f89-41d3-9a0c-0305e82c3301' }, '3'],
    [{ search: 'delete' }, ''],
    [{ search: ' , ,' }, 'abcdefh3'],
    [{ search: "' OR 1=1 --" }, ''],
    [{ from: '2026-11-21', to: '2026-11-21' }, 'abcdefh3'],
    [{ from: '2026-11-21T10:00:00Z' }, 'abc'],
    [{ from: '2026-11-21T12:00:00+02:00', to: '2026-11-21T11:34:56.789Z' }, 'bc'],
    [{ from: '2026-11-21T12:00:00 02:00', to: '2026-11-21T11:34:56.789Z' }, 'bc'],
    [{ from: '2026-11-22', to: '2026-10-01' }, 'abcdefh3k'],
    [{ from: '2025-10-01', to: '2026-11-22' }, 'l'],
    [{ to: '2026-10-20' }, 'k'],
  ])('%j finds %s', async (query, expected) => {
    expect(await found(query)).toBe(expected);
  });

  test('behind an id: oldest first, and no date bounds it', async () => {
    const { entry } = await list({ after: 0, count: 3 });
    expect(entry.map(({ requestId }: any) => requestId)).toEqual(['a', 'b', 'c']);
    const next = await list({ after: entry[2].id, count: 100 });
    expect(next.entry.map(({ requestId }: any) => requestId[0]).join('')).toBe('defh3kl');
    expect((await list({ after: ids.get('l') })).entry).toEqual([]);
  });

  test('a reader that follows walks the ids, a page walks the dates', async () => {
    const asked: { sql: string; values: unknown[] }[] = [];
    const prepare = (sql: string) => {
      const statement = LOGS.prepare(sql);
      const bind = (...values: unknown[]) => {
        asked.push({ sql, values });
        return statement.bind(...values);
      };
      return { bind };
    };
    const spy = { prepare, batch: (statements: D1PreparedStatement[]) => LOGS.batch(statements as never) };
    const operation = logOperations.find(({ name }) => name === 'backend.log.getAll')!;
    const call = { tenant: '', runtime: { env: { LOGS: spy }, now: () => noon } } as unknown as Call;
    const plans: [query: object, plan: RegExp][] = [
      [{}, /SEARCH log USING (COVERING )?INDEX log_date \(tenant_id=\? AND date>\? AND date<\?\)/],
      [{ after: 5, userId: 5 }, /SEARCH log USING INTEGER PRIMARY KEY \(rowid>\? AND rowid<\?\)/],
      [
        { userId: 5, responseCode: '5xx', categoryId: 0 },
        /USING (COVERING )?INDEX log_user \(tenant_id=\? AND user_id=\? AND date>\?/,
      ],
      [
        { operationId: 11, userId: 5 },
        /USING (COVERING )?INDEX log_operation \(tenant_id=\? AND operation_id=\? AND date>\?/,
      ],
      [{ categoryId: 2 }, /USING (COVERING )?INDEX log_category \(tenant_id=\? AND category_id=\? AND date>\?/],
      [{ responseCode: '4xx' }, /USING (COVERING )?INDEX log_failed \(tenant_id=\? AND date>\? AND date<\?\)/],
      [{ responseCode: '500', categoryId: 0 }, /USING (COVERING )?INDEX log_failed/],
      [{ search: 'bread' }, /USING (COVERING )?INDEX log_body \(tenant_id=\? AND date>\?/],
    ];
    for (const [query] of plans) {
      await operation.run(call, { query, path: {}, body: undefined, bytes: null } as unknown as Input);
    }
    const explained: string[] = [];
    for (const { sql, values } of asked) {
      const { results } = await LOGS.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...values)
        .all<{ detail: string }>();
      explained.push(results.map(({ detail }) => detail).join('; '));
    }
    for (const [at, [query, plan]] of plans.entries()) {
      expect([query, explained[at]]).toEqual([query, expect.stringMatching(plan)]);
    }
    // Only the page itself is put in order.
    for (const plan of explained) {
      expect(plan.match(/TEMP B-TREE/g)?.length, plan).toBe(1);
      expect(plan).toMatch(/LEFT-JOIN; USE TEMP B-TREE FOR ORDER BY$/);
    }
  });

  test.each([
    [{ from: 'yesterday' }, '/query/from'],
    [{ to: '2026-02-31' }, '/query/to'],
    [{ responseCode: '9xx' }, '/query/responseCode'],
    [{ search: 'x,'.repeat(17) }, '/query/search'],
    [{ path: `/${'x'.repeat(2000)}` }, '/query/path'],
  ])('%j is refused by name', async (query, pointer) => {
    const refused = await list(query).catch((thrown) => thrown);
    expect(refused).toBeInstanceOf(ApiError);
    expect(refused).toMatchObject({ status: 400, errors: [{ pointer }] });
  });
});

describe('texts that would be SQL', () => {
  const full = process.env.POSTERN_FULL !== undefined;
  const texts = injections(full ? 1_500 : 24);
  // The full run is parted (test/verify.ts): every part has all rows and asks for its share of the texts.
  const asked = ownShare(texts);
  const fold = (text: string) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const contains = (whole: string, part: string) => fold(whole).includes(fold(part));
  type Stored = Record<'id' | 'request_id' | 'user_agent' | 'path' | 'header' | 'body' | 'ip' | 'method', string>;
  let rows: Stored[];

  beforeAll(async () => {
    const buffer = createLogBuffer();
    for (const [index, text] of texts.entries()) {
      const places = {
        userAgent: text,
        path: `/${text}`,
        body: text,
        ip: text,
        headers: { 'x-team': text },
        requestId: text,
      };
      addCall(
        buffer,
        aCall({ ...places, tenant: 'odd', at: noon - index, method: index % 2 ? 'GET' : 'PUT' }),
        defaultLimits,
      );
      addFault(buffer, aFault({ tenant: 'odd', message: text, place: `p${index}` }), defaultLimits);
    }
    await writeLogs(LOGS as never, closeBuffer(buffer, 'odd')!, noon);
    rows = (await LOGS.prepare(`SELECT * FROM log WHERE tenant_id = 'odd'`).all<Stored>()).results;
  });

  const ask = async (name: string, query: Record<string, unknown>) => {
    const call = { tenant: 'odd', runtime: { env: { LOGS }, now: () => noon } } as unknown as Call;
    const operation = logOperations.find((one) => one.name === name)!;
    const page: any = await operation.run(call, { query, path: {}, body: undefined, bytes: null } as unknown as Input);
    return page.totalResults as number;
  };

  test(
    'match literally in every filter and in the search of calls and errors',
    async () => {
      expect(rows.length).toBe(texts.length);
      const { results: errors } = await LOGS.prepare(`SELECT message FROM log_error WHERE tenant_id = 'odd'`).all<{
        message: string;
      }>();
      const count = (matches: (row: Stored) => boolean) => rows.filter(matches).length;
      const lines = (row: Stored, start: string) => `\n${row.header}`.includes(start);
      await inParallel(asked, async (text) => {
        const named = /^([\w-]+):\s*(.*)$/.exec(text);
        const cases: [query: Record<string, string>, expected: number][] = [
          [{ userAgent: text }, count((row) => contains(row.user_agent, text))],
          [{ path: `/${text}` }, count((row) => row.path.startsWith(`/${text}`))],
          [{ path: text }, count((row) => row.path.startsWith(text))],
          [
            { header: `X-Team: ${text}` },
            count((row) => lines({ ...row, header: fold(row.header) }, fold(`\nX-Team: ${text.replace(/^\s+/, '')}`))),
          ],
          ...(named === null
            ? [[{ header: text }, count((row) => contains(row.header, text))] as [Record<string, string>, number]]
            : []),
          [{ body: text }, count((row) => contains(row.body, text))],
          [{ ip: text }, count((row) => row.ip.startsWith(text))],
          [{ method: text }, count((row) => row.method === text.toUpperCase())],
          [{ requestId: text }, count((row) => row.request_id === text)],
          ...(/^[/]|,|^[\w-]+:|^\s|\s$/.test(text)
            ? []
            : [[{ search: text }, count((row) => contains(row.body, text))] as [Record<string, string>, number]]),
        ];
        for (const [query, expected] of cases) {
          expect([query, await ask('backend.log.getAll', query)]).toEqual([query, expected]);
        }
        const found =
          text.trim() === '' ? errors.length : errors.filter(({ message }) => contains(message, text.trim())).length;
        expect([text, await ask('backend.log.getAllErrors', { search: text })]).toEqual([text, found]);
        await expect(ask('backend.log.getAll', { responseCode: text })).rejects.toMatchObject({ status: 400 });
        await expect(ask('backend.log.getAll', { from: text })).rejects.toMatchObject({ status: 400 });
      });
    },
    full ? 500_000 : 60_000,
  );
});

describe('of more calls than are counted and examined', () => {
  const rows = 100_200;
  const first = Date.parse('2026-11-01T00:00:00Z');
  const many = async (name: string, query: Record<string, unknown>) => {
    const operation = logOperations.find((one) => one.name === name)!;
    const call = { tenant: 'many', runtime: { env: { LOGS }, now: () => noon } } as unknown as Call;
    return operation.run(call, { query, path: {}, body: undefined, bytes: null } as unknown as Input) as any;
  };
  const moment = (number: number) => new Date(first + number * 10_000).toISOString();

  beforeAll(async () => {
    const numbers = `WITH RECURSIVE n(value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM n WHERE value < ${rows - 1})`;
    await LOGS.prepare(
      `INSERT INTO log (tenant_id, method, path, body, response_code, execution_time, date)
      ${numbers} SELECT 'many', 'GET', '/' || value, iif(value % 8 = 0, 'body ' || value, NULL), 200, 1,
        strftime('%Y-%m-%dT%H:%M:%fZ', ${first / 1000} + value * 10, 'unixepoch') FROM n`,
    ).run();
    await LOGS.prepare(
      `INSERT INTO log_error (tenant_id, message, insert_date)
      ${numbers} SELECT 'many', 'failure ' || value, '2026-11-01T00:00:00.000Z' FROM n WHERE value < 10050`,
    ).run();
  }, 60_000);

  test('10,000 are counted, and said to be more; pages go on behind them', async () => {
    const page = await many('backend.log.getAll', { count: 1 });
    expect(page).toMatchObject({ totalResults: 10_000, totalIsMinimum: true, startIndex: 0, itemsPerPage: 1 });
    expect(page.entry[0].path).toBe(`/${rows - 1}`);
    expect(page.searchedSince).toBe(moment(rows - 1 - 100_000));
    const deep = await many('backend.log.getAll', { startIndex: 60_000, count: 2 });
    expect(deep.entry.map(({ path }: any) => path)).toEqual([`/${rows - 60_001}`, `/${rows - 60_002}`]);
    const few = await many('backend.log.getAll', { from: moment(0), to: moment(9_999) });
    expect(few).toMatchObject({ totalResults: 10_000, entry: { length: 16 } });
    expect(few).not.toHaveProperty('totalIsMinimum');
    expect(few).not.toHaveProperty('searchedSince');
    expect(await many('backend.log.getAll', { from: moment(0), to: moment(10_000) })).toMatchObject({
      ...{ totalResults: 10_000, totalIsMinimum: true },
    });
  });

  test('so many are examined, and where that ended is where the next search begins', async () => {
    const page = await many('backend.log.getAll', { path: '/17' });
    // All that begin so but the oldest, /17, /170 to /179.
    expect([page.totalResults, page.totalIsMinimum]).toEqual([1100, true]);
    expect(page.entry.at(-1).path).toMatch(/^\/17\d{3}$/);
    const rest = await many('backend.log.getAll', { path: '/17', from: moment(0), to: page.searchedSince });
    expect(rest.entry.map(({ path }: any) => path)).toEqual(
      [...Array(10).keys()]
        .reverse()
        .map((last) => `/17${last}`)
        .concat('/17'),
    );
    expect(rest).not.toHaveProperty('totalIsMinimum');
  });

  test('of bodies fewer, and only calls that have one', async () => {
    const page = await many('backend.log.getAll', { search: 'body' });
    expect(page).toMatchObject({ totalResults: 10_000, totalIsMinimum: true });
    expect(page.searchedSince).toBe(moment(Math.floor((rows - 1) / 8) * 8 - 8 * 10_000));
  });

  test('who follows is told how far it was looked', async () => {
    const ids = await LOGS.prepare(`SELECT min(id) AS first FROM log WHERE tenant_id = 'many'`).first<number>('first');
    const none = await many('backend.log.getAll', { after: ids! - 1, path: '/nowhere' });
    expect(none).toMatchObject({ totalResults: 0, totalIsMinimum: true, after: ids! + 100_000, entry: [] });
    const last = await many('backend.log.getAll', { after: none.after, path: `/${rows - 1}` });
    expect(last.entry).toHaveLength(1);
    expect(last).not.toHaveProperty('after');
  });

  test('errors too', async () => {
    expect(await many('backend.log.getAllErrors', {})).toMatchObject({ totalResults: 10_000, totalIsMinimum: true });
    const last = await many('backend.log.getAllErrors', { startIndex: 10_040 });
    expect(last.entry.map(({ message }: any) => message)).toEqual(
      [...Array(10).keys()].reverse().map((n) => `failure ${n}`),
    );
    const found = await many('backend.log.getAllErrors', { search: 'failure 1004' });
    expect(found).toMatchObject({ totalResults: 11 });
  });
});

describe('one call', () => {
  test('with headers, body and errors', async () => {
    const call = await run('backend.log.get', {}, { log_id: String(ids.get('e')) });
    expect(call).toMatchObject({
      id: ids.get('e'),
      header: 'Accept: */*\nUser-Agent: curl/8',
      responseCode: 500,
      errorCode: 'internal',
      upstreamTime: 7,
      revision: 3,
      points: 0,
      errors: [{ logId: ids.get('e'), requestId: 'e', message: 'boom', file: 'index.js', line: 3, count: 1 }],
    });
    expect(call).not.toHaveProperty('body');
    expect(await run('backend.log.get', {}, { log_id: ids.get('d') })).toMatchObject({
      body: '{"title":"Bread, 100%_"}',
      errors: [],
    });
  });

  test.each(['99999', '0', '12abc', '99999999999999999999'])('%s is not there', async (log_id) => {
    await expect(run('backend.log.get', {}, { log_id })).rejects.toMatchObject({
      status: 404,
      message: 'Could not find log',
    });
  });

  test('of another tenant is not there', async () => {
    await expect(run('backend.log.get', {}, { log_id: ids.get('i') })).rejects.toMatchObject({ status: 404 });
  });
});

describe('errors', () => {
  test('newest first, without traces', async () => {
    const page = await run('backend.log.getAllErrors', {});
    expect(page).toMatchObject({ totalResults: 2, startIndex: 0, itemsPerPage: 16 });
    expect(page.entry[0]).toEqual({
      id: page.entry[0].id,
      message: 'snapshot.check: Network 100%_ lost',
      file: 'snapshot.check',
      line: 0,
      count: 1,
      insertDate: '2026-11-21T12:34:56Z',
    });
    expect(page.entry[1]).not.toHaveProperty('trace');
    const one = await run('backend.log.getError', {}, { error_id: String(page.entry[1].id) });
    expect(one).toMatchObject({ logId: ids.get('e'), trace: expect.stringContaining('at work (index.js:3:4)') });
  });

  test.each([
    ['NETWORK', 1],
    ['100%_', 1],
    ['o%m', 0],
    ['boom', 1],
    ['theirs', 0],
  ])('search %s', async (search, count) => {
    expect((await run('backend.log.getAllErrors', { search })).totalResults).toBe(count);
  });

  test('an unknown one is not there', async () => {
    await expect(run('backend.log.getError', {}, { error_id: '777' })).rejects.toMatchObject({
      status: 404,
      message: 'Could not find error',
    });
  });
});

test('the operations are Fusio’s', () => {
  expect(logOperations.map(({ name, method, path, scope }) => `${name} ${method} ${path} ${scope}`)).toEqual([
    'backend.log.getAllErrors GET /backend/log/error backend.log',
    'backend.log.getError GET /backend/log/error/$error_id<[0-9]+> backend.log',
    'backend.log.getAll GET /backend/log backend.log',
    'backend.log.get GET /backend/log/$log_id<[0-9]+|^~> backend.log',
  ]);
});
