import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Management, manage } from '../helpers/management.ts';

let gateway: Gateway;
let api: Management;

/** One entity with a body that is right, one member changed, and bodies that are refused with the message's beginning. */
interface Entity {
  title: string;
  body: Record<string, unknown>;
  /** What `~name` stands for. */
  named?: string;
  change: Record<string, unknown>;
  refused: [Record<string, unknown>, string][];
  /** Null when names may repeat. */
  clash: string | null;
  /** What the entity view must show of the body, where it is not the body itself. */
  shown?: Record<string, unknown>;
}

const entities: Record<string, Entity> = {
  category: {
    title: 'Category',
    body: { name: 'orchard' },
    change: { name: 'orchard-two' },
    refused: [
      [{ name: 'x y' }, 'Invalid category name'],
      [{ name: 'ab' }, 'Invalid category name'],
      [{}, 'Category name must not be empty'],
    ],
    clash: 'Category already exists',
  },
  plan: {
    title: 'Plan',
    body: { name: 'Plan A', price: 39.99, points: 500, period: 1, scopes: ['default'], externalId: 'price_1' },
    change: { price: 0.07 },
    refused: [
      [{ name: 'p', price: -1 }, '/price'],
      [{ name: 'p', price: 1.005 }, '/price must not have more than two decimals'],
      [{ name: 'p', period: 2 }, '/period'],
      [{ name: 'p', scopes: ['nowhere'] }, 'Provided scope "nowhere" does not exist'],
      [{ name: '' }, 'Invalid plan name'],
    ],
    clash: 'Plan already exists',
  },
  event: {
    title: 'Event',
    body: { name: 'seed-sown', description: 'A seed was sown', schema: 'schema://Passthru' },
    change: { description: 'Sown' },
    refused: [
      [{ name: 'seed sown' }, 'Invalid event name'],
      [{ name: 'seeds', schema: 'schema://Nowhere' }, 'Schema "schema://Nowhere" does not exist'],
      [{ name: 'seeds', description: 'x'.repeat(256) }, '/description'],
    ],
    clash: 'Event already exists',
  },
  cronjob: {
    title: 'Cronjob',
    body: { name: 'Seed-Cron', cron: '0 0 1 1 *', action: 'action://Seed' },
    change: { cron: '@yearly' },
    refused: [
      [{ name: 'Cron', cron: 'often', action: 'Seed' }, 'often is not a valid CRON expression'],
      [{ name: 'Cron', cron: '61 * * * *', action: 'Seed' }, '61 * * * * is not a valid CRON expression'],
      [{ name: 'Cron', cron: '0 0 30 2 *', action: 'Seed' }, '0 0 30 2 * is not a valid CRON expression'],
      [{ name: 'Cron', cron: '* * * * * *', action: 'Seed' }, '* * * * * * is not a valid CRON expression'],
      [{ name: 'Cron', cron: '* * * * *', action: 'Nowhere' }, 'Action "action://Nowhere" does not exist'],
      [{ name: 'Cron', action: 'Seed' }, 'Cronjob expression must not be empty'],
    ],
    clash: 'Cronjob already exists',
  },
  trigger: {
    title: 'Trigger',
    body: { name: 'Seed-Trigger', event: 'fusio.app.create', action: 'action://Seed' },
    change: { event: 'fusio.app.update' },
    refused: [
      [{ name: 'Trigger', action: 'Seed' }, 'Event must not be empty'],
      [{ name: 'Trigger', event: 'fusio.app.create' }, 'Action must not be empty'],
      [
        { name: 'Trigger', event: 'nowhere', action: 'Seed' },
        'Event "nowhere" does not exist, you need to provide an existing event name as value',
      ],
      [{ name: 'Trigger', event: 'fusio.app.create', action: 'Nowhere' }, 'Action "action://Nowhere" does not exist'],
    ],
    clash: 'Trigger already exists',
  },
  page: {
    title: 'Page',
    body: { title: 'Ça va, Größe?', content: '<p>Text</p>', status: 2 },
    named: 'ca-va-große',
    change: { content: 'Other' },
    refused: [
      [{ title: '' }, '/title'],
      [{ title: '???' }, 'The title or slug of a page must contain a letter or digit'],
      [{ title: 'T', status: 3 }, '/status'],
    ],
    clash: 'Page already exists',
    shown: { slug: 'ca-va-große', status: 2, content: '<p>Text</p>' },
  },
  firewall: {
    title: 'Firewall',
    body: { name: 'no-spam', type: 0, ip: '2001:0db8:85a3::0370:7344', expire: '2030-01-01T00:00:00Z' },
    change: { ip: '192.0.2.1' },
    refused: [
      [{ name: 'rule', type: 0, ip: '1.2.3' }, 'Firewall IP must be a valid IPv4 or IPv6'],
      [{ name: 'rule', type: 0, ip: '10.0.0.0/33' }, 'Firewall IP must be a valid IPv4 or IPv6'],
      [{ name: 'rule', type: 0, ip: 'fe80::1%eth0' }, 'Firewall IP must be a valid IPv4 or IPv6'],
      [{ name: 'rule', type: 2, ip: '1.2.3.4' }, '/type'],
      [{ name: 'rule', ip: '1.2.3.4', expire: 'tomorrow' }, '/expire'],
    ],
    clash: 'Firewall already exists',
  },
  identity: {
    title: 'Identity',
    body: {
      name: 'GitHub',
      class: 'Fusio.Impl.Provider.Identity.Github',
      config: { client_id: 'id', client_secret: 'very-secret', token_uri: 'https://github.com/token' },
      allowCreate: false,
    },
    change: { icon: 'bi-github' },
    refused: [
      [{ name: 'Other', class: 'Nowhere' }, 'Provided an invalid identity class'],
      [
        { name: 'Other', class: 'Fusio.Impl.Provider.Identity.Google', config: { token_uri: 'javascript:1' } },
        '/config/token_uri must be an url',
      ],
      [{ name: 'Other', class: 'Fusio.Impl.Provider.Identity.Google', appId: 999 }, 'Provided app does not exist'],
      [{ name: 'Other', class: 'Fusio.Impl.Provider.Identity.Google', roleId: 999 }, 'Provided role does not exist'],
    ],
    clash: 'Identity already exists',
    shown: {
      config: { client_id: 'id', client_secret: '********', token_uri: 'https://github.com/token' },
      allowCreate: false,
    },
  },
  taxonomy: {
    title: 'Taxonomy',
    body: { name: 'feature_a' },
    change: { name: 'feature_z' },
    refused: [
      [{}, 'Taxonomy name must not be empty'],
      [{ name: 'x', parentId: 999 }, 'Parent taxonomy does not exist'],
      [{ name: 'x', operations: [999] }, 'Provided an invalid operation id: 999'],
    ],
    clash: 'Taxonomy already exists',
  },
  bundle: {
    title: 'Bundle',
    body: { name: 'Test-Bundle', version: '0.1.0', summary: 'Test', cost: 16, config: { actions: ['1'] } },
    change: { version: '0.2.0' },
    refused: [
      [{}, 'Bundle name must not be empty'],
      [{ name: 'Other', version: '1.0.0' }, 'Bundle config must not be empty'],
      [{ name: 'Other', config: { actions: ['1'] } }, 'Provided no bundle version'],
      [{ name: 'Other', version: '1.0.0', config: { actions: [] } }, 'Bundle config must have at least one entry'],
      [{ name: 'Other', version: 'new', config: { actions: ['1'] } }, 'Invalid version'],
      [{ name: 'Other', version: '1.0.0', config: { actions: ['999'] } }, 'Provided action 999 does not exist'],
      [
        { name: 'Other', version: '1.0.0', config: { users: ['1'] } },
        'Provided an invalid config key users must be one of: actions, schemas, events, cronjobs, triggers',
      ],
    ],
    clash: 'Bundle already exists',
  },
  agent: {
    title: 'Agent',
    body: { name: 'helper', type: 0, public: true, connection: 1, tools: ['seeds_get'], temperature: 0.5 },
    change: { introduction: 'Be kind' },
    refused: [
      [{ name: 'a_b_c' }, 'Invalid agent name'],
      [{}, 'Agent name must not be empty'],
      [{ name: 'other', connection: 999 }, 'Provided connection is not available'],
      [{ name: 'other', type: 9 }, '/type'],
      [{ name: 'other', outgoing: 'schema://Nowhere' }, 'Outgoing schema "schema://Nowhere" does not exist'],
    ],
    clash: 'Agent already exists',
  },
  form: {
    title: 'Form',
    body: { name: 'my_form', operationId: 1, uiSchema: { 'ui:order': ['a'] } },
    change: { uiSchema: {} },
    refused: [
      [{ name: 'other', operationId: 999 }, 'Provided operation id does not exist'],
      [{ name: 'other' }, 'Form operation id must not be empty'],
    ],
    clash: 'Form already exists',
  },
  webhook: {
    title: 'Webhook',
    body: { name: 'ping', eventId: 1, userId: 1, endpoint: 'https://example.com/ping' },
    change: { endpoint: 'https://example.com/pong' },
    refused: [
      [{ name: 'p', eventId: 999, userId: 1, endpoint: 'https://example.com' }, 'Webhook event does not exist'],
      [{ name: 'p', eventId: 1, userId: 999, endpoint: 'https://example.com' }, 'Webhook user does not exist'],
      [{ name: 'p', eventId: 1, userId: 1, endpoint: 'ftp://example.com' }, 'Webhook endpoint must be a valid url'],
      [{ name: 'p', eventId: 1, userId: 1, endpoint: '' }, 'Webhook endpoint must contain a value'],
      [{ name: 'p', userId: 1, endpoint: 'https://example.com' }, 'Webhook event must not be empty'],
      [{ name: 'p', eventId: 1, endpoint: 'https://example.com' }, 'Webhook user must not be empty'],
      [{ name: 'x'.repeat(33), eventId: 1, userId: 1, endpoint: 'https://example.com' }, 'Invalid webhook name'],
    ],
    clash: null,
  },
};

