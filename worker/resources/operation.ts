import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { ApiError, invalidAt } from '../core/errors.ts';
import { parseRoutePath, type RouteSegment } from '../lib/route-path.ts';
import { compileParameters } from '../lib/schema/convert.ts';
import { SchemaError } from '../lib/schema/engine.ts';
import { flag, identity, json, uniqueActive } from './columns.ts';
import { defineResource, metadataField, nameField, type Preparing, statusField, taxonomyField } from './define.ts';
import { checkAction, checkSchema, checkVersions, nameIn, pin, pinned } from './operation-references.ts';
import { ensureScopes } from './scope-names.ts';

export const operations = sqliteTable(
  'operation',
  {
    ...identity,
    category_id: integer().notNull().default(1),
    taxonomy_id: integer(),
    active: flag().notNull().default(true),
    public: flag().notNull().default(false),
    stability: integer().notNull().default(1),
    description: text(),
    http_method: text().notNull(),
    http_path: text().notNull(),
    http_code: integer().notNull().default(200),
    name: text().notNull(),
    parameters: json(),
    incoming: text(),
    outgoing: text(),
    throws: json(),
    action: text().notNull(),
    costs: integer().notNull().default(0),
    scopes: json().notNull(),
    options: json(),
    versions: json(),
    metadata: json(),
    /** Method and shape of the path: what two operations must not share. */
    route_key: text().notNull(),
  },
  (table) => [
    uniqueActive('operation_name', table, 'name'),
    uniqueActive('operation_route', table, 'route_key'),
    index('operation_list').on(table.tenant_id, table.status, table.category_id),
  ],
);

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'];

/** The API product's unit: method + path + contract + scopes + cost → an action. */
export const operation = defineResource({
  name: 'operation',
  title: 'Operation',
  description: 'Method, path, contract, scopes and cost of one call, bound to the action that answers it.',
  table: operations,
  versioned: true,
  keyedBy: 'id',
  unique: {
    name: 'Operation already exists',
    route_key: 'An operation exists already with the same HTTP method and path',
  },
  fields: {
    status: statusField,
    active: { schema: Type.Boolean({ description: 'An inactive operation answers 410' }), list: true, initial: true },
    name: nameField('a-zA-Z0-9_.', 3, 64),
    public: { schema: Type.Boolean({ description: 'Callable without a token' }), list: true, initial: false },
    stability: {
      schema: Type.Integer({ description: '0 deprecated, 1 experimental, 2 stable, 3 legacy', minimum: 0, maximum: 3 }),
      list: true,
      initial: 1,
    },
    description: { schema: Type.String({ description: 'What a call does' }), list: true },
    httpPath: {
      schema: Type.String({ description: 'Path: /a/:x for one segment, /a/$x<regex>, /a/*rest', maxLength: 1024 }),
      list: true,
      required: 'HTTP path must not be empty',
    },
    httpMethod: {
      schema: Type.String({ description: 'HTTP method' }),
      list: true,
      required: 'HTTP method must not be empty',
    },
    httpCode: { schema: Type.Integer({ description: 'Documented status of success' }), list: true, initial: 200 },
    parameters: {
      schema: Type.Record(Type.String(), Type.Unknown(), { description: 'Query parameters: name → JSON Schema' }),
    },
    incoming: { schema: Type.String({ description: 'Schema of the request body' }) },
    outgoing: { schema: Type.String({ description: 'Schema of the response body' }) },
    throws: { schema: Type.Record(Type.String(), Type.String(), { description: 'Status → schema of failures' }) },
    action: {
      schema: Type.String({ description: 'Action that answers' }),
      list: true,
      required: 'Action must not be empty',
    },
    costs: { schema: Type.Integer({ description: 'Points per call', minimum: 0 }), initial: 0 },
    scopes: { schema: Type.Array(Type.String(), { description: 'Scopes that may call' }), initial: {} },
    options: { schema: optionsSchema(), initial: null },
    tag: {
      schema: Type.String({ description: 'Version to keep the current references under' }),
      virtual: true,
      hidden: true,
    },
    versions: {
      schema: Type.Record(Type.String(), Type.Object({ action: Type.String() }, { additionalProperties: true }), {
        description: 'References kept under a version, by its number; those that are not named stay as they are',
      }),
      virtual: true,
      hidden: true,
    },
    taxonomyId: taxonomyField,
    metadata: metadataField,
  },
  references: (data) => [
    ...[data.incoming, data.outgoing, ...Object.values(data.throws ?? {})].flatMap((reference) => {
      const name = nameIn(reference, 'schema');
      return name === null ? [] : ([['schema', name]] as [string, string][]);
    }),
    ...(nameIn(data.action, 'action') === null
      ? []
      : ([['action', nameIn(data.action, 'action')!]] as [string, string][])),
    ...(Array.isArray(data.scopes) ? data.scopes.map((name: string): [string, string] => ['scope', name]) : []),
  ],
  claims(data) {
    const parsed = parseRoutePath(String(data.httpPath ?? ''));
    return parsed.ok ? [['route_key', `${data.httpMethod} ${parsed.route.segments.map(shapeOf).join('')}`]] : [];
  },
  prepare,
  async remove(row) {
    if (row.stability === 2) {
      throw new ApiError('conflict', 'It is not possible to delete an operation which is marked as stable');
    }
  },
  async extend(rows, entities) {
    rows.forEach((row, position) => {
      const scopes = row.scopes as Record<string, boolean>;
      entities[position]!.scopes = Object.keys(scopes).filter((name) => scopes[name]);
    });
  },
});

