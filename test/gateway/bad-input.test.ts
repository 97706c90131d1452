import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Management, manage, request } from '../helpers/management.ts';

// Everything that callers, administrators and upstreams do wrong: each gets its status, a body that names what is wrong,
// and an observation. Never a bare 500.

let gateway: Gateway;
let admin: Management;
let upstream: Server;
let dying: TcpServer;
let narrow: string;
let foreign: string;
/** Of each body that the upstream read: whether it came to its end. */
const read: boolean[] = [];

const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port;
const listen = (server: Server | TcpServer) => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

beforeAll(async () => {
  upstream = createServer((incoming, response) => {
    if (incoming.url === '/slow') {
      setTimeout(() => response.end('late'), 5_000).unref();
    } else if (incoming.url === '/read') {
      incoming.resume();
      incoming.once('end', () => response.end('{}'));
      incoming.once('close', () => read.push(incoming.complete));
    } else {
      response.end('{}');
    }
  });
  dying = createTcpServer((socket) => {
    socket.once('data', () => socket.end('HTTP/1.1 2'));
  });
  await Promise.all([listen(upstream), listen(dying)]);
  const closing = createTcpServer();
  await listen(closing);
  const closed = portOf(closing);
  await new Promise((resolve) => closing.close(resolve));
  gateway = await startGateway();
  admin = await manage(gateway);
  await admin.must('POST', '/backend/schema', {
    name: 'Order',
    source: {
      type: 'object',
      required: ['title', 'count'],
      properties: { title: { type: 'string', minLength: 2, maxLength: 10 }, count: { type: 'integer', minimum: 1 } },
    },
  });
  await admin.publish({
    name: 'order.create',
    httpMethod: 'POST',
    httpPath: '/orders',
    incoming: 'schema://Order',
    scopes: ['order'],
  });
  await admin.publish({
    name: 'order.public',
    httpMethod: 'POST',
    httpPath: '/public-orders',
    incoming: 'schema://Order',
    public: true,
  });
  await admin.publish({
    name: 'item.get',
    httpPath: '/items/:id',
    public: true,
    parameters: {
      limit: { type: 'integer', minimum: 1, maximum: 9 },
      deep: { type: 'boolean' },
      sort: { type: 'string', enum: ['up', 'down'] },
    },
  });
  await admin.publish({ name: 'gone.get', httpPath: '/gone', public: true, active: false });
  await admin.publish({
    name: 'small.post',
    httpMethod: 'POST',
    httpPath: '/small',
    public: true,
    incoming: 'schema://Order',
    options: { bodyLimit: 100 },
  });
  await admin.publish({ name: 'limited.get', httpPath: '/limited', public: true });
  await admin.must('POST', '/backend/rate', {
    name: 'Tiny',
    priority: 10,
    rateLimit: 2,
    timespan: 'PT1H',
    mode: 'exact',
    allocation: [{ operation: 'limited.get' }],
  });
  const proxy = async (name: string, url: string, options = {}) => {
    await admin.must('POST', '/backend/action', {
      name: `Proxy-${name}`,
      class: 'Fusio.Adapter.Http.Action.HttpProcessor',
      config: { url },
    });
    await admin.must('POST', '/backend/operation', {
      name: `up.${name}`,
      httpMethod: 'POST',
      httpPath: `/up/${name}`,
      action: `Proxy-${name}`,
      public: true,
      options,
    });
  };
  await proxy('unreachable', `http://127.0.0.1:${closed}/`);
  await proxy('slow', `http://127.0.0.1:${portOf(upstream)}/slow`, { timeout: 300 });
  await proxy('large', `http://127.0.0.1:${portOf(upstream)}/read`, { bodyLimit: 2_000_000 });
  await proxy('dying', `http://127.0.0.1:${portOf(dying)}/`);
  await proxy('private', 'http://169.254.169.254/latest/meta-data/');
  await proxy('deleted', `http://127.0.0.1:${portOf(upstream)}/`);
  await admin.must('DELETE', '/backend/action/~Proxy-deleted');

  const { id } = await admin.must('POST', '/backend/user', {
    roleId: 3,
    name: 'clara',
    email: 'clara@example.com',
    password: 'Consumer-1234',
  });
  await admin.must('PUT', `/backend/user/${id}`, { scopes: ['default', 'order'] });
  const login = async (scopes: string[]): Promise<string> =>
    (await request(gateway, 'POST', '/consumer/login', { username: 'clara', password: 'Consumer-1234', scopes })).body
      .token;
  narrow = await login(['default']);
  foreign = `${admin.token.split('.').slice(0, 2).join('.')}.${'A'.repeat(86)}`;
});