beforeAll(async () => {
  gateway = await startGateway();
  api = await manage(gateway);
  await api.must('POST', '/backend/action', {
    name: 'Seed',
    class: 'Fusio.Adapter.Util.Action.UtilStaticResponse',
    config: { response: '{}' },
  });
  await api.must('POST', '/backend/operation', {
    name: 'seeds.get',
    httpMethod: 'GET',
    httpPath: '/seeds',
    action: 'action://Seed',
    scopes: [],
  });
});

afterAll(() => gateway?.stop());

describe.each(Object.entries(entities))('%s', (name, entity) => {
  const path = `/backend/${name}`;
  const key = entity.named ?? String(entity.body.name);
  let id: string;

  it('is created with what was said', async () => {
    const created = await api.call('POST', path, entity.body);
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({ success: true, message: `${entity.title} successfully created` });
    id = created.body.id;
    expect(id).toMatch(/^[0-9]+$/);
    const read = await api.must('GET', `${path}/${id}`);
    expect(read).toMatchObject({ id: Number(id), ...(entity.shown ?? entity.body) });
    expect(await api.must('GET', `${path}/~${encodeURIComponent(key)}`)).toEqual(read);
  });

  it.each(entity.refused)('refuses %j', async (body, message) => {
    const answer = await api.call('POST', path, body);
    expect(answer.status).toBe(400);
    expect(answer.body.message).toContain(message);
    expect(answer.body.errors[0].pointer).toMatch(/^\//);
  });

  it(entity.clash === null ? 'may share its name' : 'is one of its name', async () => {
    const answer = await api.call('POST', path, entity.body);
    if (entity.clash !== null) {
      expect(answer).toMatchObject({ status: 400, body: { message: entity.clash } });
      return;
    }
    expect(answer.status).toBe(201);
    await api.must('DELETE', `${path}/${answer.body.id}`);
  });

  it('changes in what is said and keeps the rest', async () => {
    const before = await api.must('GET', `${path}/${id}`);
    const answer = await api.call('PUT', `${path}/${id}`, entity.change);
    expect(answer).toMatchObject({ status: 200, body: { message: `${entity.title} successfully updated`, id } });
    expect(await api.must('GET', `${path}/${id}`)).toMatchObject({ ...before, ...entity.change });
  });

  it('takes itself back as it was read', async () => {
    const read = await api.must('GET', `${path}/${id}`);
    await api.must('PUT', `${path}/${id}`, { ...read, id: 999, status: read.status, nothing: 'of ours' });
    expect(await api.must('GET', `${path}/${id}`)).toEqual(read);
  });

  it('is gone after its deletion, and its name is free', async () => {
    const read = await api.must('GET', `${path}/${id}`);
    expect(await api.call('DELETE', `${path}/${id}`)).toMatchObject({
      status: 200,
      body: { message: `${entity.title} successfully deleted`, id },
    });
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const answer = await api.call(method, `${path}/${id}`, method === 'PUT' ? {} : undefined);
      expect(answer).toMatchObject({ status: 410, body: { message: `${entity.title} was deleted` } });
    }
    const listed = await api.must('GET', `${path}?count=1024`);
    expect(listed.entry.map((entry: { id: number }) => entry.id)).not.toContain(Number(id));
    expect((await api.call('POST', path, { ...entity.body, ...(read.name ? { name: read.name } : {}) })).status).toBe(
      201,
    );
    expect((await api.call('GET', `${path}/99999999`)).body.message).toBe(`Could not find ${name}`);
  });
});

