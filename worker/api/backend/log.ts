import { and, asc, desc, eq, getTableColumns, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { Type } from 'typebox';
import type { Call, Input } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { logErrors, logs } from '../../gateway/log-tables.ts';
import { timeOfId } from '../../lib/time-id.ts';
import { type Collection, collectionParameters } from '../../resources/crud.ts';
import { boundsSchema, type GrowingPage, growingPage } from '../../resources/growing-list.ts';
import { dateParameters } from '../date-range.ts';
import { logWalk } from './log-filter.ts';

const errorView = Type.Object(
  {
    id: Type.Integer(),
    logId: Type.Optional(
      Type.Integer({ description: 'The call in which it happened; none when no caller was waiting' }),
    ),
    requestId: Type.Optional(Type.String()),
    message: Type.String(),
    trace: Type.Optional(Type.String({ description: 'Only in the view of one error' })),
    file: Type.Optional(Type.String()),
    line: Type.Optional(Type.Integer()),
    count: Type.Integer({ description: 'How often it came within a second' }),
    insertDate: Type.String({ format: 'date-time' }),
  },
  { description: 'Something that went wrong' },
);

const listView = {
  id: Type.Integer({ description: 'Grows in the order in which calls were written' }),
  operationId: Type.Optional(Type.Integer({ description: 'None when no operation matched' })),
  operationName: Type.Optional(Type.String()),
  appId: Type.Optional(Type.Integer()),
  userId: Type.Optional(Type.Integer()),
  requestId: Type.Optional(Type.String({ description: 'What the answer carried as X-Request-Id' })),
  ip: Type.String(),
  userAgent: Type.String(),
  method: Type.String(),
  path: Type.String({ description: 'With the query; secrets are masked' }),
  responseCode: Type.Integer(),
  errorCode: Type.Optional(Type.String()),
  executionTime: Type.Integer({ description: 'Milliseconds until the headers of the answer' }),
  date: Type.String({ format: 'date-time' }),
};

const entityView = Type.Object(
  {
    ...listView,
    header: Type.Optional(Type.String({ description: 'One "Name: value" a line; secrets are masked' })),
    body: Type.Optional(Type.String({ description: 'Only of operations that log bodies; secrets are masked' })),
    upstreamTime: Type.Integer({ description: 'Milliseconds of the execution time spent waiting for upstreams' }),
    revision: Type.Integer({ description: 'Of the configuration that served the call' }),
    points: Type.Integer(),
    explain: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'Route, scopes, limit before and after, broken rules, upstreams and their times, costs',
      }),
    ),
    errors: Type.Array(errorView),
  },
  { description: 'One call' },
);

const collection = (entry: ReturnType<typeof Type.Object>, more = {}) =>
  Type.Object({
    totalResults: Type.Integer(),
    ...boundsSchema,
    ...more,
    startIndex: Type.Integer(),
    itemsPerPage: Type.Integer(),
    entry: Type.Array(entry),
  });

const after = Type.Optional(
  Type.Integer({ description: 'Only with "after": what was searched ends at this id, the next search begins there' }),
);

const { startIndex, count } = collectionParameters;
const paging = { startIndex: startIndex!, count: count! };
const scope = 'backend.log';

/** What the log holds: calls and errors. */
export const logOperations: readonly SystemOperation[] = [
  {
    name: 'backend.log.getAllErrors',
    method: 'GET',
    path: '/backend/log/error',
    description: 'Lists errors, newest first',
    scope,
    query: { ...paging, search: { type: 'string', description: 'A part of the message' } },
    outgoing: collection(errorView),
    run: listErrors,
  },
  {
    name: 'backend.log.getError',
    method: 'GET',
    path: '/backend/log/error/$error_id<[0-9]+>',
    description: 'Returns one error with its trace',
    scope,
    outgoing: errorView,
    run: getError,
  },
  {
    name: 'backend.log.getAll',
    method: 'GET',
    path: '/backend/log',
    description: 'Lists calls, newest first; with "after" those behind an id, oldest first',
    scope,
    query: {
      ...paging,
      search: {
        type: 'string',
        description:
          'Comma separated: an address, /path, METHOD, Name: value of a header, a request id, else a part of the body',
      },
      ...dateParameters,
      operationId: { type: 'integer', description: 'Calls of this operation' },
      appId: { type: 'integer', description: 'Calls by this app' },
      userId: { type: 'integer', description: 'Calls by this user' },
      ip: { type: 'string', description: 'Calls from this address' },
      userAgent: { type: 'string', description: 'A part of the user agent' },
      method: { type: 'string', description: 'The HTTP method' },
      path: { type: 'string', description: 'The beginning of the path' },
      header: { type: 'string', description: 'A part of the headers, or Name: beginning of the value' },
      body: { type: 'string', description: 'A part of the body' },
      responseCode: { type: 'string', description: 'A status, 404, or a class of them, 4xx' },
      requestId: { type: 'string', description: 'What the answer carried as X-Request-Id' },
      categoryId: {
        type: 'integer',
        minimum: 0,
        description: '1 default (unless given), 2 backend, 3 consumer, 4 system, 5 authorization, 0 all',
      },
      after: {
        type: 'integer',
        minimum: 0,
        description: 'Only calls written after the one with this id, to follow the log',
      },
    },
    outgoing: collection(Type.Object(listView), { after }),
    run: listCalls,
  },
  {
    name: 'backend.log.get',
    method: 'GET',
    path: '/backend/log/$log_id<[0-9]+|^~>',
    description: 'Returns one call, by id or ~request id, with its headers and errors, and why it ended as it did',
    scope,
    outgoing: entityView,
    run: getCall,
  },
];

