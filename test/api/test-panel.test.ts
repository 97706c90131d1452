import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Management, manage } from '../helpers/management.ts';

let gateway: Gateway;
let api: Management;

beforeAll(async () => {
  gateway = await startGateway();
  api = await manage(gateway);
  await api.must('POST', '/backend/schema', {
    name: 'Greeting',
    source: { type: 'object', required: ['greeting'], properties: { greeting: { type: 'string' } } },
  });
  const answers = { outgoing: 'schema://Greeting', httpCode: 200, public: true };
  await api.publish(
    { name: 'greet.good', httpPath: '/good/:name', ...answers },
    { greeting: 'hello', password: 'canary-1' },
  );
  await api.publish({ name: 'greet.bad', httpPath: '/bad', ...answers }, { greeting: 7 });
  await api.publish({ name: 'greet.free', httpPath: '/free', httpCode: 200, public: true });
  await api.publish({ name: 'greet.post', httpPath: '/post', httpMethod: 'POST', ...answers }, { greeting: 'posted' });
  await api.publish({ name: 'greet.code', httpPath: '/code', ...answers, httpCode: 201 }, { greeting: 'hello' });
  await api.must('PUT', '/backend/test');
}, 60_000);
afterAll(() => gateway?.stop());

const list = async (query = '') => (await api.must('GET', `/backend/test?count=1000&${query}`)).entry;
const state = async () =>
  Object.fromEntries((await list()).map(({ operationName, status }: any) => [operationName, status]));
const idOf = async (name: string) => (await list(`search="${name}"`)).find((row: any) => row.operationName === name).id;
const oneOf = async (name: string) => api.must('GET', `/backend/test/${await idOf(name)}`);

test('every operation has a test, once', async () => {
  const names = ['greet.bad', 'greet.code', 'greet.free', 'greet.good', 'greet.post'];
  await api.must('PUT', '/backend/test');
  expect(await state()).toEqual(Object.fromEntries(names.map((name) => [name, 1])));
  expect(await oneOf('greet.good')).toMatchObject({ operationName: 'greet.good', config: { method: 'GET' } });
});

test('reads run as they are, and are held against their contract; what may have effects outside waits', async () => {
  await api.must('PUT', `/backend/test/${await idOf('greet.good')}`, { config: { uriFragments: 'name=dora' } });
  expect((await api.must('POST', '/backend/test')).message).toBe('Tests successfully executed');
  expect(await state()).toEqual({
    ...{ 'greet.good': 2, 'greet.free': 3, 'greet.bad': 4, 'greet.code': 4, 'greet.post': 5 },
  });
  expect((await oneOf('greet.bad')).message).toContain('/greeting');
  expect((await oneOf('greet.code')).message).toBe('The status is 200, not 201');
  expect((await oneOf('greet.good')).response).toContain('hello');
  expect(JSON.stringify(await oneOf('greet.good'))).not.toContain('canary-1');
});

test('what may have effects outside runs when that is confirmed, with its body', async () => {
  await api.must('PUT', `/backend/test/${await idOf('greet.post')}`, { config: { body: { a: 1 } } });
  await api.must('POST', `/backend/test?testId=${await idOf('greet.post')}`);
  expect((await state())['greet.post']).toBe(5);
  await api.must('POST', `/backend/test?testId=${await idOf('greet.post')}&confirm=true`);
  expect((await oneOf('greet.post')).response).toContain('posted');
});

test('a test without a part of its path says so; a disabled one does not run', async () => {
  const id = await idOf('greet.good');
  await api.must('PUT', `/backend/test/${id}`, { config: { uriFragments: '' } });
  await api.must('POST', `/backend/test?testId=${id}`);
  expect(await oneOf('greet.good')).toMatchObject({ status: 4, message: expect.stringContaining('"name"') });
  await api.must('PUT', `/backend/test/${id}`, { status: 6 });
  expect((await api.call('POST', `/backend/test?testId=${id}`)).status).toBe(404);
  expect((await state())['greet.good']).toBe(6);
});

test('the platform’s own operations: reads are real, a change of the configuration is a plan, nothing else is done', async () => {
  await api.must('PUT', '/backend/test?categoryId=2');
  const set = async (name: string, config: object) => {
    const id = await idOf(name);
    await api.must('PUT', `/backend/test/${id}`, { config });
    await api.must('POST', `/backend/test?testId=${id}&confirm=true`);
    return oneOf(name);
  };
  const { revision } = (await api.must('GET', '/backend/revision?count=1')).entry[0];
  expect(revision).toBeGreaterThan(0);
  expect(await set('backend.action.get', { uriFragments: 'action_id=~Static-greet-bad' })).toMatchObject({
    response: expect.stringContaining('Static-greet-bad'),
  });
  const planned = await set('backend.rate.create', {
    body: { name: 'Planned', priority: 9, rateLimit: 1, timespan: 'PT1H', allocation: [] },
  });
  expect([planned.status, JSON.parse(planned.response).planned[0]]).toEqual([
    2,
    expect.objectContaining({ resource: 'rate', verb: 'create', name: 'Planned' }),
  ]);
  expect((await api.call('GET', '/backend/rate/~Planned')).status).toBe(404);
  expect((await api.must('GET', '/backend/revision?count=1')).entry[0].revision).toBe(revision);
  const live = await set('backend.user.create', { body: { name: 'nobody', roleId: 3, email: 'n@example.com' } });
  expect(live.status).toBe(5);
  expect((await api.call('GET', '/backend/user/~nobody')).status).toBe(404);
});

test('the test of a deleted operation goes with it', async () => {
  await api.must('DELETE', '/backend/operation/~greet.code');
  await api.must('PUT', '/backend/test');
  expect(await state()).not.toHaveProperty('greet.code');
});
