import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sha256 } from '../../worker/lib/hash.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Listener, startListener } from '../helpers/listener.ts';
import { type Management, manage, request } from '../helpers/management.ts';

let gateway: Gateway;
let listener: Listener;
let admin: Management;
let operation = 0;
const keys = process.env.POSTERN_FULL === undefined ? 40 : 1_000;

beforeAll(async () => {
  [gateway, listener] = await Promise.all([
    startGateway({ faults: true, vars: { TRUSTED_IP_HEADER: 'X-Client' } }),
    startListener(),
  ]);
  admin = await manage(gateway);
  await admin.must('POST', '/backend/action', {
    name: 'order',
    class: 'Fusio.Adapter.Http.Action.HttpProcessor',
    config: { url: `${listener.url}/order` },
  });
  const order = {
    action: 'action://order',
    httpMethod: 'POST',
    public: true,
    scopes: [],
    incoming: 'schema://Passthru',
  };
  const make = async (name: string, more: Record<string, unknown>) =>
    (await admin.must('POST', '/backend/operation', { name, httpPath: `/${name}`, ...order, ...more })).id;
  operation = Number(await make('orders', { options: { idempotency: 'allowed', timeout: 3_000 } }));
  await make('musts', { options: { idempotency: 'required' } });
  await make('plains', {});
  await admin.must('POST', '/backend/action', {
    name: 'later',
    class: 'Fusio.Adapter.GraphQL.Action.GraphQLProcessor',
    config: { url: listener.url },
  });
  await make('laters', { action: 'action://later', options: { idempotency: 'allowed' } });
  await make('files', { incoming: 'mime://application/octet-stream', options: { idempotency: 'allowed' } });
});
afterAll(() => Promise.all([gateway?.stop(), listener?.stop()]));
beforeEach(() => {
  let number = 0;
  listener.received.length = 0;
  listener.answer = () => ({
    status: 201,
    headers: { 'content-type': 'application/json', 'x-order': 'yes' },
    body: `{"order":${++number}}`,
  });
});

interface More {
  path?: string;
  client?: string;
  token?: string;
}

function order(
  key: string | null,
  body: unknown = { apples: 3 },
  { path = '/orders', client = '192.0.2.1', token }: More = {},
) {
  return request(gateway, 'POST', path, body, {
    headers: {
      'X-Client': client,
      ...(key === null ? {} : { 'Idempotency-Key': key }),
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    },
  });
}

const objectOf = (key: string, who: unknown = '192.0.2.1') =>
  `idempotency::${sha256(JSON.stringify([operation, who, key]))}`;

