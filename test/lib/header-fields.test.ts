import { expect, test } from 'vitest';
import { headerFields } from '../../worker/lib/header-fields.ts';

test('fields behave as Headers do', () => {
  const [own, platform] = [headerFields(), new Headers()];
  for (const headers of [own, platform]) {
    headers.set('X-Request-Id', '1');
    headers.set('x-request-id', '2');
    headers.append('Vary', 'Accept');
    headers.append('vary', 'Origin');
    headers.set('Allow', 'GET');
    headers.delete('ALLOW');
    headers.delete('x-nothing');
  }
  expect(Object.fromEntries(own)).toEqual(Object.fromEntries(platform));
  expect([own.get('VARY'), own.get('allow'), own.has('X-REQUEST-ID'), own.has('Allow')]).toEqual([
    'Accept, Origin',
    null,
    true,
    false,
  ]);
});
