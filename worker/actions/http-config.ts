import { Type } from 'typebox';
import { contentTypes } from './upstream-body.ts';

// Members that the HTTP actions share, as Fusio names them.

export const connection = Type.Optional(
  Type.String({
    title: 'Connection',
    description: 'HTTP connection whose url, credentials and headers are used; needed for a relative url only',
    connection: true,
  }),
);

export const url = Type.String({
  title: 'URL',
  description:
    'Absolute, or relative to the url of the connection, whose path stays in front. <code>:name</code> stands for the path parameter of that name',
});

export const urls = Type.Array(Type.String(), {
  title: 'URL',
  minItems: 1,
  description:
    'Absolute, or relative to the url of the connection, whose path stays in front. <code>:name</code> stands for the path parameter of that name',
});

export const type = Type.Optional(
  Type.String({
    title: 'Content-Type',
    description:
      'Type that a parsed body is sent as when the caller sent another one; a body that no schema reads goes on as it came',
    options: [...contentTypes].sort(),
  }),
);

export const authorization = Type.Optional(
  Type.String({
    title: 'Authorization',
    description:
      'Value of the Authorization header for the server; without it and without one of the connection, the Proxy-Authorization of the caller',
  }),
);

export const query = Type.Optional(
  Type.String({
    title: 'Query',
    description: 'Fixed query parameters, such as <code>a=1&b=2</code>; they win over those of the request',
  }),
);

export const rename = Type.Optional(
  Type.Record(Type.String(), Type.String(), {
    title: 'Rename',
    description:
      'Query parameters that the server knows by another name: <code>per_page</code> → <code>per-page</code>',
  }),
);
