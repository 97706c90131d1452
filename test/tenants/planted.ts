import { expect } from 'vitest';
import { type Management, request } from '../helpers/management.ts';

export const password = 'correct-horse-battery';

/** Texts of one tenant that nobody else may ever see. */
export const canaries = { root: 'Oriole6Root9Qx', acme: 'Siskin2Acme7Wz', beta: 'Dunlin4Beta5Ky' } as const;

/** Ids of what was made, by entity. */
export type Made = Record<string, number>;

/** Makes one of everything, of the same names wherever it is done, with the canary in every text that can be any. */
export async function plant(api: Management, canary: string, upstream: string): Promise<Made> {
  const made: Made = {};
  const metadata = { note: canary };
  const note = { description: `Of ${canary}`, metadata };
  const create = (resource: string, data: Record<string, unknown>) => ({ resource, verb: 'create', data });
  const action = (name: string, kind: string, config: object) =>
    create('action', { name, class: `Fusio.Adapter.${kind}`, config, metadata });
  const operation = (name: string, action: string, more: object = {}) =>
    create('operation', {
      ...{ name, action: `action://${action}`, httpMethod: 'GET', httpPath: `/${name}`, httpCode: 200, public: true },
      ...{ scopes: ['shop', 'default'], ...note, ...more },
    });
  const changes = [
    { resource: 'config', verb: 'update', key: '~info_title', data: { value: canary } },
    { resource: 'config', verb: 'update', key: '~info_contact_email', data: { value: `${canary}@example.com` } },
    create('scope', { name: 'shop', ...note }),
    create('connection', {
      ...{ name: 'Shop', class: 'Fusio.Adapter.Http.Connection.Http', metadata },
      config: { url: upstream, authorization: `Bearer ${canary}`, cache: true },
    }),
    create('schema', {
      name: 'Order',
      source: { type: 'object', description: canary, properties: { size: { type: 'integer', description: canary } } },
      metadata,
    }),
    create('event', { name: 'order-made', ...note }),
    action('Rows', 'Sql.Action.Query.SqlQueryAll', { connection: 'System', sql: 'SELECT 1 AS one' }),
    action('Upstream', 'Http.Action.HttpProcessor', { connection: 'Shop', url: '/stock', type: 'application/json' }),
    action('Tell', 'Util.Action.UtilDispatchEvent', { event: 'order-made' }),
    action('Static', 'Util.Action.UtilStaticResponse', { response: JSON.stringify({ whose: canary }) }),
    operation('rows', 'Rows'),
    operation('stock', 'Upstream'),
    operation('tell', 'Tell', { httpMethod: 'POST', httpCode: 202, incoming: 'schema://Passthru' }),
    operation('limited', 'Static'),
    operation('mine', 'Static', { public: false }),
    operation('order', 'Static', { httpMethod: 'POST', incoming: 'schema://Order', public: false }),
    create('rate', {
      ...{ name: 'Tight', priority: 100, rateLimit: 3, timespan: 'PT1H', metadata },
      allocation: [{ operation: 'limited' }],
    }),
    create('role', { name: 'Clerk', scopes: ['shop', 'consumer'] }),
    create('plan', { name: 'Gold', price: 1, points: 1, ...note }),
    create('cronjob', { name: 'Restock', cron: '* * * * *', action: 'action://Upstream', metadata }),
    create('trigger', { name: 'On-order', event: 'order-made', action: 'action://Upstream', metadata }),
    create('identity', {
      ...{ name: 'Github', class: 'Fusio.Impl.Provider.Identity.Github' },
      config: { client_id: canary, client_secret: `secret-${canary}` },
    }),
  ];
  const { results } = await api.must('POST', '/backend/deploy', { changes });
  for (const { resource, id } of results) {
    made[resource] = id;
  }
  const make = async (noun: string, body: Record<string, unknown>) => {
    made[noun] = Number((await api.must('POST', `/backend/${noun}`, body)).id);
  };
  const { id: roleId } = await api.must('GET', '/backend/role/~Consumer');
  await make('user', { name: 'dora', email: `${canary}@example.org`, roleId, password, metadata });
  await Promise.all([
    make('category', { name: 'orchard' }),
    make('taxonomy', { name: 'shelf' }),
    make('agent', { name: 'clerk', type: 0, introduction: canary, ...note }),
    make('app', {
      ...{ name: 'till', userId: made.user, url: `https://${canary}.example`, scopes: ['default'] },
      ...{ parameters: `note=${canary}`, metadata },
    }),
    make('bundle', {
      name: 'pack',
      version: '0.1.0',
      summary: canary,
      description: canary,
      config: { events: [made.event] },
    }),
    make('firewall', { name: 'Nobody', type: 0, ip: '2001:db8::1', metadata }),
    make('form', { name: 'order-form', operationId: made.operation, uiSchema: { note: canary } }),
    make('page', { title: 'Terms of use', content: canary }),
    make('webhook', {
      ...{ name: 'hook', eventId: made.event, userId: made.user, endpoint: `${upstream}/hook?note=${canary}` },
    }),
  ]);
  // A setting is no object that one tenant has and another has not.
  delete made.config;
  return made;
}

/** A client of a user of the tenant's. */
export async function loggedIn(
  gateway: Parameters<typeof request>[0],
  username: string,
): Promise<Pick<Management, 'call'> & { refreshToken: string }> {
  const { status, body } = await request(gateway, 'POST', '/consumer/login', { username, password });
  expect(status, JSON.stringify(body)).toBe(200);
  const call: Management['call'] = (method, path, data, init = {}) =>
    request(gateway, method, path, data, {
      ...init,
      headers: { Authorization: `Bearer ${body.token}`, ...init.headers },
    });
  return { call, refreshToken: body.refresh_token };
}
