import { expect, it } from 'vitest';
import type { ActionContext, ActionInput } from '../../worker/actions/define.ts';
import { introduction } from '../../worker/actions/introduce.ts';
import { anonymous } from '../../worker/core/call.ts';

const rita = { ...anonymous, userId: 4, userName: 'rita', appId: 9, appKey: 'key-9' };

function introduced(host: string, context: Partial<ActionContext> = {}): Headers {
  const input = { http: { headers: new Headers({ host }), request: null } } as unknown as ActionInput;
  const whole = { requestId: 'r1', operationId: 7, caller: anonymous, ip: '', baseUrl: 'https://a', ...context };
  return introduction(input, whole as ActionContext);
}

it('says of each call who makes it, whatever was said of the calls before', () => {
  const unknown = { 'x-fusio-operation-id': '7', 'x-fusio-user-anonymous': '1', 'x-forwarded-proto': 'https' };
  const known = {
    'x-fusio-app-id': '9',
    'x-fusio-app-key': 'key-9',
    'x-fusio-operation-id': '8',
    'x-fusio-remote-ip': '192.0.2.1',
    'x-fusio-user-anonymous': '0',
    'x-fusio-user-id': '4',
    'x-fusio-user-name': 'rita',
    'x-forwarded-for': '192.0.2.1',
    'x-forwarded-proto': 'http',
  };
  const ofRita = { caller: rita, ip: '192.0.2.1', requestId: 'r2', operationId: 8, baseUrl: 'http://a' };
  for (let round = 0; round < 2; round++) {
    const first = introduced('a.example');
    expect(Object.fromEntries(first)).toEqual({ ...unknown, 'x-forwarded-host': 'a.example', 'x-request-id': 'r1' });
    const second = introduced('b.example', ofRita);
    expect(Object.fromEntries(second)).toEqual({ ...known, 'x-forwarded-host': 'b.example', 'x-request-id': 'r2' });
    // Each has a list of its own, which may be changed.
    first.set('x-fusio-user-id', '1');
    second.delete('x-fusio-user-anonymous');
  }
  const other = introduced('b.example', { ...ofRita, caller: { ...rita, userId: 5, userName: 'ruth' } });
  expect(other.get('x-fusio-user-name')).toBe('ruth');
});
