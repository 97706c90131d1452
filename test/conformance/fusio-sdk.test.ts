import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemOperations } from '../../worker/api/index.ts';
import { laterOperations } from '../../worker/api/later.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Management, manage, request } from '../helpers/management.ts';
import { installedModule } from './installed.ts';
import { misfits, recordAnswers } from './recorded-answers.ts';

// Fusio's own JavaScript client (npm fusio-sdk), as it is published, drives a started gateway: one test per group of methods.

const recording = recordAnswers();
let gateway: Gateway;
let api: Management;
let client: any;
let consumer: any;
let upstream: Server;

beforeAll(async () => {
  gateway = await startGateway();
  api = await manage(gateway);
  const [{ Client }, { OAuth2 }] = await Promise.all([
    installedModule('fusio-sdk/dist/index.js'),
    installedModule('sdkgen-client/dist/index.js'),
  ]);
  const { name, password } = await gateway.setup();
  const open = (user: string, secret: string, scopes: string[]) =>
    new Client(
      gateway.url,
      new OAuth2(user, secret, `${gateway.url}/authorization/token`, '', undefined, scopes),
      'test',
    );
  client = open(name, password, ['backend', 'consumer', 'authorization']);
  await api.must('POST', '/backend/user', {
    ...{ roleId: 3, status: 1, name: 'carla', email: 'carla@example.com', password: 'Correct-Horse-1' },
  });
  consumer = open('carla', 'Correct-Horse-1', ['consumer', 'authorization']);
  await api.publish({ name: 'seeds.get', httpPath: '/seeds/:id', public: true, scopes: ['default'] });
  upstream = createServer((_request, response) => response.end('{"hello":"world"}'));
  await new Promise<void>((listening) => upstream.listen(0, '127.0.0.1', listening));
}, 120_000);

afterAll(async () => {
  recording.stop();
  upstream?.close();
  await gateway?.stop();
});

/** Names of entities made here, for other entities to refer to. */
const action = {
  name: 'Sdk-Action',
  class: 'Fusio.Adapter.Util.Action.UtilStaticResponse',
  config: { response: '{}' },
};

