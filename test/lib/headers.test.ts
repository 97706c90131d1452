import { describe, expect, test } from 'vitest';
import { addForwarded, headerValue, listHeaders, readAuthorization, refusedHeaders } from '../../worker/lib/headers.ts';

function forward(headers: Record<string, string>, policy = {}): Record<string, string> {
  const result = new Headers();
  addForwarded(result, listHeaders(new Headers(headers)), policy);
  return Object.fromEntries(result);
}

function giveBack(headers: Record<string, string>, policy = {}): Record<string, string> {
  return Object.fromEntries(returned(new Headers(headers), policy));
}

function returned(headers: Headers, policy = {}): Headers {
  for (const name of refusedHeaders(listHeaders(headers), policy)) {
    headers.delete(name);
  }
  return headers;
}

describe('request headers that go upstream', () => {
  test.each([
    ...[
      'Accept',
      'Accept-Language',
      'Content-Type',
      'User-Agent',
      'If-None-Match',
      'Range',
      'X-Custom',
      'X-Api-Version',
      'Traceparent',
    ],
    ...[
      'Sec-WebSocket-Protocol',
      'X-Client-Id',
      'Idempotency-Key',
      'X-Forwarder',
      'Prefer',
      'X_Custom',
      'Date',
      'Origin',
    ],
  ])('%s does', (name) => {
    expect(forward({ [name]: 'v' })).toEqual({ [name.toLowerCase()]: 'v' });
  });

  test.each([
    ...[
      'Connection',
      'Keep-Alive',
      'Proxy-Authorization',
      'Proxy-Connection',
      'Proxy-Foo',
      'TE',
      'Trailer',
      'Transfer-Encoding',
    ],
    ...[
      'Upgrade',
      'Host',
      'Content-Length',
      'Expect',
      'HTTP2-Settings',
      'CDN-Loop',
      'Authorization',
      'Cookie',
      'Cookie2',
    ],
    ...[
      'CF-Connecting-IP',
      'CF-Ray',
      'CF-Worker',
      'CF_Connecting_IP',
      'True-Client-IP',
      'X-Real-IP',
      'X_Real_IP',
      'X-Client-IP',
    ],
    ...[
      'Forwarded',
      'X-Forwarded-For',
      'X_Forwarded_For',
      'X-Forwarded_Host',
      'X-Forwarded-Client-Cert',
      'X-Forwarded',
      'Client-IP',
    ],
    ...[
      'X-Original-URL',
      'X-Original-Host',
      'X-Rewrite-URL',
      'X_Rewrite_URL',
      'X-HTTP-Method-Override',
      'X-HTTP-Method',
    ],
    ...[
      'X-Method-Override',
      'X-Host',
      'Client-Cert',
      'SSL-Client-Verify',
      'X-Remote-User',
      'X-Envoy-Internal',
      'X-Azure-ClientIP',
    ],
    ...[
      'Sec-WebSocket-Key',
      'Sec-WebSocket-Version',
      'Sec-WebSocket-Extensions',
      'X-MS-Client-Principal-Id',
      'X-MS-Client-Principal',
      'X-AppEngine-User-Ip',
      'X-Goog-IAP-Jwt-Assertion',
      'X-Amzn-Oidc-Data',
      'X-SSL-Client-Dn',
      'X-Client-Cert',
      'Fastly-Client-IP',
      'X-Cluster-Client-IP',
      'X-Originating-IP',
      'X-HTTP-Host-Override',
    ],
  ])('%s does not', (name) => {
    expect(forward({ [name]: 'v', 'x-other': 'w' })).toEqual({ 'x-other': 'w' });
  });

  test('what Connection names stays behind, in any case, and cannot be forced through', () => {
    const headers = {
      Connection: 'close, X-Hop ,x-SECOND,,authorization',
      'X-Hop': '1',
      'X-Second': '2',
      'X-Third': '3',
      Authorization: 'a',
    };
    expect(forward(headers, { authorization: true })).toEqual({ 'x-third': '3' });
  });

  test('credentials, cookies and upgrades go by policy only', () => {
    const headers = { Authorization: 'Bearer a', Cookie: 'b=c', Connection: 'Upgrade', Upgrade: 'websocket' };
    expect(forward(headers)).toEqual({});
    expect(forward(headers, { authorization: true })).toEqual({ authorization: 'Bearer a' });
    expect(forward(headers, { cookies: true })).toEqual({ cookie: 'b=c' });
    expect(forward(headers, { upgrade: true })).toEqual({ upgrade: 'websocket' });
  });

  test('a caller may drop more, whole or by its beginning, also spelled with an underscore', () => {
    const headers = {
      'X-Own-User': '1',
      X_Own_App: '2',
      'X-Owner': '3',
      Accept: '4',
      'Accept-Charset': '5',
      Cookie: '6',
    };
    expect(forward(headers, { cookies: true, drop: ['x-own-', 'accept', 'cookie'] })).toEqual({
      'x-owner': '3',
      'accept-charset': '5',
    });
  });

  test('values with control characters stay behind, tabs go', () => {
    expect(forward({ 'X-A': 'a\x01b', 'X-B': 'a\x7f', 'X-C': 'a\tb' })).toEqual({ 'x-c': 'a\tb' });
  });
});