describe('trash', () => {
  it('brings back what was deleted, under its old id', async () => {
    const { types } = await api.must('GET', '/backend/trash');
    expect(types).toContain('event');
    const { id } = await api.must('POST', '/backend/event', { name: 'back-again', description: 'kept' });
    await api.must('DELETE', `/backend/event/${id}`);
    const listed = await api.must('GET', '/backend/trash/event?search=back');
    expect(listed.entry).toContainEqual({ id: Number(id), status: 0, name: 'back-again' });
    expect(await api.must('POST', '/backend/trash/event', { id: Number(id) })).toMatchObject({
      success: true,
      message: 'Restore successful',
    });
    expect(await api.must('GET', `/backend/event/${id}`)).toMatchObject({ name: 'back-again', description: 'kept' });
    expect((await api.must('GET', '/backend/trash/event?search=back')).entry).toEqual([]);
  });

  it('brings back live data too', async () => {
    const { id } = await api.must('POST', '/backend/page', { title: 'Come back' });
    await api.must('DELETE', `/backend/page/${id}`);
    await api.must('POST', '/backend/trash/page', { id: Number(id) });
    expect(await api.must('GET', '/backend/page/~come-back')).toMatchObject({ id: Number(id), status: 1 });
  });

  it('does not bring back what has lost its name', async () => {
    const { id } = await api.must('POST', '/backend/event', { name: 'taken-name' });
    await api.must('DELETE', `/backend/event/${id}`);
    await api.must('POST', '/backend/event', { name: 'taken-name' });
    const answer = await api.call('POST', '/backend/trash/event', { id: Number(id) });
    expect(answer).toMatchObject({ status: 400, body: { message: 'Event already exists' } });
  });

  it('knows its types and ids', async () => {
    expect((await api.call('GET', '/backend/trash/config')).status).toBe(400);
    expect((await api.call('POST', '/backend/trash/event', { id: 99999 })).status).toBe(404);
  });
});

