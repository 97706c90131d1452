// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how deploy files write variables
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectRoot } from '../../admin/host/build.ts';
import { startUpstream, type Upstream } from '../../examples/upstream.ts';
import { type Administrator, type Gateway, startGateway } from '../helpers/gateway.ts';
import { postern, startPostern } from './postern.ts';

// The command line as its users run it, against the built worker. The tests are one story, from top to bottom.

const example = join(projectRoot, 'examples/getting-started');
let gateway: Gateway;
let upstream: Upstream;
let admin: Administrator;
let folder: string;
let env: Record<string, string>;

beforeAll(async () => {
  [gateway, upstream] = await Promise.all([startGateway(), startUpstream(0)]);
  admin = await gateway.setup();
  folder = mkdtempSync(join(tmpdir(), 'postern-cli-'));
  env = {
    POSTERN_CONFIG: join(folder, 'kept', 'session.json'),
    POSTERN_URL: gateway.url,
    UPSTREAM_URL: upstream.url,
  };
  const { code } = await postern(['login', '--user', admin.name, '--password', admin.password], env);
  expect(code).toBe(0);
}, 120_000);

afterAll(async () => {
  await Promise.all([gateway?.stop(), upstream?.close()]);
  rmSync(folder, { recursive: true, force: true });
});

/** The command with a login that was kept. */
const run = (...args: string[]) => postern(args, env);

