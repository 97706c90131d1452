import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Answer, type Management, manage, request } from '../helpers/management.ts';

let gateway: Gateway;
let api: Management;
let dora: (method: string, path: string, body?: unknown) => Promise<Answer>;
let fred: typeof dora;

const password = 'correct-horse-battery';
const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

async function consumer(name: string): Promise<typeof dora> {
  await api.must('POST', '/backend/user', { roleId: 3, name, email: `${name}@example.com`, password });
  const login = await request(gateway, 'POST', '/consumer/login', { username: name, password });
  return (method, path, body) =>
    request(gateway, method, path, body, { headers: { Authorization: `Bearer ${login.body.token}` } });
}

beforeAll(async () => {
  gateway = await startGateway();
  api = await manage(gateway);
  await api.must('POST', '/backend/event', { name: 'seed-sown', description: 'A seed was sown' });
  dora = await consumer('dora');
  fred = await consumer('fred');
});

afterAll(() => gateway?.stop());

describe('own account', () => {
  it('shows and changes only what is one’s own to change', async () => {
    const before = await dora('GET', '/consumer/account');
    expect(before).toMatchObject({ status: 200, body: { name: 'dora', roleId: 3, status: 1 } });
    expect(before.body.scopes).toContain('consumer.app');
    const update = await dora('PUT', '/consumer/account', {
      ...before.body,
      name: 'admin2',
      roleId: 1,
      status: 2,
      points: 1000,
      scopes: ['backend'],
      email: 'dora2@example.com',
      metadata: { a: 'b' },
    });
    expect(update).toMatchObject({ status: 200, body: { message: 'Account successfully updated' } });
    const { email: _email, metadata: _metadata, ...rest } = before.body;
    expect((await dora('GET', '/consumer/account')).body).toMatchObject({
      ...rest,
      email: 'dora2@example.com',
      metadata: { a: 'b' },
    });
  });

  it('changes the password of who knows the old one, and ends the tokens', async () => {
    const eva = await consumer('eva');
    const path = '/consumer/account/change_password';
    const next = 'another-horse-battery';
    const wrong = await eva('PUT', path, { oldPassword: 'nonsense', newPassword: next, verifyPassword: next });
    expect(wrong).toMatchObject({ status: 400, body: { message: 'Changing password failed' } });
    const unequal = await eva('PUT', path, { oldPassword: password, newPassword: next, verifyPassword: `${next}x` });
    expect(unequal.status).toBe(400);
    const short = await eva('PUT', path, { oldPassword: password, newPassword: 'short', verifyPassword: 'short' });
    expect(short.body.message).toBe('Password must have at least 8 characters');
    const changed = await eva('PUT', path, { oldPassword: password, newPassword: next, verifyPassword: next });
    expect(changed).toMatchObject({ status: 200, body: { message: 'Password successful changed' } });
    expect((await eva('GET', '/consumer/account')).status).toBe(401);
    const login = await request(gateway, 'POST', '/consumer/login', { username: 'eva', password: next });
    expect(login.status).toBe(200);
  });

  it('exists in the backend too', async () => {
    const me = await api.must('GET', '/backend/account');
    expect(me).toMatchObject({ name: 'admin' });
    expect((await dora('GET', '/backend/account')).status).toBe(403);
  });
});

describe('own apps', () => {
  it('are made, shown, changed and deleted by their owner alone', async () => {
    const created = await dora('POST', '/consumer/app', {
      name: 'Dora-App',
      url: 'https://example.com',
      scopes: ['default', 'backend'],
      userId: 1,
    });
    expect(created).toMatchObject({ status: 201, body: { message: 'App successfully created' } });
    const path = `/consumer/app/${created.body.id}`;
    const app = await dora('GET', path);
    expect(app.body).toMatchObject({ name: 'Dora-App', status: 1, scopes: ['default'] });
    expect(app.body.appSecret).toMatch(/^[0-9a-f]{64}$/);
    expect((await dora('GET', '/consumer/app/~Dora-App')).body).toEqual(app.body);
    expect((await dora('GET', '/consumer/app')).body).toMatchObject({ totalResults: 1, entry: [{ name: 'Dora-App' }] });
    expect((await dora('GET', '/consumer/app')).body.entry[0]).not.toHaveProperty('appSecret');
    for (const [method, body] of [
      ['GET', undefined],
      ['PUT', { name: 'Stolen' }],
      ['DELETE', undefined],
    ] as const) {
      expect((await fred(method, path, body)).status).toBe(404);
    }
    expect((await fred('GET', '/consumer/app')).body.entry).toEqual([]);
    expect((await dora('PUT', path, { url: 'https://example.org' })).status).toBe(200);
    expect((await dora('GET', path)).body).toMatchObject({ name: 'Dora-App', url: 'https://example.org' });
    expect((await dora('DELETE', path)).body.message).toBe('App successfully deleted');
    expect((await dora('GET', path)).status).toBe(410);
  });

  it('wait for approval when the configuration says so, and are limited in number', async () => {
    await api.must('PUT', '/backend/config/~app_approval', { value: true });
    const created = await fred('POST', '/consumer/app', {
      name: 'Pending',
      url: 'https://example.com',
      scopes: ['default'],
    });
    await api.must('PUT', '/backend/config/~app_approval', { value: false });
    expect((await fred('GET', `/consumer/app/${created.body.id}`)).body.status).toBe(2);
    await api.must('PUT', '/backend/config/~consumer_max_apps', { value: 1 });
    const refused = await fred('POST', '/consumer/app', {
      name: 'Second',
      url: 'https://example.com',
      scopes: ['default'],
    });
    await api.must('PUT', '/backend/config/~consumer_max_apps', { value: 16 });
    expect(refused.status).toBe(400);
    expect(refused.body.message).toMatch(/^Maximal amount of apps reached/);
  });
});

