import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { system } from '../../worker/connections/system.ts';
import type { Env } from '../../worker/env.ts';
import { postern } from '../cli/postern.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Management, manage, request } from '../helpers/management.ts';
import { loopback } from './harness.ts';

// The platform's own database, as it is designed, migrated, and reached by the SQL actions.

let gateway: Gateway;
let admin: Management;

beforeAll(async () => {
  gateway = await startGateway();
  admin = await manage(gateway);
});
afterAll(() => gateway?.stop());

const database = '/backend/connection/System/database';
const call = (method: string, path: string, body?: unknown, headers = {}) =>
  request(gateway, method, path, body, { headers });

const column = (name: string, type: string, more = {}) => ({ name, type, ...more });
const id = column('id', 'integer', { autoIncrement: true, notNull: true });
const things = {
  name: 'app_thing',
  primaryKey: 'id',
  columns: [
    id,
    column('title', 'string', { length: 12, notNull: true }),
    column('count', 'integer', { default: 3 }),
    column('price', 'decimal', { precision: 8, scale: 2 }),
    column('open', 'boolean'),
    column('made', 'datetime'),
    column('extra', 'json'),
    column('bytes', 'blob'),
    column('kind', 'string', { length: 255, default: "it's" }),
  ],
  indexes: [{ name: 'thing_title', unique: true, columns: ['title'] }],
  foreignKeys: [],
};

/** Actions of the SQL classes, and a public operation on each, in one publish. */
async function publish(
  ...wanted: [name: string, path: string, className: string, config: object, httpMethod?: string][]
) {
  const create = (resource: string, data: object) => ({ resource, verb: 'create', data });
  const changes = wanted.flatMap(([name, httpPath, className, config, httpMethod = 'GET']) => {
    const action = `Sql-${name.replaceAll('.', '-')}`;
    return [
      create('action', { name: action, class: `Fusio.Adapter.Sql.Action.${className}`, config }),
      create('operation', { name, httpPath, httpMethod, public: true, scopes: [], action }),
    ];
  });
  await admin.must('POST', '/backend/deploy', { changes });
}

