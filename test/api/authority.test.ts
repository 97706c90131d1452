import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Answer, type Management, manage, request } from '../helpers/management.ts';

let gateway: Gateway;
let api: Management;
let clara: Client;
const password = 'correct-horse-battery';
type Client = (method: string, path: string, body?: unknown) => Promise<Answer>;

async function login(username: string, scopes: string[]): Promise<Client> {
  const { status, body } = await request(gateway, 'POST', '/consumer/login', { username, password, scopes });
  expect(status, JSON.stringify(body)).toBe(200);
  return (method, path, data) =>
    request(gateway, method, path, data, { headers: { Authorization: `Bearer ${body.token}` } });
}

beforeAll(async () => {
  gateway = await startGateway();
  api = await manage(gateway);
  await api.must('POST', '/backend/scope', { name: 'seeds' });
  await api.must('POST', '/backend/event', { name: 'seed-sown' });
  await api.must('POST', '/backend/role', { name: 'Clerk', scopes: ['backend.user', 'backend.role', 'backend.app'] });
  await api.must('POST', '/backend/role', { name: 'Root-Like', scopes: ['backend', 'consumer'] });
  await api.must('POST', '/backend/plan', { name: 'Golden', price: 1, scopes: ['backend'] });
  const { id } = await api.must('GET', '/backend/role/~Clerk');
  await api.must('POST', '/backend/user', { name: 'clara', roleId: id, email: 'clara@example.com', password });
  await api.must('POST', '/backend/user', { name: 'dora', roleId: 3, email: 'dora@example.com', password });
  clara = await login('clara', []);
}, 120_000);

afterAll(() => gateway?.stop());

describe('nobody gives what he lacks', () => {
  it.each([
    ['a scope, to a user', 'PUT', '/backend/user/~dora', { scopes: ['backend'] }],
    ['a scope, to himself', 'PUT', '/backend/user/~clara', { scopes: ['backend.user', 'backend.config'] }],
    ['a scope, to a role', 'POST', '/backend/role', { name: 'Mighty', scopes: ['consumer'] }],
    ['a scope, to an app', 'POST', '/backend/app', { name: 'Mighty', userId: 1, url: '', scopes: ['backend'] }],
    ['a role', 'POST', '/backend/user', { name: 'mallory', roleId: 1, password }],
    ['another role', 'PUT', '/backend/user/~clara', { roleId: 1 }],
    ['a plan', 'PUT', '/backend/user/~clara', { planId: 1 }],
    ['the password of who has more', 'PUT', '/backend/user/~admin', { password: 'mine-from-now-on' }],
    ['the mail address of who has more', 'PUT', '/backend/user/~admin', { email: 'mine@example.com' }],
  ])('%s', async (_what, method, path, body) => {
    const answer = await clara(method, path, body);
    expect([answer.status, answer.body.code], JSON.stringify(answer.body)).toEqual([403, 'forbidden']);
  });

  it('but gives what he has, what he manages, and puts back what was there', async () => {
    const role = await clara('POST', '/backend/role', { name: 'Helper', scopes: ['backend.user', 'seeds'] });
    expect(role.status, JSON.stringify(role.body)).toBe(201);
    const { id, password: _none, ...read } = (await clara('GET', '/backend/user/~dora')).body;
    expect((await clara('PUT', `/backend/user/${id}`, { ...read, metadata: { seen: true } })).status).toBe(200);
    expect((await clara('GET', `/backend/user/${id}`)).body.scopes).toEqual(read.scopes);
  });

  it('a token for one part of the backend leads to no other', async () => {
    const limited = await login('admin', ['backend.user', 'backend.config', 'consumer.token', 'consumer.app']);
    const role = await api.must('GET', '/backend/role/~Root-Like');
    expect((await limited('POST', '/backend/user', { name: 'eve', roleId: role.id, password })).status).toBe(403);
    expect((await limited('PUT', '/backend/user/~admin', { password: 'another-password' })).status).toBe(403);
    expect((await limited('PUT', '/backend/config/~role_default', { value: 'Administrator' })).status).toBe(403);
    const expire = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    expect((await limited('POST', '/consumer/token', { name: 'all', scopes: ['backend'], expire })).status).toBe(400);
    const token = await limited('POST', '/consumer/token', { name: 'rest', expire });
    expect(token.body.scope.split(',')).toEqual(expect.arrayContaining(['backend.user', 'consumer']));
    expect(token.body.scope.split(',')).not.toContain('backend');
    expect((await limited('POST', '/backend/user', { name: 'carl', roleId: 3, password })).status).toBe(201);
  });
});

