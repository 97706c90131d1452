import type { HttpClient } from '../connections/http.ts';
import { ApiError } from '../core/errors.ts';
import { memo } from '../core/snapshot.ts';
import {
  addForwarded,
  type HeaderList,
  headerValue,
  listHeaders,
  maxHeaderBytes,
  refusedHeaders,
} from '../lib/headers.ts';
import type { ActionContext, ActionInput } from './define.ts';
import { introduce, introduction, setHeader } from './introduce.ts';
import { upstreamBody } from './upstream-body.ts';
import { defaultRetries, type UpstreamCall } from './upstream-call.ts';
import { buildUrl, compileUrl, type UpstreamUrl } from './upstream-url.ts';

/** Members that every HTTP action has. */
export interface HttpActionConfig {
  connection?: string;
  type?: string;
  authorization?: string;
  query?: string;
}

/** What an action without a connection calls through: absolute urls, without credentials. */
export const withoutConnection: HttpClient = { url: null, headers: {}, timeout: null, cache: false };

/** The connection of an HTTP action. Throws `not_configured`. */
export async function openClient(config: HttpActionConfig, context: ActionContext): Promise<HttpClient> {
  if (!config.connection) {
    return withoutConnection;
  }
  const client = await context.connection(config.connection);
  if (typeof client === 'object' && client !== null && 'headers' in client && 'url' in client) {
    return client as HttpClient;
  }
  throw new ApiError('not_configured', `The connection "${config.connection}" is not an HTTP connection`);
}

/** The compiled form of an url of an action, made once for the life of the action's record. */
export function upstreamUrl(config: HttpActionConfig, text: string, client: HttpClient): UpstreamUrl {
  const compiled = memo(config, 'urls', () => new Map<string, { base: string | null; url: UpstreamUrl }>());
  let known = compiled.get(text);
  if (known?.base !== client.url) {
    known = { base: client.url, url: compileUrl(text, client.url) };
    compiled.set(text, known);
  }
  return known!.url;
}

/** The query that the action configures; null: none. */
export function configuredQuery(config: HttpActionConfig): URLSearchParams | null {
  return memo(config, 'query', () => (config.query ? new URLSearchParams(config.query) : null));
}

/**
 * The request that passes a call on to an url of the action: the caller's method, query, headers and body, cleaned, with
 * what the action and its connection configure and who the caller is.
 */
export function forwardedCall(
  input: ActionInput,
  config: HttpActionConfig,
  text: string,
  client: HttpClient,
  context: ActionContext,
): UpstreamCall {
  const { http } = input;
  const received = http.received ?? listHeaders(http.headers);
  const upgrade = isUpgrade(input, received);
  const headers = introduction(input, context);
  addForwarded(headers, received, upgrade ? upgradePolicy : policy);
  const body = upstreamBody(input, http.method, config.type);
  if (body.contentType !== null) {
    headers.delete('content-encoding');
    headers.delete('content-type');
    if (body.contentType !== '') {
      headers.set('content-type', body.contentType);
    }
  }
  if (headerValue(received, 'accept-encoding') === null) {
    // Else the platform asks for what the caller may not understand.
    headers.set('accept-encoding', 'identity');
  }
  if (addHeaders(headers, client.headers)) {
    introduce(headers, input, context);
  }
  const proxyAuthorization = headerValue(received, 'proxy-authorization');
  if (config.authorization) {
    setHeader(headers, 'authorization', config.authorization);
  } else if (proxyAuthorization !== null && !headers.has('authorization')) {
    headers.set('authorization', proxyAuthorization);
  }
  return {
    url: buildUrl(upstreamUrl(config, text, client), input, configuredQuery(config)),
    method: http.method,
    headers,
    body: body.content,
    replayable: body.replayable,
    timeout: client.timeout,
    retries: upgrade ? 0 : defaultRetries,
    signal: http.broken,
  };
}

/** The upstream's answer as ours: status and cleaned headers, the body streamed on unread, a WebSocket handed through. */
export function answer(response: Response): Response {
  // Each look at the body makes a stream object.
  const { status, webSocket, body } = response;
  if (status !== 101 && (status < 200 || status > 599)) {
    throw new ApiError('bad_gateway', `The upstream server answered with the status ${status}`);
  }
  const result = webSocket
    ? new Response(null, { status: 101, webSocket, headers: response.headers })
    : new Response(body, response);
  const { headers } = result;
  const received = listHeaders(headers);
  if (received.bytes > maxHeaderBytes) {
    result.body?.cancel().catch(() => {});
    throw new ApiError('bad_gateway', 'The upstream server answered with too many headers');
  }
  for (const name of refusedHeaders(received)) {
    headers.delete(name);
  }
  if (body !== null && !webSocket && !headers.has('content-type')) {
    headers.set('content-type', 'application/octet-stream');
  }
  return result;
}

/** Lays configured headers over. False when there are none. */
export function addHeaders(headers: Headers, configured: Record<string, string>): boolean {
  let some = false;
  for (const name in configured) {
    setHeader(headers, name, configured[name]!);
    some = true;
  }
  return some;
}

/** What the gateway says about a call: a caller's own are never passed on. */
const policy = { drop: ['x-fusio-', 'x-request-id'] };
const upgradePolicy = { ...policy, upgrade: true };

function isUpgrade({ http }: ActionInput, received: HeaderList): boolean {
  return http.method === 'GET' && http.request !== null && /^websocket$/i.test(headerValue(received, 'upgrade') ?? '');
}