afterAll(async () => {
  upstream?.close();
  upstream?.closeAllConnections();
  dying?.close();
  await gateway?.stop();
});

const order = { title: 'pens', count: 3 };
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

interface Case {
  what: string;
  method?: string;
  path: string;
  body?: unknown;
  headers?: () => Record<string, string>;
  status: number;
  code: string;
  pointer?: string;
  message?: RegExp;
}

const bearer = (token: () => string) => () => ({ Authorization: `Bearer ${token()}` });

const cases: Case[] = [
  { what: 'wrong JSON', method: 'POST', path: '/public-orders', body: '{"title":', status: 400, code: 'invalid_body' },
  {
    what: 'duplicate keys',
    method: 'POST',
    path: '/public-orders',
    body: '{"title":"pens","count":1,"count":2}',
    status: 400,
    code: 'invalid_body',
    message: /count/,
  },
  {
    what: 'a wrong type',
    method: 'POST',
    path: '/public-orders',
    body: { title: 'pens', count: '3' },
    status: 400,
    code: 'invalid_body',
    pointer: '/body/count',
    message: /\/count must be of type integer/,
  },
  {
    what: 'a missing member',
    method: 'POST',
    path: '/public-orders',
    body: { title: 'pens' },
    status: 400,
    code: 'invalid_body',
    pointer: '/body/count',
  },
  {
    what: 'a broken constraint',
    method: 'POST',
    path: '/public-orders',
    body: { title: 'p', count: 1 },
    status: 400,
    code: 'invalid_body',
    pointer: '/body/title',
  },
  { what: 'no body at all', method: 'POST', path: '/public-orders', status: 400, code: 'invalid_body' },
  {
    what: 'too deep',
    method: 'POST',
    path: '/public-orders',
    body: nested(65),
    status: 400,
    code: 'invalid_body',
    message: /deep|depth|nest/i,
  },
  {
    what: 'too large',
    method: 'POST',
    path: '/small',
    body: { ...order, note: 'x'.repeat(200) },
    status: 413,
    code: 'body_too_large',
  },
  {
    what: 'over a megabyte',
    method: 'POST',
    path: '/public-orders',
    body: { ...order, note: 'x'.repeat(1_100_000) },
    status: 413,
    code: 'body_too_large',
  },
  {
    what: 'another media type',
    method: 'POST',
    path: '/public-orders',
    body: '<a/>',
    headers: () => ({ 'Content-Type': 'application/xml' }),
    status: 415,
    code: 'unsupported_media_type',
  },
  {
    what: 'a query parameter of the wrong type',
    path: '/items/1?limit=many',
    status: 400,
    code: 'invalid_parameter',
    pointer: '/query/limit',
  },
  {
    what: 'a query parameter out of range',
    path: '/items/1?limit=10',
    status: 400,
    code: 'invalid_parameter',
    pointer: '/query/limit',
  },
  {
    what: 'a query parameter outside its list',
    path: '/items/1?sort=left',
    status: 400,
    code: 'invalid_parameter',
    pointer: '/query/sort',
  },
  {
    what: 'a repeated scalar',
    path: '/items/1?limit=1&limit=2',
    status: 400,
    code: 'invalid_parameter',
    pointer: '/query/limit',
  },
  { what: 'an unknown path', path: '/nowhere', status: 404, code: 'unknown_location' },
  { what: 'an unknown management path', path: '/backend/nowhere', status: 404, code: 'unknown_location' },
  { what: 'another method', method: 'DELETE', path: '/orders', status: 405, code: 'method_not_allowed' },
  { what: 'an inactive operation', path: '/gone', status: 410, code: 'inactive' },
  { what: 'a broken percent sequence', path: '/items/%E0%A4', status: 400, code: 'invalid_path' },
  { what: 'a nul byte', path: '/items/a%00b', status: 400, code: 'invalid_path' },
  { what: 'an encoded slash', path: '/items/a%2Fb', status: 400, code: 'invalid_path' },
  { what: 'an encoded dot segment', path: '/items/..%2f..%2fetc', status: 400, code: 'invalid_path' },
  { what: 'a long URL', path: `/items/${'a'.repeat(8_300)}`, status: 414, code: 'uri_too_long' },
  {
    what: 'large headers',
    path: '/items/1',
    headers: () => ({ 'X-Large': 'a'.repeat(33_000) }),
    status: 431,
    code: 'headers_too_large',
  },
  { what: 'no token', method: 'POST', path: '/orders', body: order, status: 401, code: 'missing_authorization' },
  {
    what: 'another scheme',
    method: 'POST',
    path: '/orders',
    body: order,
    headers: () => ({ Authorization: 'Basic YTpi' }),
    status: 401,
    code: 'invalid_authorization_type',
  },
  {
    what: 'an empty token',
    method: 'POST',
    path: '/orders',
    body: order,
    headers: () => ({ Authorization: 'Bearer ' }),
    status: 401,
    code: 'missing_token',
  },
  {
    what: 'no token that could be one',
    method: 'POST',
    path: '/orders',
    body: order,
    headers: () => ({ Authorization: 'Bearer abc' }),
    status: 401,
    code: 'invalid_token',
  },
  {
    what: 'a foreign signature',
    method: 'POST',
    path: '/orders',
    body: order,
    headers: bearer(() => foreign),
    status: 401,
    code: 'invalid_token',
  },
  {
    what: 'a wrong scope',
    method: 'POST',
    path: '/orders',
    body: order,
    headers: bearer(() => narrow),
    status: 403,
    code: 'insufficient_scope',
  },
  {
    what: 'a wrong scope for management',
    path: '/backend/action',
    headers: bearer(() => narrow),
    status: 403,
    code: 'insufficient_scope',
  },
  {
    what: 'an unreachable upstream',
    method: 'POST',
    path: '/up/unreachable',
    body: {},
    status: 502,
    code: 'bad_gateway',
  },
  { what: 'a slow upstream', method: 'POST', path: '/up/slow', body: {}, status: 504, code: 'upstream_timeout' },
  { what: 'a dying upstream', method: 'POST', path: '/up/dying', body: {}, status: 502, code: 'bad_gateway' },
  { what: 'a private upstream', method: 'POST', path: '/up/private', body: {}, status: 502, code: 'egress_denied' },
  {
    what: 'an action that was deleted',
    method: 'POST',
    path: '/up/deleted',
    body: {},
    status: 503,
    code: 'unavailable',
    message: /Proxy-deleted/,
  },
  {
    what: 'wrong login',
    method: 'POST',
    path: '/consumer/login',
    body: { username: 'clara', password: 'wrong' },
    status: 400,
    code: 'invalid_credentials',
  },
];

