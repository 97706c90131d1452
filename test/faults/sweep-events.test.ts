import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeEvent, makeWebhook } from '../events/events.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Listener, startListener } from '../helpers/listener.ts';
import { type Management, manage, request } from '../helpers/management.ts';
import { answersWell } from './invariants.ts';
import { type Failed, type Sweep, sweep } from './sweep.ts';

// Every call of a binding between an event and its arrival, at a webhook and through a trigger's action, fails in turn.

let gateway: Gateway;
let admin: Management;
let listener: Listener;
let webhook: number;
let trigger: number;
let serial = 0;

beforeAll(async () => {
  [gateway, listener] = await Promise.all([startGateway({ faults: true }), startListener()]);
  admin = await manage(gateway);
  await makeEvent(admin, 'swept.over');
  webhook = await makeWebhook(admin, 'swept.over', `${listener.url}/swept`);
  await admin.must('POST', '/backend/action', {
    name: 'Swept',
    class: 'Fusio.Adapter.Http.Action.HttpProcessor',
    config: { url: `${listener.url}/triggered` },
  });
  const data = { name: 'swept', event: 'swept.over', action: 'action://Swept' };
  trigger = Number((await admin.must('POST', '/backend/trigger', data)).id);
}, 60_000);
afterAll(() => Promise.all([gateway?.stop(), listener?.stop()]));

/** Messages with this number that came to the webhook, or from the trigger's action. */
const came = (number: number, path = '/swept') =>
  listener.received.filter((message) => message.path === path && message.body.includes(`"number":${number},`));
const arrived = (number: number) => came(number).length > 0 && came(number, '/triggered').length > 0;

/** Waits until everything is quiet: what failed on the way is tried again by cron, by alarm and by schedule. */
async function settle(number: number): Promise<void> {
  for (const ends = Date.now() + 20_000; !arrived(number) && Date.now() < ends; ) {
    await gateway.cron();
    await gateway.clock(6_000);
    await gateway.alarm('LANE', `lane::webhook:${webhook}`);
    await gateway.alarm('LANE', `lane::trigger:${trigger}`);
    await gateway.clock(0);
  }
}

/** An accepted event arrives, with one id; twice only where the fault hid its arrival from us. */
async function arrives(number: number, id: string | undefined, failed: Failed | null): Promise<void> {
  const messages = came(number);
  const ids = new Set(messages.map(({ headers }) => headers['webhook-id']));
  if (id !== undefined) {
    expect([...ids]).toEqual([id]);
  }
  const hidden = failed !== null && (failed.call.binding === 'fetch' || failed.mode === 'twice');
  expect(messages.length).toBeLessThanOrEqual(hidden ? 2 : 1);
  expect(came(number, '/triggered').length).toBeLessThanOrEqual(hidden ? 2 : 1);
}

describe('whatever call fails', { timeout: 530_000 }, () => {
  it('an accepted event arrives, and a refused one says so', async () => {
    const flow: Sweep<number, Awaited<ReturnType<typeof request>>> = {
      gateway,
      prepare: async () => (serial += 1),
      run: async (number) => {
        const answer = await request(gateway, 'POST', '/dispatch/swept.over', { number, text: 'x' });
        // The fan-out and the delivery are a part of the flow.
        const ends = Date.now() + 700;
        while (answer.status === 202 && !arrived(number) && Date.now() < ends) {
          await new Promise((done) => setTimeout(done, 20));
        }
        return answer;
      },
      check: async (number, answer, failed) => {
        expect(answer.status).toBeOneOf(failed === null ? [202] : [202, 503]);
        if (answer.status === 202) {
          await settle(number);
          await arrives(number, answer.body.id, failed);
          expect(arrived(number)).toBe(true);
        } else {
          answersWell(answer, failed);
        }
      },
    };
    // Scaled down, only the calls of two bindings fail, for how those of all mix is another thing each time.
    const full = process.env.POSTERN_FULL !== undefined;
    const swept: Failed[] = [];
    for (const binding of full ? ['*'] : ['OUTBOX', 'LANE']) {
      swept.push(...(await sweep({ ...flow, binding })));
    }
    const bindings = new Set(swept.map(({ call }) => call.binding));
    const wanted = ['OUTBOX', 'LANE', ...(full ? ['DB', 'EVENTS', 'fetch'] : [])];
    expect([...bindings]).toEqual(expect.arrayContaining(wanted));
  });

  it('a change that was made raises its event, and one that was not raises none', async () => {
    const told = await makeWebhook(admin, 'fusio.category.create', `${listener.url}/told`);
    await sweep({
      gateway,
      prepare: async () => `swept-${(serial += 1)}`,
      run: (name) => admin.call('POST', '/backend/category', { name }),
      check: async (name, answer, failed) => {
        // Of a message that came twice the second one finds the name taken.
        if (failed?.mode !== 'twice' || answer.body.code !== 'already_exists') {
          answersWell(answer, failed);
        }
        const { entry } = await admin.must('GET', `/backend/category?search=${name}`);
        const events = () =>
          listener.received.filter(({ path, body }) => path === '/told' && body.includes(`"${name}"`));
        if (entry.length > 0) {
          await gateway.cron();
          await expect.poll(() => events().length, { timeout: 10_000 }).toBeGreaterThan(0);
        }
        expect(new Set(events().map(({ headers }) => headers['webhook-id'])).size).toBe(entry.length);
      },
    });
    await admin.must('DELETE', `/backend/webhook/${told}`);
  });
});