describe('personal access tokens', () => {
  it('work until they end, keep their name, and are replaced by an update', async () => {
    const created = await dora('POST', '/consumer/token', { name: 'script', scopes: ['consumer'], expire: day(30) });
    expect(created).toMatchObject({ status: 201, body: { token_type: 'bearer', scope: 'consumer' } });
    const life = Date.parse(day(30)) / 1000 - Date.now() / 1000;
    expect(Math.abs(created.body.expires_in - life)).toBeLessThan(30);
    const listed = await dora('GET', '/consumer/token');
    expect(listed.body).toMatchObject({ totalResults: 1, entry: [{ name: 'script', expire: `${day(30)}T00:00:00Z` }] });
    const id = listed.body.entry[0].id;
    const using = (token: string) =>
      request(gateway, 'GET', '/consumer/account', undefined, { headers: { Authorization: `Bearer ${token}` } });
    expect((await using(created.body.access_token)).status).toBe(200);
    expect((await fred('GET', `/consumer/token/${id}`)).status).toBe(404);
    expect((await fred('DELETE', `/consumer/token/${id}`)).status).toBe(404);
    const replaced = await dora('PUT', `/consumer/token/${id}`, { name: 'renamed', expire: day(10) });
    expect(replaced).toMatchObject({ status: 200, body: { scope: 'consumer' } });
    expect((await using(created.body.access_token)).status).toBe(401);
    expect((await using(replaced.body.access_token)).status).toBe(200);
    expect((await dora('GET', `/consumer/token/${id}`)).body).toMatchObject({ id, name: 'renamed', status: 1 });
    const refreshed = await request(gateway, 'PUT', '/consumer/login', {
      refresh_token: replaced.body.refresh_token,
    });
    expect(refreshed.status).toBe(200);
    await expect
      .poll(async () => (await dora('GET', '/consumer/token')).body.entry.map((entry: any) => entry.name))
      .toEqual(['renamed']);
    const [{ id: last }] = (await dora('GET', '/consumer/token')).body.entry;
    expect((await dora('DELETE', `/consumer/token/${last}`)).body.message).toBe('Token successfully deleted');
    expect((await using(refreshed.body.token)).status).toBe(401);
  });

  it('are told from those of logins, which are called after who asked', async () => {
    const login = { username: 'dora', password };
    const agent = { headers: { 'User-Agent': 'Script/1.0' } };
    const { body } = await request(gateway, 'POST', '/consumer/login', login, agent);
    const [newest] = (await api.must('GET', '/backend/token?count=1')).entry;
    expect(newest.name).toBe('Script/1.0');
    const next = { headers: { 'User-Agent': 'Phone/2' } };
    await request(gateway, 'PUT', '/consumer/login', { refresh_token: body.refresh_token }, next);
    const newestName = async () => (await api.must('GET', '/backend/token?count=1')).entry[0].name;
    await expect.poll(newestName).toBe('Phone/2');
    const names = (await dora('GET', '/consumer/token')).body.entry.map((entry: any) => entry.name);
    expect(names).not.toContain('Phone/2');
  });

  it('never end later than in a year, nor in the past, and hold no scope that the user lacks', async () => {
    for (const expire of [day(-1), day(367), 'soon', '2026-13-45']) {
      const answer = await dora('POST', '/consumer/token', { name: 'x', expire });
      expect(answer.status).toBe(400);
    }
    const answer = await dora('POST', '/consumer/token', { name: 'x', scopes: ['backend'], expire: day(1) });
    expect(answer.status).toBe(400);
  });

  it('are seen and ended by administrators', async () => {
    const created = await fred('POST', '/consumer/token', { name: 'freds', scopes: ['default'], expire: day(2) });
    const listed = await api.must('GET', '/backend/token?scope=default&count=1024');
    const row = listed.entry.find((entry: any) => entry.name === 'freds');
    expect(await api.must('GET', `/backend/token/${row.id}`)).toMatchObject({ name: 'freds', status: 1 });
    await api.must('DELETE', `/backend/token/${row.id}`);
    expect((await api.call('GET', `/backend/token/${row.id}`)).status).toBe(410);
    const used = await request(gateway, 'PUT', '/consumer/login', { refresh_token: created.body.refresh_token });
    expect(used.status).toBe(400);
  });
});