describe('the table designer', () => {
  it('makes a table, and describes it as it was asked for', async () => {
    const made = await admin.call('POST', database, things);
    expect([made.status, made.body]).toEqual([
      201,
      { success: true, message: 'Table successfully created', id: 'app_thing' },
    ]);
    const table = (await admin.must('GET', `${database}/app_thing`)) as typeof things;
    expect(table).toMatchObject(things);
    expect((await admin.call('POST', database, { ...things, name: 'APP_THING' })).status).toBe(400);
    const list = await admin.must('GET', `/backend/connection/1/database?count=1`);
    expect([list.totalResults, list.entry[0].name]).toEqual([1, 'app_thing']);
  });

  it('refuses names and types that are none, and what is not the users’ own', async () => {
    for (const [body, pointer] of [
      [{ ...things, name: 'x"; DROP TABLE app_thing' }, '/body/name'],
      [{ ...things, name: 'sqlite_x' }, '/body/name'],
      [{ ...things, name: '_postern_migration' }, '/body/name'],
      [{ ...things, name: 'b', columns: [column('a b', 'integer')] }, '/body/columns/0/name'],
      [{ ...things, name: 'b', columns: [column('a', 'integer); --')] }, '/body/columns/0/type'],
      [{ ...things, name: 'b', primaryKey: 'nope' }, '/body/primaryKey'],
    ] as const) {
      const refused = await admin.call('POST', database, body);
      expect([refused.status, refused.body.errors[0].pointer]).toEqual([400, pointer]);
    }
    for (const name of ['sqlite_master', 'sqlite_sequence', '_cf_METADATA', 'nope']) {
      expect((await admin.call('GET', `${database}/${name}`)).status).toBe(404);
      expect((await admin.call('GET', `${database}/${name}/rows`)).status).toBe(404);
    }
    const http = {
      name: 'No-Database',
      class: 'Fusio.Adapter.Http.Connection.Http',
      config: { url: 'http://a.example' },
    };
    await admin.must('POST', '/backend/connection', http);
    expect((await admin.call('GET', '/backend/connection/No-Database/database')).status).toBe(400);
  });

  it('changes a table and keeps its rows', async () => {
    await admin.must('POST', `${database}/app_thing/rows`, { title: 'kept', count: 7, made: '2026-01-01 00:00:00' });
    const table = await admin.must('GET', `${database}/app_thing`);
    const columns = table.columns
      .filter(({ name }: { name: string }) => name !== 'bytes')
      .map((one: { name: string }) => (one.name === 'kind' ? { ...one, name: 'sort', renamedFrom: 'kind' } : one));
    const added = [...columns, column('note', 'text', { default: 'none', notNull: true })];
    await admin.must('PUT', `${database}/app_thing`, { ...table, columns: added, indexes: [{ columns: ['count'] }] });
    const row = (await admin.must('GET', `${database}/app_thing/rows`)).entry[0];
    const some = await admin.must('GET', `${database}/app_thing/rows?columns=count,%20title&sortBy=made`);
    expect(some.entry).toEqual([{ title: 'kept', count: row.count }]);
    const refused = await admin.call('GET', `${database}/app_thing/rows?columns=title,nowhere`);
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([400, '/query/columns']);
    expect(row).toMatchObject({ title: 'kept', count: 7, sort: "it's", note: 'none', made: '2026-01-01 00:00:00' });
    const after = await admin.must('GET', `${database}/app_thing`);
    expect(after.indexes).toEqual([{ name: 'app_thing_count', unique: false, columns: ['count'] }]);
    // Another type needs the table to be made anew.
    const retyped = after.columns.map((one: { name: string }) =>
      one.name === 'count' ? { ...one, type: 'text' } : one,
    );
    await admin.must('PUT', `${database}/app_thing`, { ...after, name: 'app_other', columns: retyped });
    expect((await admin.must('GET', `${database}/app_other/rows/1`)).count).toBe('7');
    expect((await admin.call('GET', `${database}/app_thing`)).status).toBe(404);
    await admin.must('DELETE', `${database}/app_other`);
    await admin.must('POST', database, things);
  });

  it('loses no rows of tables that refer to one that changes', async () => {
    const child = {
      name: 'child',
      primaryKey: 'id',
      columns: [id, column('thing_id', 'integer')],
      foreignKeys: [
        { foreignTable: 'app_thing', localColumnNames: ['thing_id'], foreignColumnNames: ['id'], onDelete: 'CASCADE' },
      ],
    };
    await admin.must('POST', database, child);
    const parent = await admin.must('POST', `${database}/app_thing/rows`, { title: 'parent' });
    await admin.must('POST', `${database}/child/rows`, { thing_id: Number(parent.id) });
    const table = await admin.must('GET', `${database}/app_thing`);
    const retyped = table.columns.map((one: { name: string }) =>
      one.name === 'count' ? { ...one, type: 'text' } : one,
    );
    expect((await admin.call('PUT', `${database}/app_thing`, { ...table, columns: retyped })).status).toBe(409);
    expect((await admin.call('DELETE', `${database}/app_thing`)).status).toBe(409);
    await admin.must('PUT', `${database}/app_thing`, { ...table, columns: [...table.columns, column('more', 'text')] });
    expect((await admin.must('GET', `${database}/child/rows`)).totalResults).toBe(1);
    await admin.must('DELETE', `${database}/child`);
    await admin.must('DELETE', `${database}/app_thing`);
    await admin.must('POST', database, things);
  });
});

