import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { signatureHeaders } from '../../worker/lib/standard-webhooks.ts';
import { installedModule } from '../conformance/installed.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Answer, type Listener, type Received, startListener } from '../helpers/listener.ts';
import { type Management, manage, request } from '../helpers/management.ts';
import { dispatchOn, makeEvent, makeWebhook } from './events.ts';

let gateway: Gateway;
let admin: Management;
let listener: Listener;
let serial = 0;

beforeAll(async () => {
  [gateway, listener] = await Promise.all([startGateway({ faults: true }), startListener()]);
  admin = await manage(gateway);
  await makeEvent(admin, 'any.thing');
});
afterAll(() => Promise.all([gateway?.stop(), listener?.stop()]));
beforeEach(async () => {
  listener.answer = () => ({});
  await gateway.clock(0);
});

/** A webhook at a path of its own on the listener; messages to it, and the webhook as it is shown. */
async function hook(more: Record<string, unknown> = {}, event = 'any.thing') {
  const path = `/${++serial}`;
  const id = await makeWebhook(admin, event, listener.url + path, more);
  return {
    id,
    path,
    came: (count: number) => listener.wait(count, (one) => one.path === path),
    none: () => expect(listener.received.filter((one) => one.path === path)).toEqual([]),
    shown: () => admin.must('GET', `/backend/webhook/${id}`),
    remove: () => admin.must('DELETE', `/backend/webhook/${id}`),
  };
}

const deliveries = (id: number, query = '') => admin.must('GET', `/backend/webhook/${id}/delivery${query}`);
const lane = (id: number) => `lane::webhook:${id}`;

/** Waits until a webhook's latest delivery is as expected. */
const settles = (id: number, wanted: Record<string, unknown>) =>
  expect.poll(async () => (await deliveries(id)).entry[0], { timeout: 10_000 }).toMatchObject(wanted);

