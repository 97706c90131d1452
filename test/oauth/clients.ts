import type { Administrator, Gateway } from '../helpers/gateway.ts';

/** What the token endpoint, or a login, answers. */
export interface Tokens {
  access_token: string;
  token_type: string;
  expires_in: number;
  refresh_token: string;
  scope: string;
}

export const basic = (id: string, secret: string) => ({ Authorization: `Basic ${btoa(`${id}:${secret}`)}` });
export const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** A form to the token endpoint. */
export function askToken(
  gateway: Gateway,
  parameters: Record<string, string>,
  headers: Record<string, string> = {},
  isolate = 0,
): Promise<Response> {
  return gateway.fetch('/authorization/token', {
    method: 'POST',
    body: new URLSearchParams(parameters),
    headers,
    isolate,
  });
}

/** Tokens of a user by name and password. */
export async function tokensOf(
  gateway: Gateway,
  { name, password }: Pick<Administrator, 'name' | 'password'>,
  scope = '',
): Promise<Tokens> {
  const response = await askToken(gateway, { grant_type: 'client_credentials', scope }, basic(name, password));
  if (response.status !== 200) {
    throw new Error(`No token for ${name}: ${response.status} ${await response.text()}`);
  }
  return (await response.json()) as Tokens;
}

export function renew(gateway: Gateway, token: string, headers: Record<string, string> = {}, isolate = 0) {
  return askToken(gateway, { grant_type: 'refresh_token', refresh_token: token }, headers, isolate);
}

export function whoami(gateway: Gateway, token: string, isolate = 0): Promise<Response> {
  return gateway.fetch('/authorization/whoami', { headers: bearer(token), isolate });
}

/** One management call as the administrator; throws unless it succeeds. */
export async function manage(
  gateway: Gateway,
  token: string,
  method: string,
  path: string,
  body?: unknown,
): Promise<any> {
  const headers = { ...bearer(token), 'Content-Type': 'application/json' };
  const response = await gateway.fetch(path, {
    method,
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!response.ok) {
    throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
  }
  return response.json();
}

/** A user of the role Consumer. */
export async function createUser(gateway: Gateway, token: string, name: string, more: object = {}) {
  const user = { name, email: `${name}@example.com`, password: 'Test1234!x' };
  const role = await manage(gateway, token, 'GET', '/backend/role/~Consumer');
  const { id } = await manage(gateway, token, 'POST', '/backend/user', { roleId: role.id, ...user, ...more });
  return { id: Number(id), ...user };
}

/** An app of a user, with its key and secret. */
export async function createApp(gateway: Gateway, token: string, userId: number, name: string, scopes: string[]) {
  const { id } = await manage(gateway, token, 'POST', '/backend/app', {
    userId,
    name,
    url: 'https://app.test',
    scopes,
  });
  const app = await manage(gateway, token, 'GET', `/backend/app/${id}`);
  return { id: Number(id), key: app.appKey as string, secret: app.appSecret as string };
}