/** group → [what create takes, what update changes]. */
const entities: Record<string, [create: () => Record<string, unknown>, update: Record<string, unknown>]> = {
  action: [() => action, { metadata: { owner: 'sdk' } }],
  agent: [() => ({ name: 'sdk-agent', introduction: 'You help', public: true }), { description: 'Helps' }],
  app: [
    () => ({ userId: 1, status: 1, name: 'Sdk-App', url: 'https://example.com', scopes: ['default'] }),
    { url: 'https://example.org' },
  ],
  bundle: [
    () => ({
      name: 'acme-bundle',
      version: '1.0.0',
      icon: 'box',
      summary: 'A bundle',
      description: 'A bundle',
      config: { events: ['1'] },
    }),
    { summary: 'Another' },
  ],
  category: [() => ({ name: 'sdk-category' }), { name: 'sdk-category-2' }],
  connection: [
    () => ({
      name: 'Sdk-Connection',
      class: 'Fusio.Adapter.Http.Connection.Http',
      config: { url: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}` },
    }),
    { metadata: { owner: 'sdk' } },
  ],
  cronjob: [
    () => ({ name: 'Sdk-Cronjob', cron: '0 * * * *', action: 'action://Static-seeds-get' }),
    { cron: '5 * * * *' },
  ],
  event: [() => ({ name: 'sdk-event', description: 'An event' }), { description: 'Another' }],
  firewall: [() => ({ name: 'sdk-rule', type: 0, ip: '203.0.113.9' }), { type: 1 }],
  form: [() => ({ name: 'sdk-form', operationId: seeds.id, uiSchema: {} }), { metadata: { owner: 'sdk' } }],
  identity: [
    () => ({
      ...{ appId: 1, roleId: 3, name: 'Sdk-Identity', icon: 'bi-github', class: 'Fusio.Impl.Provider.Identity.Github' },
      ...{ config: { client_id: 'a', client_secret: 'b' }, allowCreate: true },
    }),
    { icon: 'bi-globe' },
  ],
  operation: [
    () => ({
      ...{ name: 'sdk.get', httpMethod: 'GET', httpPath: '/sdk', httpCode: 200, active: true, public: false },
      ...{ stability: 1, scopes: ['default'], outgoing: 'schema://Passthru', action: 'action://Static-seeds-get' },
    }),
    { description: 'Says hello', stability: 1 },
  ],
  page: [() => ({ title: 'Sdk page', content: '<p>Hello</p>', status: 1 }), { content: '<p>Bye</p>' }],
  plan: [() => ({ name: 'Sdk-Plan', description: 'A plan', price: 4.99, points: 100 }), { price: 5.99 }],
  rate: [
    () => ({
      name: 'Sdk-Rate',
      priority: 1,
      rateLimit: 1000000,
      timespan: 'PT1H',
      allocation: [{ authenticated: true }],
    }),
    { rateLimit: 2000000 },
  ],
  role: [() => ({ name: 'Sdk-Role', categoryId: 1, scopes: ['default'] }), { name: 'Sdk-Role-2' }],
  schema: [
    () => ({
      name: 'Sdk-Schema',
      source: { definitions: { Seed: { type: 'struct', properties: { id: { type: 'integer' } } } }, root: 'Seed' },
    }),
    { metadata: { owner: 'sdk' } },
  ],
  scope: [
    () => ({ name: 'sdk', description: 'A scope', operations: [{ operationId: seeds.id, allow: true }] }),
    { name: 'sdk', description: 'Changed', operations: [] },
  ],
  taxonomy: [() => ({ name: 'Sdk-Node' }), { name: 'Sdk-Node-2' }],
  trigger: [
    () => ({ name: 'Sdk-Trigger', event: 'sdk-for-others', action: 'action://Static-seeds-get' }),
    { metadata: { owner: 'sdk' } },
  ],
  user: [
    () => ({ roleId: 3, status: 1, name: 'sdk-user', email: 'sdk@example.com', password: 'Correct-Horse-2' }),
    { email: 'sdk2@example.com' },
  ],
  webhook: [
    () => ({ eventId: others.event, userId: 1, name: 'sdk-hook', endpoint: 'https://example.com/hook' }),
    { endpoint: 'https://example.com/hook-2' },
  ],
};

const later = systemOperations
  .filter((operation) => laterOperations.includes(operation))
  .map(({ method, path }) => [method, path] as const);

const seeds = { id: 0 };
const others = { event: 0 };

describe('backend', () => {
  beforeAll(async () => {
    seeds.id = (await client.backend().operation().get('~seeds.get')).id;
    others.event = Number((await client.backend().event().create({ name: 'sdk-for-others' })).id);
    await client.backend().app().create({ userId: 1, status: 1, name: 'First-App', url: 'https://example.com' });
  });

  it.each(Object.entries(entities))('%s: creates, reads, lists, changes and deletes', async (group, [
    create,
    update,
  ]) => {
    const tag = client.backend()[group]();
    const made = await tag.create(create());
    expect(made).toMatchObject({ success: true, id: expect.stringMatching(/^[0-9]+$/) });
    const { password: _, name, ...shown } = create() as Record<string, unknown>;
    const read = await tag.get(made.id);
    expect(read.id).toBe(Number(made.id));
    expect(Object.keys(read)).toEqual(expect.arrayContaining(Object.keys(shown).filter((key) => key !== 'config')));
    if (name !== undefined) {
      expect((await tag.get(`~${name}`)).id).toBe(read.id);
    }
    const list = await tag.getAll(0, 1024);
    expect(list).toMatchObject({ startIndex: 0, itemsPerPage: 1024, totalResults: expect.any(Number) });
    expect(list.entry.map(({ id }: { id: number }) => id)).toContain(read.id);
    expect(await tag.update(made.id, update)).toMatchObject({ success: true });
    const { operations, ...changed } = update;
    expect(await tag.get(made.id)).toMatchObject(changed);
    expect(await tag.delete(made.id)).toMatchObject({ success: true });
    await expect(tag.get(made.id)).rejects.toThrow();
  });

  it('account: reads and changes the own one', async () => {
    const account = client.backend().account();
    expect(await account.get()).toMatchObject({ name: 'admin', scopes: expect.arrayContaining(['backend']) });
    expect(await account.update({ email: 'root@example.com' })).toMatchObject({ success: true });
    const wrong = { oldPassword: 'wrong', newPassword: 'New-Password-1', verifyPassword: 'New-Password-1' };
    await expect(account.changePassword(wrong)).rejects.toThrow();
  });

  it('action: classes, form, test run and history', async () => {
    const tag = client.backend().action();
    const { id } = await tag.create({ ...action, name: 'Sdk-Run', config: { response: '{"a":1}' } });
    expect((await tag.getClasses()).actions.length).toBeGreaterThan(20);
    expect((await tag.getForm(action.class)).element[0]).toMatchObject({ element: expect.any(String) });
    expect(await tag.execute(id, { method: 'GET' })).toMatchObject({ statusCode: 200, body: { a: 1 } });
    expect((await tag.getCommits(id)).entry).toMatchObject([
      { commitHash: expect.any(String), config: { response: '{"a":1}' } },
    ]);
  });

  it('agent: tools, and messages that wait for a model', async () => {
    const agent = client.backend().agent();
    await agent.create({ name: 'sdk-talker', public: true });
    expect((await agent.getTools()).tools).toContainEqual(expect.objectContaining({ name: 'seeds_get' }));
    await expect(agent.message().submit('~sdk-talker', { item: { type: 'text', content: 'hello' } })).rejects.toThrow();
    expect(await agent.message().getAll('~sdk-talker')).toMatchObject({ entry: [] });
  });

  it('connection: classes, form and a request through one', async () => {
    const tag = client.backend().connection();
    const [create] = entities.connection!;
    const { id } = await tag.create({ ...create(), name: 'Sdk-Upstream' });
    expect((await tag.getClasses()).connections.length).toBeGreaterThan(10);
    expect((await tag.getForm('Fusio.Adapter.Http.Connection.Http')).element[0]).toMatchObject({ name: 'url' });
    expect(await tag.http().execute(id, { method: 'GET', uri: '/' })).toMatchObject({
      statusCode: 200,
      body: '{"hello":"world"}',
    });
    const found = await tag.getAll(0, 16, undefined, 'Fusio.Adapter.Http.Connection.Http');
    expect(found.entry).toMatchObject([{ name: 'Sdk-Upstream' }]);
  });

  it('config: reads and changes a value', async () => {
    const tag = client.backend().config();
    const { id } = await tag.get('~info_title');
    await tag.update(String(id), { value: 'Seeds' });
    expect(await tag.get(String(id))).toMatchObject({ name: 'info_title', value: 'Seeds' });
    expect((await tag.getAll(0, 1024)).entry.length).toBeGreaterThan(30);
  });

  it('schema: preview and history', async () => {
    const tag = client.backend().schema();
    const [create] = entities.schema!;
    const { id } = await tag.create({ ...create(), name: 'Sdk-Preview' });
    expect(await tag.getPreview(id)).toMatchObject({ preview: expect.stringContaining('<') });
    expect((await tag.getCommits(id)).entry).toMatchObject([{ schema: { root: 'Seed' } }]);
  });

  it('scope: by category', async () => {
    const { categories } = await client.backend().scope().getCategories();
    expect(categories).toContainEqual(expect.objectContaining({ name: 'backend', scopes: expect.any(Array) }));
  });

  it('identity: classes and form', async () => {
    const tag = client.backend().identity();
    expect((await tag.getClasses()).providers.length).toBeGreaterThanOrEqual(5);
    expect((await tag.getForm('Fusio.Impl.Provider.Identity.Github')).element.length).toBeGreaterThan(0);
  });

  it('generator: classes, form and a dry run', async () => {
    const tag = client.backend().generator();
    const { providers } = await tag.getClasses();
    const { class: name } = providers.find((provider: any) => /openapi/i.test(provider.class));
    expect((await tag.getForm(name)).element.length).toBeGreaterThan(0);
    const spec = {
      openapi: '3.1.0',
      ...{ info: { title: 'x', version: '1' }, servers: [{ url: 'https://example.com' }] },
      paths: { '/a': { get: { operationId: 'a.get', responses: { 200: { description: 'ok' } } } } },
    };
    const { operations } = await tag.getChangelog(name, { spec: JSON.stringify(spec) });
    expect(operations.length).toBe(1);
  });

  it('taxonomy: objects are moved', async () => {
    const tag = client.backend().taxonomy();
    const { id } = await tag.create({ name: 'Sdk-Place' });
    expect(await tag.move(id, { operations: [seeds.id] })).toMatchObject({ success: true });
    const found = await client.backend().operation().getAll(0, 16, undefined, Number(id));
    expect(found.entry).toMatchObject([{ name: 'seeds.get' }]);
  });

  it('trash: what was deleted comes back', async () => {
    const tag = client.backend().trash();
    expect((await tag.getTypes()).types).toContain('page');
    const page = await client.backend().page().create({ title: 'Sdk trash', content: '', status: 1 });
    await client.backend().page().delete(page.id);
    expect((await tag.getAllByType('page', 0, 1024)).entry).toContainEqual(
      expect.objectContaining({ id: Number(page.id) }),
    );
    expect(await tag.restore('page', { id: Number(page.id) })).toMatchObject({ success: true });
    expect(await client.backend().page().get(page.id)).toMatchObject({ title: 'Sdk trash' });
  });

  it('specification: the document, and a tag', async () => {
    const tag = client.backend().specification();
    expect((await tag.get()).spec.operations).toHaveProperty(['seeds.get', 'method'], 'GET');
    expect(await tag.tag({ version: '1.0.0' })).toMatchObject({ success: true });
    await expect(tag.publish({ name: 'x' })).rejects.toThrow();
    await expect(tag.getChangelog()).rejects.toThrow();
  });

  it.each([
    ['audit', 'getAll'],
    ['log', 'getAll'],
    ['log', 'getAllErrors'],
    ['token', 'getAll'],
    ['transaction', 'getAll'],
  ])('%s: %s lists', async (group, method) => {
    const list = await client.backend()[group]()[method](0, 1024);
    expect(list).toMatchObject({ startIndex: 0, entry: expect.any(Array) });
    if (list.entry.length > 0 && method === 'getAll') {
      expect((await client.backend()[group]().get(String(list.entry[0].id))).id).toBe(list.entry[0].id);
    }
  });

  it.each(later)('%s %s says what is missing', async (method, path) => {
    expect(
      await api.call(method, path.replace(/\$\w+<[^>]*>|:\w+/g, '1'), method === 'GET' ? undefined : {}),
    ).toMatchObject({
      status: 503,
      body: { code: 'not_configured', message: expect.stringMatching(/\w/) },
    });
  });

  it('marketplace: says that it is not offered', async () => {
    const tag = client.backend().marketplace();
    for (const type of ['action', 'app', 'bundle']) {
      await expect(tag[type]().getAll()).rejects.toThrow();
      await expect(tag[type]().install({ name: 'fusio/redoc' })).rejects.toThrow();
    }
  });
});

/** A day, `2026-12-24`. */
function inDays(days: number): string {
  return new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
}

describe('consumer', () => {
  const room = () => consumer.consumer();

  it('account: logs in, reads and changes itself', async () => {
    const account = room().account();
    const jwt = await account.login({ username: 'carla', password: 'Correct-Horse-1' });
    expect(jwt).toMatchObject({ token: expect.any(String), refresh_token: expect.any(String) });
    expect(await account.refresh({ refresh_token: jwt.refresh_token })).toMatchObject({ token: expect.any(String) });
    expect(await account.get()).toMatchObject({ name: 'carla', email: 'carla@example.com' });
    expect(await account.update({ email: 'carla@example.org' })).toMatchObject({ success: true });
    const changed = {
      oldPassword: 'Correct-Horse-1',
      newPassword: 'Correct-Horse-3',
      verifyPassword: 'Correct-Horse-3',
    };
    expect(await account.changePassword(changed)).toMatchObject({ success: true });
    // A new password ends the tokens that came with the old one.
    await api.must('PUT', '/backend/user/~carla', { password: 'Correct-Horse-1' });
    consumer.getAuthenticator().tokenStore.remove();
  });

  it('app: an own one from making to deleting', async () => {
    const tag = room().app();
    const made = await tag.create({ name: 'Mine', url: 'https://example.com', scopes: ['default'] });
    expect(made).toMatchObject({ success: true });
    const { entry } = await tag.getAll();
    expect(entry).toMatchObject([{ name: 'Mine' }]);
    const id = String(entry[0].id);
    expect(await tag.get(id)).toMatchObject({ appKey: expect.any(String), appSecret: expect.any(String) });
    expect(await tag.update(id, { name: 'Mine', url: 'https://example.org', scopes: ['default'] })).toMatchObject({
      success: true,
    });
    expect(await tag.delete(id)).toMatchObject({ success: true });
    await expect(tag.get(id)).rejects.toThrow();
  });

  it('token: an own one from making to deleting', async () => {
    const tag = room().token();
    const made = await tag.create({ name: 'mine', scopes: ['default'], expire: inDays(30) });
    expect(made).toMatchObject({ access_token: expect.any(String), token_type: 'bearer' });
    const { entry } = await tag.getAll(0, 1024);
    const { id } = entry.find(({ name }: { name: string }) => name === 'mine');
    expect(await tag.get(String(id))).toMatchObject({ name: 'mine' });
    expect(await tag.update(String(id), { name: 'mine', expire: inDays(40) })).toMatchObject({
      access_token: expect.any(String),
    });
    const again = (await tag.getAll(0, 1024)).entry.find(({ name }: { name: string }) => name === 'mine');
    expect(await tag.delete(String(again.id))).toMatchObject({ success: true });
  });

  it('webhook: an own one from making to deleting', async () => {
    await api.must('POST', '/backend/event', { name: 'consumed' });
    const tag = room().webhook();
    await tag.create({ event: 'consumed', name: 'mine', endpoint: 'https://example.com/hook' });
    const { entry } = await tag.getAll();
    expect(entry).toMatchObject([{ name: 'mine' }]);
    const id = String(entry[0].id);
    expect(await tag.get(id)).toMatchObject({ endpoint: 'https://example.com/hook' });
    await tag.update(id, { event: 'consumed', name: 'mine', endpoint: 'https://example.com/hook-2' });
    expect(await tag.delete(id)).toMatchObject({ success: true });
  });

  it.each([
    'agent',
    'event',
    'form',
    'log',
    'page',
    'plan',
    'transaction',
  ])('%s: lists, and shows one', async (group) => {
    const list = await room()[group]().getAll(0, 16);
    expect(list).toMatchObject({ entry: expect.any(Array), totalResults: expect.any(Number) });
    for (const { id } of list.entry.slice(0, 1)) {
      expect((await room()[group]().get(String(id))).id).toBe(id);
    }
  });

  it('scope: lists, by category as well', async () => {
    expect((await room().scope().getAll()).entry).toContainEqual(expect.objectContaining({ name: 'default' }));
    expect((await room().scope().getCategories()).categories.length).toBeGreaterThan(0);
  });

  it('grant: lists', async () => {
    expect(await room().grant().getAll()).toMatchObject({ entry: [] });
  });

  it('identity: a login screen finds out that there is none', async () => {
    expect(await room().identity().getAll(undefined, 'key')).toMatchObject({ entry: expect.any(Array) });
  });
});

describe('system and authorization', () => {
  it('meta: about, health, routes, schema, echo', async () => {
    const meta = client.system().meta();
    expect(await meta.getAbout()).toMatchObject({ apiVersion: expect.any(String), links: expect.any(Array) });
    expect(await meta.getHealth()).toMatchObject({ healthy: true, checks: { System: { healthy: true } } });
    expect((await meta.getRoutes()).routes).toMatchObject({ '/seeds/:id': { GET: 'seeds.get' } });
    expect(await meta.getSchema('Message')).toMatchObject({ schema: { root: 'Message' } });
    expect(await meta.getDebug({ foo: 'bar' })).toMatchObject({ payload: { foo: 'bar' } });
  });

  it('authorization: who I am, and the end of a token', async () => {
    expect(await consumer.authorization().getWhoami()).toMatchObject({ name: 'carla' });
    expect(await consumer.authorization().revoke()).toMatchObject({ success: true });
    await expect(consumer.authorization().getWhoami()).rejects.toThrow();
  });
});

it('got the answers that the OpenAPI document promises', async () => {
  const { body: document } = await request(gateway, 'GET', '/system/generator/openapi?filter=fusio');
  const { found, held } = misfits(document, recording.answers);
  expect(found).toEqual([
    // An operation that takes nothing says so.
    'backend.generator.getChangelog type /operations/incoming',
    // Fusio's model says a day, its answers and ours a moment.
    'consumer.token.get format /expire',
    'consumer.token.getAll format /entry/expire',
    // Fusio's model says an object; without hints for a form there is null in both.
    'system.meta.getSchema type /form',
  ]);
  expect(held).toBeGreaterThan(180);
});
