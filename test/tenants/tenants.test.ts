import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemOperations } from '../../worker/api/index.ts';
import { inProcess } from '../cli/in-process.ts';
import { atHost } from '../helpers/at-host.ts';
import { canaryScanner } from '../helpers/canaries.ts';
import { inParallel } from '../helpers/entity-bodies.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Listener, startListener } from '../helpers/listener.ts';
import { type Management, manage, request } from '../helpers/management.ts';
import { canaries, loggedIn, type Made, password, plant } from './planted.ts';

// The root tenant and two others have the same names of everything. Each has a text of its own in all that can be any text, and
// sees the others' nowhere.

vi.setConfig({ testTimeout: 60_000 });

type Whose = keyof typeof canaries;
type Door = Parameters<typeof request>[0];

let gateway: Gateway;
let listener: Listener;
const doors = {} as Record<Whose, Door>;
const apis = {} as Record<Whose, Management>;
const made = {} as Record<Whose, Made>;
/** A consumer of each. */
const doras = {} as Record<Whose, Awaited<ReturnType<typeof loggedIn>>>;
const all = Object.keys(canaries) as Whose[];
const guests = ['acme', 'beta'] as const;
const hostOf = (whose: Whose) => `${whose}.example`;
/** What tables and objects carry. */
const keys = { root: '', acme: 'acme.1', beta: 'beta.2' };
const administrator = { name: 'admin', email: 'admin@example.com', password };

/** `postern tenant …` as the root tenant's administrator. */
const postern = (...words: string[]) =>
  inProcess(['tenant', ...words], {
    POSTERN_URL: gateway.url,
    POSTERN_USER: 'admin',
    POSTERN_PASSWORD: password,
  });

/** A canary of somebody else, in any form that a leak could take. */
function expectOnly(whose: Whose, place: string, text: string): void {
  const others = Object.fromEntries(Object.entries(canaries).filter(([name]) => name !== whose));
  expect(canaryScanner(others).scan(place, text), place).toEqual([]);
}

beforeAll(async () => {
  [gateway, listener] = await Promise.all([startGateway({ vars: { TRUSTED_IP_HEADER: 'X-Client' } }), startListener()]);
  listener.answer = ({ path }) => ({
    status: 200,
    headers: { 'content-type': 'application/json', 'cache-control': 'max-age=60' },
    body: JSON.stringify({ path }),
  });
  doors.root = gateway;
  apis.root = await manage(gateway);
  for (const whose of guests) {
    const door = atHost(gateway, hostOf(whose), administrator);
    await apis.root.must('PUT', `/backend/tenant/${whose}`, { hosts: [hostOf(whose)], user: administrator });
    doors[whose] = door;
    apis[whose] = await manage(door);
  }
  // All at once, so that publishers take the same ids for new rows.
  await Promise.all(
    all.map(async (whose) => {
      made[whose] = await plant(apis[whose], canaries[whose], `${listener.url}/${whose}`);
    }),
  );
}, 120_000);

afterAll(async () => {
  await gateway?.stop();
  await listener?.stop();
});

