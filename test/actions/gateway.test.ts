import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Management, manage, request } from '../helpers/management.ts';
import { deadUrl, type Recorded, startUpstream, type Upstream } from './harness.ts';

// The actions behind the whole journey: configured over the management API, called as callers do.

let gateway: Gateway;
let admin: Management;
let upstream: Upstream;

const secret = 'Bearer canary-5f3b1c';

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await startGateway();
  admin = await manage(gateway);
  await admin.must('POST', '/backend/connection', {
    name: 'Upstream',
    class: 'Fusio.Adapter.Http.Connection.Http',
    config: { url: `${upstream.url}/v1`, authorization: secret, headers: { 'X-Fixed': 'f' } },
  });
});
afterAll(async () => {
  await gateway?.stop();
  await upstream?.close();
});

/** An action of the HTTP classes and a public operation on it. */
async function publish(
  name: string,
  httpPath: string,
  config: object,
  more: { httpMethod?: string; class?: string; [member: string]: unknown } = {},
): Promise<void> {
  const { class: className = 'HttpProcessor', ...operation } = more;
  const action = `Http-${name.replaceAll('.', '-')}`;
  await admin.must('POST', '/backend/action', {
    name: action,
    class: `Fusio.Adapter.Http.Action.${className}`,
    config,
  });
  await admin.must('POST', '/backend/operation', {
    name,
    httpPath,
    httpMethod: 'GET',
    public: true,
    scopes: [],
    action: `action://${action}`,
    ...operation,
  });
}

