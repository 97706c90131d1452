import type { OpenSecret } from '../connections/open.ts';
import type { Call, Input } from '../core/call.ts';
import { memo } from '../core/snapshot.ts';
import { encodedParameter, parseRoutePath, type RoutePath } from '../lib/route-path.ts';
import type { ActionInput } from './define.ts';
import type { RunContext } from './run.ts';

/** What the action of a call's operation receives. */
export function actionInput(call: Call, input: Input): ActionInput {
  const { request, url } = call;
  return {
    arguments: { ...input.query, ...input.path },
    uriFragments: call.params,
    encodedFragments: encodedRest(call),
    payload: input.body,
    http: {
      method: call.method,
      path: call.path.text,
      query: url.searchParams,
      search: url.search.slice(1),
      headers: request.headers,
      received: call.received,
      stream: input.bytes === null ? request.body : null,
      broken: call.bodyBroken,
      bytes: input.bytes,
      request,
    },
  };
}

/** What surrounds the run of a call's action. */
export function runContext(call: Call, baseUrl: string, openSecret: OpenSecret, background = true): RunContext {
  return {
    snapshot: call.snapshot,
    runtime: call.runtime,
    dispatch: (dispatch) => call.runtime.dispatcher.dispatch(call.snapshot, dispatch),
    openSecret,
    tenant: call.tenant,
    requestId: call.id,
    operationId: call.operation?.id ?? null,
    baseUrl,
    caller: call.caller,
    ip: call.ip,
    timeout: call.operation?.options?.timeout ?? defaultTimeout,
    queue: background
      ? (action, retries, run) =>
          call.runtime.dispatcher.queue(call.tenant, { action, retries, userId: call.caller.userId, run })
      : null,
    waited(milliseconds, asked) {
      call.upstream += milliseconds;
      if (asked !== undefined) {
        call.upstreams ??= [];
        if (call.upstreams.length < mostUpstreams) {
          call.upstreams.push({ ...asked, time: Math.round(milliseconds) });
        }
      }
    },
  };
}

/** Requests to others that the log names. */
const mostUpstreams = 8;

/** Milliseconds an action may take. */
export const defaultTimeout = 30_000;

/** Only the rest of a path differs from its decoded text encoded anew: some of its slashes separate, others are data. */
function encodedRest(call: Call): Record<string, string> | undefined {
  const { operation } = call;
  if (operation === null || !operation.http_path.includes('/*')) {
    return undefined;
  }
  const route = memo<RoutePath | null>(operation, 'route', () => {
    const parsed = parseRoutePath(operation.http_path);
    return parsed.ok ? parsed.route : null;
  });
  const rest = route?.segments.at(-1);
  if (rest?.kind !== 'rest') {
    return undefined;
  }
  const encoded = encodedParameter(route!, call.path, rest.name);
  return encoded === null ? undefined : { [rest.name]: encoded };
}
