import { Type } from 'typebox';
import type { HttpClient } from '../../connections/http.ts';
import { openConnection } from '../../connections/open.ts';
import type { Call, Input } from '../../core/call.ts';
import { ApiError, invalidAt } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { secretsOf } from '../../lib/derive.ts';
import { open } from '../../lib/seal.ts';
import { connection } from '../../resources/connection.ts';
import { findRow } from '../../resources/crud.ts';

const timeout = 30_000;
/** Characters of an answer that are shown. */
const longestAnswer = 1_000_000;

/** `POST /backend/connection/:connection_id/http`: one request with the credentials of an HTTP connection, to try it. */
export const sendHttp: SystemOperation = {
  name: 'backend.connection.http.execute',
  method: 'POST',
  path: '/backend/connection/:connection_id/http',
  description: 'Sends a request through an HTTP connection',
  scope: 'backend.connection',
  incoming: Type.Object({
    method: Type.Optional(Type.Union([Type.String({ description: 'GET unless given' }), Type.Null()])),
    uri: Type.Optional(
      Type.Union([Type.String({ description: 'Relative to the url of the connection' }), Type.Null()]),
    ),
    headers: Type.Optional(Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()])),
    body: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  }),
  outgoing: Type.Object({
    statusCode: Type.Integer(),
    headers: Type.Record(Type.String(), Type.String()),
    body: Type.String(),
  }),
  run: send,
};

interface Sent {
  method?: string | null;
  uri?: string | null;
  headers?: Record<string, string> | null;
  body?: string | null;
}

async function send(call: Call, input: Input) {
  const given = String(input.path.connection_id);
  const row = await findRow(call, connection, /^[0-9]+$|^~/.test(given) ? given : `~${given}`);
  if (row.class !== 'Fusio.Adapter.Http.Connection.Http') {
    throw new ApiError('invalid_request', 'Provided an invalid connection');
  }
  const { runtime, tenant, snapshot } = call;
  const secrets = secretsOf(runtime.env);
  const client = (await openConnection(
    snapshot,
    row.name,
    (envelope, place) => open(envelope, `${tenant}/${place}`, secrets),
    { env: runtime.env, tenant, egress: runtime.egress, timeout },
  )) as HttpClient;
  const sent = (input.body ?? {}) as Sent;
  const method = (sent.method || 'GET').toUpperCase();
  const url = target(client.url, sent.uri ?? '');
  const response = await runtime.egress.fetch(
    url,
    { method, headers: headersOf(client, sent.headers ?? {}), body: bodyOf(method, sent.body) },
    { timeout: client.timeout ?? timeout },
  );
  const text = await response.text();
  return {
    statusCode: response.status,
    headers: Object.fromEntries(response.headers),
    body: text.slice(0, longestAnswer),
  };
}

/** The credentials go to the connection's origin only, and below its path. */
function target(base: string | null, uri: string): URL {
  const root = base === null ? null : new URL(base);
  const prefix = root === null ? '' : root.pathname.replace(/\/+$/, '');
  const absolute = /^[a-z][a-z0-9+.-]*:\/\//i.test(uri);
  const written =
    absolute || root === null ? uri : `${root.origin}${prefix}${uri === '' || /^[/?#]/.test(uri) ? '' : '/'}${uri}`;
  if (!URL.canParse(written)) {
    throw invalidAt('/uri', `The uri "${uri}" is not valid`);
  }
  const url = new URL(written);
  if (root !== null && (url.origin !== root.origin || !`${url.pathname}/`.startsWith(`${prefix}/`))) {
    throw invalidAt('/uri', 'The uri must stay below the url of the connection');
  }
  return url;
}

function headersOf(client: HttpClient, given: Record<string, string>): Headers {
  try {
    const headers = new Headers(given);
    for (const [name, value] of Object.entries(client.headers)) {
      headers.set(name, value);
    }
    return headers;
  } catch {
    throw invalidAt('/headers', 'A header has a name or value that HTTP does not allow');
  }
}

function bodyOf(method: string, body: string | null | undefined): string | undefined {
  if (!/^[A-Z]{1,16}$/.test(method) || ['CONNECT', 'TRACE', 'TRACK'].includes(method)) {
    throw invalidAt('/method', `The method ${method} cannot be sent`);
  }
  return body && method !== 'GET' && method !== 'HEAD' ? body : undefined;
}
