// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how deploy files write variables
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectRoot } from '../../admin/host/build.ts';
import { type Administrator, type Gateway, startGateway } from '../helpers/gateway.ts';
import { inProcess } from './in-process.ts';
import { postern } from './postern.ts';

// A verb for each operation of the management API, as users run it. The tests are one story, from top to bottom.

let gateway: Gateway;
let admin: Administrator;
let env: Record<string, string>;
const folder = mkdtempSync(join(tmpdir(), 'postern-entity-'));

beforeAll(async () => {
  gateway = await startGateway();
  admin = await gateway.setup();
  env = { POSTERN_CONFIG: join(folder, 'session.json'), POSTERN_URL: gateway.url };
  expect((await run('login', '--user', admin.name, '--password', admin.password)).code).toBe(0);
}, 120_000);

afterAll(async () => {
  await gateway?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const run = (...args: string[]) => inProcess(args, env);

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

describe('an entity', () => {
  it('is created from options and from files, options winning', async () => {
    const action = await run(
      ...['action', 'create', '--name', 'Hello', '--class', 'Fusio.Adapter.Util.Action.UtilStaticResponse'],
      ...['--config.response', '{"hello":"world"}', '--json'],
    );
    expect(action.json(), action.out + action.err).toMatchObject({ success: true, id: expect.any(String) });
    const file = write(
      'hello.yaml',
      'name: hello.get\nhttpMethod: GET\nhttpPath: /nowhere\naction: Hello\npublic: true\n',
    );
    const operation = await run('operation', 'create', '--file', file, '--http-path', '/hello', '--scopes', 'default');
    expect([operation.code, operation.out], operation.err).toEqual([0, expect.stringMatching(/created: \d+/)]);
    expect(await (await gateway.fetch('/hello')).json()).toEqual({ hello: 'world' });
    const piped = await postern(['event', 'create', '-f', '-'], env, { input: '{"name":"said-hello"}' });
    expect(piped.code, piped.err).toBe(0);
  });

  it('is shown by id, ~name and name, in a form that update takes', async () => {
    const byName = await run('operation', 'get', 'hello.get');
    const byMark = await run('operation', 'get', '~hello.get', '--json');
    expect(byName.out).toContain('httpPath: /hello\n');
    const { id } = byMark.json();
    expect((await run('operation', 'get', String(id), '--json')).json()).toEqual(byMark.json());
    const back = await run('operation', 'update', 'hello.get', '--file', write('back.yaml', byName.out));
    expect([back.code, back.out], back.err).toEqual([0, expect.stringContaining('updated')]);
  });

  it('is updated in part, also inside of its members', async () => {
    await run('operation', 'update', 'hello.get', '--options.timeout', '900');
    await run('operation', 'update', 'hello.get', '--options.log.body', '--description', 'Says hello');
    const { options, description, public: open } = (await run('operation', 'get', 'hello.get', '--json')).json();
    expect([options, description, open]).toEqual([{ timeout: 900, log: { body: true } }, 'Says hello', true]);
    await run('operation', 'update', 'hello.get', '--no-description', '--no-active');
    const after = (await run('operation', 'get', 'hello.get', '--json')).json();
    expect([after.description, after.active]).toEqual([undefined, false]);
  });

  it('keeps the secrets that an update does not name', async () => {
    const name = ['--name', 'Upstream', '--class', 'Fusio.Adapter.Http.Connection.Http'];
    await run(
      'connection',
      'create',
      ...name,
      '--config.url',
      'http://127.0.0.1:9',
      '--config.password',
      'hunter2-0123',
    );
    const updated = await run('connection', 'update', 'Upstream', '--config.url=http://127.0.0.1:10');
    expect(updated.code, updated.err).toBe(0);
    const { config } = (await run('connection', 'get', 'Upstream', '--json')).json();
    expect(config).toEqual({ url: 'http://127.0.0.1:10', password: '********' });
  });

  it('is deleted where that is confirmed', async () => {
    const asked = await run('event', 'delete', 'said-hello');
    expect([asked.code, asked.err]).toEqual([2, expect.stringContaining('--yes')]);
    expect((await run('event', 'delete', 'said-hello', '--yes')).code).toBe(0);
    const gone = await run('event', 'get', 'said-hello');
    expect([gone.code, gone.err]).toEqual([1, expect.stringContaining('deleted')]);
  });
});

describe('mistakes', () => {
  it('of the command line are named all at once, before anything is sent', async () => {
    const wrong = await run('operation', 'create', '--costs', 'much', '--colour', 'red', '--json');
    expect([wrong.code, wrong.json().error.errors]).toEqual([
      2,
      [
        expect.objectContaining({ flag: '--costs', rule: 'type' }),
        expect.objectContaining({ flag: '--colour', rule: 'option' }),
      ],
    ]);
    const missing = await run('operation', 'create', '--name', 'a.b');
    expect([missing.code, missing.err]).toEqual([
      2,
      expect.stringMatching(/--http-method .*\(required\)[\s\S]*--action /),
    ]);
    expect((await run('connection', 'create', '--name', 'X', '--class', 'No.Such')).err).toContain(
      'postern connection classes',
    );
    expect((await run('operation', 'update', 'hello.get')).code).toBe(2);
    expect((await run('audit', 'get', 'a-name')).code).toBe(2);
  });

  it('that the gateway finds are said by option, or by file and line', async () => {
    const base = ['operation', 'create', '--name', 'bad.one', '--http-method', 'GET', '--action', 'Hello'];
    const byFlag = await run(...base, '--http-path', '/a/:b/:b');
    expect([byFlag.code, byFlag.err]).toEqual([1, expect.stringMatching(/--http-path .*"b" is used twice .*\(path\)/)]);
    const file = write('bad.json', '{\n  "httpPath": "/a/:b/:b"\n}\n');
    const byFile = await run(...base, '--file', file, '--json');
    expect(byFile.json().error.errors).toMatchObject([
      { file: expect.stringContaining('bad.json'), line: 2, rule: 'path' },
    ]);
    const list = await run('operation', 'list', '--count', '5000');
    expect([list.code, list.err]).toEqual([1, expect.stringContaining('--count')]);
    expect((await run('operation', 'list', '--sort', 'nothing')).err).toContain('httpMethod');
  });
});

describe('a list', () => {
  it('pages, sorts, searches and filters', async () => {
    const page = (await run('config', 'list', '--sort', 'name:desc', '--count', '2', '--start', '1', '--json')).json();
    expect([page.itemsPerPage, page.startIndex, page.entry.length]).toEqual([2, 1, 2]);
    const all = (await run('config', 'list', '--all', '--sort', 'name', '--json')).json();
    expect(all.entry).toHaveLength(page.totalResults);
    expect(page.entry.map((entry: any) => entry.name)).toEqual(
      all.entry
        .map((entry: any) => entry.name)
        .reverse()
        .slice(1, 3),
    );
    const rates = await run('rate', 'list', '--columns', 'name,rate_limit');
    expect(rates.out).toMatch(/Default\s+\d+/);
    const none = await run('rate', 'list', '--columns', 'name,nothing');
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('There is no column "nothing"')]);
    const found = await run('config', 'list', '--search', 'name:"log_sample"', '--columns', 'name');
    expect(found.out).toBe('NAME\nlog_sample\n');
    expect((await run('config', 'list', '-n', '1')).err).toMatch(/1–1 of \d+; --start 1 goes on/);
    const audit = (await run('audit', 'list', '--event', 'connection.', '--json')).json();
    expect(audit.entry.slice(0, 2).map((entry: any) => entry.event)).toEqual([
      'connection.update',
      'connection.create',
    ]);
    expect((await run('audit', 'list', '--event', 'connection.')).out).toMatch(
      /^ID +EVENT .*\n\d+ +connection\.update/,
    );
  });
});