describe('webhooks', () => {
  it('belong to their owner, name an event of the API, and are limited in number', async () => {
    const body = { event: 'seed-sown', name: 'hook', endpoint: 'https://example.com/hook' };
    const created = await dora('POST', '/consumer/webhook', body);
    expect(created).toMatchObject({ status: 201, body: { message: 'Webhook successfully created' } });
    const path = `/consumer/webhook/${created.body.id}`;
    expect((await dora('GET', path)).body).toMatchObject({ ...body, responses: [] });
    expect((await dora('GET', '/consumer/webhook')).body.entry).toEqual([expect.objectContaining(body)]);
    expect((await fred('GET', path)).status).toBe(404);
    expect((await fred('DELETE', path)).status).toBe(404);
    const internal = await dora('POST', '/consumer/webhook', { ...body, event: 'fusio.user.create' });
    expect(internal).toMatchObject({ status: 400, body: { message: 'Event does not exist' } });
    await api.must('PUT', '/backend/config/~consumer_max_webhooks', { value: 1 });
    expect((await dora('POST', '/consumer/webhook', body)).status).toBe(400);
    expect((await dora('PUT', path, { name: 'renamed' })).status).toBe(200);
    expect((await dora('DELETE', path)).status).toBe(200);
    expect((await dora('POST', '/consumer/webhook', body)).status).toBe(201);
  });
});

describe('what consumers read', () => {
  it('sees the events, scopes and plans that are meant for it', async () => {
    expect((await dora('GET', '/consumer/event')).body.entry.map((entry: any) => entry.name)).toEqual(['seed-sown']);
    expect((await dora('GET', '/consumer/event/~fusio.app.create')).status).toBe(404);
    const scopes = await dora('GET', '/consumer/scope');
    expect(scopes.body.entry.map((entry: any) => entry.name)).toEqual(['default']);
    const { categories } = (await dora('GET', '/consumer/scope/categories')).body;
    expect(categories.find((entry: any) => entry.name === 'backend').scopes).toEqual([]);
    await api.must('POST', '/backend/plan', {
      name: 'Basic',
      price: 9.99,
      points: 100,
      period: 1,
      scopes: ['default'],
    });
    const plans = await dora('GET', '/consumer/plan');
    expect(plans.body.entry).toEqual([
      { id: expect.any(Number), name: 'Basic', description: '', price: 9.99, points: 100, period: 1 },
    ]);
    expect((await dora('GET', '/consumer/transaction')).body).toMatchObject({ totalResults: 0, entry: [] });
    expect((await dora('GET', '/consumer/grant')).body).toMatchObject({ totalResults: 0, entry: [] });
  });

  it('reads pages and forms without a token', async () => {
    const pages = await request(gateway, 'GET', '/consumer/page');
    expect(pages.body.entry.map((entry: any) => entry.slug)).toEqual([
      ...['api', 'authorization', 'getting-started', 'sdk', 'support'],
    ]);
    const overview = await request(gateway, 'GET', '/consumer/page/~overview');
    expect(overview.body.content).toContain('<h1>');
    await api.must('POST', '/backend/schema', {
      name: 'Entry',
      source: {
        definitions: { Entry: { type: 'struct', properties: { title: { type: 'string' } } } },
        root: 'Entry',
      },
    });
    await api.publish({ name: 'entry.post', httpMethod: 'POST', httpPath: '/entry', incoming: 'schema://Entry' });
    const operation = await api.must('GET', '/backend/operation/~entry.post');
    await api.must('POST', '/backend/form', { name: 'entry_form', operationId: operation.id, uiSchema: { a: 1 } });
    const form = await request(gateway, 'GET', '/consumer/form/~entry_form');
    expect(form.body).toMatchObject({
      name: 'entry_form',
      action: `${gateway.url}/entry`,
      method: 'POST',
      jsonSchema: { type: 'object', properties: { title: { type: 'string' } } },
      uiSchema: { a: 1 },
    });
    expect((await request(gateway, 'GET', '/consumer/form')).body.entry[0].name).toBe('entry_form');
  });

  it('shows own calls only', async () => {
    await api.publish({ name: 'hello.get', httpPath: '/hello', public: true });
    await dora('GET', '/hello?of=dora');
    const entryOf = async (who: typeof dora) => (await who('GET', '/consumer/log')).body.entry;
    await expect.poll(async () => (await entryOf(dora)).length, { timeout: 10_000 }).toBeGreaterThan(0);
    const [entry] = await entryOf(dora);
    expect(entry).toMatchObject({ method: 'GET', path: '/hello?of=dora' });
    expect((await dora('GET', `/consumer/log/${entry.id}`)).body).toMatchObject({ path: '/hello?of=dora' });
    expect(await entryOf(fred)).toEqual([]);
    expect((await fred('GET', `/consumer/log/${entry.id}`)).status).toBe(404);
  });
});
