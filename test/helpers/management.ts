import type { Gateway } from './gateway.ts';

/** An answer, read. */
export interface Answer<T = any> {
  status: number;
  headers: Headers;
  body: T;
}

/** The management API as an administrator drives it. */
export interface Management {
  token: string;
  /** One request with the administrator's token; `body` is sent as JSON. */
  call<T = any>(
    method: string,
    path: string,
    body?: unknown,
    init?: { isolate?: number; headers?: Record<string, string> },
  ): Promise<Answer<T>>;
  /** The same, and throws unless the answer is 2xx. */
  must<T = any>(method: string, path: string, body?: unknown): Promise<T>;
  /** Makes a static action and an operation on it. */
  publish(operation: Record<string, unknown> & { name: string }, response?: unknown): Promise<void>;
}

/** One request, answer read as JSON where it is JSON. */
export async function request(
  gateway: Pick<Gateway, 'fetch'>,
  method: string,
  path: string,
  body?: unknown,
  init: { isolate?: number; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await gateway.fetch(path, {
    method,
    isolate: init.isolate,
    headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...init.headers },
    body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: parsed(text) };
}

/** A client of the administrator, who is created and logs in unless he has. Raises the default rate, which would end longer tests. */
export async function manage(
  gateway: Pick<Gateway, 'fetch' | 'setup'> & Partial<Pick<Gateway, 'token'>>,
): Promise<Management> {
  const token = gateway.token ?? (await logIn(gateway));
  const management: Management = {
    token,
    call: (method, path, body, init = {}) =>
      request(gateway, method, path, body, { ...init, headers: { Authorization: `Bearer ${token}`, ...init.headers } }),
    async must(method, path, body) {
      const answer = await management.call(method, path, body);
      if (answer.status >= 300) {
        throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      }
      return answer.body;
    },
    async publish(operation, response = { ok: true }) {
      const action = `Static-${operation.name.replaceAll('.', '-')}`;
      await management.must('POST', '/backend/action', {
        name: action,
        class: 'Fusio.Adapter.Util.Action.UtilStaticResponse',
        config: { response: JSON.stringify(response) },
      });
      await management.must('POST', '/backend/operation', {
        action: `action://${action}`,
        httpMethod: 'GET',
        scopes: [],
        ...operation,
      });
    },
  };
  await management.must('PUT', '/backend/rate/~Default', { rateLimit: 1_000_000 });
  await management.must('PUT', '/backend/rate/~Default-Anonymous', { rateLimit: 1_000_000 });
  return management;
}

async function logIn(gateway: Pick<Gateway, 'fetch' | 'setup'>): Promise<string> {
  const { name, password } = await gateway.setup();
  const login = await request(gateway, 'POST', '/authorization/token', 'grant_type=client_credentials', {
    headers: {
      'Content-Type': 'application/x-www-form-urlencoded',
      Authorization: `Basic ${btoa(`${name}:${password}`)}`,
    },
  });
  if (login.status !== 200) {
    throw new Error(`Login answered ${login.status}: ${JSON.stringify(login.body)}`);
  }
  return login.body.access_token;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
