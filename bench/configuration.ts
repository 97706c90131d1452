import { createHmac } from 'node:crypto';
import type { Requests } from './load.ts';

/** Postern's side of the cases: what the operations of a configured gateway are called with. */
export interface Configured {
  /** Public, no rate, no log. */
  open: Requests;
  /** A token with the scope, a leased rate, a row in the log. */
  leased: Requests;
  /** The same under an exact rate. */
  exact: Requests;
  /** Public, no rate, no log; the body of 1.5 KB is checked. */
  validated: Requests;
}

/** Requests of a case go in turn to so many operations, evenly spread. */
const spread = 500;

/** Paths of the operations: a third each are open, protected and validated. */
export const kinds = ['open', 'protected', 'validated'] as const;
const pathOf = (kind: string, number: number) => `/shop${number % 50}/${kind}${number}/orders/4711`;

/** The paths of so many operations, in the order of their numbers. */
export function operationPaths(operations: number): string[] {
  return Array.from({ length: operations }, (_, number) => pathOf(kinds[number % kinds.length]!, number));
}

/** Numbers of the operations of a kind that are called. */
export function calledOf(kind: (typeof kinds)[number], operations: number): number[] {
  const all: number[] = [];
  for (let number = kinds.indexOf(kind); number < operations; number += kinds.length) {
    all.push(number);
  }
  const step = Math.max(1, Math.floor(all.length / spread));
  return all.filter((_, at) => at % step === 0).slice(0, spread);
}

/** An order of 20 items, 1.5 KB of JSON, and the contract that it is checked against. */
export const order = JSON.stringify({
  id: 'b0f5a1de-1111-4222-8333-444455556666',
  customer: { name: 'Ada Lovelace', email: 'ada@example.com', country: 'GB' },
  currency: 'EUR',
  paid: true,
  items: Array.from({ length: 20 }, (_, at) => ({
    sku: `SKU-${1000 + at}`,
    quantity: (at % 7) + 1,
    price: 9.99 + at,
    gift: at % 5 === 0,
  })),
});

const orderSchema = {
  type: 'object',
  required: ['id', 'customer', 'currency', 'items'],
  properties: {
    id: { type: 'string', minLength: 36, maxLength: 36 },
    customer: {
      type: 'object',
      required: ['name', 'email'],
      properties: {
        name: { type: 'string', minLength: 1, maxLength: 100 },
        email: { type: 'string', pattern: '^[^@]+@[^@]+$' },
        country: { type: 'string', minLength: 2, maxLength: 2 },
      },
      additionalProperties: false,
    },
    currency: { enum: ['EUR', 'USD', 'GBP'] },
    paid: { type: 'boolean' },
    items: {
      type: 'array',
      minItems: 1,
      maxItems: 100,
      items: {
        type: 'object',
        required: ['sku', 'quantity', 'price'],
        properties: {
          sku: { type: 'string', pattern: '^SKU-[0-9]+$' },
          quantity: { type: 'integer', minimum: 1, maximum: 1000 },
          price: { type: 'number', minimum: 0 },
          gift: { type: 'boolean' },
        },
        additionalProperties: false,
      },
    },
  },
  additionalProperties: false,
};

const administrator = { name: 'admin', email: 'admin@example.com', password: 'correct-horse-battery' };

/**
 * Configures an empty gateway over its management API, as an administrator would: so many operations, each with an action of
 * its own that passes calls on to the upstream, two consumers with a leased and an exact rate, and no other rate.
 */
