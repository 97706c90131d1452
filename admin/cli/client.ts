import { type Complaint, Failure } from './failure.ts';
import { currentGateway, findSession, keepSession, type Session } from './session.ts';

/** The management API of one gateway, called with a token. Throws Failure for every answer that is no success. */
export interface Client {
  url: string;
  get<T>(path: string, query?: Record<string, string | number | undefined>): Promise<T>;
  send<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<T>;
  /** Sends bytes as `application/octet-stream`. */
  put(path: string, bytes: Uint8Array): Promise<void>;
}

/** Who calls where: from options, else from the environment, else from the last login. */
export interface Identity {
  url?: string;
  user?: string;
  password?: string;
}

/** Logs in by client_credentials with a user's name and password, or an app's key and secret. */
export async function logIn(url: string, user: string, password: string): Promise<Session> {
  return requestToken(url, user, { grant_type: 'client_credentials' }, `${user}:${password}`);
}

/** Makes the first administrator of a gateway that has none. */
export async function setUp(
  url: string,
  administrator: { token: string; name: string; email: string; password: string },
): Promise<{ id: string }> {
  const response = await call(`${url}/system/setup`, {
    method: 'POST',
    body: JSON.stringify(administrator),
    headers: { Accept: 'application/json', 'Content-Type': 'application/json', 'User-Agent': 'postern-cli' },
  });
  const body = await readJson(response);
  if (response.status !== 201 || body === undefined) {
    throw refusal('POST /system/setup', response, body);
  }
  return body;
}

/** What `/system/health` says, whether it is well or not. */
export interface Health {
  healthy: boolean;
  checks: Record<string, { healthy: boolean; error?: string }>;
}

/** Asks a gateway how it is; nobody needs to be logged in for that. */
export async function askHealth(url: string): Promise<Health> {
  const response = await call(`${url}/system/health`, { headers: { Accept: 'application/json' } });
  const body = await readJson(response);
  if (typeof body?.checks !== 'object') {
    throw refusal('GET /system/health', response, body);
  }
  return body;
}

/** A base URL without a trailing slash. */
export function readUrl(text: string): string {
  let url: URL;
  try {
    url = new URL(/^[a-z]+:\/\//i.test(text) ? text : `http://${text}`);
  } catch {
    throw new Failure('usage', `"${text}" is not a URL`);
  }
  if (!/^https?:$/.test(url.protocol)) {
    throw new Failure('usage', `"${text}" is not an http or https URL`);
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

/** The gateway that a command talks to. */
export function gatewayUrl(identity: Identity, env: NodeJS.ProcessEnv = process.env): string {
  const url = identity.url ?? env.POSTERN_URL ?? currentGateway();
  if (!url) {
    throw new Failure('access', 'No gateway is named: log in with "postern login", or give --url or POSTERN_URL');
  }
  return readUrl(url);
}

/** Opens the API with credentials (options, then POSTERN_USER and POSTERN_PASSWORD), else with the kept session, renewed when it is over. */
export async function openClient(identity: Identity, env: NodeJS.ProcessEnv = process.env): Promise<Client> {
  const url = gatewayUrl(identity, env);
  const user = identity.user ?? env.POSTERN_USER;
  const password = identity.password ?? env.POSTERN_PASSWORD;
  if (user && password) {
    return createClient(url, (await logIn(url, user, password)).token);
  }
  const session = findSession(url);
  if (session === null) {
    throw new Failure(
      'access',
      `Not logged in at ${url}: run "postern login --url ${url}", or set POSTERN_USER and POSTERN_PASSWORD`,
    );
  }
  return createClient(url, (await renewed(url, session)).token);
}

/** A token that is about to end is exchanged before it is used. */
async function renewed(url: string, session: Session): Promise<Session> {
  if (session.expires > Date.now() / 1000 + 30) {
    return session;
  }
  const over = new Failure('access', `The session at ${url} is over: run "postern login --url ${url}"`);
  if (session.refreshToken === null) {
    throw over;
  }
  try {
    const next = await requestToken(url, session.user, {
      grant_type: 'refresh_token',
      refresh_token: session.refreshToken,
    });
    keepSession(url, next, false);
    return next;
  } catch (thrown) {
    throw thrown instanceof Failure && thrown.status !== undefined && thrown.status < 500 ? over : thrown;
  }
}

async function requestToken(url: string, user: string, form: Record<string, string>, basic?: string): Promise<Session> {
  const response = await call(`${url}/authorization/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: basic === undefined ? {} : { Authorization: `Basic ${Buffer.from(basic).toString('base64')}` },
  });
  const body = await readJson(response);
  if (!response.ok || typeof body?.access_token !== 'string') {
    const reason = body?.error_description ?? body?.message ?? `status ${response.status}`;
    const kind = response.status >= 500 ? 'unavailable' : 'access';
    throw new Failure(kind, `${url} refused the login: ${reason}`, { status: response.status });
  }
  return {
    user,
    token: body.access_token,
    refreshToken: typeof body.refresh_token === 'string' ? body.refresh_token : null,
    expires: Math.floor(Date.now() / 1000) + (Number(body.expires_in) || 0),
  };
}

function createClient(url: string, token: string): Client {
  const request = async (method: string, path: string, init: RequestInit = {}) => {
    const headers = {
      Accept: 'application/json',
      'User-Agent': 'postern-cli',
      Authorization: `Bearer ${token}`,
      ...init.headers,
    };
    const response = await call(url + path, { ...init, method, headers });
    const body = await readJson(response);
    if (!response.ok || body === undefined) {
      throw refusal(`${method} ${path.split('?')[0]}`, response, body);
    }
    return body;
  };
  return {
    url,
    async get(path, query = {}) {
      const search = new URLSearchParams();
      for (const [name, value] of Object.entries(query)) {
        if (value !== undefined) {
          search.append(name, String(value));
        }
      }
      return (await request('GET', search.size === 0 ? path : `${path}?${search}`)) as never;
    },
    async send(method, path, body) {
      const init =
        body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
      return (await request(method, path, init)) as never;
    },
    async put(path, bytes) {
      await request('PUT', path, { body: bytes as BodyInit, headers: { 'Content-Type': 'application/octet-stream' } });
    },
  };
}

async function call(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, { ...init, redirect: 'manual' });
  } catch (thrown) {
    const cause = (thrown as { cause?: { code?: string; message?: string } }).cause;
    throw new Failure(
      'unavailable',
      `${new URL(url).origin} cannot be reached: ${cause?.code ?? cause?.message ?? (thrown as Error).message}`,
    );
  }
}

async function readJson(response: Response): Promise<any> {
  const text = await response.text();
  try {
    return text === '' ? {} : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal(what: string, response: Response, body: any): Failure {
  const { status } = response;
  if (body === undefined) {
    return new Failure('unavailable', `${what} answered ${status} without JSON: is this a Postern gateway?`, {
      status,
    });
  }
  const kind = status === 401 || status === 403 ? 'access' : status >= 500 ? 'unavailable' : 'refused';
  const complaints: Complaint[] = Array.isArray(body.errors)
    ? body.errors.map((error: Complaint) => ({
        message: String(error.message),
        rule: error.rule,
        pointer: error.pointer,
      }))
    : [];
  const message = String(body.message ?? body.detail ?? `${what} answered ${status}`);
  return new Failure(kind, message, { status, complaints });
}
