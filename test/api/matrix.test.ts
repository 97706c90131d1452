import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { systemOperations } from '../../worker/api/index.ts';
import { columnOf, type Resource } from '../../worker/resources/define.ts';
import { resources } from '../../worker/resources/index.ts';
import { systemScopes } from '../../worker/resources/system-scopes.ts';
import { bodyOf, pathOf, tomorrow } from '../helpers/any-request.ts';
import { entityBodies, inParallel, prepareEntities } from '../helpers/entity-bodies.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Answer, type Management, manage, request } from '../helpers/management.ts';

// Every operation of the platform × who may not call it, every entity × whose it is, every column × who may not set it: all
// from the registry, so that an operation or an entity that is added is judged too.

// Hundreds of requests a test.
vi.setConfig({ testTimeout: 120_000 });

let gateway: Gateway;
let api: Management;

const password = 'correct-horse-battery';
const as = (token: string) => (method: string, path: string, body?: unknown) =>
  request(gateway, method, path, body, { headers: { Authorization: `Bearer ${token}` } });

async function login(username: string, scopes: string[]): Promise<ReturnType<typeof as>> {
  const answer = await request(gateway, 'POST', '/consumer/login', { username, password, scopes });
  expect(answer.body.token, `${username} ${scopes}: ${JSON.stringify(answer.body)}`).toBeTypeOf('string');
  return as(answer.body.token);
}

const account = (name: string) => `consumer.account.${name}`;
const guarded = systemOperations.filter(({ scope }) => scope !== null);
const idOf = async (body: Promise<{ id: string }>) => Number((await body).id);

beforeAll(async () => {
  gateway = await startGateway();
  api = await manage(gateway);
  await prepareEntities(api);
  for (const [name, roleId] of Object.entries({ dora: 3, fred: 3, bert: 2 })) {
    await api.must('POST', '/backend/user', { roleId, name, email: `${name}@example.com`, password });
  }
}, 120_000);

afterAll(() => gateway?.stop());

describe('permissions', () => {
  /** What needs no token: what everybody may read, and the ways in. */
  const open = [
    ...['activate', 'authorize', 'executePasswordReset', 'getApp', 'login', 'refresh', 'register'].map(account),
    ...[account('requestPasswordReset'), 'consumer.form.get', 'consumer.form.getAll', 'consumer.identity.exchange'],
    ...['consumer.identity.getAll', 'consumer.identity.redirect', 'consumer.page.get', 'consumer.page.getAll'],
    ...['meta.getAbout', 'system.connection.callback', 'system.generate', 'system.meta.getAbout'],
    ...['system.meta.getDebug', 'system.meta.getHealth', 'system.meta.getRoutes', 'system.meta.getSchema'],
    // A run is shown to who started it, who may have been anonymous, by an id that nobody guesses.
    ...['system.payment.webhook', 'system.run.get'],
    ...['system.run.delete', 'system.run.getAll'],
  ];

  it('are declared by every operation, and its scope exists', () => {
    const scopes = new Set(systemScopes.map(({ name }) => name));
    const public_ = systemOperations.filter(({ scope }) => scope === null).map(({ name }) => name);
    expect(public_.filter((name) => /^backend\./.test(name))).toEqual([]);
    for (const { name, scope, path } of guarded) {
      expect(scopes, `${name} needs a scope that no tenant has`).toContain(scope);
      expect(path.split('/')[1], name).toBe(scope!.split('.')[0]);
    }
    expect(public_.filter((name) => !open.includes(name))).toEqual([]);
  });

  it('are asked of who has no token: 401', async () => {
    await inParallel(guarded, async (operation) => {
      const answer = await request(gateway, operation.method, pathOf(operation), bodyOf(operation));
      expect([answer.status, answer.headers.get('www-authenticate')], operation.name).toEqual([
        401,
        expect.stringContaining('Bearer'),
      ]);
    });
  });

  it.each([
    ['no scope of the platform’s', 'admin', 'default'],
    ['another scope', 'admin', 'backend.category'],
    ['another scope of the consumer’s', 'dora', 'consumer.plan'],
    ['another role', 'dora', 'consumer'],
    ['another role in the backend', 'bert', 'backend'],
  ])('are asked of who has %s (%s, %s): 403, and nobody else', async (_who, user, scope) => {
    const call = await login(user, [scope]);
    await inParallel(guarded, async (operation) => {
      const may = operation.scope === scope || operation.scope!.split('.')[0] === scope;
      // What may be done is not done here, but for reading.
      if (may && operation.method !== 'GET') {
        return;
      }
      const { status, body, headers } = await call(operation.method, pathOf(operation), bodyOf(operation));
      if (may) {
        expect([401, 403], `${operation.name} ${status}`).not.toContain(status);
      } else {
        expect([status, body.code], operation.name).toEqual([403, 'insufficient_scope']);
        expect(headers.get('www-authenticate'), operation.name).toContain(`scope="${operation.scope}"`);
      }
    });
  });
});

