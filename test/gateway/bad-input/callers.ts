import type { Gateway } from '../../helpers/gateway.ts';
import { type Management, request } from '../../helpers/management.ts';
import type { Case } from './case.ts';

/** Who calls: a consumer who may have the scope `order`. */
export const clara = { username: 'clara', password: 'Consumer-1234' };

/** Tokens that are not good enough: for lack of a scope, and signed by somebody else. */
export const tokens = { narrow: '', foreign: '' };

/** What they call, and whom they call as. */
export async function makeOperations(gateway: Gateway, admin: Management): Promise<void> {
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
  const { id } = await admin.must('POST', '/backend/user', {
    roleId: 3,
    name: clara.username,
    email: 'clara@example.com',
    password: clara.password,
  });
  await admin.must('PUT', `/backend/user/${id}`, { scopes: ['default', 'order'] });
  const login = await request(gateway, 'POST', '/consumer/login', { ...clara, scopes: ['default'] });
  tokens.narrow = login.body.token;
  tokens.foreign = `${admin.token.split('.').slice(0, 2).join('.')}.${'A'.repeat(86)}`;
}

/** A body that the schema takes. */
export const order = { title: 'pens', count: 3 };
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
const bearer = (token: () => string) => () => ({ Authorization: `Bearer ${token()}` });

/** What callers do wrong. */
export const mistakes: Case[] = [
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
    headers: bearer(() => tokens.foreign),
    status: 401,
    code: 'invalid_token',
  },
  {
    what: 'a wrong scope',
    method: 'POST',
    path: '/orders',
    body: order,
    headers: bearer(() => tokens.narrow),
    status: 403,
    code: 'insufficient_scope',
  },
  {
    what: 'a wrong scope for management',
    path: '/backend/action',
    headers: bearer(() => tokens.narrow),
    status: 403,
    code: 'insufficient_scope',
  },
  {
    what: 'wrong login',
    method: 'POST',
    path: '/consumer/login',
    body: { ...clara, password: 'wrong' },
    status: 400,
    code: 'invalid_credentials',
  },
];