describe('taxonomy', () => {
  it('holds what is moved to it, finds it again, and gives it upward when it goes', async () => {
    const top = Number((await api.must('POST', '/backend/taxonomy', { name: 'top' })).id);
    const below = Number((await api.must('POST', '/backend/taxonomy', { name: 'below', parentId: top })).id);
    const moved = await api.must('POST', `/backend/taxonomy/${below}`, { operations: [1], actions: [1] });
    expect(moved.message).toBe('Moved objects to taxonomy successfully');
    expect((await api.must('GET', `/backend/operation?taxonomy=${below}`)).totalResults).toBe(1);
    expect((await api.must('GET', `/backend/action?search=taxonomy_id:${below}`)).totalResults).toBe(1);
    expect((await api.must('GET', `/backend/operation?taxonomy=${top}`)).totalResults).toBe(0);
    await api.must('DELETE', `/backend/taxonomy/${below}`);
    expect((await api.must('GET', `/backend/operation?taxonomy=${top}`)).totalResults).toBe(1);
  });

  it('is a tree', async () => {
    const one = Number((await api.must('POST', '/backend/taxonomy', { name: 'one' })).id);
    const two = Number((await api.must('POST', '/backend/taxonomy', { name: 'two', parentId: one })).id);
    const answer = await api.call('PUT', `/backend/taxonomy/${one}`, { parentId: two });
    expect(answer).toMatchObject({ status: 400, body: { message: 'A node cannot be below itself' } });
  });
});