describe('what one tenant has', () => {
  it('is what it put there, and every row has an id of its own', async () => {
    for (const noun of Object.keys(made.root)) {
      const ids = all.map((whose) => made[whose][noun]!);
      expect(new Set(ids).size, noun).toBe(3);
      await inParallel(all, async (whose) => {
        const { status, body } = await apis[whose].call('GET', `/backend/${noun}/${made[whose][noun]}`);
        expect([status, body.id], `${noun} of ${whose}`).toEqual([200, made[whose][noun]]);
      });
    }
  });

  it('works for its callers alone: calls, events, triggers, cronjobs', async () => {
    for (const whose of all) {
      const stock = await request(doors[whose], 'GET', '/stock');
      expect([stock.status, stock.body]).toEqual([200, { path: `/${whose}/stock` }]);
      const told = await request(doors[whose], 'POST', '/tell', { note: canaries[whose] });
      expect(told.status).toBe(202);
      doras[whose] = await loggedIn(doors[whose], 'dora');
      expect((await doras[whose].call('GET', '/mine')).body).toEqual({ whose: canaries[whose] });
    }
    await gateway.cron();
    // Each: the call, the trigger, the cronjob; and the webhook.
    for (const whose of all) {
      const mine = await listener.wait(4, ({ path }) => path.startsWith(`/${whose}/`));
      expect(mine.map(({ path }) => path.split('?')[0]).sort()).toEqual(
        ['hook', 'stock', 'stock', 'stock'].map((end) => `/${whose}/${end}`),
      );
      for (const message of mine) {
        expectOnly(whose, `message to ${whose}`, JSON.stringify(message));
      }
      const hook = mine.find(({ path }) => path.includes('/hook'))!;
      expect(JSON.parse(hook.body)).toEqual({ note: canaries[whose] });
      expect(mine.filter(({ headers }) => headers.authorization === `Bearer ${canaries[whose]}`)).toHaveLength(3);
    }
  });

  it('is told to nobody else by anything that can be read', async () => {
    const lists = systemOperations.filter(({ method, path }) => method === 'GET' && !/[$:]/.test(path));
    const own = /^\/backend\/(\w+)\/[$:]\w+(<[^>]*>)?$/;
    const documents = ['spec-openapi', 'spec-typeapi'].map((type) => `/system/generator/${type}?filter=default`);
    const wellKnown = ['jwks.json', 'openid-configuration', 'oauth-authorization-server', 'oauth-protected-resource'];
    // One error of each, for the list of errors.
    await inParallel(all, async (whose) => {
      await apis[whose].must('PUT', `/backend/action/~Static`, { config: { response: `no JSON ${canaries[whose]}` } });
      await request(doors[whose], 'GET', `/stock/${canaries[whose]}`);
    });
    await new Promise((done) => setTimeout(done, 1_500));
    await inParallel(all, async (whose) => {
      const ones = systemOperations
        .filter(({ method, path }) => method === 'GET' && made[whose][own.exec(path)?.[1] ?? ''] !== undefined)
        .map(({ path }) => `/backend/${own.exec(path)![1]}/${made[whose][own.exec(path)![1]!]}`);
      const { entry: logs } = await apis[whose].must('GET', '/backend/log?count=100');
      const paths = [
        ...lists.map(({ path }) => path),
        ...ones,
        ...documents,
        ...wellKnown.map((name) => `/.well-known/${name}`),
        ...logs.slice(0, 3).map(({ id }: { id: number }) => `/backend/log/${id}`),
        ...['/.well-known/api-catalog', '/.well-known/security.txt', '/backend/trash/action', '/', '/unknown'],
        `/backend/webhook/${made[whose].webhook}/delivery`,
        `/backend/cronjob/${made[whose].cronjob}/run`,
        '/backend/revision/1/compare/2',
      ];
      const seen: string[] = [];
      await inParallel(paths, async (path) => {
        const paged = path.includes('?') ? path : `${path}?count=1024`;
        const answer = path.startsWith('/backend')
          ? await apis[whose].call('GET', paged)
          : path.startsWith('/consumer')
            ? await doras[whose].call('GET', path)
            : await request(doors[whose], 'GET', path);
        expect(answer.status, path).not.toBe(500);
        const text = JSON.stringify([answer.body, [...answer.headers]]);
        expectOnly(whose, `${path} of ${whose}`, text);
        seen.push(text);
      });
      const exported = await apis[whose].must('POST', '/backend/backup/export', {});
      const deployed = await apis[whose].must('GET', '/backend/deploy');
      expectOnly(whose, `export of ${whose}`, JSON.stringify([exported, deployed]));
      seen.push(exported.export);
      // What is looked through is not empty.
      const texts = seen.join('\n');
      expect(texts.split(canaries[whose]).length, whose).toBeGreaterThan(100);
      expect(logs.length, whose).toBeGreaterThan(3);
    });
  });

  it('cannot be reached by its ids at the host of another: 404, and it stays as it was', async () => {
    const { body: before } = await apis.beta.call('GET', '/backend/deploy');
    const route = /^\/backend\/(\w+)\/[$:](\w+)_id(<[^>]*>)?(\/.*)?$/;
    const foreign = systemOperations.filter(({ path }) => {
      const [, noun, parameter, , rest = ''] = route.exec(path) ?? [];
      return noun === parameter && made.beta[noun ?? ''] !== undefined && !/[$:]/.test(rest);
    });
    expect(foreign.length).toBeGreaterThan(60);
    await inParallel(foreign, async ({ name, method, path }) => {
      const [, noun = '', , , rest = ''] = route.exec(path)!;
      const body = method === 'GET' || method === 'DELETE' ? undefined : { id: made.beta[noun], request: {}, upTo: 1 };
      const answer = await apis.acme.call(method, `/backend/${noun}/${made.beta[noun]}${rest}`, body);
      expectOnly('acme', name, JSON.stringify(answer.body));
      if (rest === '') {
        expect([answer.status, answer.body.code], name).toEqual([404, 'not_found']);
      }
      // What is not built answers 503, and a body is judged before the object is looked for.
      expect([400, 404, 503], `${name} ${JSON.stringify(answer.body)}`).toContain(answer.status);
    });
    for (const noun of ['action', 'event', 'user', 'connection']) {
      const { status } = await apis.acme.call('POST', `/backend/trash/${noun}`, { id: made.beta[noun] });
      expect([400, 404], noun).toContain(status);
    }
    // Nor can it be referred to.
    const { role, event, operation, user } = made.beta;
    const references: [string, object][] = [
      ['user', { name: 'mallory', email: 'm@example.com', roleId: role, password }],
      ['app', { name: 'app', userId: user, url: '', scopes: [] }],
      ['form', { name: 'form', operationId: operation }],
      ['webhook', { name: 'hook2', eventId: event, userId: made.acme.user, endpoint: 'https://example.com' }],
      ['scope', { name: 'thief', operations: [{ operationId: operation }] }],
    ];
    for (const [noun, body] of references) {
      expect((await apis.acme.call('POST', `/backend/${noun}`, body)).status, noun).toBe(400);
    }
    expect((await apis.beta.call('GET', '/backend/deploy')).body).toEqual(before);
  });

  it('is kept in rows, objects and backups of its own', async () => {
    for (const database of [gateway.DB, gateway.LOGS]) {
      const tables = await database
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND instr(sql, 'tenant_id') > 0")
        .all<{ name: string }>();
      for (const { name } of tables.results) {
        for (const whose of all) {
          const { results } = await database
            .prepare(`SELECT * FROM "${name}" WHERE tenant_id = ?`)
            .bind(keys[whose])
            .all();
          expectOnly(whose, `table ${name}`, JSON.stringify(results));
        }
      }
    }
    const long = "'2020-01-01T00:00:00.000Z'";
    for (const [position, whose] of all.entries()) {
      const at = `'${keys[whose]}'`;
      await gateway.DB.batch(
        [
          `upload (tenant_id, id, part, body, created) VALUES (${at}, 'old', 1, x'00', ${long})`,
          `token (tenant_id, user_id, jti, scopes, expire, date) VALUES (${at}, ${position}, 'old-${whose}', '[]', ${long}, ${long})`,
          `dead_letter (tenant_id, kind, receiver_id, message, event, date, attempts, died) VALUES (${at}, 'webhook', 1, 'old', 'old', ${long}, 1, ${long})`,
        ].map((values) => gateway.DB.prepare(`INSERT INTO ${values}`)),
      );
    }
    const night = Math.floor(Date.now() / 86_400_000) * 86_400_000 - 21 * 3_600_000;
    // Each is backed up in a minute of its own.
    await gateway.cron(night + 60_000);
    const { keys: kept } = await gateway.CONTENT.list({ prefix: 'backup/' });
    expect(kept.map(({ name }) => name)).toEqual([expect.stringMatching(/^backup\/acme\.1\//)]);
    expectOnly('acme', 'backup', (await gateway.CONTENT.get(kept[0]!.name))!);
    for (const whose of all) {
      const made = whose === 'acme' ? ['backup', 'letters', 'retention', 'runs', 'tokens', 'uploads'] : [];
      expect((await apis[whose].must('GET', '/backend/backup')).entry).toHaveLength(made.length > 0 ? 1 : 0);
      const { entry } = await apis[whose].must('GET', '/backend/job');
      expect(entry.map(({ name }: { name: string }) => name).sort(), whose).toEqual(made);
    }
    // What cleans up for one leaves the others' alone.
    for (const [table, old] of Object.entries({ upload: 'created', token: 'expire', dead_letter: 'died' })) {
      const { results } = await gateway.DB.prepare(`SELECT tenant_id FROM ${table} WHERE ${old} = ${long}`).all();
      expect(results.map(({ tenant_id }) => tenant_id).sort(), table).toEqual([keys.root, keys.beta]);
      await gateway.DB.exec(`DELETE FROM ${table} WHERE ${old} = ${long}`);
    }
    // A sealed secret opens in its tenant only.
    const { export: text } = await apis.beta.must('POST', '/backend/backup/export', {});
    const taken = await apis.acme.must('POST', '/backend/backup/import', { import: text, plan: true });
    expect(taken.logs.join('\n')).toContain('was sealed elsewhere');
  });
});

describe('limits and tokens', () => {
  it('one tenant’s exhausted rate and rules are not the other’s', async () => {
    const statuses = async (whose: Whose) =>
      (await Promise.all(Array.from({ length: 5 }, () => request(doors[whose], 'GET', '/limited')))).map(
        ({ status }) => status,
      );
    expect((await statuses('acme')).filter((status) => status === 429)).toHaveLength(2);
    expect((await statuses('beta')).filter((status) => status === 429)).toHaveLength(2);
    const { id } = await apis.beta.must('POST', '/backend/firewall', {
      name: 'Ourselves',
      type: 0,
      ip: '192.0.2.0/24',
    });
    const from = async (whose: Whose) => {
      const { status } = await request(doors[whose], 'GET', '/stock', undefined, {
        headers: { 'X-Client': '192.0.2.7' },
      });
      return status;
    };
    expect(await Promise.all(all.map(from))).toEqual([200, 200, 403]);
    await apis.beta.must('DELETE', `/backend/firewall/${id}`);
    expect(await from('beta')).toBe(200);
  });

  it('failed logins at one tenant let nobody wait at another', async () => {
    const limiter = (await gateway.mf.getDurableObjectNamespace('LIMITER')) as any;
    const ip = '192.0.2.50';
    // As many failures from one address as are let through: hashing passwords for them would only take time.
    const guard = limiter.getByName(`login:${keys.acme}:address:${ip}`);
    await Promise.all(
      Array.from({ length: 110 }, () => guard.attempt({ free: 1000, first: 1, longest: 1, memory: 3600 })),
    );
    const headers = { 'X-Client': ip };
    const login = async (whose: Whose) =>
      (await request(doors[whose], 'POST', '/consumer/login', { username: 'dora', password }, { headers })).status;
    expect(await Promise.all(all.map(login))).toEqual([200, 429, 200]);
  });

  it('a token is good at the hosts of its tenant only, whatever it is', async () => {
    const form = 'application/x-www-form-urlencoded';
    for (const whose of all) {
      for (const other of all.filter((one) => one !== whose)) {
        const headers = { Authorization: `Bearer ${apis[whose].token}` };
        for (const path of ['/backend/action', '/mine', '/authorization/whoami']) {
          const { status } = await request(doors[other], 'GET', path, undefined, { headers });
          expect(status, `${path} of ${other} with a token of ${whose}`).toBe(401);
        }
      }
    }
    const renewal = { refresh_token: doras.acme.refreshToken };
    expect((await request(doors.beta, 'PUT', '/consumer/login', renewal)).status).toBeGreaterThanOrEqual(400);
    expect((await request(doors.acme, 'PUT', '/consumer/login', renewal)).status).toBe(200);
    const { appKey, appSecret } = await apis.acme.must('GET', `/backend/app/${made.acme.app}`);
    const headers = { 'Content-Type': form, Authorization: `Basic ${btoa(`${appKey}:${appSecret}`)}` };
    const grant = (door: Door) =>
      request(door, 'POST', '/authorization/token', 'grant_type=client_credentials', { headers });
    expect((await grant(doors.acme)).status).toBe(200);
    expect([400, 401]).toContain((await grant(doors.root)).status);
    const {
      keys: [mine],
    } = (await request(doors.acme, 'GET', '/.well-known/jwks.json')).body;
    const {
      keys: [theirs],
    } = (await request(doors.beta, 'GET', '/.well-known/jwks.json')).body;
    expect(mine.kid).not.toBe(theirs.kid);
    const { issuer } = (await request(doors.acme, 'GET', '/.well-known/openid-configuration')).body;
    expect(issuer).toBe('http://acme.example');
  });

  it('tables of its own a tenant has only where a database is bound for it', async () => {
    expect((await request(doors.root, 'GET', '/rows')).status).toBe(200);
    const { status, body } = await request(doors.acme, 'GET', '/rows');
    expect([status, body.message]).toEqual([503, expect.stringContaining('DATA_acme')]);
  });
});

describe('management', () => {
  it('is the root tenant’s administrators’ alone', async () => {
    expect((await apis.root.must('GET', '/backend/tenant')).entry).toMatchObject([
      { name: 'acme', hosts: ['acme.example'] },
      { name: 'beta', hosts: ['beta.example'] },
    ]);
    for (const [method, path] of [
      ['GET', '/backend/tenant'],
      ['GET', '/backend/tenant/beta'],
      ['PUT', '/backend/tenant/beta'],
      ['PUT', '/backend/tenant/gamma'],
      ['DELETE', '/backend/tenant/beta'],
    ] as const) {
      expect((await apis.acme.call(method, path, method === 'PUT' ? {} : undefined)).status, path).toBe(403);
    }
    const { id: roleId } = await apis.root.must('GET', '/backend/role/~Backend');
    await apis.root.must('POST', '/backend/user', { name: 'bert', email: 'bert@example.com', roleId, password });
    const bert = await loggedIn(doors.root, 'bert');
    expect((await bert.call('PUT', '/backend/tenant/gamma', {})).status).toBe(403);
    expect((await bert.call('DELETE', '/backend/tenant/beta')).status).toBe(403);
  });

  it('refuses hosts that are none, taken or our own, and names that are none', async () => {
    const own = new URL(gateway.url).hostname;
    for (const [name, hosts, pointer] of [
      ['gamma', ['acme.example'], '/hosts/0'],
      ['gamma', ['gamma.example', 'ACME.Example.'], '/hosts/1'],
      ['gamma', ['gamma.example:8080'], '/hosts/0'],
      ['gamma', ['gamma/example'], '/hosts/0'],
      ['gamma', [own], '/hosts/0'],
      ['no.dots', ['gamma.example'], '/name'],
      ['ab', ['gamma.example'], '/name'],
    ] as const) {
      const { status, body } = await apis.root.call('PUT', `/backend/tenant/${name}`, { hosts });
      expect([status, body.errors?.[0]?.pointer], `${name} ${hosts}`).toEqual([400, pointer]);
    }
    expect((await apis.root.call('GET', '/backend/tenant/gamma')).status).toBe(404);
    expect((await apis.root.call('DELETE', '/backend/tenant/gamma')).status).toBe(404);
  });

  it('gives hosts and takes them back, by any spelling, and a roll back of the configuration does not touch them', async () => {
    const at = (host: string) => atHost(gateway, host, administrator);
    await apis.root.must('PUT', '/backend/tenant/acme', { hosts: ['acme.example', 'Shop.Acme.Example'] });
    for (const host of ['shop.acme.example', 'SHOP.acme.example:8080', 'shop.acme.example.']) {
      expect((await request(at(host), 'GET', '/system/about')).body.title, host).toBe(canaries.acme);
    }
    expect((await request(at('elsewhere.example'), 'GET', '/system/about')).body.title).toBe(canaries.root);
    const { entry } = await apis.root.must('GET', '/backend/revision');
    await apis.root.must('PUT', '/backend/tenant/acme', { hosts: ['acme.example'] });
    expect((await request(at('shop.acme.example'), 'GET', '/system/about')).body.title).toBe(canaries.root);
    await apis.root.must('POST', `/backend/revision/${entry[0].revision}/rollback`, {});
    await apis.root.must('POST', '/backend/revision/1/rollback', { plan: true });
    expect((await request(at('shop.acme.example'), 'GET', '/system/about')).body.title).toBe(canaries.root);
    expect((await request(at('acme.example'), 'GET', '/system/about')).body.title).toBe(canaries.acme);
  });

  it('the command line sets one up; without an administrator it waits for who has its setup token', async () => {
    const made = await postern('setup', 'gamma', '--host', 'Gamma.Example');
    const [, url, setupToken] = /npx postern setup --url (\S+) --token (\S+)/.exec(made.out) ?? [];
    expect(url).toBe(`http://Gamma.Example:${new URL(gateway.url).port}`);
    const door = atHost(gateway, 'gamma.example', administrator);
    const owner = { name: 'owner', email: 'owner@example.com', password };
    expect((await request(doors.root, 'POST', '/system/setup', { token: setupToken, ...owner })).status).toBe(403);
    expect((await request(door, 'POST', '/system/setup', { token: 'ab', ...owner })).status).toBe(403);
    expect((await request(door, 'POST', '/system/setup', { token: setupToken, ...owner })).status).toBe(201);
    const again = await apis.root.must('PUT', '/backend/tenant/gamma', {});
    expect(again).toEqual({ success: true, message: 'Tenant successfully updated', id: '3' });
    expect((await apis.root.call('PUT', '/backend/tenant/gamma', { user: owner })).status).toBe(410);
    expect((await postern('get', 'gamma')).out).toContain('  - gamma.example\n');
    const refused = await postern('setup', 'delta', '--host', 'delta.example,acme.example');
    expect([refused.code, refused.err]).toEqual([
      1,
      expect.stringMatching(/--host.*"acme.example" belongs to "acme"/s),
    ]);
  });

  it('a removed tenant is gone with all that it had, and who gets its name meets nothing of it', async () => {
    const token = apis.beta.token;
    const gone = await postern('remove', 'beta', '--yes');
    expect([gone.code, gone.out]).toEqual([0, 'Tenant successfully removed: beta\n']);
    for (const path of ['/stock', '/backend/action', '/.well-known/jwks.json', '/robots.txt', '/system/health']) {
      const { status, body } = await request(doors.beta, 'GET', path);
      expect([status, body.code], path).toEqual([410, 'deleted']);
    }
    expect((await request(doors.acme, 'GET', '/stock')).status).toBe(200);
    const first = await apis.root.must('PUT', '/backend/tenant/beta', { hosts: ['beta.example'], user: administrator });
    expect(first.id).toBe('4');
    const headers = { Authorization: `Bearer ${token}` };
    expect((await request(doors.beta, 'GET', '/backend/action', undefined, { headers })).status).toBe(401);
    const fresh = await manage(atHost(gateway, 'beta.example', administrator));
    expect((await fresh.must('GET', '/backend/operation')).totalResults).toBe(0);
    expect((await fresh.must('GET', '/backend/backup')).entry).toEqual([]);
    expect((await request(doors.beta, 'GET', '/stock')).status).toBe(404);
    const removed = new Date(Date.now() - 3_600_000).toISOString();
    await gateway.DB.prepare('UPDATE tenant SET removed = ? WHERE id = 2').bind(removed).run();
    listener.received.length = 0;
    await gateway.cron();
    expect(await gateway.DB.prepare('SELECT purged IS NOT NULL AS done FROM tenant WHERE id = 2').first('done')).toBe(
      1,
    );
    const scanner = canaryScanner({ beta: canaries.beta });
    await scanner.scanGateway(gateway);
    const sightings = scanner.sightings().filter(({ place }) => place !== 'console');
    expect(sightings).toEqual([]);
    expect(listener.received.filter(({ path }) => path.startsWith('/beta'))).toEqual([]);
    expect((await apis.root.must('GET', '/backend/job?name=tenants')).entry[0].rows).toBeGreaterThan(100);
  });
});
