import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readUsers } from '../../admin/cli/fusio/users.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { inProcess } from './in-process.ts';

const fixture = (name: string) => join(import.meta.dirname, 'fusio', name);
const folder = mkdtempSync(join(tmpdir(), 'postern-fusio-'));
// `correct-horse`, as PHP hashes it at cost 4.
const hash = '$2y$04$VDIyqyKHO8odOgOuP594NerwSylj31GaWhmxO0RlR18r3/0NNbAQi';
let gateway: Gateway;
let env: Record<string, string>;

beforeAll(async () => {
  gateway = await startGateway();
  const admin = await gateway.setup();
  env = { POSTERN_CONFIG: join(folder, 'session.json'), POSTERN_URL: gateway.url };
  await run('login', '--user', admin.name, '--password', admin.password);
}, 120_000);

afterAll(async () => {
  await gateway?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const run = (...args: string[]) => inProcess(args, env);
const get = async (path: string, headers?: Record<string, string>) => {
  const response = await gateway.fetch(path, { headers });
  return [response.status, await response.json()] as [number, any];
};
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

it('the routes of a 1.x folder become operations that answer; what cannot run says so and keeps its contract', async () => {
  const planned = await run('import', 'fusio', fixture('one'), '--plan', '--json');
  expect(planned.json().configuration, planned.out).toContain('Created operation shelf.get');
  expect((await gateway.fetch('/shelf')).status).toBe(404);

  const done = await run('import', 'fusio', fixture('one'), '--json');
  const { configuration, notes } = done.json();
  expect(configuration.filter((line: string) => line.startsWith('Skipped'))).toEqual([]);
  expect(notes.map(({ kind, about }: any) => `${kind} ${about}`).sort()).toEqual([
    'left out rate Shelf-Rate',
    'left out section migration',
    'left out variable FUSIO_UPSTREAM',
    'replace action App-Shelf-Remove',
    'replace action Shelf-row',
    'replace connection Local',
    'translated action about',
    'translated route DELETE /shelf/:shelf_id',
    'translated route GET /about',
    'translated route GET /shelf',
    'translated route GET /shelf/:shelf_id',
    'translated route GET /upstream/*rest',
    'translated route POST /shelf',
    'translated schema Shelf',
    'translated schema Shelf-List',
  ]);
  expect(await get('/shelf')).toEqual([200, { version: 2 }]);
  expect(await get('/shelf', { 'api-version': '1.0.0' })).toEqual([200, { version: 1 }]);
  expect(await get('/shelf', { accept: 'application/vnd.shelf.v1+json' })).toEqual([200, { version: 1 }]);
  expect((await get('/shelf?count=many'))[0]).toBe(400);
  expect(await get('/about')).toEqual([200, { about: 'shelves' }]);
  expect(await get('/shelf/1')).toEqual([503, expect.objectContaining({ code: 'not_configured' })]);
  const made = (await run('operation', 'get', 'shelf.post', '--json')).json();
  expect(made).toMatchObject({
    ...{ httpMethod: 'POST', httpCode: 201, costs: 3, stability: 2, public: false, scopes: ['shelf'] },
    ...{ incoming: expect.stringMatching(/^schema:\/\/Shelf@/), throws: { 400: expect.stringMatching(/Fault/) } },
  });
  const removed = (await run('operation', 'get', 'shelf.shelf_id.delete', '--json')).json();
  expect(removed).toMatchObject({ active: false, scopes: ['shelf'] });
  const schema = (await run('schema', 'get', 'Shelf', '--json')).json();
  expect(schema.source).toEqual({
    type: 'object',
    properties: { id: { type: 'integer' }, width: { type: 'number', exclusiveMinimum: 0 } },
    required: ['width'],
  });
  const again = (await run('import', 'fusio', fixture('one'), '--json')).json();
  expect(again.configuration.filter((line: string) => /^(Created|Skipped)/.test(line))).toEqual([]);
});

it('a later folder keeps its operations; classes are found under their names here, PHP models let everything pass', async () => {
  const done = await run('import', 'fusio', fixture('later'));
  expect(done.code, done.err).toBe(0);
  expect(done.out).not.toContain('Refused by the gateway');
  expect(done.out).toMatch(/Pot-Worker: the class Fusio\.Impl\.Worker\.Action\.WorkerPHPLocal is Fusio\.Adapter\./);
  expect(done.out).toMatch(/action Pot-Worker: PHP does not run at the edge: serve it over HTTP/);
  expect(done.out).toMatch(/action App-Action-Pot-Create: the class App\.Action\.Pot\.Create is PHP of its own/);
  expect(done.out).toMatch(/operation pot\.create: the PHP class App\.Model\.Pot is no schema/);
  expect(await get('/pot')).toEqual([200, { name: 'clay' }]);
  expect((await get('/pot/work'))[0]).toBe(503);
  const kept = (await run('action', 'get', 'App-Action-Pot-Create', '--json')).json();
  expect(kept.metadata).toEqual({ fusioClass: 'App.Action.Pot.Create' });
});

it('a backup of a Fusio 8 is taken; what it names that does not exist is said', async () => {
  const done = await run('import', 'fusio', fixture('backup.json'), '--json');
  const { configuration, notes } = done.json();
  expect(configuration, done.out).toEqual(
    expect.arrayContaining(['Created action Seed-Echo', 'Created operation seeds.echo', 'Created plan Seed-Plan']),
  );
  expect(configuration.filter((line: string) => line.startsWith('Skipped'))).toEqual([
    expect.stringMatching(/^Skipped schema Seed-Bad/),
  ]);
  expect(notes.map(({ kind, about, message }: any) => `${kind} ${about}: ${message.slice(0, 30)}`)).toEqual([
    'replace action Seed-Code: PHP does not run at the edge: ',
    'left out operation meta.getAbout: it is part of Fusio itself, an',
  ]);
  expect((await gateway.fetch('/')).status).not.toBe(503);
});

it('a backup of a Fusio 8 that was taken, exported and taken again makes no difference', async () => {
  const exported = async (name: string) => {
    expect((await run('backup', 'export', join(folder, name))).code).toBe(0);
    return readFileSync(join(folder, name), 'utf8');
  };
  expect((await run('backup', 'import', fixture('backup.json'))).code).toBe(0);
  const first = await exported('first.backup');
  const again = await run('backup', 'import', join(folder, 'first.backup'), '--json');
  expect(again.json().logs, again.out).toEqual([]);
  expect(await exported('second.backup')).toBe(first);
  await run('backup', 'import', fixture('backup.json'));
  expect(await exported('third.backup')).toBe(first);
});

it('users of a database dump come with their roles, scopes and passwords', async () => {
  const sql = `-- MySQL dump
CREATE TABLE \`fusio_user\` (
  \`id\` int NOT NULL AUTO_INCREMENT,
  \`role_id\` int NOT NULL,
  \`status\` int NOT NULL,
  \`name\` varchar(255) NOT NULL,
  \`email\` varchar(255) DEFAULT NULL,
  \`password\` varchar(255) DEFAULT NULL,
  \`points\` int DEFAULT NULL,
  \`metadata\` json DEFAULT NULL,
  \`date\` datetime NOT NULL,
  PRIMARY KEY (\`id\`)
);
INSERT INTO \`fusio_user\` VALUES (1,1,1,'admin','a@example.com','${hash}',0,NULL,'2020-01-01 00:00:00'),(2,3,1,'olga','olga@example.com','${hash}',12,'{\\"note\\": \\"it''s; (hers)\\"}','2021-02-03 04:05:06'),
(3,7,2,'pia',NULL,NULL,NULL,NULL,'2021-02-03 04:05:06'),(4,3,0,'gone','g@example.com','${hash}',0,NULL,'2021-02-03 04:05:06'),(5,3,1,'x','x@example.com','${hash}',0,NULL,'2021-02-03 04:05:06');
INSERT INTO fusio_role (id, name) VALUES (1,'Administrator'),(3,'Consumer'),(7,'Backend');
INSERT INTO fusio_scope (id, name) VALUES (1,'consumer'),(2,'default'),(9,'lost');
INSERT INTO fusio_user_scope (user_id, scope_id) VALUES (2,1),(2,9),(3,2);
`;
  const done = await run('import', 'fusio', '--users', file('dump.sql', sql), '--json');
  const { users } = done.json();
  expect(users, done.out).toEqual({
    created: 2,
    existing: [{ row: 0, name: 'admin' }],
    rejected: [expect.objectContaining({ row: 3, name: 'x', rule: 'pattern' })],
    dropped: [{ row: 1, name: 'olga', scopes: ['lost'] }],
  });
  expect(done.out).not.toContain('$2y$');
  expect((await run('user', 'get', 'olga', '--json')).json()).toMatchObject({
    ...{ roleId: 3, status: 1, points: 12, scopes: ['consumer'], date: '2021-02-03T04:05:06Z' },
    metadata: { note: "it's; (hers)" },
  });
  expect((await run('user', 'get', 'pia', '--json')).json()).toMatchObject({
    roleId: 2,
    status: 2,
    scopes: ['default'],
  });
  expect((await run('login', '--user', 'olga', '--password', 'correct-horse')).code).toBe(0);
  expect((await run('import', 'fusio', '--users', file('none.csv', 'a,b\n1,2\n'))).err).toContain('no column "name"');
  expect((await run('import', 'fusio')).code).toBe(2);
});

it.each([
  [
    'CSV',
    `id,role_id,status,name,email,password,date\r\n7,3,1,"rex","r@example.com",${hash},"2021-02-03 04:05:06"\r\n`,
    [],
  ],
  ['CSV with semicolons', `name;email;password;role_id;date\nrex;r@example.com;"${hash}";3;2021-02-03 04:05:06`, []],
  [
    'an outfile without names',
    `7\t1\trex\tr@example.com\t${hash}\t2021-02-03 04:05:06\t3\n`,
    ['id', 'status', 'name', 'email', 'password', 'date', 'role_id'],
  ],
  [
    'JSON',
    JSON.stringify([
      {
        id: 7,
        role_id: 3,
        status: 1,
        name: 'rex',
        email: 'r@example.com',
        password: hash,
        date: '2021-02-03 04:05:06',
      },
    ]),
    [],
  ],
  [
    "phpMyAdmin's JSON",
    JSON.stringify([
      { type: 'header' },
      {
        ...{ type: 'table', name: 'fusio_user' },
        data: [{ name: 'rex', role_id: '3', email: 'r@example.com', password: hash, date: '2021-02-03 04:05:06' }],
      },
    ]),
    [],
  ],
  [
    'pg_dump',
    `COPY public.fusio_user (id, role_id, status, name, email, password, date) FROM stdin;\n7\t3\t1\trex\tr@example.com\t${hash}\t2021-02-03 04:05:06\n\\.\n`,
    [],
  ],
  [
    'an installation before roles',
    `INSERT INTO fusio_user (id, status, name, email, password, date) VALUES (7, 0, 'rex', 'r@example.com', '${hash}', '2021-02-03 04:05:06');`,
    [],
  ],
])('a user is read from %s', (_, text, columns) => {
  expect(readUsers('users', text, { columns, roles: {} }).users).toEqual([
    {
      ...{ name: 'rex', email: 'r@example.com', passwordHash: hash, role: 'Consumer', status: 1 },
      date: '2021-02-03T04:05:06.000Z',
    },
  ]);
});
