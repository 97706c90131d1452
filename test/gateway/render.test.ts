import { describe, expect, it } from 'vitest';
import type { Call } from '../../worker/core/call.ts';
import { ApiError } from '../../worker/core/errors.ts';
import { render, renderError } from '../../worker/gateway/render.ts';

const id = '8f14e45f-ceea-467f-a8d1-6d8a1a5b6c7d';

function call(method = 'GET', headers: HeadersInit = {}, request: HeadersInit = {}): Call {
  return {
    id,
    method,
    headers: new Headers(headers),
    request: new Request('http://127.0.0.1/x', { headers: request }),
    operation: null,
  } as unknown as Call;
}

describe('a plain value', () => {
  it('becomes compact JSON with the headers of the call', async () => {
    const response = render(call('GET', { 'X-Request-Id': id, Vary: 'Origin' }), { a: [1, 'ä'] });
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toEqual({
      'content-type': 'application/json',
      'x-request-id': id,
      vary: 'Origin, Accept',
    });
    expect(await response.text()).toBe('{"a":[1,"ä"]}');
  });

  it('has the status that its operation names', () => {
    const created = { ...call(), operation: { native: { status: 201 } } } as unknown as Call;
    expect(render(created, { success: true }).status).toBe(201);
    expect(render(created, null).status).toBe(204);
  });

  it('is 204 when there is nothing', async () => {
    for (const nothing of [undefined, null]) {
      const response = render(call('GET', { 'X-Request-Id': id }), nothing);
      expect([response.status, response.body, response.headers.get('x-request-id')]).toEqual([204, null, id]);
    }
    for (const something of [0, '', false, []]) {
      expect(await render(call(), something).text()).toBe(JSON.stringify(something));
    }
  });

  it('leaves only its length to HEAD, in bytes', () => {
    const response = render(call('HEAD'), { a: 'ä€' });
    expect([response.status, response.body, response.headers.get('content-length')]).toEqual([200, null, '13']);
  });
});

describe('the response of an action', () => {
  it('keeps what it says and carries what the call says', async () => {
    const own = new Response('body', {
      status: 203,
      headers: [
        ['x-own', '1'],
        ['x-request-id', 'theirs'],
        ['vary', 'Accept-Language'],
        ['set-cookie', 'a=1'],
      ],
    });
    const headers = new Headers({ 'X-Request-Id': id, Vary: 'Origin', 'RateLimit-Limit': '8' });
    headers.append('Set-Cookie', 'b=2');
    headers.append('Set-Cookie', 'c=3');
    const response = render(call('GET', headers), own);
    expect(response.status).toBe(203);
    expect(response.headers.get('x-own')).toBe('1');
    expect(response.headers.get('x-request-id')).toBe(id);
    expect(response.headers.get('ratelimit-limit')).toBe('8');
    expect(response.headers.get('vary')).toBe('Accept-Language, Origin');
    expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2', 'c=3']);
    expect(await response.text()).toBe('body');
  });

  it('may be one that cannot be changed', async () => {
    const fixed = Response.redirect('https://a.example/');
    const response = render(call('GET', { 'X-Request-Id': id }), fixed);
    expect([response.status, response.headers.get('location'), response.headers.get('x-request-id')]).toEqual([
      302,
      'https://a.example/',
      id,
    ]);
  });

  it('gives HEAD no body, keeps its length, and gives the body up', async () => {
    let given = false;
    const body = new ReadableStream({ cancel: () => void (given = true) });
    const response = render(call('HEAD'), new Response(body, { headers: { 'content-length': '42', etag: '"1"' } }));
    expect([response.body, response.headers.get('content-length'), response.headers.get('etag')]).toEqual([
      null,
      '42',
      '"1"',
    ]);
    expect(given).toBe(true);
  });
});

describe('an error', () => {
  const error = new ApiError('invalid_body', '/body/title must be a string', {
    errors: [{ pointer: '/body/title', rule: 'type', message: 'must be a string' }],
    headers: { 'Retry-After': '3' },
  });

  it('has the members of RFC 9457 and of Fusio', async () => {
    const response = renderError(call('POST', { 'X-Request-Id': id, 'Access-Control-Allow-Origin': '*' }), error);
    expect(response.status).toBe(400);
    expect(Object.fromEntries(response.headers)).toEqual({
      'content-type': 'application/json',
      'retry-after': '3',
      'x-request-id': id,
      'access-control-allow-origin': '*',
      vary: 'Accept',
    });
    expect(await response.json()).toEqual({
      success: false,
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      code: 'invalid_body',
      message: '/body/title must be a string',
      detail: '/body/title must be a string',
      instance: `urn:uuid:${id}`,
      errors: [{ pointer: '/body/title', rule: 'type', message: 'must be a string' }],
    });
  });

  it('is a problem document for those who ask for one', () => {
    const asked = renderError(call('GET', {}, { accept: 'text/html, application/problem+json;q=0.9' }), error);
    expect(asked.headers.get('content-type')).toBe('application/problem+json');
  });

  it('never shows its cause', async () => {
    const hidden = ApiError.from(new Error('password is secret'));
    const text = await renderError(call(), hidden).text();
    expect(text).not.toContain('secret');
    expect(JSON.parse(text)).toMatchObject({ status: 500, title: 'Internal Server Error', code: 'internal' });
  });

  it('has only headers for HEAD', () => {
    const response = renderError(call('HEAD'), new ApiError('unknown_location'));
    expect([response.status, response.body, Number(response.headers.get('content-length')) > 100]).toEqual([
      404,
      null,
      true,
    ]);
  });

  it.each([
    ['insufficient_points', 'Payment Required'],
    ['method_not_allowed', 'Method Not Allowed'],
    ['body_too_large', 'Content Too Large'],
    ['headers_too_large', 'Request Header Fields Too Large'],
    ['upstream_timeout', 'Gateway Timeout'],
    ['loop_detected', 'Loop Detected'],
  ] as const)('%s has the title %s', async (code, title) => {
    expect(await renderError(call(), new ApiError(code)).json()).toMatchObject({ title, code });
  });
});
