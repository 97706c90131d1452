import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Management, manage, request } from '../helpers/management.ts';

let gateway: Gateway;
let api: Management;

beforeAll(async () => {
  gateway = await startGateway({ isolates: 2, vars: { TRUSTED_IP_HEADER: 'X-Client' } });
  api = await manage(gateway);
  await api.publish({ name: 'open.door', httpPath: '/door', public: true });
}, 60_000);
afterAll(() => gateway?.stop());

const status = async (ip: string, { isolate = 0, path = '/door' } = {}) =>
  (await gateway.fetch(path, { isolate, headers: { 'X-Client': ip } })).status;
/** Until every isolate says so: rules travel with the check that each makes within five seconds. */
async function everywhere(ip: string, expected: number): Promise<void> {
  for (const isolate of [0, 1]) {
    let found = 0;
    for (let attempt = 0; attempt < 80 && found !== expected; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, attempt === 0 ? 0 : 100));
      found = await status(ip, { isolate });
    }
    expect(found, `isolate ${isolate}`).toBe(expected);
  }
}
const rule = async (name: string, members: Record<string, unknown>) =>
  Number((await api.must('POST', '/backend/firewall', { name, ...members })).id);

test('a rule denies everywhere, at once where it was written, and lets in again when it is gone', async () => {
  const id = await rule('bad-network', { type: 0, ip: '203.0.113.0/24' });
  expect(await status('203.0.113.9')).toBe(403);
  await everywhere('203.0.113.9', 403);
  expect(await status('203.0.114.9')).toBe(200);
  const answer = await request(gateway, 'POST', '/authorization/token', 'grant_type=password', {
    headers: { 'X-Client': '203.0.113.9', 'Content-Type': 'application/x-www-form-urlencoded' },
  });
  expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);

  const allowed = await rule('good-one', { type: 1, ip: '203.0.113.9' });
  expect(await status('203.0.113.9')).toBe(200);
  await api.must('DELETE', `/backend/firewall/${allowed}`);
  expect(await status('203.0.113.9')).toBe(403);

  await api.must('PUT', `/backend/firewall/${id}`, { ip: '198.51.100.0/24' });
  expect([await status('203.0.113.9'), await status('198.51.100.1')]).toEqual([200, 403]);
  await api.must('DELETE', `/backend/firewall/${id}`);
  await everywhere('198.51.100.1', 200);
});

test('a rule that is over denies nobody', async () => {
  await rule('over', { type: 0, ip: '192.0.2.1', expire: '2020-01-01T00:00:00Z' });
  expect(await status('192.0.2.1')).toBe(200);
});

test.each(['nonsense', '203.0.113.9/40', '1.2.3.4:80'])('%s is refused', async (ip) => {
  const { status, body } = await api.call('POST', '/backend/firewall', { name: 'no-rule', type: 0, ip });
  expect([status, body.message]).toEqual([400, 'Firewall IP must be a valid IPv4 or IPv6']);
});

describe('who writes a rule', () => {
  const from = { headers: { 'X-Client': '192.0.2.77' } };

  test('is not shut out unwarned', async () => {
    const deny = { name: 'everybody', type: 0, ip: '0.0.0.0/0' };
    const refused = await api.call('POST', '/backend/firewall', deny, from);
    expect([refused.status, refused.body.message]).toEqual([409, expect.stringContaining('192.0.2.77')]);
    expect(await status('192.0.2.77')).toBe(200);

    await api.must('POST', '/backend/firewall', { name: 'mine', type: 1, ip: '192.0.2.0/24' });
    expect((await api.call('POST', '/backend/firewall', deny, from)).status).toBe(201);
    expect([await status('192.0.2.77'), await status('8.8.8.8')]).toEqual([200, 403]);
    expect((await api.call('DELETE', '/backend/firewall/~mine', undefined, from)).status).toBe(409);
    await api.must('DELETE', '/backend/firewall/~everybody');
    expect((await api.call('DELETE', '/backend/firewall/~mine', undefined, from)).status).toBe(200);
  });

  test('may confirm it; a caller of the machine itself gets in to repair it', async () => {
    const rule = { name: 'sure', type: 0, ip: '192.0.2.77', confirm: true };
    expect((await api.call('POST', '/backend/firewall', rule, from)).status).toBe(201);
    expect(await status('192.0.2.77')).toBe(403);
    expect(await api.must('GET', '/backend/firewall/~sure')).not.toHaveProperty('confirm');
    await api.must('DELETE', '/backend/firewall/~sure');
    expect(await status('192.0.2.77')).toBe(200);
  });
});

describe('repeated errors', () => {
  const bans = async () => (await api.must('GET', '/backend/firewall?search=Ban&count=100')).entry;
  const errors = async (ip: string, count: number, path = '/backend/user') => {
    for (let call = 0; call < count; call++) {
      await status(ip, { path, isolate: call % 2 });
    }
  };
  const banned = async (ip: string, named = ip) => {
    await everywhere(ip, 403);
    return (await bans()).find((entry: { ip: string }) => entry.ip === named);
  };

  beforeAll(async () => {
    await api.must('PUT', '/backend/config/~firewall_maxretry', { value: 6 });
    await everywhere('192.0.2.200', 200);
    await new Promise((resolve) => setTimeout(resolve, 2000));
  });

  test('deny the address for a while, in every isolate', async () => {
    await errors('198.51.100.20', 6);
    expect(await status('198.51.100.20')).toBe(200);
    await errors('198.51.100.20', 2);
    const ban = await banned('198.51.100.20');
    expect(ban).toMatchObject({ type: 0, name: expect.stringMatching(/^Ban-198-51-100-20-\d{14}$/) });
    const left = Date.parse(ban.expire) - Date.now();
    expect([left > 200_000, left <= 300_000]).toEqual([true, true]);
  });

  test('deny the whole /64 of an address of IPv6', async () => {
    await errors('2001:db8:1:2::1', 4);
    await errors('2001:db8:1:2::2', 4);
    expect(await banned('2001:db8:1:2::3', '2001:db8:1:2::/64')).toBeDefined();
  });

  test('do not deny who asks for unknown paths, who is ignored, or the machine itself', async () => {
    await api.must('PUT', '/backend/config/~firewall_ignoreip', { value: '198.51.100.30' });
    await errors('198.51.100.31', 12, '/nowhere');
    await errors('198.51.100.30', 12);
    await errors('127.0.0.1', 12);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await bans()).map(({ ip }: { ip: string }) => ip).sort()).toEqual(['198.51.100.20', '2001:db8:1:2::/64']);
  });
});

test('a rule that came around the management API holds after the next sweep', async () => {
  await gateway.DB.prepare(`INSERT INTO firewall (name, type, ip) VALUES ('by-hand', 0, '198.51.100.40')`).run();
  expect(await status('198.51.100.40')).toBe(200);
  await gateway.cron();
  await everywhere('198.51.100.40', 403);
});
