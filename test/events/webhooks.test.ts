import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Listener, startListener } from '../helpers/listener.ts';
import { type Management, manage } from '../helpers/management.ts';
import { dispatchOn, makeEvent, makeWebhook } from './events.ts';

let gateway: Gateway;
let admin: Management;
let listener: Listener;

beforeAll(async () => {
  [gateway, listener] = await Promise.all([startGateway({ faults: true }), startListener()]);
  admin = await manage(gateway);
});
afterAll(() => Promise.all([gateway?.stop(), listener?.stop()]));

describe('an event', () => {
  it('reaches the webhook that waits for it, signed', async () => {
    await makeEvent(admin, 'first.happened');
    await makeWebhook(admin, 'first.happened', `${listener.url}/first`);
    const { id } = await dispatchOn(gateway, 'first.happened', { amount: 3 });
    const [message] = await listener.wait(1, ({ path }) => path === '/first');
    expect(message!.body).toBe('{"amount":3}');
    expect(message!.headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-event': 'first.happened',
    });
  });
});
