import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { httpProcessor } from '../../worker/actions/http-processor.ts';
import { http as httpConnection } from '../../worker/connections/http.ts';
import { anonymous } from '../../worker/core/call.ts';
import type { Env } from '../../worker/env.ts';
import { breakers } from '../../worker/lib/breaker.ts';
import {
  failureOf,
  type InputShape,
  loopback,
  makeContext,
  makeInput,
  type Recorded,
  startUpstream,
  type TestContext,
  type Upstream,
} from './harness.ts';

let upstream: Upstream;

beforeAll(async () => {
  upstream = await startUpstream();
});
afterAll(() => upstream.close());
beforeEach(() => {
  breakers.reset();
  upstream.requests.length = 0;
});

async function sent(shape: InputShape, config: object = {}, context = makeContext()): Promise<Recorded> {
  const response = await httpProcessor.run(makeInput(shape), { url: `${upstream.url}/x`, ...config }, context);
  expect(response.status).toBe(200);
  return response.json() as Promise<Recorded>;
}

/** A context whose connections are opened from these configurations. */
function withConnections(configs: Record<string, object>): TestContext {
  return makeContext({
    connection: async (name) =>
      httpConnection.open(configs[name]!, { env: {} as Env, tenant: '', egress: loopback, timeout: 1_000 }),
  });
}

describe('what HTTP-Processor sends', () => {
  it('is the method, the query and the body of the caller', async () => {
    const body = '{ "a" : 1.0,  "b": 12345678901234567890 }';
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    const request = await sent({ method: 'PATCH', url: '/?b=1&a=%20', headers, body, payload: { a: 1, b: 2 } });
    expect(request).toMatchObject({ method: 'PATCH', url: '/x?b=1&a=%20', body });
    expect(request.headers['content-type']).toBe('application/json; charset=utf-8');
  });

  it('carries the query of the configuration over that of the caller', async () => {
    expect((await sent({ url: '/?a=1&b=2' }, { query: 'a=9' })).url).toBe('/x?b=2&a=9');
  });

  it('has no body for GET, even if the caller sent one', async () => {
    expect(await sent({ method: 'GET', body: 'x' })).toMatchObject({ method: 'GET', body: '' });
  });

  it('says who calls and hides what only a gateway may say', async () => {
    const caller = { ...anonymous, userId: 4, userName: 'rita', appId: 9, appKey: 'key-9' };
    const { headers } = await sent(
      {
        headers: {
          authorization: 'Bearer ours',
          cookie: 'a=1',
          'x-fusio-user-id': '1',
          x_fusio_user_id: '1',
          'x-forwarded-for': '10.0.0.1',
          forwarded: 'for=10.0.0.1',
          'x-original-url': '/admin',
          'cf-connecting-ip': '10.0.0.1',
          connection: 'x-hop',
          'x-hop': '1',
          te: 'trailers',
          'x-custom': 'kept',
          accept: 'application/vnd.acme+json',
          'user-agent': 'acme/1',
        },
      },
      {},
      makeContext({ caller }),
    );
    expect(headers).toMatchObject({
      'x-custom': 'kept',
      accept: 'application/vnd.acme+json',
      'user-agent': 'acme/1',
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-host': 'api.example.com',
      'x-forwarded-proto': 'https',
      'x-fusio-operation-id': '7',
      'x-fusio-user-anonymous': '0',
      'x-fusio-user-id': '4',
      'x-fusio-user-name': 'rita',
      'x-fusio-app-id': '9',
      'x-fusio-app-key': 'key-9',
      'x-fusio-remote-ip': '203.0.113.9',
      'x-request-id': '8f14e45f-ceea-467f-a8d1-6d8a1a5b6c7d',
    });
    for (const name of ['authorization', 'cookie', 'forwarded', 'x-original-url', 'cf-connecting-ip', 'x-hop', 'te']) {
      expect(headers).not.toHaveProperty(name);
    }
    expect(headers).not.toHaveProperty('x_fusio_user_id');
  });

  it('says of an anonymous caller that it is one', async () => {
    const { headers } = await sent({ headers: { 'x-fusio-app-key': 'stolen' } });
    expect(headers['x-fusio-user-anonymous']).toBe('1');
    expect(Object.keys(headers).filter((name) => /^x-fusio-(user-id|user-name|app)/.test(name))).toEqual([]);
  });

  it('is authorised by the configuration, else the connection, else the caller’s Proxy-Authorization', async () => {
    const headers = { 'proxy-authorization': 'Bearer theirs' };
    const context = withConnections({
      Basic: { url: upstream.url, username: 'ü', password: 'p:w' },
      Header: { url: upstream.url, authorization: 'Token t', username: 'u', password: 'p' },
    });
    const authorization = async (config: object) => (await sent({ headers }, config, context)).headers.authorization;
    expect(await authorization({})).toBe('Bearer theirs');
    expect(await authorization({ authorization: 'Bearer ours' })).toBe('Bearer ours');
    expect(await authorization({ connection: 'Basic', url: '/x' })).toBe(
      `Basic ${Buffer.from('ü:p:w', 'utf8').toString('base64')}`,
    );
    expect(await authorization({ connection: 'Header', url: '/x' })).toBe('Token t');
    expect(await authorization({ connection: 'Header', url: '/x', authorization: 'Bearer ours' })).toBe('Bearer ours');
  });

  it('has the base url and the headers of the connection', async () => {
    const context = withConnections({ Http: { url: `${upstream.url}/v1/`, headers: { 'X-Key': 'k', Accept: 'a/b' } } });
    const request = await sent(
      { params: { id: '../7' }, headers: { accept: '*/*' } },
      { connection: 'Http', url: '/things/:id' },
      context,
    );
    expect(request.url).toBe('/v1/things/..%2F7');
    expect(request.headers).toMatchObject({ 'x-key': 'k', accept: 'a/b' });
  });

  it('never says a header that HTTP does not allow, nor its value', async () => {
    const failure = await failureOf(sent({}, { authorization: 'Bearer se\r\ncret' }));
    expect(failure.code).toBe('not_configured');
    expect(failure.message).not.toContain('cret');
    const context = withConnections({ Http: { url: upstream.url, headers: { 'X-Key': 'se\ncret' } } });
    const other = await failureOf(sent({}, { connection: 'Http', url: '/' }, context));
    expect(other.code).toBe('not_configured');
    expect(`${other.message}${String(other.cause)}`).not.toContain('cret');
  });

  it('goes nowhere when the connection is of another kind', async () => {
    const context = makeContext({ connection: async () => ({ prepare() {} }) });
    expect((await failureOf(sent({}, { connection: 'System', url: '/' }, context))).code).toBe('not_configured');
  });
});