describe('SQL actions', () => {
  beforeAll(async () => {
    const config = { connection: 1, table: 'app_thing', mapping: { made: 'madeAt' } };
    const page = { ...config, limit: '4', orderBy: 'title', orderDirection: 'ASC' };
    await publish(
      ['thing.list', '/things', 'SqlSelectAll', page],
      ['thing.get', '/things/:id', 'SqlSelectRow', config],
      ['thing.titles', '/titles', 'SqlSelectAll', { ...config, columns: ['id', 'title'] }],
      ['thing.create', '/things', 'SqlInsert', config, 'POST'],
      ['thing.update', '/things/:id', 'SqlUpdate', config, 'PUT'],
      ['thing.delete', '/things/:id', 'SqlDelete', config, 'DELETE'],
    );
  });

  it('give back what was put in, typed', async () => {
    const thing = {
      ...{ title: 'one', count: 5, price: 1.25, open: true, madeAt: '2026-02-03T04:05:06.5-01:00' },
      ...{ extra: { a: [1, null, 'x'] }, bytes: 'AAH/' },
    };
    const made = await call('POST', '/things', { ...thing, id: 77, unknown: 1 });
    expect([made.status, made.body]).toEqual([201, { success: true, message: 'Entry successfully created', id: '1' }]);
    expect((await call('GET', '/things/1')).body).toEqual({
      ...{ ...thing, id: 1, kind: "it's", madeAt: '2026-02-03T05:05:06.5Z' },
    });
    expect((await call('PUT', '/things/1', { open: false, extra: null, kind: null })).status).toBe(200);
    expect((await call('GET', '/things/1')).body).toMatchObject({ open: false, extra: null, kind: null, count: 5 });
    expect((await call('GET', '/titles')).body.entry).toEqual([{ id: 1, title: 'one' }]);
  });

  it('refuse values that the columns cannot hold, by name', async () => {
    for (const [body, pointer] of [
      [{}, '/body/title'],
      [{ title: null }, '/body/title'],
      [{ title: 'thirteen long' }, '/body/title'],
      [{ title: 'x', count: 1.5 }, '/body/count'],
      [{ title: 'x', open: 'perhaps' }, '/body/open'],
      [{ title: 'x', madeAt: '2026-02-30T00:00:00Z' }, '/body/madeAt'],
      [{ title: 'x', price: {} }, '/body/price'],
      [[1], '/body'],
    ] as const) {
      const refused = await call('POST', '/things', body);
      expect([refused.status, refused.body.errors?.[0].pointer]).toEqual([400, pointer]);
    }
    const twice = await call('POST', '/things', { title: 'one' });
    expect([twice.status, twice.body.message]).toEqual([409, 'Another entry has the same title']);
    for (const path of ['/things/2', '/things/1.0', '/things/01', '/things/x', '/things/%201']) {
      for (const method of ['GET', 'PUT', 'DELETE']) {
        expect((await call(method, path, method === 'PUT' ? { title: 'y' } : undefined)).status).toBe(404);
      }
    }
  });

  it('page, sort and filter by columns of every type', async () => {
    for (let number = 2; number <= 9; number++) {
      const madeAt = `2026-03-0${number}T00:00:00Z`;
      await call('POST', '/things', {
        title: `t${number}`,
        count: number % 3,
        open: number > 6,
        madeAt,
        price: number / 4,
      });
    }
    const list = async (query: string) => (await call('GET', `/things?${query}`)).body;
    const titles = async (query: string) => (await list(query)).entry.map(({ title }: { title: string }) => title);
    expect(await list('')).toMatchObject({ totalResults: 9, itemsPerPage: 4, startIndex: 0 });
    expect(await titles('')).toEqual(['one', 't2', 't3', 't4']);
    expect(await titles('startIndex=4&count=99')).toEqual(['t5', 't6', 't7', 't8']);
    expect(await titles('sortBy=madeAt&sortOrder=DESC&count=2')).toEqual(['t9', 't8']);
    // Equal rows keep their places: the key sorts last.
    expect(await titles('sortBy=count&count=3')).toEqual(['t3', 't6', 't9']);
    expect(await titles('filterBy=open&filterOp=equals&filterValue=true')).toEqual(['t7', 't8', 't9']);
    expect(await titles('filterBy=madeAt&filterOp=lessThan&filterValue=2026-03-03T01:00:00%2B02:00')).toEqual([
      'one',
      't2',
    ]);
    expect(await titles('filterBy=price&filterOp=equals&filterValue=2.25')).toEqual(['t9']);
    expect(await titles('filterBy=title&filterOp=in&filterValue=t2,t9,nope')).toEqual(['t2', 't9']);
    expect(await titles('filterBy=title&filterOp=contains&filterValue=ON')).toEqual(['one']);
    expect(await titles('filterBy=price&filterOp=present&filterValue=1&count=1')).toEqual(['one']);
    expect((await call('GET', '/things?filterBy=count&filterOp=lessThan&filterValue=x')).status).toBe(400);
    expect((await call('DELETE', '/things/9')).body.message).toBe('Entry successfully deleted');
    expect((await list('')).totalResults).toBe(8);
  });

  it('say which part of the configuration is wrong, and follow a table that changes', async () => {
    const connection = 'System';
    const wrong = [
      { connection, table: 'sqlite_master' },
      { connection, table: '_postern_migration' },
      { connection, table: 'nope' },
      { connection, table: 'app_thing', mapping: { nope: 'x' } },
      { connection, table: 'app_thing', columns: ['nope'] },
      { connection: 'No-Database', table: 'app_thing' },
    ];
    await publish(
      ...wrong.map(
        (config, index) =>
          [`wrong.${index}`, `/wrong/${index}`, 'SqlSelectAll', config] as [string, string, string, object],
      ),
    );
    for (const index of wrong.keys()) {
      const answer = await call('GET', `/wrong/${index}`);
      expect([answer.status, answer.body.code]).toEqual([503, 'not_configured']);
    }
    expect((await call('GET', '/things/1')).status).toBe(200);
    await gateway.DATA.exec('ALTER TABLE app_thing RENAME COLUMN price TO cost');
    expect((await call('PUT', '/things/1', { cost: 9, price: 3 })).status).toBe(200);
    await gateway.DATA.exec('ALTER TABLE app_thing RENAME COLUMN cost TO price');
    expect((await call('POST', '/things', { title: 'later', price: 4 })).status).toBe(201);
  });

  it('bind what a query’s placeholders stand for', async () => {
    const connection = 'System';
    const sql = 'SELECT title, {user_name} AS who FROM app_thing WHERE title LIKE {name%} /* {x} */ ORDER BY title; ';
    const row = "WITH one AS (SELECT *, '{id}:id' AS said FROM app_thing WHERE id = :id) SELECT id, said FROM one";
    const wrong = [
      'DELETE FROM app_thing',
      'SELECT 1; DELETE FROM app_thing',
      "SELECT 'open",
      'SELECT ?',
      'WITH a AS (SELECT 1) DELETE FROM app_thing',
      'SELECT 1) ORDER BY (1',
    ];
    const queries = wrong.map((query, index): [string, string, string, object] => {
      return [`query.${index}`, `/queries/${index}`, 'Query.SqlQueryAll', { connection, sql: query }];
    });
    await publish(
      ['query.all', '/query', 'Query.SqlQueryAll', { connection, sql, limit: 3 }],
      ['query.row', '/query/:id', 'Query.SqlQueryRow', { connection, sql: row }],
      ...queries,
    );
    const page = (await call('GET', '/query?name=t&startIndex=1&user_name=root')).body;
    expect(page).toEqual({
      ...{ totalResults: 7, itemsPerPage: 3, startIndex: 1 },
      entry: ['t3', 't4', 't5'].map((title) => ({ title, who: null })),
    });
    const own = await call('GET', '/query?name=t2&user_name=root', undefined, {
      Authorization: `Bearer ${admin.token}`,
    });
    expect(own.body.entry).toEqual([{ title: 't2', who: 'admin' }]);
    expect((await call('GET', '/query?name=%25')).body.totalResults).toBe(0);
    expect((await call('GET', '/query/2')).body).toEqual({ id: 2, said: '{id}:id' });
    expect((await call('GET', '/query/99')).status).toBe(404);
    for (const [index, query] of wrong.entries()) {
      const { status } = await call('GET', `/queries/${index}`);
      expect([query, status]).toEqual([query, 503]);
    }
    expect((await call('GET', '/things')).body.totalResults).toBe(9);
  });
});