describe('an event', () => {
  it('reaches the webhook that waits for it: the bare payload, signed, and shown with the answer', async () => {
    const one = await hook();
    listener.answer = () => ({ status: 201, body: 'x'.repeat(3_000) });
    const { id } = await dispatchOn(gateway, 'any.thing', { amount: 3, name: 'Zoë' });
    const [message] = await one.came(1);
    expect(message!.body).toBe('{"amount":3,"name":"Zoë"}');
    expect(message!.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-event': 'any.thing',
      'webhook-timestamp': expect.stringMatching(/^\d{10}$/),
    });
    await settles(one.id, { status: 2, code: 201, attempts: 1, message: id, event: 'any.thing' });
    const { responses } = await one.shown();
    expect(responses).toHaveLength(1);
    expect(responses[0]).toMatchObject({ status: 2, code: 201, attempts: 1, executeDate: expect.any(String) });
    expect(responses[0].history).toEqual([
      { date: expect.any(String), duration: expect.any(Number), code: 201, answer: 'x'.repeat(1_024) },
    ]);
    await one.remove();
  });

  it('is a CloudEvent where a webhook wants one, structured or binary', async () => {
    const [structured, binary] = [await hook({ format: 'cloudevents' }), await hook({ format: 'cloudevents-binary' })];
    const { id } = await dispatchOn(gateway, 'any.thing', [1, 2]);
    const [[whole], [parts]] = await Promise.all([structured.came(1), binary.came(1)]);
    const attributes = { specversion: '1.0', id, source: '/event/any.thing', type: 'any.thing' };
    expect(whole!.headers['content-type']).toBe('application/cloudevents+json');
    expect(JSON.parse(whole!.body)).toEqual({
      ...attributes,
      datacontenttype: 'application/json',
      time: expect.any(String),
      data: [1, 2],
    });
    expect(parts!.body).toBe('[1,2]');
    const prefixed = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]);
    expect(parts!.headers).toMatchObject({ ...Object.fromEntries(prefixed), 'content-type': 'application/json' });
    await structured.remove();
    await binary.remove();
  });

  it('is refused when it is unknown, breaks its schema or cannot be kept, and then reaches nobody', async () => {
    await admin.must('POST', '/backend/schema', {
      name: 'Order',
      source: { type: 'object', properties: { copies: { type: 'integer' } }, required: ['copies'] },
    });
    await makeEvent(admin, 'order.made', { schema: 'schema://Order' });
    const one = await hook({}, 'order.made');
    const broken = await request(gateway, 'POST', '/dispatch/order.made', { copies: 'many' });
    expect(broken).toMatchObject({ status: 400, body: { code: 'invalid_body' } });
    await gateway.faults.set({ binding: 'OUTBOX', method: 'accept', mode: 'throw' });
    const lost = await request(gateway, 'POST', '/dispatch/order.made', { copies: 1 });
    expect(lost).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(lost.headers.get('retry-after')).toBe('2');
    // A reply that is lost once is asked for again, and the event is one.
    await gateway.faults.set({ binding: 'OUTBOX', method: 'accept', mode: 'lose', nth: 1 });
    const { id } = await dispatchOn(gateway, 'order.made', { copies: 2 });
    await gateway.faults.set();
    await one.came(1);
    await settles(one.id, { message: id, status: 2 });
    expect((await deliveries(one.id)).totalResults).toBe(1);
    await admin.must('DELETE', '/backend/event/~order.made');
    expect((await request(gateway, 'POST', '/dispatch/order.made', { copies: 1 })).status).toBe(404);
  });

  it('is taken without the database, and delivered when it is back', async () => {
    const one = await hook();
    await dispatchOn(gateway, 'any.thing', { is: 'warm' });
    await one.came(1);
    await gateway.faults.set({ binding: 'DB', mode: 'throw' });
    const { id } = await dispatchOn(gateway, 'any.thing', { is: 'without' });
    await gateway.faults.set();
    await gateway.cron();
    const messages = await one.came(2);
    expect(messages[1]!.headers['webhook-id']).toBe(id);
    await one.remove();
  });

  it('does not need the queue: cron finds what waits', async () => {
    const one = await hook();
    await gateway.faults.set({ binding: 'EVENTS', mode: 'throw' });
    await dispatchOn(gateway, 'any.thing', { is: 'no queue' });
    await gateway.cron();
    await one.came(1);
    await gateway.faults.set();
    await one.remove();
  });

  it('is told once however often it is fanned out', async () => {
    const one = await hook();
    await gateway.faults.set({ binding: 'OUTBOX', method: 'done', mode: 'throw', times: 2 });
    const { id } = await dispatchOn(gateway, 'any.thing', { is: 'twice' });
    await one.came(1);
    await gateway.cron();
    await gateway.cron();
    await gateway.faults.set();
    await settles(one.id, { message: id, status: 2, attempts: 1 });
    await one.remove();
  });
});

describe('management changes', () => {
  it('raise their event as a CloudEvent, in the batch of the change', async () => {
    const [created, updated] = [await hook({}, 'fusio.scope.create'), await hook({}, 'fusio.scope.update')];
    await admin.must('POST', '/backend/scope', { name: 'told', description: 'of' });
    const [message] = await created.came(1);
    expect(JSON.parse(message!.body)).toEqual({
      specversion: '1.0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      source: expect.stringMatching(/^\/backend\/scope\/\d+$/),
      type: 'org.fusio-project.scope.create',
      datacontenttype: 'application/json',
      time: expect.any(String),
      data: expect.objectContaining({ name: 'told', description: 'of' }),
    });
    updated.none();
    await admin.must('PUT', '/backend/scope/~told', { description: 'again' });
    expect(JSON.parse((await updated.came(1))[0]!.body).data.description).toBe('again');
    const left = await gateway.DB.prepare('SELECT count(*) AS count FROM outbox').first('count');
    expect(left).toBe(0);
    await created.remove();
    await updated.remove();
  });

  it('of live data do so too, and no secret is in what is told', async () => {
    const one = await hook({}, 'fusio.user.create');
    await admin.must('POST', '/backend/user', {
      ...{ roleId: 3, status: 1, name: 'told.about', email: 'told@example.com', password: 'a-long-password' },
    });
    const [message] = await one.came(1);
    const { data } = JSON.parse(message!.body);
    expect(data).toMatchObject({ name: 'told.about' });
    expect(message!.body).not.toMatch(/password|scrypt|\$sealed/);
    await one.remove();
  });
});