describe('a request with an Idempotency-Key', () => {
  it('is run once: who repeats it gets the stored status, headers and body', async () => {
    const key = randomUUID();
    const first = await order(key);
    expect([first.status, first.body, first.headers.get('idempotent-replayed')]).toEqual([201, { order: 1 }, null]);
    for (const again of [await order(key), await order(`"${key}"`)]) {
      expect([again.status, again.body]).toEqual([201, { order: 1 }]);
      expect([again.headers.get('x-order'), again.headers.get('idempotent-replayed')]).toEqual(['yes', 'true']);
      expect(again.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'));
    }
    expect(listener.received).toHaveLength(1);
  });

  it('is refused when it says something else', async () => {
    const key = randomUUID();
    await order(key);
    expect(await order(key, { apples: 4 })).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } });
    expect((await order(key, { apples: 3 }, { path: '/orders?fast=1' })).status).toBe(422);
    expect(listener.received).toHaveLength(1);
  });

  it('is another one of another caller, and at another operation', async () => {
    const key = randomUUID();
    const orders = [
      await order(key),
      await order(key, undefined, { client: '192.0.2.2' }),
      await order(key, undefined, { token: admin.token }),
      await order(key, undefined, { path: '/musts' }),
    ];
    expect(orders.map(({ body }) => body.order)).toEqual([1, 2, 3, 4]);
  });

  it(`is run once of five that come together, ${keys} times`, { timeout: 300_000 }, async () => {
    const { answer } = listener;
    listener.answer = async (message) => ({ ...(await answer(message)), delay: 30 });
    for (let done = 0; done < keys; done += 10) {
      const answers = await Promise.all(
        Array.from({ length: 10 }, async () => {
          const key = randomUUID();
          return Promise.all(Array.from({ length: 5 }, () => order(key)));
        }),
      );
      for (const five of answers) {
        expect(five.map(({ status, body }) => [status, body])).toEqual(five.map(() => [201, five[0]!.body]));
      }
    }
    expect(listener.received).toHaveLength(keys);
  });

  it('keeps failures as well, but not those before anything was begun', async () => {
    listener.answer = () => ({ status: 500, body: 'broken' });
    const key = randomUUID();
    expect([await order(key), await order(key)]).toMatchObject([{ status: 500 }, { status: 500, body: 'broken' }]);
    expect(listener.received).toHaveLength(1);
    listener.answer = () => ({ delay: Number.POSITIVE_INFINITY });
    const late = randomUUID();
    const timeout = { status: 504, body: { code: 'upstream_timeout' } };
    expect([await order(late), await order(late)]).toMatchObject([timeout, timeout]);
    expect(listener.received).toHaveLength(2);
    const free = randomUUID();
    const later = () => order(free, { apples: 3 }, { path: '/laters' });
    expect(await later()).toMatchObject({ status: 503, body: { code: 'not_configured' } });
    await admin.must('PUT', '/backend/operation/~laters', { action: 'action://order' });
    listener.answer = () => ({ status: 201, body: '{}' });
    const run = await later();
    expect([run.status, run.headers.get('idempotent-replayed'), listener.received.length]).toEqual([201, null, 3]);
  });

  it('whose answer is larger than 1 MB is run once, and its answer cannot be had again', async () => {
    listener.answer = () => ({ status: 200, body: 'x'.repeat(1_100_000) });
    const key = randomUUID();
    expect((await order(key)).body).toHaveLength(1_100_000);
    expect(await order(key)).toMatchObject({ status: 409, body: { message: expect.stringContaining('too large') } });
    expect(listener.received).toHaveLength(1);
  });

  it('compares bodies that no contract reads', async () => {
    const key = randomUUID();
    const more = { path: '/files' };
    expect((await order(key, 'one', more)).status).toBe(201);
    expect([(await order(key, 'one', more)).status, (await order(key, 'two', more)).status]).toEqual([201, 422]);
    expect(listener.received.map(({ body }) => body)).toEqual(['one']);
    expect((await order(randomUUID(), 'x'.repeat(1_100_000), more)).status).toBe(413);
  });

  it.each([
    '',
    '""',
    '"open',
    'two words',
    'a,b',
    '"\\n"',
    'x'.repeat(256),
  ])('is refused with the key %j', async (key) => {
    expect(await order(key)).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect(listener.received).toHaveLength(0);
  });

  it('must have one where the operation requires it, and is like any other where keys mean nothing', async () => {
    expect(await order(null, {}, { path: '/musts' })).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
    expect((await order(null)).status).toBe(201);
    const key = randomUUID();
    const plain = [await order(key, {}, { path: '/plains' }), await order(key, {}, { path: '/plains' })];
    expect(plain.map(({ body }) => body.order)).toEqual([2, 3]);
  });
});

describe('after a crash', () => {
  it('an outcome that was kept is given again', async () => {
    const key = randomUUID();
    await order(key);
    await gateway.abort('IDEMPOTENCY', objectOf(key)).catch(() => undefined);
    expect(await order(key)).toMatchObject({ status: 201, body: { order: 1 } });
    expect(listener.received).toHaveLength(1);
  });

  it('of the object while the request runs, it is still run once', async () => {
    const { answer } = listener;
    listener.answer = async (message) => ({ ...(await answer(message)), delay: 600 });
    const key = randomUUID();
    const first = order(key);
    await listener.wait(1);
    const second = order(key);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await gateway.abort('IDEMPOTENCY', objectOf(key)).catch(() => undefined);
    expect([await first, await second]).toMatchObject([
      { status: 201, body: { order: 1 } },
      { status: 201, body: { order: 1 } },
    ]);
    expect(listener.received).toHaveLength(1);
  });

  it('an outcome that nobody knows is 409, never a second run, and forgotten after a day', async () => {
    const key = randomUUID();
    await gateway.faults.set({ binding: 'IDEMPOTENCY', method: 'keep', mode: 'throw' });
    expect((await order(key)).status).toBe(201);
    await gateway.faults.set();
    await gateway.clock(60_000);
    expect(await order(key)).toMatchObject({ status: 409, body: { code: 'idempotency_unknown' } });
    expect(listener.received).toHaveLength(1);
    await gateway.alarm('IDEMPOTENCY', objectOf(key));
    await gateway.clock(0);
    expect((await order(key)).status).toBe(201);
  });

  it.each([
    ['use', 'throw', 201],
    ['use', 'lose', 201],
    ['keep', 'lose', 201],
  ] as const)('one reply of %s that is lost (%s) changes nothing', async (method, mode, status) => {
    const key = randomUUID();
    await gateway.faults.set({ binding: 'IDEMPOTENCY', method, mode, nth: 1 });
    expect((await order(key)).status).toBe(status);
    await gateway.faults.set();
    expect(await order(key)).toMatchObject({ status: 201, body: { order: 1 } });
    expect(listener.received).toHaveLength(1);
  });

  it('without the object nothing is run', async () => {
    await gateway.faults.set({ binding: 'IDEMPOTENCY', mode: 'throw' });
    const refused = await order(randomUUID());
    await gateway.faults.set();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '2']);
    expect(listener.received).toHaveLength(0);
  });
});
