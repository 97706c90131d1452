import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildWorker, projectRoot } from '../../admin/host/build.ts';
import { readPlatformConfig } from '../../admin/host/miniflare.ts';
import { postern } from '../cli/postern.ts';
import { administrator, type Gateway, setupToken, startGateway } from '../helpers/gateway.ts';
import { type PlatformStandIn, startPlatform } from '../helpers/platform-stand-in.ts';

// `npm run deploy` as its users run it, with the real wrangler, against a stand-in of the platform's REST API.

const config = readPlatformConfig();
const databases = config.d1_databases!;
const wranglerPatience = 120_000;

const folder = mkdtempSync(join(tmpdir(), 'postern-deploy-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ran {
  code: number | null;
  output: string;
}

function start(env: Record<string, string>, args: string[]): { child: ChildProcess; ended: Promise<Ran> } {
  const {
    CLOUDFLARE_API_TOKEN: _token,
    CLOUDFLARE_ACCOUNT_ID: _account,
    SECRET_KEY: _key,
    ...inherited
  } = process.env as Record<string, string>;
  const child = spawn(process.execPath, ['admin/host/deploy.ts', ...args], {
    cwd: projectRoot,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Half of the time goes into compiling wrangler.
    env: { ...inherited, NO_COLOR: '1', NODE_COMPILE_CACHE: join(folder, 'compiled'), ...env },
  });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  return { child, ended: new Promise((done) => child.once('close', (code) => done({ code, output }))) };
}

const deploy = (env: Record<string, string>, ...args: string[]) => start(env, args).ended;

/** What was asked of the platform since the last time, `METHOD /path` each. */
function asked(platform: PlatformStandIn, method?: string): string[] {
  const all = platform.requests.splice(0);
  return all.filter((one) => method === undefined || one.method === method).map((one) => `${one.method} ${one.path}`);
}

const created = (requests: string[]) =>
  requests.filter((one) => /^POST \/(d1\/database|storage\/\S+|queues)$/.test(one));

const printedKey = ({ output }: Ran) => /^ {2}SECRET_KEY=(\S+)$/m.exec(output)?.[1];
const printedToken = ({ output }: Ran) => / --token ([0-9a-f]{64})$/m.exec(output)?.[1];

function leftovers(): string[] {
  const scratch = readdirSync(join(projectRoot, '.dev')).filter((name) => name.startsWith('deploy-'));
  return [...scratch, ...readdirSync(projectRoot).filter((name) => name.startsWith('.wrangler.'))];
}

/** Tables and indexes, as SQLite keeps them. */
function schemaOf(database: DatabaseSync): unknown[] {
  return database
    .prepare(
      "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE '%d1_migrations%' AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
    .all();
}

function appliedTo(database: DatabaseSync): unknown[] {
  const known = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'd1_migrations'").all().length > 0;
  return known
    ? database
        .prepare('SELECT name FROM d1_migrations ORDER BY id')
        .all()
        .map(({ name }) => name)
    : [];
}

function migrationsOf(folder: string): { name: string; sql: string }[] {
  const path = join(projectRoot, folder);
  // A folder without migrations is not in a checkout.
  const names = existsSync(path) ? readdirSync(path).filter((name) => name.endsWith('.sql')) : [];
  return names.sort().map((name) => ({ name, sql: readFileSync(join(path, name), 'utf8') }));
}

let platform: PlatformStandIn;
let before: string[];

beforeAll(async () => {
  // The dry run builds; what it builds may be there already.
  await buildWorker();
});

beforeEach(async () => {
  platform = await startPlatform();
  before = leftovers();
});

afterEach(async () => {
  expect(platform.unexpected).toEqual([]);
  expect(leftovers()).toEqual(before);
  await platform.stop();
});

describe('npm run deploy', { timeout: wranglerPatience }, () => {
  it('shows the plan without credentials, and refuses to deploy without', async () => {
    const plan = await deploy({}, '--dry-run');
    expect(plan.code).toBe(0);
    expect(plan.output).toContain('Without CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID nothing is looked up');
    expect(plan.output).toMatch(/\+ D1 database +postern\n/);
    expect(plan.output).toMatch(/The worker builds: [\d,]+ KB gzipped/);

    const { CLOUDFLARE_ACCOUNT_ID: _, ...half } = platform.env;
    const refused = await deploy(half);
    expect(refused.code).toBe(1);
    expect(refused.output).toMatch(/^Set CLOUDFLARE_ACCOUNT_ID: /m);
    expect(asked(platform)).toEqual([]);
  });

  it('refuses what it does not understand before it asks the platform anything', async () => {
    const runs = await Promise.all([
      deploy(platform.env, '--dryrun'),
      deploy({ ...platform.env, CLOUDFLARE_ACCOUNT_ID: 'YOUR-ACCOUNT' }),
      deploy({ ...platform.env, CLOUDFLARE_API_TOKEN: `${platform.token}\n${platform.token}` }),
      deploy({ ...platform.env, SECRET_KEY: 'hunter2' }),
    ]);
    expect(runs.map(({ code }) => code)).toEqual([1, 1, 1, 1]);
    expect(runs[0]!.output).toContain('There is no option --dryrun');
    expect(runs[1]!.output).toContain('CLOUDFLARE_ACCOUNT_ID is not an account id');
    expect(runs[2]!.output).toContain('CLOUDFLARE_API_TOKEN has a space');
    expect(runs[3]!.output).toContain('SECRET_KEY must be 32 bytes in base64');
    expect(runs.map(({ output }) => output).join()).not.toContain(platform.token);
    expect(asked(platform)).toEqual([]);
  });

  it('makes what is missing, once, and leaves it alone afterwards, also when two deploy at once', async () => {
    // Others' things fill pages before ours; one of ours is there already; the answer to one creation gets lost.
    for (let index = 0; index < 45; index++) {
      platform.databases.set(`a-${index}`, { id: `a-${index}`, sql: new DatabaseSync(':memory:') });
      platform.namespaces.set(`a-${index}`, `a-${index}`);
    }
    platform.databases.set('postern-data', { id: randomUUID(), sql: new DatabaseSync(':memory:') });
    platform.fault = ({ method, path, body }) =>
      method === 'POST' && path === '/d1/database' && body.name === 'postern-logs' ? 'lost' : null;

    const plan = await deploy(platform.env, '--dry-run');
    expect(plan.code, plan.output).toBe(0);
    expect(plan.output).toMatch(
      /\+ D1 database +postern\n.*\+ D1 database +postern-logs\n.*= D1 database +postern-data\n/s,
    );
    expect(plan.output).toMatch(/\+ KV namespace +postern-content\n.*\+ Secret +SECRET_KEY\n.*\+ Worker +postern,/s);
    expect(platform.requests.every(({ method }) => method === 'GET')).toBe(true);
    expect(asked(platform).length).toBeGreaterThan(0);

    // Credentials of another kind, which wrangler would take before a token.
    const first = await deploy({ ...platform.env, CLOUDFLARE_API_KEY: 'another', CLOUDFLARE_EMAIL: 'a@example.com' });
    expect(first.code, first.output).toBe(0);
    const everything = platform.requests.map(({ path, text }) => path + text).join();
    for (const placeholder of [...databases.map((one) => one.database_id), config.kv_namespaces![0]!.id]) {
      expect(everything).not.toContain(placeholder);
    }
    expect(created(asked(platform))).toEqual([
      ...['POST /d1/database', 'POST /d1/database', 'POST /storage/kv/namespaces', 'POST /queues'],
    ]);
    expect(platform.queues.get('postern-events')!.consumers).toMatchObject([
      { type: 'worker', script: 'postern', settings: { batch_size: 10, max_wait_time_ms: 0 } },
    ]);

    const worker = platform.workers.get('postern')!;
    const idOf = (name: string) => platform.databases.get(name)!.id;
    const key = worker.bindings.get('SECRET_KEY').text;
    expect(Object.fromEntries(worker.bindings)).toEqual({
      DB: { type: 'd1', name: 'DB', id: idOf('postern') },
      LOGS: { type: 'd1', name: 'LOGS', id: idOf('postern-logs') },
      DATA: { type: 'd1', name: 'DATA', id: idOf('postern-data') },
      CONTENT: { type: 'kv_namespace', name: 'CONTENT', namespace_id: platform.namespaces.get('postern-content') },
      PUBLISHER: { type: 'durable_object_namespace', name: 'PUBLISHER', class_name: 'Publisher' },
      LIMITER: { type: 'durable_object_namespace', name: 'LIMITER', class_name: 'Limiter' },
      TOKEN_FAMILY: { type: 'durable_object_namespace', name: 'TOKEN_FAMILY', class_name: 'TokenFamily' },
      OUTBOX: { type: 'durable_object_namespace', name: 'OUTBOX', class_name: 'Outbox' },
      LANE: { type: 'durable_object_namespace', name: 'LANE', class_name: 'Lane' },
      IDEMPOTENCY: { type: 'durable_object_namespace', name: 'IDEMPOTENCY', class_name: 'Idempotency' },
      EVENTS: { type: 'queue', name: 'EVENTS', queue_name: 'postern-events' },
      USAGE: { type: 'analytics_engine', name: 'USAGE', dataset: 'postern_usage' },
      EGRESS_ALLOW: { type: 'plain_text', name: 'EGRESS_ALLOW', text: '' },
      TRUSTED_IP_HEADER: { type: 'plain_text', name: 'TRUSTED_IP_HEADER', text: 'CF-Connecting-IP' },
      SECRET_KEY: { type: 'secret_text', name: 'SECRET_KEY', text: key },
    });
    expect(Buffer.from(key, 'base64')).toHaveLength(32);
    expect(worker.uploads).toHaveLength(1);
    expect(worker.uploads[0]!.metadata).toMatchObject({
      main_module: 'index.js',
      compatibility_date: config.compatibility_date,
      compatibility_flags: config.compatibility_flags,
      migrations: {
        new_tag: 'v1',
        steps: [{ new_sqlite_classes: ['Publisher', 'Limiter', 'TokenFamily', 'Outbox', 'Lane', 'Idempotency'] }],
      },
    });
    expect(worker.uploads[0]!.modules.get('index.js')!.type).toBe('application/javascript+module');
    expect(worker).toMatchObject({ crons: ['* * * * *'], subdomain: { enabled: true, previews_enabled: false } });

    for (const { database_name, migrations_dir } of databases) {
      const { sql } = platform.databases.get(database_name)!;
      const reference = new DatabaseSync(':memory:');
      const migrations = migrationsOf(migrations_dir!);
      migrations.forEach((migration) => void reference.exec(migration.sql));
      expect(schemaOf(sql)).toEqual(schemaOf(reference));
      expect(migrations.length > 0 ? appliedTo(sql) : []).toEqual(migrations.map(({ name }) => name));
    }

    expect(first.output.split(key)).toHaveLength(2);
    expect(printedKey(first)).toBe(key);
    expect(printedToken(first)).toBe(setupToken(key));
    expect(first.output).toContain('npx postern setup --url https://postern.stand-in.workers.dev --name admin');
    expect(first.output).not.toContain(platform.token);

    // The first thing that each wrangler asks is answered when both have asked it.
    const both = Promise.withResolvers<string[]>();
    let waiting = 0;
    platform.fault = async ({ path }) => {
      if (path === '/workers/services/postern') {
        waiting += 1;
        if (waiting === 2) {
          both.resolve(leftovers());
        }
        await both.promise;
      }
      return null;
    };
    const again = await Promise.all([deploy(platform.env), deploy(platform.env)]);
    // A file and a folder each.
    expect(await both.promise).toHaveLength(before.length + 4);
    for (const one of again) {
      expect(one.code, one.output).toBe(0);
      expect(one.output).toContain('The root secret was left as it is');
      expect(one.output).not.toMatch(/^ {2}\+ |--token/m);
      expect(one.output).not.toContain(key);
    }
    const writes = platform.requests.filter(({ path, method }) => method === 'POST' && path.endsWith('/query'));
    expect(writes.map(({ body }) => body.sql).filter((sql) => !sql.startsWith('SELECT'))).toEqual([]);
    expect(created(asked(platform))).toEqual([]);
    expect(worker.uploads).toHaveLength(3);
    expect(worker.uploads[2]!.metadata.migrations).toBeUndefined();
    expect(worker.bindings.get('SECRET_KEY').text).toBe(key);

    const nothing = await deploy(platform.env, '--dry-run');
    expect(nothing.output).not.toContain('  + ');
    expect(nothing.output).toMatch(/= Secret +SECRET_KEY\n +~ Worker +postern,/);
    expect(platform.requests.every(({ method }) => method === 'GET')).toBe(true);
  });

  // Ten runs of the tool: only among the full figures.
  if (process.env.POSTERN_FULL !== undefined) {
    it('says what went wrong, and finishes the work when it is run again', async () => {
      const fail = (method: string, path: RegExp, status: number) => {
        platform.fault = (request) =>
          request.method === method && path.test(request.path) ? { status, message: 'Not on a Tuesday' } : null;
      };
      fail('POST', /namespaces$/, 403);
      const denied = await deploy(platform.env);
      expect(denied.code).toBe(1);
      expect(denied.output).toContain('POST /storage/kv/namespaces answered 403: Not on a Tuesday [10013]');
      expect(denied.output).toContain('CLOUDFLARE_API_TOKEN must be allowed to edit');
      expect(denied.output).not.toMatch(/^ +at /m);

      fail('PUT', /scripts\/postern$/, 500);
      const broken = await deploy(platform.env);
      expect(broken.code).toBe(1);
      expect(broken.output).toContain('Not on a Tuesday');
      expect(broken.output).toContain('The root secret above was not set and is of no use');
      expect(broken.output).toContain('wrangler deploy ended with 1, see above.');
      expect(printedToken(broken)).toBeUndefined();
      expect(platform.workers.size).toBe(0);

      // The worker is up by then, with its secret.
      fail('PUT', /schedules$/, 500);
      const half = await deploy(platform.env);
      expect(half.code, half.output).toBe(1);
      expect(platform.workers.has('postern'), half.output).toBe(true);
      const key = platform.workers.get('postern')!.bindings.get('SECRET_KEY').text;
      expect(printedKey(half)).toBe(key);
      expect(printedKey(half)).not.toBe(printedKey(broken));
      expect(printedToken(half)).toBe(setupToken(key));

      platform.fault = null;
      const whole = await deploy({ ...platform.env, SECRET_KEY: key });
      expect(whole.code, whole.output).toBe(0);
      expect(whole.output).not.toContain(key);
      // Who has the secret gets the command for the first administrator again.
      expect(printedToken(whole)).toBe(setupToken(key));
      expect(platform.workers.get('postern')).toMatchObject({ crons: ['* * * * *'] });
      expect([denied, broken, half, whole].map(({ output }) => output).join()).not.toContain(platform.token);
      expect(created(asked(platform))).toEqual([
        ...Array(3).fill('POST /d1/database'),
        ...Array(2).fill('POST /storage/kv/namespaces'),
        'POST /queues',
      ]);
    });
  }

  it('leaves nothing behind when it is told to end', async () => {
    const { child, ended } = start(platform.env, []);
    // Wrangler's first request.
    const uploads = () => platform.requests.some(({ path }) => path === '/workers/services/postern');
    await expect.poll(uploads, { timeout: wranglerPatience }).toBe(true);
    expect(leftovers().length).toBe(before.length + 2);
    child.kill('SIGTERM');
    const { code, output } = await ended;
    expect(code, output).toBe(1);
    expect(output).toContain('wrangler deploy ended with SIGTERM');
    expect(printedToken({ code, output })).toBeUndefined();
  });

  it('applies a migration whole or not at all, and makes no new secret over accounts of an old one', async () => {
    const sql = new DatabaseSync(':memory:');
    platform.databases.set('postern', { id: randomUUID(), sql });
    sql.exec('CREATE TABLE user (id INTEGER PRIMARY KEY)');
    const conflict = await deploy(platform.env);
    expect(conflict.code).toBe(1);
    expect(conflict.output).toMatch(/query answered 400: .*user.* already exists/);
    expect(schemaOf(sql)).toHaveLength(1);

    sql.exec('DROP TABLE user');
    platform.fault = ({ path, body }) =>
      path.endsWith('/query') && JSON.stringify(body).includes('CREATE TABLE')
        ? { status: 500, message: 'D1 DB storage operation exceeded timeout' }
        : null;
    const slow = await deploy(platform.env);
    expect(slow.code, slow.output).toBe(1);
    expect(slow.output).toContain('d1 execute postern --remote --file "$PWD/d1-migrations/db/0000_init.sql"');
    expect(slow.output).toContain("VALUES ('0000_init.sql')");
    platform.fault = ({ path }) => {
      if (path === '/workers/scripts/postern/secrets' && appliedTo(sql).length > 0) {
        sql.exec('DROP TABLE user; CREATE TABLE user (id INTEGER PRIMARY KEY); INSERT INTO user VALUES (1)');
      }
      return null;
    };
    const foreign = await deploy(platform.env);
    expect(foreign.code, foreign.output).toBe(1);
    expect(foreign.output).toContain('has accounts that were made under another root secret');
    expect(printedKey(foreign)).toBeUndefined();
    expect(platform.workers.size).toBe(0);
  });
});

describe('npx postern setup', () => {
  let gateway: Gateway;
  const { name, email, password } = administrator;

  beforeAll(async () => {
    gateway = await startGateway({ fresh: true });
  }, 60_000);

  afterAll(() => gateway?.stop());

  const setup = (token: string, input: string, ...args: string[]) =>
    postern(
      ['setup', '--url', gateway.url, '--name', name, '--email', email, '--token', token, ...args],
      { POSTERN_CONFIG: join(folder, 'session.json') },
      { input },
    );

  it('makes the first administrator with the token, once', async () => {
    const token = setupToken(gateway.secretKey);
    const wrong = await setup(setupToken(randomBytes(32).toString('base64')), password, '--password-stdin');
    expect(wrong).toMatchObject({ code: 3, out: '' });
    expect(wrong.err).toContain('The setup token is not valid');
    const weak = await setup(token, 'short', '--password-stdin');
    expect(weak).toMatchObject({ code: 1, out: '' });
    expect(weak.err).toContain('at least 8 characters');
    const silent = await setup(token, '');
    expect(silent).toMatchObject({ code: 2, out: '' });
    expect(silent.err).toContain('give --password-stdin or POSTERN_PASSWORD');

    const made = await setup(token, `${password}\n`, '--password-stdin');
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(made.out).toContain(`npx postern login --url ${gateway.url} --user ${name}`);
    expect(made.out).not.toContain(password);
    const login = await postern(['whoami', '--json'], {
      POSTERN_URL: gateway.url,
      POSTERN_USER: name,
      POSTERN_PASSWORD: password,
    });
    expect(login.json()).toMatchObject({ name });

    const twice = await setup(token, password, '--password-stdin', '--json');
    expect(twice.code).toBe(1);
    expect(twice.json()).toMatchObject({ error: { message: 'There is an administrator already', status: 410 } });
  });
});