function write(name: string, text: string): string {
  mkdirSync(join(folder, name, '..'), { recursive: true });
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

async function token(scope?: string): Promise<string> {
  const response = await gateway.fetch('/authorization/token', {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', ...(scope === undefined ? {} : { scope }) }),
    headers: { Authorization: `Basic ${btoa(`${admin.name}:${admin.password}`)}` },
  });
  return ((await response.json()) as { access_token: string }).access_token;
}

async function order(bearer: string | null, body: unknown): Promise<number> {
  const response = await gateway.fetch('/orders', {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', ...(bearer === null ? {} : { Authorization: `Bearer ${bearer}` }) },
  });
  await response.text();
  return response.status;
}

describe('logging in', () => {
  const file = () => join(folder, 'session.json');
  const named = () => ({ POSTERN_CONFIG: file() });

  it('keeps a token that only the user can read, and never the password', async () => {
    const args = ['login', '--url', gateway.url, '--user', admin.name, '--password-stdin', '--json'];
    const login = await postern(args, named(), { input: `${admin.password}\n` });
    expect(login.json()).toMatchObject({ url: gateway.url, user: admin.name });
    expect(login.code).toBe(0);
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    expect(readFileSync(file(), 'utf8')).not.toContain(admin.password);
  });

  it('is enough for later commands, and logging out ends it at the gateway too', async () => {
    const whoami = await postern(['whoami', '--json'], named());
    expect(whoami.json()).toMatchObject({ url: gateway.url, name: admin.name });
    const { gateways } = JSON.parse(readFileSync(file(), 'utf8'));
    expect((await postern(['logout'], named())).code).toBe(0);
    expect(() => statSync(file())).toThrow('ENOENT');
    const response = await gateway.fetch('/authorization/whoami', {
      headers: { Authorization: `Bearer ${gateways[gateway.url].token}` },
    });
    expect(response.status).toBe(401);
    const after = await postern(['whoami'], named());
    expect([after.code, after.err]).toEqual([3, expect.stringContaining('postern login')]);
  });

  it('a wrong password, a gateway that is away and a misspelt option end with their codes', async () => {
    const wrong = await postern(['whoami', '--user', admin.name, '--password', 'wrong'], env);
    expect([wrong.code, wrong.err]).toEqual([3, expect.stringContaining('refused the login')]);
    const away = await postern(
      ['whoami', '--url', 'http://127.0.0.1:1', '--user', 'a', '--password', 'b', '--json'],
      env,
    );
    expect([away.code, away.json().error.message]).toEqual([4, expect.stringContaining('cannot be reached')]);
    const misspelt = await postern(['deploy', '--plam'], env);
    expect([misspelt.code, misspelt.err]).toEqual([2, expect.stringContaining('--plam')]);
  });
});

describe('deploying the example', () => {
  it('is planned without changing anything', async () => {
    const plan = await run('deploy', example, '--plan', '--json');
    expect(plan.code).toBe(0);
    expect(plan.json().results.map((result: any) => `${result.verb} ${result.resource} ${result.name}`)).toContain(
      'create operation me.get',
    );
    expect((await gateway.fetch('/me')).status).toBe(404);
    expect((await run('revisions', '--json')).json()).toHaveLength(1);
  });

  it('makes the API: a public call, and one behind token, scope, contract and rate', async () => {
    const deployed = await run('deploy', example, '-m', 'First');
    expect([deployed.code, deployed.out]).toEqual([0, expect.stringContaining('+ operation orders.create')]);
    expect(await (await gateway.fetch('/me')).json()).toMatchObject({ name: 'Ada Lovelace' });
    const bearer = await token();
    expect(await order(null, { book: 1 })).toBe(401);
    expect(await order(await token('consumer'), { book: 1 })).toBe(403);
    expect(await order(bearer, { book: 'one' })).toBe(400);
    expect(await order(bearer, { book: 1, copies: 99 })).toBe(400);
    const answers = [];
    for (let count = 0; count < 11; count++) {
      answers.push(await order(bearer, { book: 1, copies: 2 }));
    }
    expect(answers.slice(0, 8)).toEqual(Array(8).fill(201));
    expect(answers.at(-1)).toBe(429);
  });

  it('again changes nothing, and makes no revision', async () => {
    const again = await run('deploy', example, '--json');
    expect(again.json().results.every((result: any) => result.verb === 'none')).toBe(true);
    const revisions = (await run('revisions', '--json')).json();
    expect(revisions.map((revision: any) => revision.message)).toEqual(['First', 'Seeded']);
  });

  it('that is broken changes nothing, and says file, line and rule', async () => {
    const file = write(
      'broken/.fusio.yml',
      'operation:\n  fine.one: { httpMethod: GET, httpPath: /fine, action: Show-Profile }\n  bad.one:\n    httpMethod: GET\n    httpPath: "/a/:b/:b"\n    action: Show-Profile\n',
    );
    const broken = await run('deploy', file);
    expect(broken.code).toBe(1);
    expect(broken.err).toMatch(/broken\/\.fusio\.yml:5:5 .*"b" is used twice/);
    expect((await gateway.fetch('/fine')).status).toBe(404);
    const json = (await run('deploy', file, '--json')).json();
    expect(json.error.errors).toMatchObject([
      { file: expect.stringContaining('.fusio.yml'), line: 5, column: 5, rule: 'path' },
    ]);
  });

  it('with a variable that is not set goes nowhere', async () => {
    const { UPSTREAM_URL: _, ...without } = env;
    const unset = await postern(['deploy', example], without);
    expect([unset.code, unset.err]).toEqual([
      2,
      expect.stringMatching(/\.fusio\.yml:\d+:\d+ .*UPSTREAM_URL is not set/),
    ]);
  });

  it('prunes only where it is asked to, and never what was seeded', async () => {
    const file = write('pruned.yml', 'rate: {}\nschema: { Extra: { type: string } }\n');
    const kept = await run('deploy', file, '--json');
    expect(kept.json().results).toMatchObject([{ verb: 'create', name: 'Extra' }]);
    const lonely = write('lonely.yml', 'rate: {}\n');
    const plan = (await run('deploy', lonely, '--prune', '--plan', '--json')).json();
    expect(plan.results).toMatchObject([{ resource: 'rate', verb: 'delete', name: 'Orders' }]);
    expect((await run('deploy', lonely, '--prune', '--json')).json().results).toHaveLength(1);
    expect((await run('deploy', example, '--json')).json().results).toMatchObject(
      expect.arrayContaining([expect.objectContaining({ resource: 'rate', verb: 'create', name: 'Orders' })]),
    );
  });
});

describe('exporting', () => {
  it('gives a file without secrets that deploys without a change', async () => {
    const connection = write(
      'secret.yml',
      'connection:\n  Up-Stream:\n    class: Fusio.Adapter.Http.Connection.Http\n    config: { url: http://127.0.0.1:9, username: me, password: "${env.PASS}" }\n',
    );
    expect((await postern(['deploy', connection], { ...env, PASS: 'hunter2-0123' })).code).toBe(0);
    const file = join(folder, 'export/.fusio.yml');
    expect((await run('export', file)).code).toBe(0);
    const text = readFileSync(file, 'utf8');
    expect(text).not.toContain('hunter2');
    expect(text).toContain('"${env.UP_STREAM_PASSWORD}"');
    expect((await run('export', file)).code).toBe(2);

    expect((await run('deploy', file)).err).toMatch(/--keep-secrets\n.*UP_STREAM_PASSWORD is not set/);
    for (const [more, extra] of [
      [{ UP_STREAM_PASSWORD: 'hunter2-0123' }, []],
      [{}, ['--keep-secrets', '--prune']],
    ] as const) {
      const again = await postern(['deploy', file, '--json', ...extra], { ...env, ...more });
      const changed = again.json().results?.filter((result: any) => result.verb !== 'none');
      expect(changed, again.out).toEqual([]);
    }
  });
});

describe('rolling back', () => {
  it('restores what was before, and a later single edit keeps it', async () => {
    const edit = (text: string) => write('edit.yml', `operation:\n  me.get: ${text}\n`);
    const entry = '{ httpMethod: GET, httpPath: /me, public: true, outgoing: Profile, action: Show-Profile';
    await run('deploy', edit(`${entry}, active: false }`));
    expect((await gateway.fetch('/me')).status).toBe(410);
    const plan = await run('rollback', '--plan');
    expect(plan.out).toMatch(/~ operation me\.get\n +active: false → true/);
    expect((await gateway.fetch('/me')).status).toBe(410);
    const back = await run('rollback');
    expect(back.code).toBe(0);
    expect((await gateway.fetch('/me')).status).toBe(200);
    await run('deploy', write('title.yml', 'config: { info_title: Edited later }'));
    expect((await gateway.fetch('/me')).status).toBe(200);
    const [newest, rolled] = (await run('revisions', '-n', '2', '--json')).json();
    expect([newest.changeCount, rolled.message]).toEqual([1, expect.stringContaining('Rolled back')]);
    expect((await run('rollback', 'x')).code).toBe(2);
    expect((await run('rollback', '9999')).err).toContain('revision 9999');
  });
});

describe('the log', () => {
  it('shows calls, and follows them', async () => {
    const child = startPostern(['logs', '--follow', '--json', '--operation', 'me.get', '-n', '0'], env);
    try {
      let text = '';
      const seen = new Promise<any>((resolve) => {
        child.stdout!.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
          const line = text.split('\n').find((candidate) => candidate.includes('followed=1'));
          if (line !== undefined) {
            resolve(JSON.parse(line));
          }
        });
      });
      const knocking = setInterval(() => void gateway.fetch('/me?followed=1').then((response) => response.text()), 300);
      const entry = await seen.finally(() => clearInterval(knocking));
      expect(entry).toMatchObject({ method: 'GET', responseCode: 200, operationName: 'me.get' });
    } finally {
      child.kill();
    }
    const refused = (await run('logs', '--status', '4xx', '--path', '/orders', '--json')).json();
    expect(refused.map((entry: any) => entry.responseCode)).toEqual(expect.arrayContaining([400, 401, 403, 429]));
  });
});