describe('tables become an API', () => {
  const key = (local: string, foreignTable: string) => ({
    ...{ foreignTable, localColumnNames: [local], foreignColumnNames: ['id'] },
  });

  it('one by one, at the path itself', async () => {
    const config = { connection: 'System', table: 'app_thing' };
    await admin.must('POST', '/backend/generator/SQL-Table', { path: '/one', public: true, scopes: ['one'], config });
    expect((await call('GET', '/one?sortBy=id&sortOrder=asc&count=1')).body.entry[0]).toMatchObject({
      id: 1,
      title: 'one',
    });
    expect((await call('GET', '/one?sortBy=secret')).status).toBe(400);
    expect((await call('POST', '/one', { title: 'thirteen long' })).status).toBe(400);
    expect((await call('PUT', '/one/1', { title: 'uno' })).status).toBe(200);
    expect((await call('GET', '/one/1')).body).toMatchObject({ title: 'uno', count: 5 });
  });

  it('all of them, related as their foreign keys say', async () => {
    await admin.must('POST', database, { name: 'lib_author', primaryKey: 'id', columns: [id, column('name', 'text')] });
    await admin.must('POST', database, { name: 'lib_topic', primaryKey: 'id', columns: [id, column('name', 'text')] });
    await admin.must('POST', database, {
      ...{ name: 'lib_book', primaryKey: 'id' },
      columns: [id, column('title', 'text'), column('author_id', 'integer', { notNull: true })],
      foreignKeys: [key('author_id', 'lib_author')],
    });
    await admin.must('POST', database, {
      ...{ name: 'lib_book_topic', primaryKey: 'id' },
      columns: [id, column('book_id', 'integer'), column('topic_id', 'integer')],
      foreignKeys: [key('book_id', 'lib_book'), key('topic_id', 'lib_topic')],
    });
    const order = { path: '/lib', public: true, scopes: ['lib'], config: { connection: 'System', prefix: 'lib_' } };
    const made = await admin.must('POST', '/backend/generator/SQL-Database', order);
    expect(made.counts.operation).toEqual({ create: 15 });
    for (const [path, body] of [
      ['author', { name: 'Le Guin' }],
      ['topic', { name: 'anarchy' }],
      ['topic', { name: 'moons' }],
      ['book', { title: 'The Dispossessed', author: { id: 1 }, topic: [{ id: 1 }, { id: 2 }] }],
    ] as const) {
      expect((await call('POST', `/lib/${path}`, body)).status).toBe(201);
    }
    const book = {
      ...{ id: 1, title: 'The Dispossessed', author: { id: 1, name: 'Le Guin' } },
      topic: [
        { id: 1, name: 'anarchy' },
        { id: 2, name: 'moons' },
      ],
    };
    expect((await call('GET', '/lib/book/1')).body).toEqual(book);
    expect((await call('GET', '/lib/book?filterBy=author&filterOp=equals&filterValue=1')).body.entry).toEqual([book]);
    expect((await call('GET', '/lib/topic/2')).body.book).toEqual([{ id: 1, title: 'The Dispossessed', author_id: 1 }]);
    expect((await call('PUT', '/lib/book/1', { topic: [{ id: 2 }] })).status).toBe(200);
    expect((await call('GET', '/lib/topic/1')).body.book).toEqual([]);
    expect((await call('POST', '/lib/book', { title: 'x' })).body.errors[0].pointer).toBe('/body/author');
    expect((await call('DELETE', '/lib/author/1')).status).toBe(409);
    expect((await call('DELETE', '/lib/book/1')).status).toBe(200);
    expect((await call('DELETE', '/lib/author/1')).status).toBe(200);
  });
});

