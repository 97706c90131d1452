import { expect } from 'vitest';
import type { Gateway } from '../helpers/gateway.ts';
import { type Management, request } from '../helpers/management.ts';

/** Makes an event, an action that dispatches it and a public operation `POST /dispatch/NAME`. */
export async function makeEvent(admin: Management, name: string, more: Record<string, unknown> = {}): Promise<void> {
  await admin.must('POST', '/backend/event', { name, ...more });
  const action = `Dispatch-${name.replaceAll('.', '-')}`;
  await admin.must('POST', '/backend/action', {
    name: action,
    class: 'Fusio.Adapter.Util.Action.UtilDispatchEvent',
    config: { event: name },
  });
  await admin.must('POST', '/backend/operation', {
    name: `dispatch.${name}`,
    action: `action://${action}`,
    httpMethod: 'POST',
    httpPath: `/dispatch/${name}`,
    httpCode: 202,
    public: true,
    incoming: 'schema://Passthru',
    scopes: [],
  });
}

/** Registers a webhook of the administrator; gives its id. */
export async function makeWebhook(
  admin: Management,
  event: string,
  endpoint: string,
  more: Record<string, unknown> = {},
): Promise<number> {
  const { id: eventId } = await admin.must('GET', `/backend/event/~${event}`);
  const data = { eventId, userId: 1, name: 'hook', endpoint, ...more };
  return Number((await admin.must('POST', '/backend/webhook', data)).id);
}

/** Calls the operation that dispatches; gives the event's id. */
export async function dispatchOn(
  gateway: Pick<Gateway, 'fetch'>,
  name: string,
  payload: unknown,
): Promise<{ id: string }> {
  const { status, body } = await request(gateway, 'POST', `/dispatch/${name}`, payload);
  expect([status, body]).toEqual([202, expect.objectContaining({ id: expect.any(String) })]);
  return body;
}