/** A page of the calls that the query asks for. */
export async function listCalls(call: Call, input: Input) {
  const { walk, where } = logWalk(call.tenant, input.query, call.runtime.now());
  const following = input.query.after !== undefined;
  const { header: _header, body: _body, explain: _explain, ...columns } = getTableColumns(logs);
  const page = await growingPage(call.runtime.env.LOGS, walk, {
    ...{ where, columns, ...pageOf(input) },
    // By date the index serves the order, by id nothing is missed that was written late.
    order: following ? [asc(logs.id)] : [desc(logs.date), desc(logs.id)],
  });
  const answer = envelope(input, page, (page.rows as ListedRow[]).map(callView));
  return following && page.end !== null ? { ...answer, after: page.end } : answer;
}

/** One call with its headers and errors. */
export async function getCall(call: Call, input: Input) {
  const key = String(input.path.log_id);
  const db = drizzle(call.runtime.env.LOGS);
  const [row] = await db
    .select()
    .from(logs)
    .where(and(eq(logs.tenant_id, call.tenant), key.startsWith('~') ? byRequest(key.slice(1)) : eq(logs.id, idOf(key))))
    .limit(1);
  if (row === undefined) {
    throw new ApiError('not_found', 'Could not find log');
  }
  const errors = await db
    .select()
    .from(logErrors)
    .where(and(eq(logErrors.tenant_id, call.tenant), eq(logErrors.log_id, row.id)))
    .orderBy(logErrors.id);
  return {
    ...callView(row),
    ...present({ header: row.header, body: row.body }),
    upstreamTime: row.upstream_time,
    revision: row.revision,
    points: row.points,
    ...(row.explain === null ? {} : { explain: JSON.parse(row.explain) }),
    errors: errors.map(oneError),
  };
}

/** A request id tells when it was made, so that the index by date finds its row. */
function byRequest(id: string): SQL {
  const time = timeOfId(id);
  if (time === null) {
    throw new ApiError('not_found', 'Could not find log');
  }
  const moment = new Date(time).toISOString();
  return and(eq(logs.date, moment), eq(logs.request_id, id.toLowerCase()))!;
}

/** By id, for the id is what errors are in order of, and the tenant's index ends with it. */
async function listErrors(call: Call, input: Input) {
  const search = String(input.query.search ?? '').trim();
  const page = await growingPage(
    call.runtime.env.LOGS,
    {
      ...{ table: logErrors, key: eq(logErrors.tenant_id, call.tenant), along: logErrors.id },
      ...{ from: 0, to: Number.MAX_SAFE_INTEGER },
    },
    {
      where: search === '' ? undefined : sql`instr(lower(${logErrors.message}), lower(${search})) > 0`,
      order: [desc(logErrors.id)],
      ...pageOf(input),
    },
  );
  const entry = (page.rows as (typeof logErrors.$inferSelect)[]).map((row) => {
    const { trace: _trace, ...listed } = oneError(row);
    return listed;
  });
  return envelope(input, page, entry);
}

async function getError(call: Call, input: Input) {
  const [row] = await drizzle(call.runtime.env.LOGS)
    .select()
    .from(logErrors)
    .where(and(eq(logErrors.tenant_id, call.tenant), eq(logErrors.id, idOf(input.path.error_id))));
  if (row === undefined) {
    throw new ApiError('not_found', 'Could not find error');
  }
  return oneError(row);
}

type ListedRow = Omit<typeof logs.$inferSelect, 'header' | 'body' | 'explain'>;

function callView(row: ListedRow) {
  return present({
    id: row.id,
    operationId: row.operation_id,
    operationName: row.operation_name,
    appId: row.app_id,
    userId: row.user_id,
    requestId: row.request_id,
    ip: row.ip,
    userAgent: row.user_agent,
    method: row.method,
    path: row.path,
    responseCode: row.response_code,
    errorCode: row.error_code,
    executionTime: row.execution_time,
    date: seconds(row.date),
  });
}

function oneError(row: typeof logErrors.$inferSelect) {
  return present({
    id: row.id,
    logId: row.log_id,
    requestId: row.request_id,
    message: row.message,
    trace: row.trace,
    file: row.file,
    line: row.line,
    count: row.count,
    insertDate: seconds(row.insert_date),
  });
}

/** Fusio leaves members without a value out. */
function present<T extends Record<string, unknown>>(entity: T): Partial<T> {
  return Object.fromEntries(Object.entries(entity).filter(([, value]) => value !== null)) as Partial<T>;
}

function seconds(date: string): string {
  return date.replace(/\.\d+Z$/, 'Z');
}

function idOf(text: unknown): number {
  const id = Number(text);
  return Number.isSafeInteger(id) ? id : 0;
}

function pageOf(input: Input): { startIndex: number; count: number } {
  const { startIndex = 0, count = 16 } = input.query as { startIndex?: number; count?: number };
  return { startIndex, count };
}

function envelope(input: Input, { total, bounds }: GrowingPage, entry: Record<string, unknown>[]): Collection {
  const { startIndex, count } = pageOf(input);
  return { totalResults: total, ...bounds, startIndex, itemsPerPage: count, entry };
}