describe('a roll back', () => {
  it('is of what the role’s category has, and gives no scope that one lacks', async () => {
    const { id: category } = await api.must('POST', '/backend/category', { name: 'orchard' });
    await api.must('POST', '/backend/role', { name: 'Gardener', categoryId: Number(category), scopes: ['backend'] });
    const { id: roleId } = await api.must('GET', '/backend/role/~Gardener');
    await api.must('POST', '/backend/user', { name: 'greta', roleId, password });
    const greta = await login('greta', ['backend']);
    const make = (send: Client, name: string) => send('POST', '/backend/schema', { name, source: { type: 'object' } });
    const revision = async () => (await api.must('GET', '/backend/revision?count=1')).entry[0].revision;

    const before = await revision();
    expect((await make(greta, 'Hers')).status).toBe(201);
    expect((await make(api.call, 'His')).status).toBe(201);
    await api.must('PUT', '/backend/plan/~Golden', { points: 7 });
    const after = await revision();
    const names = (answer: Answer) => answer.body.differences.map(({ name }: { name: string }) => name).sort();
    const path = `/backend/revision/${before}`;
    expect(names(await greta('GET', `${path}/compare/${after}`))).toEqual(['Hers']);
    expect(names(await api.call('GET', `${path}/compare/${after}`))).toEqual(['Golden', 'His']);
    expect((await greta('GET', `/backend/revision/${after}`)).body.changes).toEqual([]);

    expect((await greta('POST', `${path}/rollback`, {})).body.results).toMatchObject([
      { name: 'Hers', verb: 'delete' },
    ]);
    expect((await api.call('GET', '/backend/schema/~His')).status).toBe(200);
    expect((await api.must('GET', '/backend/plan/~Golden')).points).toBe(7);

    await api.must('PUT', '/backend/role/~Root-Like', { scopes: [] });
    const limited = await login('admin', ['backend.revision']);
    expect((await limited('POST', `${path}/rollback`, {})).body.message).toContain('You cannot give the scope');
    expect((await api.call('POST', `${path}/rollback`, {})).status).toBe(200);
    expect((await api.call('GET', '/backend/schema/~His')).status).toBe(410);
  });
});

describe('the last administrator', () => {
  it('is not deleted, disabled, nor made less', async () => {
    const path = '/backend/user/~admin';
    for (const body of [{ status: 2 }, { roleId: 3 }, { scopes: ['consumer'] }]) {
      expect(await api.call('PUT', path, body)).toMatchObject({ status: 409, body: { code: 'conflict' } });
    }
    expect((await api.call('DELETE', path)).status).toBe(409);
    expect((await api.call('DELETE', '/backend/role/~Administrator')).status).toBe(409);
    expect((await api.call('PUT', '/backend/role/~Administrator', { name: 'Nobody' })).status).toBe(409);
  });

  it('stays when two end each other at the same moment', async () => {
    for (let round = 0; round < (process.env.POSTERN_FULL === undefined ? 2 : 20); round++) {
      const { id } = await api.must('POST', '/backend/user', { name: `other-${round}`, roleId: 1, password });
      const other = await login(`other-${round}`, ['backend']);
      const answers = await Promise.all([
        api.call('DELETE', `/backend/user/${id}`),
        other('PUT', '/backend/user/~admin', { status: 2 }),
      ]);
      const left = await gateway.DB.prepare('SELECT count(*) AS n FROM user WHERE role_id = 1 AND status = 1').first(
        'n',
      );
      expect(left, JSON.stringify(answers)).toBe(1);
      await gateway.DB.prepare(
        `UPDATE user SET status = CASE name WHEN 'admin' THEN 1 ELSE 0 END WHERE role_id = 1`,
      ).run();
      api = await manage(gateway);
    }
  });
});

describe('limits of a consumer', () => {
  it.each([
    [
      'app',
      'consumer_max_apps',
      (index: number) => ({ name: `App-${index}`, url: 'https://example.com', scopes: ['default'] }),
    ],
    [
      'webhook',
      'consumer_max_webhooks',
      (index: number) => ({ name: `h${index}`, event: 'seed-sown', endpoint: 'https://example.com' }),
    ],
    [
      'token',
      'consumer_max_tokens',
      (index: number) => ({ name: `t${index}`, expire: new Date(Date.now() + 86_400_000).toISOString().slice(0, 10) }),
    ],
  ])('are exact for parallel creations: %s', async (noun, setting, body) => {
    await api.must('PUT', `/backend/config/~${setting}`, { value: 3 });
    const dora = await login('dora', ['consumer']);
    const answers = await Promise.all(
      Array.from({ length: 9 }, (_, index) => dora('POST', `/consumer/${noun}`, body(index))),
    );
    const made = answers.filter(({ status }) => status === 201).length;
    expect(made, JSON.stringify(answers.map((answer) => answer.body.message))).toBe(3);
    for (const { status, body: told } of answers.filter((answer) => answer.status !== 201)) {
      expect([status, told.message]).toEqual([400, expect.stringMatching(/^Maximal amount of \w+s reached/)]);
    }
    expect((await dora('GET', `/consumer/${noun}`)).body.totalResults).toBe(3);
    const { entry } = (await dora('GET', `/consumer/${noun}`)).body;
    await dora('DELETE', `/consumer/${noun}/${entry[0].id}`);
    expect((await dora('POST', `/consumer/${noun}`, body(99))).status).toBe(201);
  });
});
