import { Type } from 'typebox';
import { ApiError } from '../core/errors.ts';
import { memo } from '../core/snapshot.ts';
import { tenantName } from '../core/tenant.ts';
import { type ActionContext, type ActionInput, defineAction } from './define.ts';
import { addHeaders, answer, configuredQuery, type HttpActionConfig, openClient, upstreamUrl } from './forward.ts';
import { connection, query, url } from './http-config.ts';
import { introduce } from './introduce.ts';
import { withPayload } from './payload.ts';
import { escapingFor, parseTemplate, type Template } from './template.ts';
import { throughCache } from './upstream-cache.ts';
import { callUpstream, defaultRetries } from './upstream-call.ts';
import { buildUrl } from './upstream-url.ts';

interface RawConfig extends HttpActionConfig {
  method?: string;
  url: string;
  headers?: Record<string, string>;
  body?: string;
}

/** A request of its own making: nothing of the caller's goes on but what the configuration names. */
export const httpRaw = defineAction({
  class: 'Fusio.Adapter.Http.Action.HttpRaw',
  name: 'HTTP-Raw',
  description:
    'Sends a configured request: method, url, headers and a body made by a template from the payload, the arguments and the caller. The query of the request goes along.',
  config: Type.Object({
    connection,
    method: Type.Optional(
      Type.String({
        title: 'Method',
        description: 'HTTP method of the request; GET unless chosen',
        options: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
      }),
    ),
    url,
    query,
    headers: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        title: 'Headers',
        description: 'Headers of the request. The Content-Type decides how the body escapes values; JSON unless given',
      }),
    ),
    body: Type.Optional(
      Type.String({
        title: 'Body',
        description:
          'Liquid template with <code>payload</code>, <code>arguments</code>, <code>uriFragments</code>, <code>query</code> and <code>context</code>. Values are escaped for the place between quotes: <code>"{{ payload.name }}"</code>; <code>{{ payload | json }}</code> writes a whole value',
        mode: 'text',
      }),
    ),
  }),
  async run(given, config, context) {
    const raw = config as RawConfig;
    const deadline = context.now() + context.timeout;
    const client = await openClient(raw, context);
    const input = raw.body ? await withPayload(given) : given;
    const method = raw.method || 'GET';
    const headers = new Headers({ 'accept-encoding': 'identity' });
    addHeaders(headers, client.headers);
    addHeaders(headers, raw.headers ?? {});
    const body = method === 'GET' || !raw.body ? null : render(raw, raw.body, headers, input, context);
    introduce(headers, input, context);
    const url = buildUrl(upstreamUrl(raw, raw.url, client), input, configuredQuery(raw));
    const replayable = true;
    const call = { url, method, headers, body, replayable, timeout: client.timeout, retries: defaultRetries };
    return answer(await throughCache(client, call, context, () => callUpstream(call, context, deadline)));
  },
});

function render(config: RawConfig, text: string, headers: Headers, input: ActionInput, context: ActionContext): string {
  if (!headers.has('content-type')) {
    headers.set('content-type', 'application/json');
  }
  const escaping = escapingFor(headers.get('content-type')!);
  let template: Template;
  try {
    template = memo(config, `body ${escaping}`, () => parseTemplate(text, escaping));
  } catch (cause) {
    throw new ApiError('not_configured', `The body of the action "${context.action}" is not a valid template`, {
      cause,
    });
  }
  try {
    return template(scope(input, context));
  } catch (cause) {
    const message = `The body of the action "${context.action}" could not be made from this request`;
    throw new ApiError('invalid_request', message, { cause });
  }
}

/** What templates see: nothing of it is a secret, and functions are not among it. */
function scope(input: ActionInput, { caller, ...context }: ActionContext): Record<string, unknown> {
  return {
    payload: input.payload ?? null,
    arguments: input.arguments,
    uriFragments: input.uriFragments,
    query: Object.fromEntries(input.http.query),
    context: {
      operationId: context.operationId,
      baseUrl: context.baseUrl,
      tenantId: tenantName(context.tenant),
      action: context.action,
      requestId: context.requestId,
      user: { anonymous: caller.userId === null, id: caller.userId, name: caller.userName, email: caller.email },
      app: { anonymous: caller.appId === null, id: caller.appId, appKey: caller.appKey, scopes: caller.scopes },
    },
  };
}