const managed: Case[] = [
  {
    what: 'an unknown schema',
    method: 'POST',
    path: '/backend/operation',
    body: {
      name: 'bad.op',
      httpMethod: 'POST',
      httpPath: '/bad',
      action: 'Static-gone-get',
      incoming: 'schema://Nowhere',
    },
    status: 400,
    code: 'invalid_body',
    pointer: '/incoming',
    message: /Nowhere/,
  },
  {
    what: 'an unknown action',
    method: 'POST',
    path: '/backend/operation',
    body: { name: 'bad.op', httpMethod: 'GET', httpPath: '/bad', action: 'Nowhere' },
    status: 400,
    code: 'invalid_body',
    pointer: '/action',
    message: /Nowhere/,
  },
  {
    what: 'a path without a slash',
    method: 'POST',
    path: '/backend/operation',
    body: { name: 'bad.op', httpMethod: 'GET', httpPath: 'bad', action: 'Static-gone-get' },
    status: 400,
    code: 'invalid_body',
    pointer: '/httpPath',
  },
  {
    what: 'a path pattern that is none',
    method: 'POST',
    path: '/backend/operation',
    body: { name: 'bad.op', httpMethod: 'GET', httpPath: '/$id<[>', action: 'Static-gone-get' },
    status: 400,
    code: 'invalid_body',
    pointer: '/httpPath',
  },
  {
    what: 'a reserved path',
    method: 'POST',
    path: '/backend/operation',
    body: { name: 'bad.op', httpMethod: 'GET', httpPath: '/backend/bad', action: 'Static-gone-get' },
    status: 400,
    code: 'invalid_body',
    pointer: '/httpPath',
  },
  {
    what: 'a duplicate name',
    method: 'POST',
    path: '/backend/operation',
    body: { name: 'gone.get', httpMethod: 'GET', httpPath: '/other', action: 'Static-gone-get' },
    status: 400,
    code: 'already_exists',
    message: /Operation already exists/,
  },
  {
    what: 'a duplicate place',
    method: 'POST',
    path: '/backend/operation',
    body: { name: 'other.get', httpMethod: 'GET', httpPath: '/items/:other', action: 'Static-gone-get' },
    status: 400,
    code: 'already_exists',
    message: /same HTTP method and path/,
  },
  {
    what: 'a broken name',
    method: 'POST',
    path: '/backend/action',
    body: { name: 'foo bar', class: 'Fusio.Adapter.Util.Action.UtilStaticResponse', config: {} },
    status: 400,
    code: 'invalid_body',
    message: /^Invalid action name$/,
  },
  {
    what: 'an unknown class',
    method: 'POST',
    path: '/backend/action',
    body: { name: 'Bad', class: 'Nope', config: {} },
    status: 400,
    code: 'invalid_body',
    pointer: '/class',
  },
  {
    what: 'a schema that is none',
    method: 'POST',
    path: '/backend/schema',
    body: { name: 'Bad', source: { type: 'object', properties: { a: { type: 'nope' } } } },
    status: 400,
    code: 'invalid_body',
    pointer: '/source/properties/a/type',
  },
  {
    what: 'a parameter that cannot be checked',
    method: 'POST',
    path: '/backend/operation',
    body: {
      name: 'bad.parameter',
      httpMethod: 'GET',
      httpPath: '/bad-parameter',
      action: 'Static-gone-get',
      parameters: { since: { type: 'string', pattern: '(?=a)' } },
    },
    status: 400,
    code: 'invalid_body',
    pointer: '/parameters/since/pattern',
  },
  {
    what: 'a pattern that cannot run in linear time',
    method: 'POST',
    path: '/backend/schema',
    body: { name: 'Bad', source: { type: 'string', pattern: '(a)\\1' } },
    status: 400,
    code: 'invalid_body',
    pointer: '/source/pattern',
  },
  {
    what: 'a timespan that is none',
    method: 'POST',
    path: '/backend/rate',
    body: { name: 'Bad', rateLimit: 1, timespan: 'hour' },
    status: 400,
    code: 'invalid_body',
    pointer: '/timespan',
  },
  {
    what: 'a weak password',
    method: 'POST',
    path: '/backend/user',
    body: { roleId: 3, name: 'weak', email: 'w@example.com', password: 'abc' },
    status: 400,
    code: 'invalid_body',
    message: /at least 8 characters/,
  },
  {
    what: 'a count over 1024',
    path: '/backend/action?count=1025',
    status: 400,
    code: 'invalid_parameter',
    pointer: '/query/count',
  },
  {
    what: 'a broken search',
    path: '/backend/action?search=(a',
    status: 400,
    code: 'invalid_parameter',
    pointer: '/query/search',
  },
  {
    what: 'an unknown id',
    path: '/backend/action/99999',
    status: 404,
    code: 'not_found',
    message: /^Could not find action$/,
  },
  {
    what: 'a deleted object',
    path: '/backend/action/~Proxy-deleted',
    status: 410,
    code: 'deleted',
    message: /^Action was deleted$/,
  },
  { what: 'the last administrator', method: 'DELETE', path: '/backend/user/~admin', status: 409, code: 'conflict' },
];