describe('objects of somebody else', () => {
  it('a consumer reaches none by its id', async () => {
    const [dora, fred] = [await login('dora', ['consumer']), await login('fred', ['consumer'])];
    const { DB, LOGS } = gateway;
    const { id: user } = (await api.must('GET', '/backend/user/~dora')) as { id: number };
    const app = await idOf(
      dora('POST', '/consumer/app', { name: 'Dora', url: 'https://example.com', scopes: ['default'] }).then(okay),
    );
    await dora('POST', '/consumer/token', { name: 'script', expire: tomorrow }).then(okay);
    const row = (sql: string, db = DB) =>
      db
        .prepare(sql)
        .first<number>('id')
        .then((id) => id!);
    const date = new Date().toISOString();
    const hook = await idOf(
      dora('POST', '/consumer/webhook', {
        ...{ name: 'hook', event: 'seed-sown', endpoint: 'https://example.com' },
      }).then(okay),
    );
    const owned: Record<string, number> = {
      app,
      webhook: hook,
      deadletter: await row(
        `INSERT INTO dead_letter (kind, receiver_id, message, event, date, attempts, died)
          VALUES ('webhook', ${hook}, 'm', 'seed-sown', '${date}', 8, '${date}') RETURNING id`,
      ),
      token: await row(`SELECT id FROM token WHERE name = 'script'`),
      grant: await row(
        `INSERT INTO app_grant (user_id, app_id, allow, date) VALUES (${user}, ${app}, 1, '${date}') RETURNING id`,
      ),
      transaction: await row(
        `INSERT INTO "transaction" (user_id, plan_id, transaction_id, amount, points, insert_date)
          VALUES (${user}, 1, 't', 1, 1, '${date}') RETURNING id`,
      ),
      log: await row(
        `INSERT INTO log (user_id, category_id, ip, user_agent, method, path, response_code, execution_time, date)
          VALUES (${user}, 1, '', '', 'GET', '/', 200, 1, '${date}') RETURNING id`,
        LOGS,
      ),
    };
    const everybodys = ['agent', 'event', 'form', 'identity', 'page', 'plan', 'payment'];
    for (const operation of systemOperations.filter(({ path }) => /^\/consumer\/\w+\/[:$]/.test(path))) {
      const noun = operation.path.split('/')[2]!;
      if (everybodys.includes(noun)) {
        continue;
      }
      const id = owned[noun];
      expect(id, `${operation.name}: whose are these?`).toBeTypeOf('number');
      const path = operation.path.replace(/[:$]\w+(<[^>]*>)?/, String(id));
      const body = bodyOf(operation);
      const stranger = await fred(operation.method, path, body);
      expect([stranger.status, stranger.body.code], operation.name).toEqual([404, 'not_found']);
      if (operation.method === 'GET') {
        // 409: a webhook of the other kind has no such thing.
        expect([200, 409], operation.name).toContain((await dora('GET', path)).status);
        const list = await fred('GET', `/consumer/${noun}`);
        expect(list.body.entry, noun).toEqual([]);
      }
    }
  });

  it('a manager of another category sees, changes and deletes none', async () => {
    const { id: category } = await api.must('POST', '/backend/category', { name: 'orchard' });
    const scopes = ['backend', 'consumer', 'authorization'];
    const role = await api.must('POST', '/backend/role', { name: 'Gardener', categoryId: Number(category), scopes });
    await api.must('POST', '/backend/user', { roleId: Number(role.id), name: 'greta', password });
    const greta = await login('greta', ['backend']);
    const own = entityBodies.action!('greta');
    await greta('POST', '/backend/action', own);
    await greta('POST', '/backend/event', { name: 'greta.happened' });
    const hers = (name: string) => ({
      ...entityBodies[name]!('hers'),
      ...(name === 'operation' ? { scopes: [] } : {}),
      ...(['operation', 'cronjob', 'trigger'].includes(name) ? { action: own.name } : {}),
      ...(name === 'trigger' ? { event: 'greta.happened' } : {}),
    });
    const parted = [...resources.values()].filter(({ categorised }) => categorised !== false);
    expect(parted.map(({ name }) => name).sort()).toEqual([
      ...['action', 'agent', 'connection', 'cronjob', 'event', 'operation', 'schema', 'scope', 'trigger'],
    ]);
    await inParallel(parted, async ({ name, table }) => {
      const id = await idOf(api.must('POST', `/backend/${name}`, entityBodies[name]!('parted')));
      for (const method of ['GET', 'PUT', 'DELETE']) {
        expect((await greta(method, `/backend/${name}/${id}`, method === 'PUT' ? {} : undefined)).status, name).toBe(
          404,
        );
      }
      const listed = await greta('GET', `/backend/${name}?count=1024`);
      expect(
        listed.body.entry.filter((entry: { id: number }) => entry.id === id),
        name,
      ).toEqual([]);
      expect(await api.must('GET', `/backend/${name}/${id}`), name).toMatchObject({ id });
      // And what she makes is hers alone, and does nothing with what is not.
      if ('action' in hers(name)) {
        const borrowed = { ...hers(name), action: 'Static-seed-get' };
        expect((await greta('POST', `/backend/${name}`, borrowed)).body.message).toMatch(/^Action ".*" does not exist/);
      }
      const made = await greta('POST', `/backend/${name}`, hers(name));
      expect(made.status, `${name} ${JSON.stringify(made.body)}`).toBe(201);
      expect((await greta('GET', `/backend/${name}/${made.body.id}`)).status, name).toBe(200);
      expect((await api.call('GET', `/backend/${name}/${made.body.id}`)).status, name).toBe(404);
      expect(table).toBeDefined();
    });
    // Deleted ones stay apart in the trash, too.
    const hidden = await idOf(api.must('POST', '/backend/event', entityBodies.event!('trash')));
    await api.must('DELETE', `/backend/event/${hidden}`);
    expect((await greta('GET', '/backend/trash/event')).body.entry).toEqual([]);
    expect((await greta('POST', '/backend/trash/event', { id: hidden })).status).toBe(404);
  });

  it('another tenant’s are not there at all', async () => {
    await inParallel([...resources.values()], async (resource) => {
      const { name } = resource;
      const table = tableOf(resource);
      const id =
        name === 'config' ? 1 : await idOf(api.must('POST', `/backend/${name}`, entityBodies[name]!('tenant')));
      const { results } = await gateway.DB.prepare(`SELECT * FROM "${table}" WHERE id = ?`).bind(id).all();
      const row: Record<string, unknown> = { ...results[0], id: 900_000 + id, tenant_id: 'other' };
      if ('app_key' in row) {
        row.app_key = `other-${id}`;
      }
      const columns = Object.keys(row);
      await gateway.DB.prepare(
        `INSERT INTO "${table}" (${columns.map((column) => `"${column}"`)}) VALUES (${columns.map(() => '?')})`,
      )
        .bind(...Object.values(row))
        .run();
      for (const method of ['GET', ...(resource.verbs.includes('update') ? ['PUT'] : []), 'DELETE']) {
        if (method === 'DELETE' && !resource.verbs.includes('delete')) {
          continue;
        }
        const answer = await api.call(method, `/backend/${name}/${row.id}`, method === 'PUT' ? {} : undefined);
        expect([answer.status, answer.body.code], `${method} ${name}`).toEqual([404, 'not_found']);
      }
      const { entry } = await api.must('GET', `/backend/${name}?count=1024`);
      expect(
        entry.filter((one: { id: number }) => one.id === row.id),
        name,
      ).toEqual([]);
      const after = await gateway.DB.prepare(`SELECT * FROM "${table}" WHERE id = ?`).bind(row.id).first();
      expect(after, name).toEqual(row);
    });
  });
});