describe('what every tenant starts with', () => {
  it('has Fusio’s categories, events and pages', async () => {
    const categories = await api.must('GET', '/backend/category?count=100&search=id<6');
    const names = Object.fromEntries(categories.entry.map((entry: any) => [entry.id, entry.name]));
    expect(names).toMatchObject({ 1: 'default', 2: 'backend', 3: 'consumer', 4: 'system', 5: 'authorization' });
    const events = await api.must('GET', '/backend/event?count=1024&search=fusio.');
    expect(events.totalResults).toBe(69);
    expect(events.entry.map((entry: any) => entry.name)).toContain('fusio.operation.create');
    const overview = await api.must('GET', '/backend/page/~overview');
    expect(overview).toMatchObject({ id: 1, status: 2, title: 'Overview' });
  });

  it('keeps its categories', async () => {
    expect((await api.call('DELETE', '/backend/category/1')).status).toBe(400);
    expect((await api.call('PUT', '/backend/category/2', { name: 'other' })).status).toBe(400);
  });
});

describe('secrets of identities', () => {
  it('are kept when they come back masked, and never leave', async () => {
    const body = {
      name: 'Sealed',
      class: 'Fusio.Impl.Provider.Identity.Google',
      config: { client_id: 'a', client_secret: 'top-secret-value' },
    };
    const { id } = await api.must('POST', '/backend/identity', body);
    const before = await gateway.DB.prepare('SELECT config FROM identity WHERE id = ?').bind(Number(id)).first<any>();
    expect(before.config).not.toContain('top-secret-value');
    await api.must('PUT', `/backend/identity/${id}`, { config: { client_id: 'b', client_secret: '********' } });
    const after = await gateway.DB.prepare('SELECT config FROM identity WHERE id = ?').bind(Number(id)).first<any>();
    expect(JSON.parse(after.config).client_secret).toEqual(JSON.parse(before.config).client_secret);
    const exported = await api.call('GET', '/backend/deploy');
    expect(JSON.stringify(exported.body)).not.toContain('$sealed');
  });
});