describe('migrations', () => {
  const path = '/backend/connection/System/migration';
  const first = {
    name: '0001_news.sql',
    sql: "CREATE TABLE news (id INTEGER PRIMARY KEY, t TEXT DEFAULT 'a;b'); -- c;\n",
  };
  const second = {
    name: '0002_more.sql',
    sql: "INSERT INTO news (t) VALUES ('x;y');\nINSERT INTO news DEFAULT VALUES",
  };
  const post = (migrations: object[], more = {}) => admin.call('POST', path, { migrations, ...more });

  it('are planned, applied once and in order, and told', async () => {
    expect((await post([second, first], { plan: true })).body).toMatchObject({
      applied: [],
      pending: [{ statements: 1 }, { statements: 2 }],
    });
    expect((await admin.must('GET', path)).entry).toEqual([]);
    // Two at once: one applies, the other finds the lock or nothing left to do.
    const both = await Promise.all([post([first, second]), post([first, second])]);
    const counts = both.map(({ status, body }) => (status === 409 ? 0 : body.applied.length));
    expect(counts.sort()).toEqual([0, 2]);
    expect((await gateway.DATA.prepare('SELECT t FROM news ORDER BY id').all()).results).toEqual([
      { t: 'x;y' },
      { t: 'a;b' },
    ]);
    expect((await post([first, second])).body).toMatchObject({ applied: [], pending: [], missing: [] });
    expect((await post([second])).body.missing).toEqual(['0001_news.sql']);
    const status = (await admin.must('GET', path)).entry;
    expect(status.map(({ name, statements }: Record<string, unknown>) => [name, statements])).toEqual([
      ['0001_news.sql', 1],
      ['0002_more.sql', 2],
    ]);
    const names = (await admin.must('GET', `${database}?count=100`)).entry.map(({ name }: { name: string }) => name);
    expect(names.filter((name: string) => name.startsWith('_'))).toEqual([]);
  });

  it('fail whole, and refuse what was changed, comes late or is not theirs', async () => {
    const broken = { name: '0004_broken.sql', sql: 'CREATE TABLE half (id INTEGER); INSERT INTO nowhere VALUES (1)' };
    const third = { name: '0003_third.sql', sql: 'CREATE TABLE third (id INTEGER)' };
    const failed = await post([first, second, third, broken]);
    expect([failed.status, failed.body.message]).toEqual([
      400,
      expect.stringMatching(/^0004_broken.sql failed.*nowhere.*0003/s),
    ]);
    expect((await admin.call('GET', `${database}/half`)).status).toBe(404);
    expect((await admin.call('GET', `${database}/third`)).status).toBe(200);
    expect((await post([{ ...first, sql: 'SELECT 1' }])).status).toBe(409);
    const late = { name: '0002_late.sql', sql: 'SELECT 1' };
    expect((await post([late])).status).toBe(409);
    expect((await post([late], { outOfOrder: true })).body.applied).toHaveLength(1);
    for (const sql of [
      'BEGIN; SELECT 1',
      'PRAGMA foreign_keys = off',
      'DROP TABLE "_postern_lock"',
      "ATTACH 'x' AS y",
    ]) {
      expect([sql, (await post([{ name: '0009_x.sql', sql }])).status]).toEqual([sql, 400]);
    }
    expect((await post([{ name: '../x.sql', sql: '' }])).status).toBe(400);
    // A lock that its holder left behind is taken over when its time is over.
    await gateway.DATA.prepare("INSERT INTO _postern_lock VALUES ('migration', 'x', ?)")
      .bind(Date.now() + 60_000)
      .run();
    expect((await post([first])).status).toBe(409);
    await gateway.DATA.prepare('UPDATE _postern_lock SET until = 1').run();
    expect((await post([first])).status).toBe(200);
  });

  it('run from the command line, and with a deploy', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-migrate-'));
    try {
      mkdirSync(join(folder, 'migrations'));
      writeFileSync(join(folder, 'migrations/0010_cli.sql'), 'CREATE TABLE cli (id INTEGER PRIMARY KEY);');
      const { name, password } = await gateway.setup();
      const env = { POSTERN_URL: gateway.url, POSTERN_USER: name, POSTERN_PASSWORD: password };
      const status = await postern(['migrate', folder, '--status'], env);
      expect(status.out).toMatch(/0001_news\.sql +file is gone[\s\S]*0010_cli\.sql +pending/);
      writeFileSync(join(folder, '.fusio.yml'), 'action:\n  Cli-All:\n    class: Nowhere\n    config: {}\n');
      expect((await postern(['deploy', folder], env)).code).toBe(1);
      expect((await admin.call('GET', `${database}/cli`)).status).toBe(404);
      writeFileSync(
        join(folder, '.fusio.yml'),
        'action:\n  Cli-All:\n    class: Fusio.Adapter.Sql.Action.SqlSelectAll\n    config: { connection: System, table: cli }\n',
      );
      const deployed = await postern(['deploy', folder, '--json'], env);
      expect([deployed.code, deployed.json().migrations.applied[0].name]).toEqual([0, '0010_cli.sql']);
      expect((await postern(['migrate', folder], env)).out).toContain('Applied 0 of 1');
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 60_000);
});

it('a tenant reaches a database of its own, or none', async () => {
  const own = { prepare: () => null };
  const env = { DATA: { prepare: () => null }, DATA_acme: own } as unknown as Env;
  const context = { env, egress: loopback, timeout: 1_000 };
  expect(await system.open({}, { ...context, tenant: 'acme' })).toBe(own);
  expect(await system.open({}, { ...context, tenant: '' })).toBe(env.DATA);
  await expect(system.open({}, { ...context, tenant: 'other' })).rejects.toMatchObject({ code: 'not_configured' });
});