describe('signatures', () => {
  it('reproduce the published test vector', () => {
    const headers = signatureHeaders(
      ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'],
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      1_614_265_330,
      '{"test": 2432232314}',
    );
    expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  const count = process.env.POSTERN_FULL ? 1_000 : 40;
  it(`are good for the verifiers of standardwebhooks and svix, ${count} times; what is tampered, stale or of another secret is not`, {
    timeout: 30_000 + count * 250,
  }, async () => {
    const [standard, svix] = await Promise.all([
      installedModule('standardwebhooks/dist/index.js'),
      installedModule('svix/dist/index.mjs'),
    ]);
    const one = await hook();
    const { secret } = await admin.must('GET', `/backend/webhook/${one.id}/secret`);
    for (let index = 0; index < count; index += 20) {
      const texts = Array.from({ length: 20 }, () => randomBytes(20).toString('base64'));
      await Promise.all(texts.map((text) => dispatchOn(gateway, 'any.thing', { text, emoji: '🦊' })));
    }
    const messages = await listener.wait(count, ({ path }) => path === one.path, 10_000 + count * 100);
    const foreign = `whsec_${randomBytes(24).toString('base64')}`;
    for (const Verifier of [standard.Webhook, svix.Webhook]) {
      const verify = (message: Received, secret: string, body = message.body, headers = message.headers) =>
        new Verifier(secret).verify(body, headers);
      for (const message of messages) {
        expect(() => verify(message, secret)).not.toThrow();
      }
      const [message] = messages as [Received];
      expect(() => verify(message, secret, message.body.replace('text', 'tezt'))).toThrow();
      expect(() => verify(message, foreign)).toThrow();
      const early = {
        ...message.headers,
        'webhook-timestamp': String(Number(message.headers['webhook-timestamp']) - 400),
      };
      expect(() => verify(message, secret, message.body, early)).toThrow();
    }
    await one.remove();
  });

  it('are made with both secrets for a day after a rotation; nobody else is shown a secret', async () => {
    const { Webhook } = await installedModule('standardwebhooks/dist/index.js');
    const given = `whsec_${randomBytes(32).toString('base64')}`;
    const one = await hook({ secret: given });
    const { secret } = await admin.must('POST', `/backend/webhook/${one.id}/secret`);
    expect(secret).not.toBe(given);
    expect(await admin.must('GET', `/backend/webhook/${one.id}/secret`)).toEqual({ secret });
    expect(JSON.stringify([await one.shown(), await admin.must('GET', '/backend/webhook')])).not.toMatch(
      /whsec|sealed/,
    );
    await dispatchOn(gateway, 'any.thing', 1);
    const [message] = await one.came(1);
    for (const each of [given, secret]) {
      expect(new Webhook(each).verify(message!.body, message!.headers)).toBe(1);
    }
    await gateway.clock(25 * 3_600_000);
    await dispatchOn(gateway, 'any.thing', 2);
    const later = (await one.came(2))[1]!;
    expect(later.headers['webhook-signature']!.split(' ')).toHaveLength(1);
    await gateway.clock(0);
    const weak = await admin.call('PUT', `/backend/webhook/${one.id}`, { secret: 'whsec_c2hvcnQ=' });
    expect(weak.status).toBe(400);
    await one.remove();
  });
});

describe('failures', () => {
  it('are retried on schedule with the same id, until eight attempts end in the dead letters', async () => {
    const one = await hook();
    listener.answer = () => ({ status: 500, body: 'broken' });
    const { id } = await dispatchOn(gateway, 'any.thing', 1);
    const waits = [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000];
    let clock = 0;
    for (const [index, wait] of waits.entries()) {
      await settles(one.id, { attempts: index + 1, status: 1, code: 500, error: 'Answered 500' });
      const { executeDate, nextDate } = (await deliveries(one.id)).entry[0];
      const planned = (Date.parse(nextDate) - Date.parse(executeDate)) / 1_000;
      expect(planned).toBeGreaterThanOrEqual(wait - 1);
      expect(planned).toBeLessThanOrEqual(wait * 1.1 + 3);
      clock += wait * 1_100 + 1_000;
      await gateway.clock(clock);
      await gateway.alarm('LANE', lane(one.id));
    }
    await settles(one.id, { attempts: 8, status: 3, message: id });
    const messages = await one.came(8);
    expect(new Set(messages.map(({ headers }) => headers['webhook-id']))).toEqual(new Set([id]));
    expect((await deliveries(one.id, '?status=dead')).totalResults).toBe(1);
    expect((await deliveries(one.id, '?status=done')).entry).toEqual([]);

    listener.answer = () => ({});
    expect(await admin.must('POST', `/backend/webhook/${one.id}/replay`, {})).toMatchObject({ count: 1 });
    await settles(one.id, { attempts: 1, status: 2, message: id });
    expect((await one.came(9))[8]!.headers['webhook-id']).toBe(id);
    await gateway.clock(0);
    await one.remove();
  });

  it('are in one list over all webhooks, from which they are tried again: one, those that meet a filter, all', async () => {
    const user = { roleId: 3, status: 1, name: 'third', email: 'third@example.com', password: 'a-long-password' };
    const { id: userId } = await admin.must('POST', '/backend/user', user);
    const [one, other] = [await hook(), await hook({ userId: Number(userId) })];
    listener.answer = () => ({ status: 410 });
    const first = await dispatchOn(gateway, 'any.thing', { number: 1 });
    const letters = (query = '') => admin.must('GET', `/backend/deadletter${query}`);
    await expect.poll(async () => (await letters()).totalResults, { timeout: 10_000 }).toBe(2);
    const [ofOther] = (await letters(`?webhook=${other.id}`)).entry;
    const [ofOne] = (await letters(`?webhook=${one.id}&event=any.thing&since=2020-01-01T00:00:00Z`)).entry;
    expect(ofOne).toMatchObject({ kind: 'webhook', message: first.id, event: 'any.thing', code: 410, attempts: 1 });
    expect((await letters('?event=another')).entry).toEqual([]);
    expect((await letters('?since=2100-01-01T00:00:00Z')).entry).toEqual([]);
    expect(await admin.must('GET', `/backend/deadletter/${ofOne.id}`)).toMatchObject({
      payload: { number: 1 },
      history: [{ code: 410 }],
    });
    // Who owns a webhook sees its letters alone, and that it was disabled.
    const own = await admin.must('GET', '/consumer/deadletter');
    expect(own.entry.map(({ id }: any) => id)).toEqual([ofOne.id]);
    expect((await admin.call('GET', `/consumer/deadletter/${ofOther.id}`)).status).toBe(404);
    expect(await admin.must('POST', '/consumer/deadletter/replay', { ids: [ofOther.id] })).toMatchObject({ count: 0 });
    await expect
      .poll(async () => (await admin.must('GET', `/consumer/webhook?search=id:${one.id}`)).entry[0], {
        timeout: 10_000,
      })
      .toMatchObject({ status: 2, disabled: { reason: expect.stringContaining('410'), since: expect.any(String) } });

    listener.answer = () => ({});
    await admin.must('PUT', `/backend/webhook/${one.id}`, { status: 1 });
    await admin.must('PUT', `/backend/webhook/${other.id}`, { status: 1 });
    expect(await admin.must('POST', '/backend/deadletter/replay', { webhook: one.id })).toMatchObject({ count: 1 });
    await settles(one.id, { message: first.id, status: 2 });
    expect((await letters()).entry.map(({ id }: any) => id)).toEqual([ofOther.id]);
    const health = async () =>
      (await admin.must('GET', '/backend/webhook/health?count=100')).entry.find(({ id }: any) => id === other.id);
    expect(await health()).toMatchObject({ waiting: 0, dead: 1, running: 0, breaker: 'closed' });
    for (const path of ['/backend/deadletter/replay', `/backend/webhook/${one.id}/replay`]) {
      const refused = await admin.call('POST', path, { since: 'yesterday' });
      expect([refused.status, refused.body.errors[0].pointer]).toEqual([400, '/body/since']);
    }
    expect(await admin.must('POST', '/backend/deadletter/replay', {})).toMatchObject({ count: 1, more: false });
    await settles(other.id, { message: first.id, status: 2 });
    expect(await letters()).toMatchObject({ totalResults: 0 });
    expect(await health()).toMatchObject({ waiting: 0, dead: 0, successDate: expect.any(String) });
    expect((await one.shown()).health).toMatchObject({ waiting: 0, dead: 0, breaker: 'closed' });

    // What was deleted leaves no letters behind.
    listener.answer = () => ({ status: 410 });
    await dispatchOn(gateway, 'any.thing', { number: 2 });
    await expect.poll(async () => (await letters()).totalResults, { timeout: 10_000 }).toBe(2);
    await one.remove();
    await other.remove();
    await expect.poll(async () => (await letters()).totalResults, { timeout: 10_000 }).toBe(0);
  });

  it('are no success for redirects and timeouts, and leave the target alone for as long as it asks', async () => {
    const [redirected, resting] = [await hook(), await hook()];
    listener.answer = ({ path }): Answer =>
      path === redirected.path
        ? { status: 302, headers: { Location: `${listener.url}/elsewhere` } }
        : { status: 429, headers: { 'Retry-After': '3600' } };
    await dispatchOn(gateway, 'any.thing', 1);
    await settles(redirected.id, { status: 1, code: 302, error: 'Redirects are not followed' });
    await settles(resting.id, { status: 1, code: 429 });
    const { executeDate, nextDate } = (await deliveries(resting.id)).entry[0];
    expect(Date.parse(nextDate) - Date.parse(executeDate)).toBeGreaterThanOrEqual(3_599_000);
    expect(listener.received.some(({ path }) => path === '/elsewhere')).toBe(false);
    await redirected.remove();
    await resting.remove();
  });

  it('never leave through the egress guard', async () => {
    const id = await makeWebhook(admin, 'any.thing', 'http://169.254.169.254/latest');
    await dispatchOn(gateway, 'any.thing', 1);
    await settles(id, { status: 1, error: 'The endpoint is not allowed by the egress guard' });
    await admin.must('DELETE', `/backend/webhook/${id}`);
  });

  it('disable the webhook at 410, and after five days of nothing else; its owner sees it and an event tells it', async () => {
    const told = await hook({}, 'fusio.webhook.disable');
    const [gone, failing] = [await hook(), await hook()];
    listener.answer = ({ path }) => (path === told.path ? {} : { status: path === gone.path ? 410 : 503 });
    await dispatchOn(gateway, 'any.thing', 1);
    await expect.poll(async () => (await gone.shown()).status, { timeout: 10_000 }).toBe(2);
    expect((await gone.shown()).disabled).toMatchObject({ reason: 'The endpoint answered 410 Gone' });
    const [message] = await told.came(1);
    expect(JSON.parse(message!.body)).toMatchObject({
      type: 'org.fusio-project.webhook.disable',
      data: { id: gone.id, disabled: { reason: 'The endpoint answered 410 Gone' } },
    });
    await settles(failing.id, { status: 1, attempts: 1 });
    await gateway.clock(5 * 86_400_000 + 60_000);
    await gateway.alarm('LANE', lane(failing.id));
    await gateway.clock(0);
    await expect.poll(async () => (await failing.shown()).status, { timeout: 10_000 }).toBe(2);
    expect((await failing.shown()).disabled).toMatchObject({ since: expect.any(String) });

    // Made active again, it goes on.
    listener.answer = () => ({});
    await admin.must('PUT', `/backend/webhook/${gone.id}`, { status: 1 });
    expect((await gone.shown()).disabled).toBeUndefined();
    const { id } = await dispatchOn(gateway, 'any.thing', 2);
    await settles(gone.id, { message: id, status: 2 });
    await Promise.all([told.remove(), gone.remove(), failing.remove()]);
  });
});

describe('order', () => {
  it('is kept per key where a webhook asks for it: a poisoned message holds up its own key alone, and not for ever', async () => {
    const one = await hook({ orderBy: '/customer' });
    listener.answer = ({ body }) => ({ status: JSON.parse(body).poison ? 500 : 204 });
    const send = (customer: string, number: number, poison = false) =>
      dispatchOn(gateway, 'any.thing', { customer, number, poison });
    await send('a', 1);
    await one.came(1);
    await send('a', 2, true);
    await settles(one.id, { attempts: 1, code: 500 });
    await send('a', 3);
    await send('b', 1);
    await send('a', 4);
    await listener.wait(1, ({ path, body }) => path === one.path && body.includes('"b"'));
    await expect.poll(async () => (await deliveries(one.id, '?status=pending')).totalResults).toBe(3);
    const bodies = () => listener.received.filter(({ path }) => path === one.path).map(({ body }) => JSON.parse(body));
    expect(bodies().some(({ number }) => number > 2)).toBe(false);
    // The poisoned one is given up at last, and the key goes on in order.
    let clock = 0;
    for (const wait of [5, 300, 1_800, 7_200, 18_000, 36_000, 36_000]) {
      await gateway.clock((clock += wait * 1_100 + 1_000));
      await gateway.alarm('LANE', lane(one.id));
    }
    // The breaker lets a probe through.
    await gateway.clock(clock + 11_000);
    await gateway.alarm('LANE', lane(one.id));
    await expect.poll(async () => (await deliveries(one.id, '?status=pending')).totalResults).toBe(0);
    const numbers = bodies().flatMap(({ customer, number }) => (customer === 'a' && number !== 2 ? number : []));
    expect(numbers).toEqual([1, 3, 4]);
    expect((await deliveries(one.id, '?status=dead')).entry).toMatchObject([{ attempts: 8 }]);
    await gateway.clock(0);
    await one.remove();
  });

  it('is kept over everything with *', async () => {
    const one = await hook({ orderBy: '*', concurrency: 6 });
    listener.answer = () => ({ delay: 5 });
    for (let number = 0; number < 12; number += 1) {
      await dispatchOn(gateway, 'any.thing', { number });
    }
    const messages = await one.came(12);
    const byArrival = messages.map(({ body }) => JSON.parse(body).number);
    const { entry } = await deliveries(one.id, '?count=20');
    const taken = entry.map(({ message }: any) => message).reverse();
    expect(messages.map(({ headers }) => headers['webhook-id'])).toEqual(taken);
    expect([...byArrival].sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, number) => number));
    await one.remove();
  });
});