describe('plans', () => {
  it('are stored in cents and shown in decimals, also in a deployment', async () => {
    const { id } = await api.must('POST', '/backend/plan', { name: 'Cents', price: 19.99 });
    const row = await gateway.DB.prepare('SELECT price FROM plan WHERE id = ?').bind(Number(id)).first<any>();
    expect(row.price).toBe(1999);
    await api.must('PUT', `/backend/plan/${id}`, { points: 3 });
    expect(await api.must('GET', `/backend/plan/${id}`)).toMatchObject({ price: 19.99, points: 3 });
    const listed = await api.must('GET', '/backend/plan?search=Cents');
    expect(listed.entry[0].price).toBe(19.99);
  });

  it('give their scopes to who has them', async () => {
    await api.must('POST', '/backend/scope', { name: 'plan_scope', description: '' });
    const plan = await api.must('POST', '/backend/plan', { name: 'With scope', scopes: ['plan_scope'] });
    await api.must('POST', '/backend/user', {
      roleId: 3,
      planId: Number(plan.id),
      name: 'subscriber',
      email: 'subscriber@example.com',
      password: 'correct-horse-battery',
    });
    const login = await api.call('POST', '/consumer/login', {
      username: 'subscriber',
      password: 'correct-horse-battery',
    });
    expect(login.body.scope.split(',')).toContain('plan_scope');
    expect((await api.call('DELETE', `/backend/plan/${plan.id}`)).status).toBe(409);
  });
});

it('an operation is refused in Fusio’s words', async () => {
  const good = {
    ...{ name: 'seeds.new', httpMethod: 'GET', httpPath: '/seeds/new', httpCode: 200, action: 'Seed', scopes: [] },
    ...{ incoming: null, outgoing: 'Passthru', throws: {}, parameters: {} },
  };
  const hint = 'does not exist, you need to provide an existing';
  const refused: [Record<string, unknown>, string][] = [
    [{ name: 12, active: 'yes' }, '/active must be of type boolean'],
    [{ name: null }, 'Operation name must not be empty'],
    [{ name: 'x' }, 'Invalid operation name'],
    [{ httpPath: null }, 'HTTP path must not be empty'],
    [{ httpMethod: null }, 'HTTP method must not be empty'],
    [{ action: null }, 'Action must not be empty'],
    [{ httpMethod: 'FOO' }, 'HTTP method must not be one of: GET, POST, PUT, PATCH, DELETE'],
    [{ httpPath: 'seeds' }, 'HTTP path must start with a /'],
    [{ httpPath: '/a//b' }, 'HTTP path has an empty path segment'],
    [{ httpPath: '/ä' }, 'HTTP path contains invalid characters inside a path segment'],
    [{ httpPath: '/backend/x' }, 'HTTP path uses a path segment which is reserved for the system'],
    [{ httpPath: '/seeds' }, 'An operation exists already with the same HTTP method and path'],
    [{ httpCode: 500 }, 'HTTP code contains an HTTP status code "500" which is not in the range between 200 and 299'],
    [
      { throws: { 200: 'Passthru' } },
      'Throw contains an HTTP status code "200" which is not in the range between 400 and 599',
    ],
    [{ throws: { 500: 'None' } }, `Throw schema "schema://None" ${hint} schema name as value`],
    [{ outgoing: 'None' }, `Outgoing schema "schema://None" ${hint} schema name as value`],
    [{ action: 'None' }, `Action "action://None" ${hint} action name as value`],
    [
      { parameters: { 'a-b': { type: 'string' } } },
      'Parameter name "a-b" contains an invalid character, allowed are only alphanumeric characters and underscore',
    ],
  ];
  for (const [more, message] of refused) {
    const answer = await api.call('POST', '/backend/operation', { ...good, ...more });
    expect([answer.status, answer.body.message]).toEqual([400, message]);
  }
});

it('what reads say belongs to a thing is there', async () => {
  const { id } = await api.must('POST', '/backend/app', { userId: 1, status: 0, name: 'Shown', url: '', scopes: [] });
  expect(await api.must('GET', `/backend/app/${id}`)).toMatchObject({ status: 3, tokens: [] });
  expect((await api.must('GET', '/backend/user/1')).apps).toMatchObject([{ id: Number(id), name: 'Shown' }]);
  expect(await api.must('GET', '/backend/schema/~Passthru')).toMatchObject({ readonly: false });
  for (const object of ['action', 'schema']) {
    const { status, body } = await api.call('GET', `/backend/${object}/999/commit`);
    expect([status, body.message]).toEqual([404, `Provided an invalid ${object} id`]);
  }
});