describe('response headers that come back', () => {
  test.each([
    ...[
      'Content-Type',
      'Content-Length',
      'Content-Encoding',
      'Cache-Control',
      'ETag',
      'Location',
      'Link',
      'X-Total-Count',
      'Vary',
    ],
    ...[
      'RateLimit',
      'Retry-After',
      'WWW-Authenticate',
      'Content-Security-Policy',
      'Sec-WebSocket-Protocol',
      'Content-Disposition',
    ],
  ])('%s does', (name) => {
    expect(giveBack({ [name]: 'v' })).toEqual({ [name.toLowerCase()]: 'v' });
  });

  test.each([
    ...[
      'Connection',
      'Keep-Alive',
      'Proxy-Authenticate',
      'TE',
      'Trailer',
      'Transfer-Encoding',
      'Upgrade',
      'Server',
      'X-Powered-By',
    ],
    ...[
      'X-AspNet-Version',
      'CF-Ray',
      'CF-Cache-Status',
      'Via',
      'X-Accel-Redirect',
      'X-Sendfile',
      'Alt-Svc',
      'Clear-Site-Data',
    ],
    ...['Strict-Transport-Security', 'Public-Key-Pins', 'Service-Worker-Allowed', 'NEL', 'Report-To', 'Set-Cookie2'],
    ...[
      'Access-Control-Allow-Origin',
      'Access-Control-Allow-Credentials',
      'Set-Cookie',
      'Sec-WebSocket-Accept',
      'Sec-WebSocket-Extensions',
      'Reporting-Endpoints',
      'Origin-Agent-Cluster',
      'X-Lighttpd-Send-File',
      'X-AspNetMvc-Version',
      'Public-Key-Pins-Report-Only',
      'CDN-Loop',
    ],
  ])('%s does not', (name) => {
    expect(giveBack({ [name]: 'v', 'x-other': 'w' })).toEqual({ 'x-other': 'w' });
  });

  test('what Connection names, what the caller drops and what holds control characters does not', () => {
    const headers = {
      connection: 'x-hop',
      'x-hop': '1',
      'x-drop': '2',
      'x-drop-a': '3',
      'x-bad': 'a\x02',
      'x-good': '4',
    };
    expect(giveBack(headers, { drop: ['x-drop', 'x-drop-'] })).toEqual({ 'x-good': '4' });
  });

  test('cookies by policy, each one apart', () => {
    const upstream = new Headers({ 'x-a': '1' });
    upstream.append('set-cookie', 'a=1; Expires=Thu, 01 Jan 2026 00:00:00 GMT');
    upstream.append('set-cookie', 'b=2');
    expect(returned(new Headers(upstream)).getSetCookie()).toEqual([]);
    expect(returned(new Headers(upstream), { cookies: true }).getSetCookie()).toEqual(upstream.getSetCookie());
  });
});

test('a list holds what the headers hold, and counts names, values and what stands between', () => {
  expect(listHeaders(new Headers())).toEqual({ names: [], values: [], bytes: 0 });
  const list = listHeaders(new Headers({ A: 'b', 'X-Long': '12345' }));
  expect(list.bytes).toBe('a: b\r\n'.length + 'x-long: 12345\r\n'.length);
  expect([headerValue(list, 'a'), headerValue(list, 'x-long'), headerValue(list, 'x')]).toEqual(['b', '12345', null]);
});

describe('readAuthorization', () => {
  test.each([
    ['Bearer abc.def-_~+/==', 'bearer', 'abc.def-_~+/=='],
    ['bearer  abc', 'bearer', 'abc'],
    [' Basic dTpw ', 'basic', 'dTpw'],
    ['Bearer', 'bearer', ''],
    [
      'Digest username="a, Bearer b", realm="c\\"d", qop=auth',
      'digest',
      'username="a, Bearer b", realm="c\\"d", qop=auth',
    ],
    ['GNAP a=b', 'gnap', 'a=b'],
  ])('%j', (value, scheme, credentials) => {
    expect(readAuthorization(value)).toEqual({ ok: true, scheme, credentials });
  });

  test.each([
    ['Bearer a, Bearer b', 'joined'],
    ['Bearer a,Bearer b', 'joined'],
    ['Bearer a, b', 'joined'],
    ['Bearer a,', 'joined'],
    ['Bearer, Bearer a', 'joined'],
    [', Bearer a', 'joined'],
    ['Basic dTpw=, Bearer b', 'joined'],
    ['Digest a="b", Digest c="d"', 'joined'],
    ['Digest a="b", Bearer c', 'joined'],
    ['', 'malformed'],
    ['Bearer a b', 'malformed'],
    ['Bearer "a"', 'malformed'],
    ['Bea(rer a', 'malformed'],
    ['Bearer\ta', 'malformed'],
    ['Bearer ä', 'malformed'],
  ])('%j is %s', (value, reason) => {
    expect(readAuthorization(value)).toEqual({ ok: false, reason });
  });

  test('takes no longer for a long value', () => {
    const value = `Digest ${'a=b, '.repeat(6000)}"`;
    expect(readAuthorization(value)).toEqual({ ok: false, reason: 'joined' });
  });
});
