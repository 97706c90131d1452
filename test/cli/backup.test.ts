import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStably, sealStably } from '../../worker/lib/stable-seal.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
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
