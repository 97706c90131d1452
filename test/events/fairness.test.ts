import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Answer, type Listener, startListener } from '../helpers/listener.ts';
import { type Management, manage, request } from '../helpers/management.ts';
import { makeEvent, makeWebhook } from './events.ts';

// One dead or slow endpoint delays nobody. In full: 100 endpoints, an event a second for a minute.

const full = process.env.POSTERN_FULL !== undefined;
const endpoints = full ? 100 : 12;
const bad = full ? 10 : 2;
const seconds = full ? 60 : 4;

let gateway: Gateway;
let admin: Management;
let listener: Listener;

beforeAll(async () => {
  [gateway, listener] = await Promise.all([startGateway(), startListener()]);
  admin = await manage(gateway);
});
afterAll(() => Promise.all([gateway?.stop(), listener?.stop()]));

it('delivers in time to the others, and leaves those that fail alone', {
  timeout: 60_000 + seconds * 2_000,
}, async () => {
  await makeEvent(admin, 'tick.tock');
  for (let index = 0; index < endpoints; index += 1) {
    await makeWebhook(admin, 'tick.tock', `${listener.url}/${index}`);
  }
  const indexOf = (path: string) => Number(path.slice(1));
  const hangs = (index: number) => index < bad;
  const fails = (index: number) => index >= bad && index < 2 * bad;
  listener.answer = ({ path }): Answer =>
    hangs(indexOf(path)) ? { delay: Number.POSITIVE_INFINITY } : { status: fails(indexOf(path)) ? 500 : 204 };
  const sent = new Map<number, number>();
  for (let number = 0; number < seconds; number += 1) {
    const began = Date.now();
    sent.set(number, began);
    expect((await request(gateway, 'POST', '/dispatch/tick.tock', { number })).status).toBe(202);
    await new Promise((done) => setTimeout(done, Math.max(0, 1_000 - (Date.now() - began))));
  }
  const well = await listener.wait((endpoints - 2 * bad) * seconds, ({ path }) => indexOf(path) >= 2 * bad, 30_000);
  if (full) {
    const delays = well.map(({ at, body }) => at - sent.get(JSON.parse(body).number)!).sort((a, b) => a - b);
    expect(delays[Math.floor(delays.length * 0.99)]).toBeLessThanOrEqual(2_000);
  }
  // Four hang at a time; five failures open the breaker, and then one goes out every ten seconds.
  const attempts = (index: number) => listener.received.filter(({ path }) => path === `/${index}`).length;
  for (let index = 0; index < 2 * bad; index += 1) {
    expect(attempts(index)).toBeLessThanOrEqual(8 + Math.ceil(seconds / 10) * 2);
  }
});