export async function configure(
  url: string,
  secretKey: string,
  upstream: string,
  operations: number,
): Promise<Configured> {
  const token = createHmac('sha256', Buffer.from(secretKey, 'base64')).update('postern:setup').digest('hex');
  await call(url, 'POST', '/system/setup', { token, ...administrator });
  const admin = await login(url, administrator);
  const must = (method: string, path: string, body?: unknown) => call(url, method, path, body, admin);
  const role = await must('GET', '/backend/role/~Consumer');
  const consumers = ['leased', 'exact'].map((name) => ({ name, email: `${name}@example.com`, password: 'Test1234!x' }));
  const ids: number[] = [];
  for (const consumer of consumers) {
    ids.push(Number((await must('POST', '/backend/user', { roleId: role.id, ...consumer })).id));
  }
  const rate = (name: string, data: object) => ({
    resource: 'rate',
    verb: 'put',
    key: `~${name}`,
    data: { name, ...data },
  });
  const unlimited = { rateLimit: 1e9, timespan: 'PT1H', priority: 10 };
  const changes: object[] = [
    rate('Default', { rateLimit: 1e9, timespan: 'PT1H', allocation: [] }),
    rate('Default-Anonymous', { rateLimit: 1e9, timespan: 'PT1H', allocation: [] }),
    rate('Leased', { ...unlimited, mode: 'leased', allocation: [{ userId: ids[0] }] }),
    rate('Exact', { ...unlimited, mode: 'exact', allocation: [{ userId: ids[1] }] }),
    { resource: 'schema', verb: 'put', data: { name: 'Order', source: orderSchema } },
  ];
  for (let number = 0; number < operations; number++) {
    changes.push(...operationChanges(kinds[number % kinds.length]!, number, upstream));
  }
  const chunk = 4000;
  for (let from = 0; from < changes.length; from += chunk) {
    await must('POST', '/backend/deploy', { changes: changes.slice(from, from + chunk) });
  }
  const paths = (kind: (typeof kinds)[number]) => calledOf(kind, operations).map((number) => pathOf(kind, number));
  const bearer = async (at: number) => ({ Authorization: `Bearer ${await login(url, consumers[at]!)}` });
  return {
    open: { method: 'GET', paths: paths('open') },
    leased: { method: 'GET', paths: paths('protected'), headers: await bearer(0) },
    exact: { method: 'GET', paths: paths('protected'), headers: await bearer(1) },
    validated: withOrder(paths('validated')),
  };
}

export function withOrder(paths: string[]): Requests {
  return { method: 'POST', paths, headers: { 'Content-Type': 'application/json' }, body: order };
}

function operationChanges(kind: (typeof kinds)[number], number: number, upstream: string): object[] {
  const name = `bench.${kind}${number}`;
  const path = pathOf(kind, number);
  const action = {
    name: `Bench-${number}`,
    class: 'Fusio.Adapter.Http.Action.HttpProcessor',
    config: { url: `${upstream}${path.replace('4711', ':id')}` },
  };
  const operation = {
    name,
    httpMethod: kind === 'validated' ? 'POST' : 'GET',
    httpPath: path.replace('4711', ':id'),
    action: `action://${action.name}`,
    public: kind !== 'protected',
    scopes: kind === 'protected' ? ['default'] : [],
    stability: 2,
    ...(kind === 'protected' ? {} : { options: { log: { enabled: false } } }),
    ...(kind === 'validated' ? { incoming: 'schema://Order' } : {}),
  };
  return [
    { resource: 'action', verb: 'put', data: action },
    { resource: 'operation', verb: 'put', data: operation },
  ];
}

async function login(url: string, { name, password }: { name: string; password: string }): Promise<string> {
  const response = await fetch(`${url}/authorization/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
    headers: { Authorization: `Basic ${btoa(`${name}:${password}`)}` },
  });
  if (!response.ok) {
    throw new Error(`No token for ${name}: ${response.status} ${await response.text()}`);
  }
  return ((await response.json()) as { access_token: string }).access_token;
}

async function call(url: string, method: string, path: string, body?: unknown, token?: string): Promise<any> {
  const response = await fetch(url + path, {
    method,
    headers: {
      'Content-Type': 'application/json',
      ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!response.ok) {
    throw new Error(`${method} ${path} answered ${response.status}: ${(await response.text()).slice(0, 1000)}`);
  }
  return response.json();
}
