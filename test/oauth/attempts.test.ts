import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Env } from '../../worker/env.ts';
import { hashPassword, verifyPassword } from '../../worker/lib/password.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { askToken, basic, createUser, manage, tokensOf } from './clients.ts';

let gateway: Gateway;
let token: string;
let ahead = 0;
const former = randomBytes(32).toString('base64');
const full = process.env.POSTERN_FULL !== undefined;

beforeAll(async () => {
  gateway = await startGateway({ faults: true, vars: { TRUSTED_IP_HEADER: 'X-Client', SECRET_KEY_FORMER: former } });
  token = (await tokensOf(gateway, await gateway.setup())).access_token;
});
afterAll(() => gateway?.stop());
beforeEach(() => gateway.faults.set());

async function pass(seconds: number): Promise<void> {
  ahead += seconds * 1000;
  await gateway.clock(ahead);
}

/** One attempt from an address of its own unless told otherwise. */
let addresses = 0;
function attempt(
  name: string,
  password: string,
  address = `203.0.${Math.floor(++addresses / 250)}.${addresses % 250}`,
) {
  return askToken(gateway, { grant_type: 'client_credentials' }, { ...basic(name, password), 'X-Client': address });
}

const statuses = async (responses: Promise<Response>[]) =>
  (await Promise.all(responses)).map(({ status }) => status).sort();

/** Counts failures at a guard without making them: hashes would only take time. After 10 the delays begin: 4 s, 8 s, … */
async function fail(guard: string, times: number): Promise<void> {
  const limiter = (await gateway.mf.getDurableObjectNamespace('LIMITER')) as unknown as Env['LIMITER'];
  for (let count = 0; count < times; count++) {
    await limiter.getByName(`login::${guard}`).attempt({ free: 1000, first: 1, longest: 1, memory: 3600 });
  }
}

describe('guesses at one account', () => {
  it('are evaluated at most 20 times in an hour, however many and from wherever they come', {
    timeout: 180_000,
  }, async () => {
    const { name } = await createUser(gateway, token, 'ann');
    const burst = await statuses(
      Array.from({ length: full ? 1000 : 30 }, (_, index) => attempt(name, `guess-${index}`)),
    );
    let evaluated = burst.filter((status) => status === 401).length;
    // While ten hashes are worked on, the first delay may pass.
    expect(evaluated).toBeGreaterThanOrEqual(10);
    expect(evaluated).toBeLessThanOrEqual(11);
    expect(burst.filter((status) => status === 429).length).toBe(burst.length - evaluated);
    for (let minute = 0; minute < 60; minute++) {
      await pass(60);
      evaluated += (await attempt(name, `later-${minute}`)).status === 401 ? 1 : 0;
    }
    expect(evaluated).toBeGreaterThan(12);
    expect(evaluated).toBeLessThanOrEqual(20);
  });

  it('say when to come back, let the right password in then, and forgive what was before', async () => {
    const { id, name, password } = await createUser(gateway, token, 'bob');
    await fail(`user:${id}`, 14);
    const refused = await attempt(name, password);
    expect([refused.status, ((await refused.json()) as any).error]).toEqual([429, 'slow_down']);
    const wait = Number(refused.headers.get('Retry-After'));
    expect(wait).toBeGreaterThan(32);
    expect(wait).toBeLessThanOrEqual(64);
    await pass(wait);
    expect((await attempt(name, password)).status).toBe(200);
    expect((await attempt(name, 'wrong')).status).toBe(401);
    expect((await attempt(name, password)).status).toBe(200);
  });

  it('count by the account, named by name or by mail address, at every door', async () => {
    const { id, name, email } = await createUser(gateway, token, 'cid');
    await fail(`user:${id}`, 14);
    expect((await attempt(name, 'wrong')).status).toBe(429);
    expect((await attempt(email, 'wrong')).status).toBe(429);
    const login = await gateway.fetch('/consumer/login', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Client': '198.51.100.1' },
      body: JSON.stringify({ username: name, password: 'wrong' }),
    });
    expect(login.status).toBe(429);
    expect(login.headers.get('Retry-After')).toMatch(/^\d+$/);
  });

  it('are slowed down for accounts that do not exist as for those that do', async () => {
    const digest = createHash('sha256').update('nobody-at-all').digest('hex').slice(0, 32);
    await fail(`name:${digest}`, 9);
    // One of these is the last that is let in at once, and counts.
    const guesses = await statuses(Array.from({ length: 4 }, () => attempt('nobody-at-all', 'wrong')));
    expect(guesses.filter((status) => status === 401).length).toBeLessThanOrEqual(2);
    expect(guesses.at(-1)).toBe(429);
  });
});