describe('owners', () => {
  it('replay what failed since a date, by event or by message, and send a test to one webhook alone', async () => {
    const [one, other] = [await hook(), await hook()];
    listener.answer = () => ({ status: 400 });
    const first = await dispatchOn(gateway, 'any.thing', { number: 1 });
    await settles(one.id, { attempts: 1 });
    const since = new Date().toISOString();
    const second = await dispatchOn(gateway, 'any.thing', { number: 2 });
    await settles(one.id, { attempts: 1, message: second.id });
    listener.answer = () => ({});
    const replay = (body: object) => admin.must('POST', `/backend/webhook/${one.id}/replay`, body);
    expect(await replay({ status: 'pending', since })).toMatchObject({ count: 1 });
    await settles(one.id, { message: second.id, status: 2 });
    expect(await replay({ messages: [first.id] })).toMatchObject({ count: 1 });
    await settles(one.id, { message: first.id, status: 2 });
    expect(await replay({ event: 'another.one', status: 'done' })).toMatchObject({ count: 0 });
    const { id } = await admin.must('POST', `/backend/webhook/${one.id}/test`, { hello: 1 });
    const [message] = await listener.wait(1, ({ headers }) => headers['webhook-id'] === id);
    expect([message!.path, message!.body]).toEqual([one.path, '{"hello":1}']);
    expect((await deliveries(other.id)).totalResults).toBe(2);
    await one.remove();
    await other.remove();
  });

  it('fetch and acknowledge instead of being sent to, where they cannot receive', async () => {
    const { id } = await admin.must('POST', '/consumer/webhook', { event: 'any.thing', name: 'pulls', mode: 'pull' });
    const sent: string[] = [];
    for (let number = 0; number < 5; number += 1) {
      sent.push((await dispatchOn(gateway, 'any.thing', { number })).id);
    }
    const fetch = (query: string) => admin.must('GET', `/consumer/webhook/${id}/message${query}`);
    await expect.poll(async () => (await fetch('?count=10')).entry.length).toBe(5);
    const page = await fetch('?count=3');
    const rest = await fetch(`?cursor=${page.cursor}`);
    const all = [...page.entry, ...rest.entry];
    expect(all.map(({ id }) => id).sort()).toEqual(sent.sort());
    expect(all[0]).toMatchObject({ event: 'any.thing', payload: { number: expect.any(Number) } });
    const acknowledge = { cursor: page.cursor };
    expect(await admin.must('POST', `/consumer/webhook/${id}/acknowledge`, acknowledge)).toMatchObject({ count: 3 });
    expect((await fetch('')).entry.map(({ id }: any) => id)).toEqual(rest.entry.map(({ id }: any) => id));
    await admin.must('DELETE', `/consumer/webhook/${id}`);
    expect((await admin.call('GET', `/consumer/webhook/${id}/message`)).status).toBe(410);
  });

  it('get nothing before the endpoint has answered its challenge, if they ask for one', async () => {
    const one = await hook({ challenge: true });
    await dispatchOn(gateway, 'any.thing', { early: true });
    const verify = () => admin.call('POST', `/backend/webhook/${one.id}/verify`);
    listener.answer = () => ({ status: 200, body: 'no idea' });
    expect((await verify()).status).toBe(409);
    expect((await one.came(1)).map(({ headers }) => headers['webhook-event'])).toEqual(['webhook.challenge']);
    listener.answer = ({ body }) => ({ status: 200, body });
    expect((await verify()).status).toBe(200);
    const messages = await one.came(3);
    expect(messages[2]!.body).toBe('{"early":true}');
    expect((await one.shown()).verified).toEqual(expect.any(String));
    await one.remove();
  });

  it('who were disabled are told nothing more', async () => {
    const user = { roleId: 3, status: 1, name: 'leaving', email: 'leaving@example.com', password: 'a-long-password' };
    const { id } = await admin.must('POST', '/backend/user', user);
    const [theirs, ours] = [await hook({ userId: Number(id) }), await hook()];
    await admin.must('PUT', `/backend/user/${id}`, { status: 2 });
    await dispatchOn(gateway, 'any.thing', { after: 'leaving' });
    await ours.came(1);
    theirs.none();
    await ours.remove();
  });

  it('alone reach their webhooks', async () => {
    const paths = ['', '/delivery', '/secret', '/message'];
    const id = await makeWebhook(admin, 'any.thing', `${listener.url}/own`);
    const user = { roleId: 3, status: 1, name: 'somebody', email: 'else@example.com', password: 'a-long-password' };
    await admin.must('POST', '/backend/user', user);
    const login = await request(gateway, 'POST', '/authorization/token', 'grant_type=client_credentials', {
      headers: {
        'Content-Type': 'application/x-www-form-urlencoded',
        Authorization: `Basic ${btoa('somebody:a-long-password')}`,
      },
    });
    const headers = { Authorization: `Bearer ${login.body.access_token}` };
    for (const path of paths) {
      const answer = await request(gateway, 'GET', `/consumer/webhook/${id}${path}`, undefined, { headers });
      expect([path, answer.status]).toEqual([path, 404]);
    }
    await admin.must('DELETE', `/backend/webhook/${id}`);
  });
});