describe('a proxied operation', () => {
  it('reaches its upstream with the secret of its connection, which shows nowhere', async () => {
    await publish('proxy.get', '/things/:id', { connection: 'Upstream', url: '/items/:id', query: 'fixed=1' });
    const answer = await request(gateway, 'GET', '/things/a%20b?q=1&fixed=2', undefined, {
      headers: { Authorization: `Bearer ${admin.token}`, 'X-Fusio-User-Id': '99', 'X-Forwarded-For': '10.0.0.1' },
    });
    expect(answer.status).toBe(200);
    const sent = answer.body as Recorded;
    expect(sent).toMatchObject({ method: 'GET', url: '/v1/items/a%20b?q=1&fixed=1' });
    expect(sent.headers).toMatchObject({
      authorization: secret,
      'x-fixed': 'f',
      'x-fusio-user-anonymous': '0',
      'x-fusio-user-name': 'admin',
      'x-request-id': answer.headers.get('x-request-id'),
    });
    expect(sent.headers['x-fusio-user-id']).not.toBe('99');
    expect(sent.headers['x-forwarded-for'] ?? '').not.toContain('10.0.0.1');
    for (const path of ['/backend/connection/~Upstream', '/backend/connection', '/backend/action/~Http-proxy-get']) {
      expect(JSON.stringify((await admin.call('GET', path)).body)).not.toContain('canary');
    }
  });

  it('keeps origin and prefix for every spelling of a path', async () => {
    await publish('proxy.segment', '/seg/:id/end', { connection: 'Upstream', url: '/items/:id/end' });
    await publish('proxy.rest', '/rest/*rest', { connection: 'Upstream', url: '/files/:rest' });
    upstream.requests.length = 0;
    const values = [
      ...[
        '..',
        '.',
        '%2e%2e',
        '%2E.',
        '..%2f..',
        '%2e%2e%2f',
        '%252e%252e',
        '..%5c',
        '..;',
        '%2f',
        '//evil.example',
        '@evil.example',
      ],
      ...[
        ':80',
        '%3a%2f%2fevil.example',
        '%00',
        '%0d%0aHost:%20evil',
        '%c0%ae%c0%ae',
        '%ff',
        'a%3Fb',
        'a%23b',
        '%ef%bc%8e%ef%bc%8e',
      ],
    ];
    for (const value of values) {
      for (const path of [`/seg/${value}/end`, `/rest/a/${value}/b`]) {
        expect([200, 400, 404]).toContain(await rawStatus(path));
      }
    }
    expect(upstream.requests.length).toBeGreaterThan(10);
    for (const { url, headers } of upstream.requests) {
      expect(headers.host).toBe(new URL(upstream.url).host);
      expect(url).toMatch(/^\/v1\/(items\/[^/?#]+\/end|files\/[^?#]*b)$/);
      expect(decodeURIComponent(url).split(/[/\\]/)).not.toContain('..');
    }
  });

  it('passes an encoded slash on as one where the operation allows it', async () => {
    const options = { encodedSlash: ['id', 'rest'] };
    await publish('proxy.slash', '/slash/:id', { connection: 'Upstream', url: '/items/:id' }, { options });
    await publish('proxy.deep', '/deep/*rest', { connection: 'Upstream', url: '/files/:rest' }, { options });
    expect((await request(gateway, 'GET', '/slash/a%2Fb')).body.url).toBe('/v1/items/a%2Fb');
    expect((await request(gateway, 'GET', '/deep/a%2Fb/c')).body.url).toBe('/v1/files/a%2Fb/c');
  });

  it('streams a body that no schema needs, larger than any limit for those that are read', async () => {
    await publish('proxy.post', '/upload', { connection: 'Upstream', url: '/upload' }, { httpMethod: 'POST' });
    const body = new Uint8Array(3 * 1024 * 1024).fill(120);
    const answer = await gateway.fetch('/upload', { method: 'POST', body, headers: { 'content-type': 'a/b' } });
    const sent = (await answer.json()) as Recorded;
    expect([sent.body.length, sent.headers['content-type']]).toEqual([body.length, 'a/b']);
  });

  it('forwards the very bytes of a body that a schema checked', async () => {
    await admin.must('POST', '/backend/schema', {
      name: 'Numbers',
      source: { type: 'object', properties: { n: { type: 'number' } } },
    });
    await publish(
      'proxy.checked',
      '/checked',
      { connection: 'Upstream', url: '/checked', type: 'application/json' },
      { httpMethod: 'PUT', incoming: 'schema://Numbers' },
    );
    const body = '{ "n" : 12345678901234567890.10 }';
    expect((await request(gateway, 'PUT', '/checked', body)).body.body).toBe(body);
    expect((await request(gateway, 'PUT', '/checked', { n: 'x' })).status).toBe(400);
  });

  it('answers HEAD, and OPTIONS without asking the upstream', async () => {
    const head = await request(gateway, 'HEAD', '/things/1');
    expect([head.status, head.body]).toEqual([200, '']);
    const count = upstream.requests.length;
    const options = await request(gateway, 'OPTIONS', '/things/1', undefined, {
      headers: { Origin: 'https://app.example', 'Access-Control-Request-Method': 'GET' },
    });
    expect([options.status, options.headers.get('allow'), options.headers.get('access-control-allow-origin')]).toEqual([
      200,
      'OPTIONS, HEAD, GET',
      '*',
    ]);
    expect(upstream.requests).toHaveLength(count);
  });
});

describe('what can go wrong', () => {
  it.each([
    ['a dead upstream', 'dead', 502, 'bad_gateway'],
    ['an upstream that the guard refuses', 'http://169.254.169.254/latest/meta-data', 502, 'egress_denied'],
    ['the gateway itself', 'self', 502, 'egress_denied'],
    ['a url that is none', 'relative/without/connection', 503, 'not_configured'],
  ])('%s', async (_, url, status, code) => {
    const target = url === 'dead' ? await deadUrl() : url === 'self' ? `${gateway.url}/things/1` : url;
    const name = `wrong.n${url.replace(/[^a-z]/g, '')}`.slice(0, 60);
    await publish(name, `/wrong/${name}`, { url: target });
    const answer = await request(gateway, 'GET', `/wrong/${name}`, undefined, {
      headers: { Origin: 'https://app.example' },
    });
    expect(answer).toMatchObject({ status, body: { success: false, status, code } });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('x-operation-id')).toBe(name);
    expect(answer.body.message.length).toBeGreaterThan(10);
  });

  it('a slow upstream, within the time of the operation', async () => {
    const silent = await startUpstream(() => {});
    await publish('wrong.slow', '/wrong/slow', { url: silent.url }, { options: { timeout: 200 } });
    const answer = await request(gateway, 'GET', '/wrong/slow');
    expect(answer).toMatchObject({ status: 504, body: { code: 'upstream_timeout', title: 'Gateway Timeout' } });
    await silent.close();
  });

  it('an upstream that fails again and again is left alone for a while', async () => {
    let count = 0;
    const failing = await startUpstream((_, response) => {
      count += 1;
      response.writeHead(503).end();
    });
    await publish('wrong.often', '/wrong/often', { url: failing.url });
    for (let call = 0; call < 5; call++) {
      expect((await request(gateway, 'GET', '/wrong/often')).status).toBe(503);
    }
    const open = await request(gateway, 'GET', '/wrong/often');
    expect(open).toMatchObject({ status: 503, body: { code: 'circuit_open' } });
    expect(Number(open.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(count).toBe(5);
    await failing.close();
  });
});

describe('classes and forms', () => {
  it('are listed and drawn over the management API', async () => {
    const { actions } = await admin.must('GET', '/backend/action/list');
    expect(actions).toContainEqual({ name: 'HTTP-Raw', class: 'Fusio.Adapter.Http.Action.HttpRaw' });
    const form = await admin.must('GET', '/backend/action/form?class=Fusio.Adapter.Http.Action.HttpProcessor');
    const [connection, url] = form.element;
    expect(connection.options.map((option: any) => option.value)).toEqual(
      expect.arrayContaining(['Upstream', 'System']),
    );
    expect(url).toMatchObject({ element: 'input', name: 'url', title: 'URL', type: 'text' });
  });
});

/** The status of a request whose path no client tidies up. */
function rawStatus(path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect(gateway.port, '127.0.0.1', () =>
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${gateway.port}\r\nConnection: close\r\n\r\n`),
    );
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    socket.on('error', reject).on('close', () => resolve(Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1])));
  });
}
