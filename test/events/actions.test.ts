import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Listener, startListener } from '../helpers/listener.ts';
import { type Management, manage, request } from '../helpers/management.ts';
import { dispatchOn, makeEvent } from './events.ts';

// Actions that run because of an event, and actions that run after their answer.

let gateway: Gateway;
let admin: Management;
let listener: Listener;

beforeAll(async () => {
  [gateway, listener] = await Promise.all([startGateway({ faults: true }), startListener()]);
  admin = await manage(gateway);
});
afterAll(() => Promise.all([gateway?.stop(), listener?.stop()]));

const at = (path: string) => (message: { path: string }) => message.path === path;

function makeAction(name: string, url: string, more: object = {}): Promise<unknown> {
  const className = 'Fusio.Adapter.Http.Action.HttpProcessor';
  return admin.must('POST', '/backend/action', { name, class: className, config: { url }, ...more });
}

describe('a trigger', () => {
  it('runs its action with the payload, tries again when it fails, and can be replayed', async () => {
    await makeEvent(admin, 'stock.low');
    await makeAction('Reorder', `${listener.url}/reorder`);
    const { id } = await admin.must('POST', '/backend/trigger', {
      name: 'reorder',
      event: 'stock.low',
      action: 'action://Reorder',
    });
    listener.answer = () => ({ status: 500 });
    await dispatchOn(gateway, 'stock.low', { article: 7 });
    const [message] = await listener.wait(1, at('/reorder'));
    expect(message!.body).toBe('{"article":7}');
    const runs = () => admin.must('GET', `/backend/trigger/${id}/delivery`);
    await expect.poll(async () => (await runs()).entry[0]).toMatchObject({ status: 1, attempts: 1, code: 500 });
    listener.answer = () => ({ status: 200, body: '{"ordered":true}' });
    await gateway.clock(6_000);
    await gateway.alarm('LANE', `lane::trigger:${id}`);
    await gateway.clock(0);
    await expect.poll(async () => (await runs()).entry[0]).toMatchObject({ status: 2, attempts: 2, code: 200 });
    await admin.must('POST', `/backend/trigger/${id}/replay`, { status: 'done' });
    await listener.wait(3, at('/reorder'));
  });

  it('may dispatch events itself, but not in circles for ever', async () => {
    await makeEvent(admin, 'round.about');
    await makeEvent(admin, 'all.settled');
    await admin.must('POST', '/backend/trigger', {
      ...{ name: 'again', event: 'round.about', action: 'action://Dispatch-round-about' },
    });
    const { id } = await admin.must('POST', '/backend/trigger', {
      ...{ name: 'once', event: 'round.about', action: 'action://Dispatch-all-settled' },
    });
    await dispatchOn(gateway, 'round.about', { round: 1 });
    const total = async () => (await admin.must('GET', `/backend/trigger/${id}/delivery`)).totalResults;
    // One event of ours and sixteen levels of its own.
    await expect.poll(total, { timeout: 20_000 }).toBe(17);
    const again = await admin.must('GET', '/backend/trigger/~again/delivery?status=pending');
    expect(again.entry).toMatchObject([{ attempts: 1, code: 508 }]);
    await admin.must('DELETE', '/backend/trigger/~again');
  });
});

describe('an async action', () => {
  const run = (id: string, headers: Record<string, string> = {}) =>
    request(gateway, 'GET', `/system/run/${id}`, undefined, { headers });

  it('is queued before the 202, runs with the caller of the request, and tells its answer to that caller alone', async () => {
    await makeAction('Slow', `${listener.url}/slow`, { async: true, metadata: { retries: 1 } });
    await admin.must('POST', '/backend/operation', {
      ...{ name: 'slow.do', action: 'action://Slow', httpMethod: 'POST', httpPath: '/slow/:name', httpCode: 202 },
      ...{ incoming: 'schema://Passthru', scopes: ['default'] },
    });
    listener.answer = () => ({ status: 503 });
    const answer = await admin.call('POST', '/slow/work?part=2', { hard: true });
    expect(answer).toMatchObject({ status: 202, body: { id: expect.stringMatching(/^run_/) } });
    const { id } = answer.body;
    expect(answer.headers.get('location')).toBe(`${gateway.url}/system/run/${id}`);
    const [message] = await listener.wait(1, ({ path }) => path.startsWith('/slow'));
    expect([message!.path, message!.body]).toEqual(['/slow?part=2', '{"hard":true}']);
    const own = { Authorization: `Bearer ${admin.token}` };
    await expect
      .poll(async () => (await run(id, own)).body)
      .toMatchObject({ status: 'pending', attempts: 1, code: 503 });
    expect((await run(id)).status).toBe(404);
    listener.answer = () => ({ status: 200, headers: { 'Content-Type': 'application/json' }, body: '{"done":1}' });
    const [, shard] = id.split('_');
    await gateway.clock(6_000);
    await gateway.alarm('LANE', `lane::run:${shard}`);
    await gateway.clock(0);
    await expect
      .poll(async () => (await run(id, own)).body)
      .toMatchObject({ id, action: 'Slow', status: 'done', attempts: 2, code: 200, answer: { done: 1 } });
  });

  it('is in the list of the backend and of its caller, and can be cancelled while it waits', async () => {
    listener.answer = () => ({ status: 503 });
    const { body } = await admin.call('POST', '/slow/waits', { waits: true });
    const list = async (path: string) => (await admin.must('GET', path)).entry as any[];
    const all = () => list('/backend/run?status=pending&action=Slow&userId=1');
    await expect.poll(all, { timeout: 10_000 }).toMatchObject([{ id: body.id, attempts: 1, code: 503, userId: 1 }]);
    expect(await list('/system/run?count=1')).toMatchObject([{ id: body.id, action: 'Slow', status: 'pending' }]);
    expect(await list('/system/run?status=done&since=2100-01-01T00:00:00Z')).toEqual([]);
    expect(await list('/backend/run?userId=99')).toEqual([]);
    expect((await request(gateway, 'GET', '/system/run')).status).toBe(401);
    expect((await request(gateway, 'DELETE', `/system/run/${body.id}`)).status).toBe(404);
    expect((await admin.must('GET', `/backend/run/${body.id}`)).history).toMatchObject([{ code: 503 }]);
    await admin.must('DELETE', `/system/run/${body.id}`);
    expect(await admin.must('GET', `/backend/run/${body.id}`)).toMatchObject({ status: 'cancelled' });
    expect((await admin.call('DELETE', `/backend/run/${body.id}`)).status).toBe(409);
    expect(await all()).toEqual([]);
  });

  it('answers 503 when it cannot be queued, and then does not run', async () => {
    await gateway.faults.set({ binding: 'LANE', method: 'add', mode: 'throw' });
    const answer = await admin.call('POST', '/slow/never', { never: 1 });
    await gateway.faults.set();
    expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(listener.received.some(({ body }) => body.includes('never'))).toBe(false);
  });

  it('survives the end of the object that keeps it', async () => {
    listener.answer = () => ({ status: 200, body: '{}', delay: 300 });
    const { body } = await admin.call('POST', '/slow/crash', { crash: 1 });
    const [, shard] = body.id.split('_');
    await listener.wait(1, (message) => message.body.includes('crash'));
    await gateway.abort('LANE', `lane::run:${shard}`);
    await gateway.alarm('LANE', `lane::run:${shard}`);
    const own = { Authorization: `Bearer ${admin.token}` };
    await expect
      .poll(async () => (await run(body.id, own)).body, { timeout: 10_000 })
      .toMatchObject({ status: 'done', attempts: 1 });
  });
});