function okay(answer: Answer): any {
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
  return answer.body;
}

const tableOf = (resource: Resource) => (resource.table as any)[Symbol.for('drizzle:Name')] as string;

describe('columns that a caller may not set', () => {
  /** A value of the column's type that no row has. */
  const odd = (column: any) =>
    ({ number: 424_242, boolean: true, json: { odd: ['odd'] } })[column.dataType as string] ?? 'odd-value';

  it('stay as they are, whatever a creation or an update sends', async () => {
    await inParallel([...resources.values()], async (resource) => {
      const { name, fields } = resource;
      const table = tableOf(resource);
      const columns = (resource.table as any)[Symbol.for('drizzle:Columns')] as Record<string, any>;
      const settable = new Set(
        Object.entries(fields).flatMap(([member, field]) => (field.readonly ? [] : [member, columnOf(member)])),
      );
      const forbidden = [
        ...Object.keys(columns).flatMap((column) => [column, column.replace(/_(\w)/g, (_, a) => a.toUpperCase())]),
        ...Object.keys(fields),
      ].filter((member) => !settable.has(member));
      const intruders = Object.fromEntries(
        forbidden.map((member) => [member, odd(columns[columnOf(member)] ?? { dataType: 'string' })]),
      );
      const oddities = new Set(Object.values(intruders).map((value) => JSON.stringify(value)));
      const read = (id: number) => gateway.DB.prepare(`SELECT * FROM "${table}" WHERE id = ?`).bind(id).first();
      const clean = (row: any, when: string) => {
        for (const column of new Set(forbidden.map(columnOf).filter((column) => column in columns))) {
          const value = row[column];
          const text = typeof value === 'string' && columns[column].dataType === 'json' ? value : JSON.stringify(value);
          expect(oddities.has(text) && text !== 'true', `${name}.${column} ${when} is ${text}`).toBe(false);
        }
      };
      let id = 1;
      if (resource.verbs.includes('create')) {
        const created = await api.call('POST', `/backend/${name}`, {
          ...intruders,
          ...entityBodies[name]!('intruder'),
        });
        expect(created.status, `${name} ${JSON.stringify(created.body)}`).toBe(201);
        id = Number(created.body.id);
        clean(await read(id), 'after creation');
      }
      const before = await read(id);
      expect((await api.call('PUT', `/backend/${name}/${id}`, intruders)).status, name).toBe(200);
      expect(await read(id), `${name} after an update`).toEqual(before);
    });
  });
});