async function expectError(test: Case, headers: Record<string, string>): Promise<void> {
  const answer = await request(gateway, test.method ?? 'GET', test.path, test.body, { headers });
  expect({ status: answer.status, code: answer.body.code }, JSON.stringify(answer.body)).toEqual({
    status: test.status,
    code: test.code,
  });
  expect(answer.body).toMatchObject({
    success: false,
    type: 'about:blank',
    status: test.status,
    title: expect.any(String),
    detail: answer.body.message,
  });
  expect(answer.body.title).not.toBe(answer.body.message);
  expect(answer.body.instance).toBe(`urn:uuid:${answer.headers.get('x-request-id')}`);
  expect(JSON.stringify(answer.body)).not.toMatch(/at .*\.(js|ts):\d+/);
  if (test.message !== undefined) {
    expect(answer.body.message).toMatch(test.message);
  }
  if (test.pointer !== undefined) {
    expect(answer.body.errors.map((error: { pointer: string }) => error.pointer)).toContain(test.pointer);
    expect(
      answer.body.errors.every((error: { rule: string; message: string }) => error.rule !== '' && error.message !== ''),
    ).toBe(true);
  }
}

describe('bad input of callers', () => {
  it.each(cases)('$what: $status $code', (test) => expectError(test, test.headers?.() ?? {}));

  it('names the scope that is missing and how to authenticate', async () => {
    const headers = { Authorization: `Bearer ${narrow}` };
    const wrong = await request(gateway, 'POST', '/orders', order, { headers });
    expect(wrong.headers.get('www-authenticate')).toMatch(/^Bearer .*error="insufficient_scope".*scope="order"/);
    const none = await request(gateway, 'POST', '/orders', order);
    expect(none.headers.get('www-authenticate')).toMatch(
      /^Bearer realm="Fusio", resource_metadata="http.*oauth-protected-resource"/,
    );
  });

  it('lists all violations in one answer', async () => {
    const { body } = await request(gateway, 'POST', '/public-orders', { title: 'p', count: 0 });
    expect(body.errors.map((error: { pointer: string }) => error.pointer).sort()).toEqual([
      '/body/count',
      '/body/title',
    ]);
  });

  it('says Allow, Retry-After and CORS where they belong', async () => {
    const method = await request(gateway, 'DELETE', '/orders', undefined, {
      headers: { Origin: 'https://example.com' },
    });
    expect(method.headers.get('allow')).toBe('OPTIONS, POST');
    expect(method.headers.get('access-control-allow-origin')).toBe('*');
    const statuses = [];
    let limited = await request(gateway, 'GET', '/limited');
    for (let call = 0; call < 3; call++) {
      statuses.push(limited.status);
      limited = await request(gateway, 'GET', '/limited');
    }
    expect(statuses).toEqual([200, 200, 429]);
    expect(limited.body.code).toBe('rate_limited');
    expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(3_000);
    expect(limited.headers.get('ratelimit-limit')).toBe('2');
  });
});

