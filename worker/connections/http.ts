import { Type } from 'typebox';
import { ApiError } from '../core/errors.ts';
import { defineConnection } from './define.ts';

/** What an HTTP connection gives to actions: plain data, so that an isolate may keep it. */
export interface HttpClient {
  /** Base of relative urls. */
  url: string | null;
  /** Sent with every request; names in lower case. The credentials are among them. */
  headers: Record<string, string>;
  /** Milliseconds until an answer's headers; null: as long as the call may take. */
  timeout: number | null;
  /** Whether answers are kept as their caching headers allow (actions/upstream-cache.ts). */
  cache: boolean;
}

const versions = ['1.0', '1.1', '2.0', '3.0'];

/** An HTTP server with its credentials. */
export const http = defineConnection<HttpClient>({
  class: 'Fusio.Adapter.Http.Connection.Http',
  name: 'HTTP',
  description:
    'An HTTP server: base url, credentials and fixed headers. The platform chooses the HTTP version, always verifies certificates and has no outgoing proxy; these three settings are accepted, so that configurations can be moved here, and have no effect.',
  config: Type.Object({
    url: Type.Optional(
      Type.String({
        title: 'URL',
        description: 'Base of the relative urls of actions; its path is kept',
        input: 'url',
      }),
    ),
    username: Type.Optional(
      Type.String({ title: 'Username', description: 'Name for Basic authentication, if the server wants it' }),
    ),
    password: Type.Optional(
      Type.String({ title: 'Password', description: 'Password for Basic authentication', secret: true }),
    ),
    authorization: Type.Optional(
      Type.String({
        title: 'Authorization',
        description: 'Value of the Authorization header, such as <code>Bearer …</code>; replaces username and password',
        secret: true,
      }),
    ),
    proxy: Type.Optional(Type.String({ title: 'Proxy', description: 'No effect: calls leave from the edge directly' })),
    cache: Type.Optional(
      Type.Boolean({
        title: 'Cache',
        description: 'Keep answers to GET requests as long as their caching headers allow, apart for each caller',
      }),
    ),
    verify: Type.Optional(
      Type.Boolean({ title: 'Verify', description: 'No effect: certificates are always verified' }),
    ),
    version: Type.Optional(
      Type.String({
        title: 'HTTP Version',
        description: 'No effect: the platform and the server agree on the version',
        options: versions,
      }),
    ),
    timeout: Type.Optional(
      Type.Union([Type.Number({ minimum: 0 }), Type.String({ pattern: '^[0-9]*\\.?[0-9]*$' })], {
        title: 'Timeout',
        description: 'Seconds until the server has to answer, such as <code>2.5</code>',
        input: 'number',
      }),
    ),
    headers: Type.Optional(
      Type.Record(Type.String(), Type.String(), {
        title: 'Headers',
        description: 'Headers that every request carries; values of names such as Authorization are kept sealed',
      }),
    ),
  }),
  async open(config) {
    const headers = new Headers();
    try {
      for (const [name, value] of Object.entries((config.headers ?? {}) as Record<string, string>)) {
        headers.set(name, value);
      }
      const authorization = credentials(config);
      if (authorization !== null) {
        headers.set('authorization', authorization);
      }
    } catch (cause) {
      // The message of the cause would show the value.
      throw new ApiError('not_configured', 'A header of the connection has a name or value that HTTP does not allow', {
        cause: cause instanceof TypeError ? undefined : cause,
      });
    }
    const seconds = Number(config.timeout);
    return {
      url: config.url || null,
      headers: Object.fromEntries(headers),
      timeout: seconds > 0 ? seconds * 1000 : null,
      cache: config.cache === true,
    };
  },
});

function credentials(config: Record<string, string | undefined>): string | null {
  if (config.authorization) {
    return config.authorization;
  }
  if (!config.username) {
    return null;
  }
  // RFC 7617 §2.1: user-pass in UTF-8.
  const bytes = new TextEncoder().encode(`${config.username}:${config.password ?? ''}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}
