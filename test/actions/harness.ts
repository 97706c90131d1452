import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ActionContext, ActionInput } from '../../worker/actions/define.ts';
import { anonymous } from '../../worker/core/call.ts';
import { ApiError } from '../../worker/core/errors.ts';

export interface Recorded {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string;
}

export interface Upstream {
  url: string;
  origin: string;
  requests: Recorded[];
  server: Server;
  close(): Promise<void>;
}

/** A real server on loopback that writes down what it was sent, then answers by `handler`, or with an echo of it all. */
export async function startUpstream(
  handler?: (request: IncomingMessage, response: ServerResponse, recorded: Recorded) => void,
): Promise<Upstream> {
  const requests: Recorded[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const recorded = {
        method: request.method!,
        url: request.url!,
        headers: request.headers as Record<string, string>,
        body: Buffer.concat(chunks).toString(),
      };
      requests.push(recorded);
      if (handler !== undefined) {
        handler(request, response, recorded);
        return;
      }
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(recorded));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return { url, origin: url, requests, server, close };
}

/** A port that nobody listens on. */
export async function deadUrl(): Promise<string> {
  const upstream = await startUpstream();
  await upstream.close();
  return upstream.url;
}

/** Node's fetch, limited to loopback, with the errors of the egress port. */
export const loopback: ActionContext['egress'] = {
  async fetch(url, init, options = {}) {
    const { hostname } = new URL(url);
    if (hostname !== '127.0.0.1') {
      throw new ApiError('egress_denied');
    }
    // As in the guard, time ends when the headers are there.
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new DOMException('', 'TimeoutError')), options.timeout ?? 30_000);
    const signals = [options.signal, late.signal];
    try {
      return await fetch(url, {
        ...init,
        redirect: 'manual',
        signal: AbortSignal.any(signals.filter((s) => s != null)),
      });
    } catch (cause) {
      const timeout = cause instanceof DOMException && cause.name === 'TimeoutError';
      throw new ApiError(timeout ? 'upstream_timeout' : 'bad_gateway', undefined, { cause });
    } finally {
      clearTimeout(timer);
    }
  },
};

export interface TestContext extends ActionContext {
  /** Milliseconds that the action said it waited. */
  spent: number;
  deferred: Promise<unknown>[];
}

export function makeContext(given: Partial<ActionContext> = {}): TestContext {
  const context: TestContext = {
    spent: 0,
    deferred: [],
    dispatch: async () => ({ id: 'evt_1' }),
    event: null,
    tenant: '',
    requestId: '8f14e45f-ceea-467f-a8d1-6d8a1a5b6c7d',
    operationId: 7,
    baseUrl: 'https://api.example.com',
    action: 'Test-Action',
    caller: anonymous,
    ip: '203.0.113.9',
    timeout: 5_000,
    egress: loopback,
    now: () => Date.now(),
    random: () => 0,
    defer: (work) => void context.deferred.push(work),
    connection: async () => {
      throw new ApiError('not_configured');
    },
    execute: async () => {
      throw new ApiError('unavailable');
    },
    waited: (milliseconds) => {
      context.spent += milliseconds;
    },
    ...given,
  };
  return context;
}

export interface InputShape {
  method?: string;
  /** Path and query of the caller's request. */
  url?: string;
  headers?: Record<string, string>;
  params?: Record<string, string>;
  encoded?: Record<string, string>;
  payload?: unknown;
  /** Text: a body that a step read. A stream: one that nothing read. */
  body?: string | ReadableStream<Uint8Array>;
}

export function makeInput(shape: InputShape = {}): ActionInput {
  const { method = 'GET', params = {}, body, payload } = shape;
  const url = new URL(shape.url ?? '/', 'https://api.example.com');
  const headers = new Headers({ host: 'api.example.com', ...shape.headers });
  return {
    arguments: { ...Object.fromEntries(url.searchParams), ...params },
    uriFragments: params,
    encodedFragments: shape.encoded,
    payload,
    http: {
      method,
      path: url.pathname,
      query: url.searchParams,
      search: url.search.slice(1),
      headers,
      stream: body instanceof ReadableStream ? body : null,
      bytes: typeof body === 'string' ? new TextEncoder().encode(body) : null,
      request: null,
    },
  };
}

/** What an action threw, as the caller would see it. */
export async function failureOf(work: Promise<unknown>): Promise<ApiError> {
  const thrown = await work.then(
    (value) => new Error(`did not fail but gave ${String(value)}`),
    (error: unknown) => error,
  );
  if (!(thrown instanceof ApiError)) {
    throw thrown;
  }
  return thrown;
}