describe('bad input of administrators', () => {
  it.each(managed)('$what: $status $code', (test) => expectError(test, { Authorization: `Bearer ${admin.token}` }));
});

describe('every call', () => {
  it('is observed, refused ones too', async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    for (const status of [400, 401, 403, 404, 405, 410, 413, 414, 415, 429, 431, 502, 503, 504]) {
      const row = await gateway.LOGS.prepare('SELECT count(*) AS count FROM log WHERE response_code = ?')
        .bind(status)
        .first<number>('count');
      expect(row, `log rows with status ${status}`).toBeGreaterThan(0);
    }
    expect(
      await gateway.LOGS.prepare('SELECT count(*) AS count FROM log WHERE response_code = 500').first('count'),
    ).toBe(0);
  });
});

describe('a body that is streamed on', () => {
  const send = (bytes: number) => {
    const chunk = new Uint8Array(100_000);
    let left = bytes;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        left > 0 ? controller.enqueue(chunk) : controller.close();
        left -= chunk.byteLength;
      },
    });
    return gateway.fetch('/up/large', { method: 'POST', body, duplex: 'half' } as RequestInit);
  };

  it('is refused where it turns out too large, and that is not held against the upstream', async () => {
    expect((await send(2_000_000)).status).toBe(200);
    for (let tried = 0; tried < 7; tried++) {
      const refused = await send(2_500_000);
      expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([413, 'body_too_large']);
    }
    expect((await send(1_000_000)).status).toBe(200);
    expect(read).toEqual([true, ...Array(7).fill(false), true]);
  });
});

describe('tokens that ended', () => {
  it('are refused after their revocation', async () => {
    const login = await request(gateway, 'POST', '/consumer/login', { username: 'clara', password: 'Consumer-1234' });
    const headers = { Authorization: `Bearer ${login.body.token}` };
    expect((await request(gateway, 'POST', '/orders', order, { headers })).status).toBe(200);
    await admin.must('PUT', '/backend/user/~clara', { status: 2 });
    const refused = await request(gateway, 'POST', '/orders', order, { headers });
    expect([refused.status, refused.body.code]).toEqual([401, 'invalid_token']);
  });
});
