import { DurableObject } from 'cloudflare:workers';
import { type RunContext, runAction } from '../../../worker/actions/run.ts';
import { anonymous } from '../../../worker/core/call.ts';
import { ApiError } from '../../../worker/core/errors.ts';
import type { ActionRecord, ConnectionRecord } from '../../../worker/core/records.ts';
import type { Env } from '../../../worker/env.ts';
import { render, renderError } from '../../../worker/gateway/render.ts';

// Runs one action per request in the platform's own runtime, without the rest of the gateway: what it runs is the first
// segment of the path, so that WebSocket clients can say it too.

export class Publisher extends DurableObject {}
export class Limiter extends DurableObject {}
export class TokenFamily extends DurableObject {}
export class Outbox extends DurableObject {}
export class Lane extends DurableObject {}
export class Idempotency extends DurableObject {}

export interface Run {
  class: string;
  config: object;
  /** Configuration of an HTTP connection, by name `Http`. */
  connection?: object;
  params?: Record<string, string>;
  timeout?: number;
  userId?: number;
}

/** Connections are the same objects from one request to the next, as in a snapshot. */
const connections = new Map<string, ConnectionRecord>();

const loopbackOnly: RunContext['runtime']['egress'] = {
  async fetch(url, init, options = {}) {
    if (new URL(url).hostname !== '127.0.0.1') {
      throw new ApiError('egress_denied');
    }
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), options.timeout ?? 30_000);
    try {
      return await fetch(url, { ...init, redirect: 'manual', signal: late.signal });
    } catch (cause) {
      throw new ApiError(late.signal.aborted ? 'upstream_timeout' : 'bad_gateway', undefined, { cause });
    } finally {
      clearTimeout(timer);
    }
  },
};

export default {
  async fetch(request: Request, env: Env, execution: ExecutionContext): Promise<Response> {
    const url = new URL(request.url);
    const spec = url.pathname.split('/')[1]!;
    const run = JSON.parse(Buffer.from(spec, 'base64url').toString()) as Run;
    const headers = new Headers({ 'X-Request-Id': 'id' });
    const call = { id: 'id', method: request.method, headers, request, operation: null };
    const record: ActionRecord = {
      id: 1,
      status: 1,
      name: 'Run',
      async: false,
      metadata: null,
      class: run.class,
      config: { ...run.config },
    };
    const context: RunContext = {
      snapshot: { action: async () => record, connection: async () => connection(run.connection) },
      runtime: { env, egress: loopbackOnly, now: () => Date.now(), defer: (work) => execution.waitUntil(work) },
      openSecret: async () => '',
      dispatch: async () => ({ id: 'evt_1' }),
      tenant: '',
      requestId: 'id',
      operationId: 1,
      baseUrl: url.origin,
      caller: { ...anonymous, userId: run.userId ?? null },
      ip: '203.0.113.9',
      timeout: run.timeout ?? 5_000,
      queue: null,
      waited() {},
    };
    const input = {
      arguments: {},
      uriFragments: run.params ?? {},
      payload: undefined,
      http: {
        method: request.method,
        path: url.pathname,
        query: url.searchParams,
        search: url.search.slice(1),
        headers: request.headers,
        stream: request.body,
        bytes: null,
        request,
      },
    };
    try {
      return render(call, await runAction('Run', input, context));
    } catch (thrown) {
      return renderError(call, ApiError.from(thrown));
    }
  },
};

function connection(config: object = {}): ConnectionRecord {
  const key = JSON.stringify(config);
  const known = connections.get(key);
  const className = 'Fusio.Adapter.Http.Connection.Http';
  const record = known ?? { id: 1, status: 1, name: 'Http', class: className, config: { ...config }, metadata: null };
  connections.set(key, record);
  return record;
}
