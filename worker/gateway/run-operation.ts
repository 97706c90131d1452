import type { ActionInput } from '../actions/define.ts';
import { runAction } from '../actions/run.ts';
import { baseUrlOf } from '../core/base-url.ts';
import type { Call, Input } from '../core/call.ts';
import { secretsOf } from '../lib/derive.ts';
import { encodedParameter } from '../lib/route-path.ts';
import { open } from '../lib/seal.ts';
import { routeOf } from './match-operation.ts';
import type { Credits } from './reserve-credits.ts';

/** Milliseconds an action may take when the operation says nothing. */
const defaultTimeout = 30_000;

/** Runs what answers the operation: compiled code of the platform, or the configured action. Failures give points back. */
export async function runOperation(call: Call, input: Input, credits: Credits): Promise<unknown> {
  const operation = call.operation!;
  if (operation.native !== null) {
    return operation.native.run(call, input);
  }
  try {
    const response = await runConfigured(call, input);
    if (response.status >= 500) {
      await credits.release();
    }
    return response;
  } catch (thrown) {
    await credits.release();
    throw thrown;
  }
}

function runConfigured(call: Call, input: Input): Promise<Response> {
  return executeAction(call, call.operation!.action, actionInput(call, input));
}

/** Runs an action for a call: the operation's own, or one that is tried by hand. */
export function executeAction(call: Call, reference: string, input: ActionInput): Promise<Response> {
  const { runtime, snapshot, operation } = call;
  return runAction(reference, input, {
    snapshot,
    runtime,
    openSecret: (envelope, place) => open(envelope, `${call.tenant}/${place}`, secretsOf(runtime.env)),
    tenant: call.tenant,
    requestId: call.id,
    operationId: operation!.record === null ? null : operation!.id,
    baseUrl: baseUrlOf(runtime.env, call.url),
    caller: call.caller,
    ip: call.ip,
    timeout: operation!.options?.timeout ?? defaultTimeout,
    background: operation!.record !== null,
    waited(milliseconds) {
      call.upstream += milliseconds;
    },
  });
}

function actionInput(call: Call, input: Input): ActionInput {
  const route = routeOf(call.operation!);
  const encoded: Record<string, string> = {};
  for (const name of Object.keys(call.params)) {
    encoded[name] =
      (route === null ? null : encodedParameter(route, call.path, name)) ?? encodeURIComponent(call.params[name]!);
  }
  return {
    arguments: { ...input.query, ...input.path },
    uriFragments: call.params,
    encodedFragments: encoded,
    payload: input.body,
    http: {
      method: call.method,
      path: call.path.text,
      query: call.url.searchParams,
      search: call.url.search.slice(1),
      headers: call.request.headers,
      stream: input.bytes === null ? call.request.body : null,
      bytes: input.bytes,
      request: call.request,
    },
  };
}