describe('tokens', () => {
  it('are made, listed and revoked', async () => {
    const made = await run('token', 'create', '--name', 'ci', '--days', '2', '--scopes', 'backend.role,consumer');
    expect(made.code, made.err).toBe(0);
    const bearer = { headers: { Authorization: `Bearer ${made.out.trim()}` } };
    expect((await gateway.fetch('/backend/role', bearer)).status).toBe(200);
    const own = (await run('token', 'list', '--json')).json();
    expect(own.entry).toMatchObject([{ name: 'ci' }]);
    expect((await run('token', 'list', '--everyone', '--json')).json().totalResults).toBeGreaterThan(1);
    expect((await run('token', 'list', '--scope', 'consumer')).err).toContain('--everyone');
    expect((await run('token', 'revoke', 'ci', '--yes')).code).toBe(0);
    expect((await gateway.fetch('/backend/role', bearer)).status).toBe(401);
    expect((await run('token', 'create', '--name', 'ci', '--expire', '2001-01-01')).err).toContain('--expire');
  });
});

describe('user add', () => {
  it('makes an account that can log in, with a given or a generated password', async () => {
    const given = ['user', 'add', '--role', 'Consumer', '--name', 'ada', '--email', 'ada@example.com'];
    const typed = await postern([...given, '--password-stdin'], env, { input: 'analytical-engine\n' });
    expect(typed.code, typed.err).toBe(0);
    expect((await run('user', 'get', 'ada', '--json')).json()).toMatchObject({ email: 'ada@example.com', status: 1 });
    const generated = await run(
      'user',
      'add',
      '--role',
      '1',
      '--name',
      'bob',
      '--email',
      'bob@example.com',
      '--generate',
      '--json',
    );
    const { password } = generated.json();
    expect((await run('whoami', '--user', 'bob', '--password', password)).code).toBe(0);
    const taken = await run(...given, '--generate');
    expect([taken.code, taken.err]).toEqual([1, expect.stringContaining('already exists')]);
    expect((await run('user', 'add', '--role', 'Nobody')).err).toContain('Consumer');
  });
});