describe('lists', () => {
  it('sort by every declared column, page by what is asked for, and say where a search is wrong', async () => {
    await inParallel([...resources.values()], async (resource) => {
      const { name, fields, deleted } = resource;
      const columns = (resource.table as any)[Symbol.for('drizzle:Columns')] as Record<string, any>;
      const sortable = Object.entries(fields).filter(
        ([member, field]) => !field.hidden && !field.virtual && columns[columnOf(member)].dataType !== 'json',
      );
      const all = (await api.must('GET', `/backend/${name}?count=1024`)) as { entry: { id: number }[] };
      const seen = JSON.stringify(all.entry.map(({ id }) => id));
      const sorted = ['id', ...sortable.map(([member]) => columnOf(member))];
      for (const column of process.env.POSTERN_FULL === undefined ? sorted.filter((_, at) => at % 3 === 0) : sorted) {
        // One direction for each in the short run: the directions take turns.
        const turn = column.length % 2 === 0 ? ['asc'] : ['desc'];
        for (const order of process.env.POSTERN_FULL === undefined ? turn : ['asc', 'desc']) {
          const { results } = await gateway.DB.prepare(
            `SELECT id FROM "${tableOf(resource)}" WHERE tenant_id = '' AND status > 0 AND status <> ${deleted}
              AND id IN (SELECT value FROM json_each(?)) ORDER BY "${column}" ${order}, id ${order}`,
          )
            .bind(seen)
            .all<{ id: number }>();
          const { entry } = await api.must('GET', `/backend/${name}?count=1024&sortBy=${column}&sortOrder=${order}`);
          expect(
            entry.map(({ id }: { id: number }) => id),
            `${name} by ${column} ${order}`,
          ).toEqual(results.map(({ id }) => id));
        }
      }
      const page = await api.must('GET', `/backend/${name}?count=1&startIndex=1`);
      expect(page, name).toMatchObject({ totalResults: all.entry.length, startIndex: 1, itemsPerPage: 1 });
      expect(page.entry.map(({ id }: { id: number }) => id)).toEqual(all.entry.slice(1, 2).map(({ id }) => id));
      for (const wrong of ['count=0', 'count=1025', 'count=x', 'startIndex=-1']) {
        expect((await api.call('GET', `/backend/${name}?${wrong}`)).status, `${name}?${wrong}`).toBe(400);
      }
      const faulty = await api.call('GET', `/backend/${name}?search=${encodeURIComponent('a AND (b')}`);
      expect([faulty.status, faulty.body.message], name).toEqual([400, expect.stringContaining('character 9')]);
    });
  });
});