function optionsSchema() {
  return Type.Object(
    {
      timeout: Type.Optional(
        Type.Integer({ minimum: 1, maximum: 300_000, description: 'Milliseconds an action may take' }),
      ),
      bodyLimit: Type.Optional(Type.Integer({ minimum: 0, maximum: 100_000_000, description: 'Largest body, bytes' })),
      cors: Type.Optional(
        Type.Object({
          origins: Type.Optional(Type.Array(Type.String())),
          headers: Type.Optional(Type.Array(Type.String())),
          credentials: Type.Optional(Type.Boolean()),
          maxAge: Type.Optional(Type.Integer({ minimum: 0, maximum: 86_400 })),
        }),
      ),
      validateResponse: Type.Optional(Type.Enum(['off', 'report', 'enforce'])),
      idempotency: Type.Optional(
        Type.Enum(['allowed', 'required'], {
          description: 'Repeated writes with the same Idempotency-Key run once; required: there must be a key',
        }),
      ),
      encodedSlash: Type.Optional(Type.Array(Type.String())),
      sunset: Type.Optional(Type.String({ description: 'ISO 8601 date (RFC 8594)' })),
      log: Type.Optional(
        Type.Object({
          enabled: Type.Optional(Type.Boolean()),
          sample: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
          body: Type.Optional(Type.Boolean()),
          redact: Type.Optional(
            Type.Array(Type.String({ maxLength: 255 }), {
              maxItems: 64,
              description: 'JSON Pointers of body members to mask in the log; * stands for any member',
            }),
          ),
        }),
      ),
    },
    { description: 'Time limit, body limit, CORS, response validation, idempotency and log of this operation' },
  );
}

