import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { administrator, type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Answer, type Management, manage, request } from '../helpers/management.ts';
import { type Failed, sweep } from './sweep.ts';

let gateway: Gateway;
let admin: Management;
let serial = 0;

beforeAll(async () => {
  gateway = await startGateway({ faults: true });
  admin = await manage(gateway);
});
afterAll(() => gateway?.stop());

/** Whatever fails, a caller gets an answer of ours that says so: never a bare 500, never a broken connection. */
function answersWell({ status, body }: Answer, failed: Failed | null): void {
  expect([status, body]).toEqual([expect.toBeOneOf(failed === null ? [200, 201] : [200, 201, 503]), expect.anything()]);
  if (status === 503) {
    // The token endpoint speaks RFC 6749's errors.
    const shape = 'error' in body ? { error: 'temporarily_unavailable' } : { success: false, code: expect.any(String) };
    expect(body).toMatchObject(shape);
  }
}

describe('whatever call fails', () => {
  it('publishing is whole or not at all, and goes on afterwards', { timeout: 120_000 }, async () => {
    const swept = await sweep({
      gateway,
      prepare: async () => `swept-${++serial}`,
      run: (name) => admin.call('POST', '/backend/scope', { name }),
      check: async (name, answer, failed) => {
        answersWell(answer, failed);
        const { entry } = await admin.must('GET', `/backend/scope?search=${name}`);
        const names = entry.map((scope: { name: string }) => scope.name).filter((one: string) => one === name);
        if (answer.status === 201) {
          expect(names).toEqual([name]);
        } else {
          expect(names.length).toBeLessThanOrEqual(1);
        }
        // Once more: now it is created, or said to exist.
        const again = await admin.call('POST', '/backend/scope', { name });
        expect([again.status, again.body.code]).toEqual(
          names.length === 0 ? [201, undefined] : [400, 'already_exists'],
        );
      },
    });
    expect(swept.some(({ call }) => call.binding === 'DB' && call.method === 'batch')).toBe(true);
    expect(swept.some(({ call }) => call.binding === 'PUBLISHER')).toBe(true);
  });

  it('a login gives a token that works, or an error that says to come again', { timeout: 120_000 }, async () => {
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    const login = () =>
      request(gateway, 'POST', '/authorization/token', 'grant_type=client_credentials', {
        headers: { ...form, Authorization: `Basic ${btoa(`${administrator.name}:${administrator.password}`)}` },
      });
    const swept = await sweep({
      gateway,
      // A lost reply is the harder case: it also stands for a call that never happened.
      modes: ['lose'],
      prepare: async () => {},
      run: login,
      check: async (_, answer, failed) => {
        answersWell(answer, failed);
        const working = answer.status === 200 ? answer : await login();
        const who = await request(gateway, 'GET', '/authorization/whoami', undefined, {
          headers: { Authorization: `Bearer ${working.body.access_token}` },
        });
        expect(who.status).toBe(200);
      },
    });
    expect(swept.length).toBeGreaterThan(2);
  });

  it.each([
    'DB',
    'LOGS',
    'CONTENT',
    'PUBLISHER',
    'caches',
    'USAGE',
  ])('calls are answered while all of %s fails', async (binding) => {
    await gateway.faults.set();
    const name = `calm.${binding.toLowerCase()}`;
    await admin.publish({ name, httpPath: `/calm/${binding}`, public: true });
    expect((await request(gateway, 'GET', `/calm/${binding}`)).status).toBe(200);
    await gateway.faults.set({ binding, mode: 'throw' });
    // Past the age at which an isolate has to ask for the head again.
    await gateway.clock(60_000);
    const answers = [];
    for (let count = 0; count < 3; count += 1) {
      answers.push(await request(gateway, 'GET', `/calm/${binding}`));
    }
    await gateway.faults.set();
    await gateway.clock(0);
    expect(answers.map(({ status, body }) => [status, body])).toEqual(Array(3).fill([200, { ok: true }]));
  });
});
