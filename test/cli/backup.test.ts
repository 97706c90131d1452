import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStably, sealStably } from '../../worker/lib/stable-seal.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { manage } from '../helpers/management.ts';
import { inProcess } from './in-process.ts';

let gateway: Gateway;
let env: Record<string, string>;
const folder = mkdtempSync(join(tmpdir(), 'postern-backup-'));
const file = (name: string) => join(folder, name);

beforeAll(async () => {
  gateway = await startGateway();
  const admin = await gateway.setup();
  env = { POSTERN_CONFIG: file('session.json'), POSTERN_URL: gateway.url };
  await run('login', '--user', admin.name, '--password', admin.password);
}, 120_000);

afterAll(async () => {
  await gateway?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const run = (...args: string[]) => inProcess(args, env);

it('export, wipe, import, export: the same bytes, and the secrets work as before', async () => {
  writeFileSync(
    file('a.yml'),
    'connection:\n  Upstream: { class: Fusio.Adapter.Http.Connection.Http, config: { url: "http://127.0.0.1:9", password: hunter2-0123, headers: { Authorization: s3cret } } }\naction:\n  Hello: { class: Fusio.Adapter.Util.Action.UtilStaticResponse, config: { response: "{}" } }\nschema:\n  Note: { type: object, properties: { text: { type: string } } }\noperation:\n  hello.get: { httpMethod: GET, httpPath: /hello, action: Hello, public: true, outgoing: Note, scopes: [default] }\nrate:\n  Some: { rateLimit: 5, timespan: PT1M, allocation: [{ operation: hello.get }] }\n',
  );
  expect((await run('deploy', file('a.yml'))).code).toBe(0);
  expect((await run('backup', 'export', file('one.json'))).code).toBe(0);
  const text = readFileSync(file('one.json'), 'utf8');
  expect(text).not.toMatch(/hunter2|s3cret/);
  expect((await run('backup', 'export', file('one.json'))).code).toBe(2);
  await run('backup', 'export', file('two.json'));
  expect(readFileSync(file('two.json'), 'utf8')).toBe(text);

  writeFileSync(file('none.yml'), 'rate: {}\noperation: {}\naction: {}\nschema: {}\nconnection: {}\n');
  expect((await run('deploy', file('none.yml'), '--prune')).code).toBe(0);
  expect((await gateway.fetch('/hello')).status).toBe(404);
  const back = await run('backup', 'import', file('one.json'), '--json');
  expect(back.json().logs, back.out).toEqual(
    expect.arrayContaining(['Created connection Upstream', 'Created operation hello.get']),
  );
  expect((await gateway.fetch('/hello')).status).toBe(200);
  await run('backup', 'export', file('three.json'));
  expect(readFileSync(file('three.json'), 'utf8')).toBe(text);
  expect((await run('backup', 'import', file('one.json'), '--json')).json().logs).toEqual([]);
});

describe('a recorded set of calls', () => {
  const configuration = {
    config: { info_title: 'The bookshop', points_default: 3 },
    connection: {
      Books: {
        class: 'Fusio.Adapter.Http.Connection.Http',
        config: { url: 'http://127.0.0.1:9', password: 'hunter2-4567' },
      },
    },
    schema: {
      Book: {
        type: 'object',
        description: 'A book',
        required: ['title'],
        properties: { title: { type: 'string', minLength: 1 }, pages: { type: 'integer', minimum: 1 } },
      },
    },
    action: {
      Books: { class: 'Fusio.Adapter.Util.Action.UtilStaticResponse', config: { response: '{"books":["Ulysses"]}' } },
      Made: { class: 'Fusio.Adapter.Util.Action.UtilDispatchEvent', config: { event: 'book.made' } },
      Away: { class: 'Fusio.Adapter.Http.Action.HttpProcessor', config: { connection: 'Books', url: '/away' } },
    },
    event: { 'book.made': { description: 'A book was made', schema: 'Book' } },
    cronjob: { Nightly: { cron: '0 3 * * *', action: 'Books' } },
    trigger: { Tell: { event: 'book.made', action: 'Books' } },
    scope: { library: { description: 'The library', metadata: { colour: 'green' } } },
    operation: {
      'book.all': {
        httpMethod: 'GET',
        httpPath: '/book',
        action: 'Books',
        public: true,
        outgoing: 'Passthru',
        scopes: ['library'],
        stability: 2,
      },
      'book.one': {
        httpMethod: 'GET',
        httpPath: '/book/:id',
        action: 'Books',
        scopes: ['library', 'default'],
        parameters: { full: { type: 'boolean' } },
      },
      'book.create': {
        httpMethod: 'POST',
        httpPath: '/book',
        action: 'Made',
        public: true,
        httpCode: 202,
        incoming: 'Book',
        scopes: ['library'],
      },
      'book.away': { httpMethod: 'GET', httpPath: '/away', action: 'Away', public: true, scopes: ['library'] },
    },
    role: { Librarian: { categoryId: 1, scopes: ['library', 'consumer'] } },
    plan: { Reader: { price: 9.5, points: 100, period: 1, scopes: ['library'] } },
    rate: { Readers: { rateLimit: 500, timespan: 'PT1H', priority: 5, allocation: [{ operation: 'book.one' }] } },
  };
  const kinds = Object.keys(configuration).filter((kind) => kind !== 'config');

  /** What identifies a row, a commit or a moment differs, and lists are in the order of their making. */
  function comparable(value: unknown, url: string): unknown {
    if (Array.isArray(value)) {
      const entries = value.map((one) => comparable(one, url));
      return entries.every((one) => typeof one === 'object')
        ? entries.map((one) => JSON.stringify(one)).sort()
        : entries;
    }
    if (typeof value !== 'object' || value === null) {
      return typeof value === 'string' ? value.replaceAll(url, 'URL').replace(/@[0-9a-f]{40}/g, '@commit') : value;
    }
    return Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => !/^(id|.*Id|.*[dD]ate|.*Dates|instance|revision|hash|debug)$/.test(key))
        .map(([key, one]) => [key, comparable(one, url)])
        .sort(([a], [b]) => (a! < b! ? -1 : 1)),
    );
  }

  const statusOf = (answers: Record<string, unknown>, call: string) => (answers[call] as [number])[0];

  async function record(one: Gateway): Promise<Record<string, unknown>> {
    const { name, password } = await one.setup();
    const login = await one.fetch('/authorization/token', {
      method: 'POST',
      headers: {
        authorization: `Basic ${btoa(`${name}:${password}`)}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'grant_type=client_credentials',
    });
    const authorization = `Bearer ${((await login.json()) as { access_token: string }).access_token}`;
    const json = { 'content-type': 'application/json' };
    const calls: [string, string, RequestInit?][] = [
      ...['/book', '/book/1', '/away', '/nowhere', '/hello'].map((path): [string, string] => ['GET', path]),
      ['HEAD', '/book'],
      ['OPTIONS', '/book'],
      ['DELETE', '/book'],
      ['GET', '/book/1?full=true', { headers: { authorization } }],
      ['GET', '/book/2', { headers: { authorization, 'Api-Version': '1.0.0' } }],
      ['GET', '/book/1?full=perhaps', { headers: { authorization } }],
      ...['{"title":"Emma"}', '{"title":""}', '{"pages":0}', '[]', '{'].map((body): [string, string, RequestInit] => [
        'POST',
        '/book',
        { body, headers: json },
      ]),
      ...[
        ...kinds.map((kind) => `/backend/${kind}?count=1024`),
        ...Object.entries(configuration).flatMap(([kind, entries]) =>
          Object.keys(entries).map((key) => `/backend/${kind}/~${key}`),
        ),
        ...[
          '/system/about',
          '/system/route',
          '/system/generator/spec-openapi',
          '/system/generator/spec-typeapi',
          '/system/generator/spec-raml',
        ],
        ...['/consumer/scope?count=1024', '/consumer/plan', '/consumer/event?count=1024', '/consumer/account'],
      ].map((path): [string, string, RequestInit] => ['GET', path, { headers: { authorization } }]),
    ];
    const answers: Record<string, unknown> = {};
    for (const [method, path, init] of calls) {
      const answer = await one.fetch(path, { ...init, method });
      const text = await answer.text();
      const body = /json/.test(answer.headers.get('content-type') ?? '') && text !== '' ? JSON.parse(text) : text;
      const headers = ['allow', 'content-type', 'www-authenticate'].map((header) =>
        answer.headers.get(header)?.replaceAll(one.url, 'URL'),
      );
      answers[`${method} ${path} ${init?.body ?? ''}`] = [answer.status, headers, comparable(body, one.url)];
    }
    return answers;
  }

  it('is answered as before by an empty installation that took the backup, and by this one after everything was trashed', async () => {
    writeFileSync(file('books.json'), JSON.stringify(configuration));
    const deployed = await run('deploy', file('books.json'));
    expect(deployed.code, deployed.err).toBe(0);
    await (await manage(gateway)).must('POST', '/backend/specification/tag', { version: '1.0.0' });
    // Who is stable goes on answering by what the action and the schema were then.
    const later = { ...configuration.action.Books, config: { response: '{"books":["Ulysses","Emma"]}' } };
    writeFileSync(file('later.json'), JSON.stringify({ action: { Books: later } }));
    expect((await run('deploy', file('later.json'))).code).toBe(0);
    const before = await record(gateway);
    expect(before['GET /book ']).toEqual([200, expect.anything(), { books: ['Ulysses'] }]);
    expect(before['GET /book/1?full=true ']).toEqual([200, expect.anything(), { books: ['Ulysses', 'Emma'] }]);
    expect(before['GET /book/2 ']).toEqual([200, expect.anything(), { books: ['Ulysses'] }]);
    expect(statusOf(before, 'POST /book {"title":""}')).toBe(400);
    expect((await run('backup', 'export', file('books.backup'))).code).toBe(0);

    const fresh = await startGateway({ secretKey: gateway.secretKey });
    try {
      // It raises the limits of calls there as well.
      await manage(fresh);
      const { name, password } = await fresh.setup();
      const there = {
        POSTERN_CONFIG: file('fresh.json'),
        POSTERN_URL: fresh.url,
        POSTERN_USER: name,
        POSTERN_PASSWORD: password,
      };
      expect(statusOf(await record(fresh), 'GET /book ')).toBe(404);
      const planned = await inProcess(['backup', 'import', file('books.backup'), '--plan'], there);
      expect(planned.out).toMatch(/^\+ operation book\.one$/m);
      expect(planned.out).toMatch(/^Plan: \d+ created, \d+ updated, .* Nothing was changed\.$/m);
      expect((await fresh.fetch('/book')).status).toBe(404);
      const taken = await inProcess(['backup', 'import', file('books.backup'), '--json'], there);
      expect(taken.code, taken.out).toBe(0);
      expect(await record(fresh)).toEqual(before);
      expect((await inProcess(['backup', 'export', file('again.backup')], there)).code).toBe(0);
      expect(readFileSync(file('again.backup'), 'utf8')).toBe(readFileSync(file('books.backup'), 'utf8'));
      expect((await inProcess(['backup', 'import', file('books.backup'), '--json'], there)).json().logs).toEqual([]);
    } finally {
      await fresh.stop();
    }

    // What is stable cannot be deleted.
    expect((await run('operation', 'update', 'book.all', '--stability', '1')).code).toBe(0);
    for (const kind of [
      'operation',
      'rate',
      'plan',
      'role',
      'trigger',
      'cronjob',
      'event',
      'action',
      'schema',
      'connection',
      'scope',
    ] as const) {
      for (const key of Object.keys(configuration[kind])) {
        const gone = await run(kind, 'delete', key, '--yes');
        expect(gone.code, `${kind} ${key}: ${gone.err}`).toBe(0);
      }
    }
    expect(statusOf(await record(gateway), 'GET /book ')).toBe(404);
    expect((await run('backup', 'import', file('books.backup'))).code).toBe(0);
    expect(await record(gateway)).toEqual(before);
  }, 120_000);
});

it('a backup of its own is taken as a whole or not at all; what is none is refused', async () => {
  const broken = JSON.parse(readFileSync(file('one.json'), 'utf8'));
  broken.operation.push({ name: 'bad.one', httpMethod: 'GET', httpPath: '/bad', action: 'action://Nobody' });
  broken.action.push({
    name: 'Another',
    class: 'Fusio.Adapter.Util.Action.UtilStaticResponse',
    config: { response: '{}' },
  });
  writeFileSync(file('broken.json'), JSON.stringify(broken));
  expect((await run('backup', 'import', file('broken.json'))).code).toBe(1);
  expect((await run('action', 'get', 'Another')).code).toBe(1);
  writeFileSync(file('text.json'), 'nothing');
  expect((await run('backup', 'import', file('text.json'))).err).toContain('JSON text of an export');
});

it('of a backup of Fusio it takes what it can, and says what it left out', async () => {
  const fusio = {
    version: 'v8.8.4',
    action: [
      {
        name: 'Seed-Echo',
        class: 'Fusio\\Adapter\\Util\\Action\\UtilStaticResponse',
        async: false,
        config: { response: '{"id":1}' },
        date: '2026-11-21T22:57:54Z',
      },
    ],
    config: [
      { type: 1, name: 'info_title', description: 'x', value: 'Fusio' },
      { type: 1, name: 'of_old', value: '' },
    ],
    connection: [{ status: 1, name: 'System', class: 'Fusio.Impl.Connection.System', config: {} }],
    schema: [
      {
        name: 'Seed-Bad',
        source: { definitions: { A: { type: 'struct', properties: { x: { type: 'nope' } } } }, root: 'A' },
      },
      { name: 'Passthru', source: { $class: 'PSX\\Api\\Model\\Passthru' }, readonly: true },
    ],
    operation: [
      {
        status: 1,
        name: 'seeds.echo',
        scopes: ['default'],
        active: true,
        public: true,
        stability: 1,
        httpMethod: 'GET',
        httpPath: '/seeds',
        httpCode: 200,
        outgoing: 'schema://Passthru@63b3ba983b1ad5da8405edefea69ebdd10cda002',
        action: 'action://Seed-Echo',
      },
      {
        status: 1,
        name: 'seeds.bad',
        scopes: ['default'],
        public: true,
        httpMethod: 'PUT',
        httpPath: '/bad',
        incoming: 'schema://Seed-Bad',
        action: 'action://Seed-Echo',
      },
    ],
  };
  const answer = await run('backup', 'import', write(JSON.stringify({ export: JSON.stringify(fusio) })), '--json');
  expect(answer.json().logs, answer.out).toEqual([
    'Skipped config of_old: there is no such setting',
    expect.stringMatching(/^Skipped schema Seed-Bad: /),
    expect.stringMatching(/^Skipped operation seeds\.bad: /),
    'Updated config info_title',
    'Created action Seed-Echo',
    'Created operation seeds.echo',
  ]);
  expect(await (await gateway.fetch('/seeds')).json()).toEqual({ id: 1 });
});

it('a sealed text is the same each time, opens at its place only and under its secret only', async () => {
  const [one, other] = [1, 2].map((fill) => Buffer.alloc(32, fill).toString('base64')) as [string, string];
  const sealed = await sealStably('secret', 'a/b', one);
  expect(await sealStably('secret', 'a/b', one)).toBe(sealed);
  expect(await sealStably('secret', 'a/c', one)).not.toBe(sealed);
  expect(await openStably(sealed, 'a/b', [other, one])).toBe('secret');
  expect(
    await Promise.all([
      openStably(sealed, 'a/c', one),
      openStably(sealed, 'a/b', other),
      openStably(`${sealed}A`, 'a/b', one),
    ]),
  ).toEqual([null, null, null]);
});

function write(text: string): string {
  writeFileSync(file('fusio.json'), text);
  return file('fusio.json');
}