describe('the body that HTTP-Processor sends', () => {
  const json = { 'content-type': 'application/json' };
  const payload = { name: 'pea', tags: ['a', 'b'], deep: { yes: true, no: null } };

  it('is encoded as configured when the caller sent a parsed body of another type', async () => {
    const shape = { method: 'POST', headers: json, body: JSON.stringify(payload), payload };
    const form = await sent(shape, { type: 'application/x-www-form-urlencoded' });
    expect(form.headers['content-type']).toBe('application/x-www-form-urlencoded');
    expect(decodeURIComponent(form.body)).toBe('name=pea&tags[0]=a&tags[1]=b&deep[yes]=1');
    const multipart = await sent(shape, { type: 'multipart/form-data' });
    expect(multipart.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
    expect(multipart.body).toContain('name="tags"\r\n\r\n["a","b"]');
  });

  it('is the caller’s own when the configured type is what was sent', async () => {
    const body = '{"name" : "pea"}';
    expect((await sent({ method: 'POST', headers: json, body, payload }, { type: 'application/json' })).body).toBe(
      body,
    );
    expect((await sent({ method: 'POST', body, payload }, { type: 'application/json' })).body).toBe(body);
  });

  it('is made of the payload when there is nothing else, as in a cronjob', async () => {
    const request = await sent({ method: 'POST', payload });
    expect(JSON.parse(request.body)).toEqual(payload);
    expect(request.headers['content-type']).toBe('application/json');
    const text = await sent({ method: 'POST', payload: '<a/>' }, { type: 'application/xml' });
    expect(text).toMatchObject({ body: '<a/>', headers: { 'content-type': 'application/xml' } });
  });

  it.each([
    'application/octet-stream',
    'text/plain',
    'application/xml',
    'application/x-www-form-urlencoded',
  ])('is refused when it cannot be said as %s', async (type) => {
    const value = type.endsWith('urlencoded') ? 'text' : payload;
    expect((await failureOf(sent({ method: 'POST', payload: value }, { type }))).code).toBe('invalid_body');
    expect(upstream.requests).toHaveLength(0);
  });
});

describe('streams', () => {
  it('reach the upstream before the caller is done, and come back before the upstream is done', async () => {
    const server = await startUpstreamRaw();
    let controller!: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({ start: (given) => void (controller = given) });
    const encode = (text: string) => new TextEncoder().encode(text);
    controller.enqueue(encode('first'));
    const answered = httpProcessor.run(
      makeInput({ method: 'POST', body, headers: { 'content-type': 'text/plain' } }),
      { url: server.url, type: 'application/json' },
      makeContext(),
    );
    expect(await server.received()).toBe('first');
    server.respond({ 'content-type': 'text/event-stream' }, 'data: 1\n\n');
    const response = await answered;
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader.read()).value).toBe('data: 1\n\n');
    controller.enqueue(encode(' second'));
    expect(await server.received()).toBe(' second');
    server.respond({}, 'data: 2\n\n');
    expect((await reader.read()).value).toBe('data: 2\n\n');
    controller.close();
    server.end();
    expect((await reader.read()).done).toBe(true);
    await server.close();
  });

  /** A server whose test decides when it reads and writes. */
  async function startUpstreamRaw() {
    const { createServer } = await import('node:http');
    const chunks: string[] = [];
    const waiting: ((chunk: string) => void)[] = [];
    let answer!: import('node:http').ServerResponse;
    const server = createServer((request, response) => {
      answer = response;
      request.setEncoding('utf8').on('data', (chunk: string) => {
        const next = waiting.shift();
        next === undefined ? chunks.push(chunk) : next(chunk);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return {
      url: `http://127.0.0.1:${(server.address() as import('node:net').AddressInfo).port}/`,
      received: () =>
        new Promise<string>((resolve) => (chunks.length ? resolve(chunks.shift()!) : waiting.push(resolve))),
      respond(headers: Record<string, string>, text: string) {
        if (!answer.headersSent) {
          answer.writeHead(200, headers);
        }
        answer.write(text);
      },
      end: () => answer.end(),
      close: () =>
        new Promise<void>((resolve) => {
          server.closeAllConnections();
          server.close(() => resolve());
        }),
    };
  }
});

describe('the answer of the upstream', () => {
  async function answered(
    status: number,
    headers: Record<string, string | string[]>,
    body = '',
    method = 'GET',
  ): Promise<Response> {
    const server = await startUpstream((_, response) => {
      response.writeHead(status, headers);
      response.end(body);
    });
    try {
      const context = makeContext();
      const response = await httpProcessor.run(makeInput({ method }), { url: server.url }, context);
      return new Response(method === 'HEAD' || [204, 304].includes(status) ? null : await response.text(), response);
    } finally {
      await server.close();
    }
  }

  it('comes back with status, headers and body', async () => {
    const response = await answered(418, { etag: '"1"', 'content-type': 'a/b', 'x-custom': 'c' }, 'short');
    expect(response.status).toBe(418);
    expect(Object.fromEntries(response.headers)).toMatchObject({ etag: '"1"', 'content-type': 'a/b', 'x-custom': 'c' });
    expect(await response.text()).toBe('short');
  });

  it('loses what belongs to the connection, the upstream and other origins', async () => {
    const response = await answered(200, {
      connection: 'close, x-hop',
      'x-hop': '1',
      'access-control-allow-origin': '*',
      server: 'nginx',
      'x-powered-by': 'PHP',
      'set-cookie': ['a=1', 'b=2'],
      'strict-transport-security': 'max-age=1',
    });
    const names = [...response.headers.keys()];
    for (const name of ['x-hop', 'access-control-allow-origin', 'server', 'x-powered-by', 'set-cookie', 'connection']) {
      expect(names).not.toContain(name);
    }
    expect(names).not.toContain('strict-transport-security');
  });

  it('is not followed when it redirects', async () => {
    const response = await answered(302, { location: 'http://169.254.169.254/' });
    expect([response.status, response.headers.get('location')]).toEqual([302, 'http://169.254.169.254/']);
  });

  it('may be empty', async () => {
    expect((await answered(204, {})).status).toBe(204);
    expect((await answered(304, { etag: '"1"' })).headers.get('etag')).toBe('"1"');
    expect((await answered(200, { 'content-length': '42' }, '', 'HEAD')).headers.get('content-length')).toBe('42');
  });

  it('has a type, if only that of bytes', async () => {
    expect((await answered(200, {}, 'x')).headers.get('content-type')).toBe('application/octet-stream');
  });

  it('is refused when its headers are a flood', async () => {
    const flood = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`x-${index}`, 'y'.repeat(1_000)]));
    const context = makeContext({
      egress: { fetch: async () => new Response('x', { headers: flood }) },
    });
    const failure = await failureOf(httpProcessor.run(makeInput(), { url: 'http://127.0.0.1/' }, context));
    expect(failure.code).toBe('bad_gateway');
  });
});