describe('check', () => {
  const deployFile = (text: string) => write('check.yml', text);
  const offline = { POSTERN_CONFIG: join(folder, 'none.json') };

  it('judges a deploy file without a gateway, by file, line and rule', async () => {
    const file = deployFile(
      'operation:\n  o.ne: { httpMethod: GET, httpPath: /one, action: Nobody, costs: many }\naction:\n  Act:\n    class: Fusio.Adapter.Util.Action.UtilStaticResponse\n    config: {}\n  Bct:\n    class: No.Such.Class\n',
    );
    const checked = await inProcess(['check', file, '--json'], offline);
    expect([
      checked.code,
      checked
        .json()
        .error.errors.map((error: any) => `${error.line} ${error.rule}`)
        .sort(),
    ]).toEqual([2, ['2 type', '6 required', '8 class']]);
    const fine = deployFile('operation:\n  o.ne: { httpMethod: GET, httpPath: "/${env.WHERE}", action: Nobody }\n');
    const passed = await inProcess(['check', fine], offline);
    expect([passed.code, passed.err]).toEqual([0, expect.stringMatching(/not set[\s\S]*must have the action Nobody/)]);
  });

  it('asks a gateway whether it is well, and what it would make of the file', async () => {
    const well = await run('check');
    expect([well.code, well.out], well.err).toEqual([0, expect.stringMatching(/✓ Gateway .*database/)]);
    const file = deployFile('rate: { Some: { rateLimit: 5, timespan: PT1M } }\n');
    expect((await run('check', file, '--server', gateway.url)).out).toContain('Plan: 1 created');
    const unknown = await run(
      'check',
      deployFile('operation: { o.ne: { httpMethod: GET, httpPath: /one, action: Nobody } }\n'),
      '--online',
    );
    expect([unknown.code, unknown.err]).toEqual([1, expect.stringMatching(/check\.yml:1:\d+ .*Nobody/)]);
  });
});

describe('clean', () => {
  it('deletes what is over, and only counts it on a dry run', async () => {
    const old = new Date(Date.now() - 100 * 86_400_000).toISOString();
    await gateway.DB.prepare('UPDATE audit SET date = ? WHERE id <= 2').bind(old).run();
    const count = async () => (await gateway.DB.prepare('SELECT count(*) AS n FROM audit').first<{ n: number }>())!.n;
    const before = await count();
    const rows = (ran: { json(): any }) =>
      Object.fromEntries(ran.json().results.map((result: any) => [result.name, result.rows]));
    expect(rows(await run('clean', '--json'))).not.toHaveProperty('audit');
    expect(rows(await run('clean', '--dry-run', '--keep', 'audit=99', '--json')).audit).toBe(2);
    expect(await count()).toBe(before);
    expect((await run('clean', '--keep', 'audit=99,log=5')).out).toMatch(/audit +2 deleted/);
    expect(await count()).toBe(before - 2);
    expect((await run('clean', '--keep', 'users=1')).err).toMatch(/--keep .*log, token/);
  });
});

describe('replay', () => {
  it('tries dead letters again, and never all of them by mistake', async () => {
    expect(await run('replay')).toMatchObject({ code: 2, err: expect.stringContaining('--all') });
    expect(await run('replay', '--webhook', 'mine')).toMatchObject({ code: 2 });
    expect((await run('replay', '--all')).out).toContain('0 messages are tried again');
    expect((await run('replay', '--ids', '1,2', '--since', '2026-01-01T00:00:00Z', '--json')).json()).toEqual({
      count: 0,
    });
    expect((await run('deadletter', 'list', '--json')).code).toBe(0);
    expect((await run('run', 'list', '--status', 'pending')).code).toBe(0);
  });
});

describe('help', () => {
  it('works without a gateway, and knows the options of a class', async () => {
    const offline = { POSTERN_CONFIG: join(folder, 'none.json') };
    const create = await inProcess(['operation', 'create', '--help'], offline);
    const className = 'Fusio.Adapter.Http.Connection.Http';
    const ofClass = await inProcess(['connection', 'create', '--class', className, '--help'], offline);
    expect(create.out).toMatch(/--http-method=<TEXT> .*needed/);
    expect(create.out).toContain('--options.cors.max-age=<NUMBER>');
    expect(ofClass.out).toMatch(/--config\.password=<TEXT> .*secret/);
  });

  it('the README lists the commands that there are', async () => {
    const help = (await run('--help')).out;
    const names = /USAGE postern (\S+)/.exec(help)![1]!.split('|');
    const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8');
    const section = /## The command line\n([\s\S]*?)\n## /.exec(readme)![1]!;
    const listed = [...section.matchAll(/^\| (.+?) \|/gm)].flatMap(([, cell]) =>
      [...cell!.matchAll(/`([a-z]+)/g)].map(([, name]) => name!),
    );
    expect([...new Set(listed)].sort()).toEqual(names.sort());
  });
});