describe('failures from one address', () => {
  it('are slowed down over all accounts; an IPv6 address counts by its /64', async () => {
    await fail('address:2001:db8:1:2::/64', 110);
    const refused = await attempt('somebody', 'wrong', '2001:db8:1:2:ffff::7');
    expect(refused.status).toBe(429);
    expect((await attempt('somebody', 'wrong', '2001:db8:1:3::7')).status).toBe(401);
  });

  it('do not count what succeeds, and not who is on this machine', async () => {
    const { name, password } = await createUser(gateway, token, 'fey');
    await fail('address:192.0.2.9', 99);
    for (let count = 0; count < 3; count++) {
      expect((await attempt(name, password, '192.0.2.9')).status).toBe(200);
    }
    await gateway.faults.set();
    await attempt(name, password, '127.0.0.1');
    const { calls } = await gateway.faults.state();
    const guards = calls.filter(({ method }) => method === 'attempt').map(({ subject }) => subject);
    expect(guards).toEqual([expect.stringMatching(/^login::user:\d+$/)]);
  });
});

describe('what cannot be told apart', () => {
  it('does the same work for a wrong password, an unknown user and a disabled one', async () => {
    const gil = await createUser(gateway, token, 'gil');
    const off = await createUser(gateway, token, 'off');
    await manage(gateway, token, 'PUT', `/backend/user/${off.id}`, { status: 2 });
    const seen = async (name: string, password: string) => {
      await gateway.faults.set();
      const response = await attempt(name, password);
      const { calls } = await gateway.faults.state();
      const body = await response.text();
      const work = calls
        .filter(({ binding }) => binding === 'DB' || binding === 'LIMITER')
        .map(({ binding, method }) => `${binding}.${method}`);
      return { status: response.status, body, work };
    };
    const wrong = await seen(gil.name, 'wrong');
    expect(wrong.status).toBe(401);
    expect(wrong.work).toEqual(['LIMITER.attempt', 'DB.raw', 'LIMITER.attempt']);
    expect(await seen('nobody', 'wrong')).toEqual(wrong);
    expect(await seen('nobody@example.com', 'wrong')).toEqual(wrong);
    expect(await seen(off.name, off.password)).toEqual(wrong);
  });
});

describe('without the guard', () => {
  it('nobody is let in, and the right password is not lost', async () => {
    const { name, password } = await createUser(gateway, token, 'hal');
    await gateway.faults.set({ binding: 'LIMITER', method: 'attempt', mode: 'throw' });
    const refused = await attempt(name, password);
    expect([refused.status, ((await refused.json()) as any).error]).toEqual([503, 'temporarily_unavailable']);
    await gateway.faults.set();
    expect((await attempt(name, password)).status).toBe(200);
  });

  it('a success that cannot be reported is a success', async () => {
    const { name, password } = await createUser(gateway, token, 'ivy');
    await gateway.faults.set({ binding: 'LIMITER', method: 'succeed', mode: 'throw' });
    expect((await attempt(name, password)).status).toBe(200);
  });
});

describe('a password that was stored under a former root secret', () => {
  it('is good, and stored anew at the next login', async () => {
    const { id, name, password } = await createUser(gateway, token, 'jon');
    const old = await hashPassword(password, former);
    await gateway.DB.prepare('UPDATE user SET password = ? WHERE id = ?').bind(old, id).run();
    expect((await attempt(name, 'wrong')).status).toBe(401);
    expect((await attempt(name, password)).status).toBe(200);
    const stored = () =>
      gateway.DB.prepare('SELECT password FROM user WHERE id = ?').bind(id).first<string>('password');
    await expect.poll(stored, { timeout: 10_000 }).not.toBe(old);
    expect(await verifyPassword(password, await stored(), gateway.secretKey)).toEqual({ ok: true, rehash: false });
  });
});