describe('importing a description', () => {
  const description = () => `
openapi: 3.1.0
info: { title: Echo, version: "1" }
servers: [{ url: ${upstream.url} }]
paths:
  /echo:
    get:
      operationId: echo-get
      parameters:
        - { name: per-page, in: query, schema: { type: integer, maximum: 10 } }
    post:
      operationId: echo-post
      requestBody: { required: true, content: { application/json: { schema: { $ref: "#/components/schemas/Note" } } } }
  /books/{id}.json:
    get: { operationId: book }
components:
  schemas:
    Note: { type: object, required: [text], properties: { text: { type: string }, more: { $ref: "#/components/schemas/Note" } } }
`;

  it('is planned, done, and does what the description says', async () => {
    const file = write('echo.yaml', description());
    const args = ['import', 'openapi', file, '--prefix', '/up', '--public'];
    const plan = (await run(...args, '--plan', '--json')).json();
    expect(plan.counts).toEqual({ schema: { create: 1 }, action: { create: 3 }, operation: { create: 3 } });
    expect((await gateway.fetch('/up/echo')).status).toBe(404);
    expect((await run(...args)).out).toMatch(/Revision \d+:/);

    const echoed = await (await gateway.fetch('/up/echo?per_page=5&q=a%20b')).json();
    expect(echoed).toMatchObject({ url: '/echo?per-page=5&q=a%20b' });
    expect((await gateway.fetch('/up/echo?per_page=50')).status).toBe(400);
    const post = (body: unknown) =>
      gateway.fetch('/up/echo', {
        method: 'POST',
        body: JSON.stringify(body),
        headers: { 'Content-Type': 'application/json' },
      });
    expect((await post({ text: 'a', more: { text: 'b' } })).status).toBe(200);
    expect((await post({ text: 'a', more: {} })).status).toBe(400);
  });

  it('again is an error, an update on demand, and told by line when the description is wrong', async () => {
    const again = await run('import', 'openapi', join(folder, 'echo.yaml'), '--prefix', '/up', '--public');
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('--update')]);
    const changed = write('echo.yaml', description().replace('maximum: 10', 'maximum: 100'));
    const updated = await run('import', 'openapi', changed, '--prefix', '/up', '--public', '--update', '--json');
    expect(updated.json().counts).toMatchObject({ operation: { update: 1, none: 2 }, schema: { none: 1 } });
    expect((await gateway.fetch('/up/echo?per_page=50')).status).toBe(200);

    const broken = write('broken.yaml', description().replace('book }', 'echo_get }'));
    const refused = await run('import', 'openapi', broken, '--prefix', '/other');
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/broken\.yaml:15:5 .*operation called "other\.echo_get".*\(collision\)/);
    expect((await gateway.fetch('/other/echo')).status).toBe(404);
  });
});