async function prepare(change: Preparing): Promise<void> {
  const { view, row, before, data } = change;
  if (before !== undefined && before.stability !== 1) {
    // Only the stability of an operation that is not experimental may change; the rest is a promise to its users.
    const stability = data.stability ?? before.stability;
    Object.assign(row, before, { stability });
  }
  if (row.description !== null && String(row.description).length > 500) {
    throw invalidAt('/description', 'Description must not be longer than 500 characters', 'maxLength');
  }
  if (!methods.includes(row.http_method)) {
    throw invalidAt('/httpMethod', 'HTTP method must not be one of: GET, POST, PUT, PATCH, DELETE', 'enum');
  }
  row.route_key = `${row.http_method} ${checkPath(row.http_path)}`;
  if (row.http_code < 200 || row.http_code > 299) {
    throw invalidAt(
      '/httpCode',
      `HTTP code contains an HTTP status code "${row.http_code}" which is not in the range between 200 and 299`,
      'range',
    );
  }
  checkParameters(row.parameters ?? {});
  if (row.http_method === 'GET' || row.http_method === 'DELETE') {
    row.incoming = null;
  }
  row.incoming = await checkSchema(change, 'incoming', row.incoming);
  row.outgoing = await checkSchema(change, 'outgoing', row.outgoing);
  for (const [status, reference] of Object.entries(row.throws ?? {})) {
    const code = Number(status);
    if (!(code >= 400 && code <= 599) && code !== 999) {
      throw invalidAt(
        `/throws/${status}`,
        `Throw contains an HTTP status code "${status}" which is not in the range between 400 and 599`,
        'range',
      );
    }
    row.throws[status] = await checkSchema(change, `throws/${status}`, reference as string);
  }
  row.action = await checkAction(change, row.action);
  if (Array.isArray(row.scopes)) {
    row.scopes = await ensureScopes(view, row.scopes, before?.scopes ?? {});
  }
  await pin(change);
  if (data.versions !== undefined && data.versions !== null) {
    row.versions = { ...(before?.versions ?? {}), ...(await checkVersions(change, data.versions)) };
  }
  if (typeof data.tag === 'string') {
    const { action, incoming, outgoing } = row;
    row.versions = { ...(row.versions ?? {}), [data.tag]: await pinned(view, { action, incoming, outgoing }) };
  }
}

/** Returns the path's shape, in which parameters have no names. */
function checkPath(path: string): string {
  const parsed = parseRoutePath(path);
  if (!parsed.ok) {
    throw invalidAt('/httpPath', pathFault(path, parsed.fault.message), 'path');
  }
  const first = path.split('/')[1] ?? '';
  if (['backend', 'consumer', 'system', 'authorization'].includes(first)) {
    throw invalidAt('/httpPath', 'HTTP path uses a path segment which is reserved for the system', 'reserved');
  }
  return parsed.route.segments.map(shapeOf).join('');
}

/** In Fusio's words what it refuses too; else which character is wrong, and why. */
function pathFault(path: string, message: string): string {
  if (!path.startsWith('/')) {
    return 'HTTP path must start with a /';
  }
  if (/[^!-~]/.test(path)) {
    return 'HTTP path contains invalid characters inside a path segment';
  }
  return /\/(\/|$)/.test(path) ? 'HTTP path has an empty path segment' : message;
}

function shapeOf(segment: RouteSegment): string {
  switch (segment.kind) {
    case 'static':
      return `/${encodeURIComponent(segment.text)}`;
    case 'parameter':
      return '/:';
    case 'pattern':
      return `/$<${segment.pattern.source}>`;
    default:
      return '/*';
  }
}

/** Names and types as Fusio checks them, and that the whole can be compiled: a call must not be the first to find out. */
function checkParameters(parameters: Record<string, Record<string, unknown>>): void {
  for (const [name, parameter] of Object.entries(parameters)) {
    checkParameter(name, parameter);
  }
  try {
    compileParameters(parameters);
  } catch (thrown) {
    if (!(thrown instanceof SchemaError)) {
      throw thrown;
    }
    throw new ApiError('invalid_body', `Invalid parameters: ${thrown.message}`, {
      errors: thrown.violations.map((violation) => ({
        ...violation,
        pointer: `/parameters${violation.pointer.replace(/^\/properties/, '')}`,
      })),
    });
  }
}

function checkParameter(name: string, parameter: unknown): void {
  if (!/^[A-Za-z0-9_]+$/.test(name)) {
    throw invalidAt(
      `/parameters/${name}`,
      `Parameter name "${name}" contains an invalid character, allowed are only alphanumeric characters and underscore`,
      'pattern',
    );
  }
  const type = (parameter as { type?: unknown } | null)?.type;
  if (type !== undefined && !['string', 'boolean', 'integer', 'number', 'array'].includes(String(type))) {
    throw invalidAt(
      `/parameters/${name}/type`,
      `Parameter "${name}" contains an invalid schema "${type}" must be one of: string, boolean, integer, number, array`,
      'enum',
    );
  }
}
