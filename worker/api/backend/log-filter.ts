import { and, eq, gt, gte, lte, type SQL, sql } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import { ApiError } from '../../core/errors.ts';
import { categories } from '../../core/system-operation.ts';
import { logs } from '../../gateway/log-tables.ts';
import { canonicalAddress } from '../../lib/client-address.ts';
import { dateRange } from '../date-range.ts';

// Texts are compared by instr and substr, never by LIKE: D1 takes patterns of 50 bytes only (local emulation takes more),
// and nothing has to be escaped.

/**
 * The condition that the query of a log list asks for: dates, members, Fusio's search language, `after` an id. Throws
 * ApiError `invalid_parameter`.
 */
export function logCondition(tenant: string, query: Record<string, unknown>, now: number): SQL {
  const { operationId, appId, userId, categoryId, after, requestId, responseCode } = query as Record<
    string,
    number | string
  >;
  // A reader who follows wants all that is new; a page of a list is dated.
  const dated = after === undefined || query.from !== undefined || query.to !== undefined;
  const range = dated ? dateRange(query, now) : null;
  // The plus keeps SQLite from walking an index, all of a tenant and then sorted, where the ids behind one are wanted.
  const is = (column: SQLiteColumn, value: string | number) => (dated ? eq(column, value) : sql`+${column} = ${value}`);
  return and(
    is(logs.tenant_id, tenant),
    range === null ? undefined : and(gte(logs.date, range.from), lte(logs.date, range.to)),
    after === undefined ? undefined : gt(logs.id, Number(after)),
    categoryCondition(categoryId, operationId ?? requestId),
    operationId === undefined ? undefined : is(logs.operation_id, Number(operationId)),
    appId === undefined ? undefined : is(logs.app_id, Number(appId)),
    userId === undefined ? undefined : is(logs.user_id, Number(userId)),
    requestId === undefined ? undefined : eq(logs.request_id, String(requestId)),
    responseCode === undefined ? undefined : statusCondition(String(responseCode)),
    ...members.map(({ name, condition }) => {
      const value = query[name];
      return value === undefined || value === '' ? undefined : condition(bounded(name, String(value)));
    }),
    ...searchConditions(query.search === undefined ? '' : String(query.search)),
  )!;
}

/** Calls of the users' own operations unless another category is named; 0 names all. */
function categoryCondition(categoryId: number | string | undefined, exact: unknown): SQL | undefined {
  const category = Number(categoryId ?? (exact === undefined ? categories.default : 0));
  return category === 0 ? undefined : eq(logs.category_id, category);
}

/** `404`, or `4xx` for all of them. */
function statusCondition(text: string): SQL {
  const found = /^([1-5])(?:xx|(\d\d))$/i.exec(text.trim());
  if (found === null) {
    throw invalid('responseCode', 'must be a status, 404, or a class of them, 4xx');
  }
  const [, first, rest] = found;
  return rest === undefined
    ? and(gte(logs.response_code, Number(first) * 100), lte(logs.response_code, Number(first) * 100 + 99))!
    : eq(logs.response_code, Number(first + rest));
}

const contains = (column: SQL | typeof logs.body, text: string) => sql`instr(lower(${column}), lower(${text})) > 0`;
const begins = (column: typeof logs.path | typeof logs.ip, text: string) =>
  sql`substr(${column}, 1, length(${text})) = ${text}`;

function addressCondition(text: string): SQL {
  const address = canonicalAddress(text);
  return address === null ? begins(logs.ip, text) : eq(logs.ip, address);
}

/** `Name: value` at the beginning of a line; anything else anywhere. */
function headerCondition(text: string): SQL {
  const found = /^([\w-]+):\s*(.*)$/.exec(text);
  return found === null
    ? contains(sql`${logs.header}`, text)
    : contains(sql`char(10) || ${logs.header}`, `\n${found[1]}: ${found[2]}`);
}

const members: { name: string; condition(value: string): SQL }[] = [
  { name: 'ip', condition: addressCondition },
  { name: 'userAgent', condition: (value) => contains(sql`${logs.user_agent}`, value) },
  { name: 'method', condition: (value) => eq(logs.method, value.toUpperCase()) },
  { name: 'path', condition: (value) => begins(logs.path, value) },
  { name: 'header', condition: headerCondition },
  { name: 'body', condition: (value) => contains(logs.body, value) },
];

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Comma separated terms, all of which must hold: an address, `/path`, METHOD, `Name: value`, a request id, else a part of the body. */
function searchConditions(search: string): SQL[] {
  const terms = search
    .split(',')
    .map((term) => term.trim())
    .filter((term) => term !== '');
  if (terms.length > 16) {
    throw invalid('search', 'must have at most 16 terms');
  }
  return terms.map((given) => {
    const term = bounded('search', given);
    if (canonicalAddress(term) !== null) {
      return addressCondition(term);
    }
    if (term.startsWith('/')) {
      return begins(logs.path, term);
    }
    if (methods.has(term)) {
      return eq(logs.method, term);
    }
    if (uuid.test(term)) {
      return eq(logs.request_id, term.toLowerCase());
    }
    return /^[\w-]+:/.test(term) ? headerCondition(term) : contains(logs.body, term);
  });
}

function bounded(name: string, text: string): string {
  if (text.length > 1023) {
    throw invalid(name, 'must have at most 1023 characters');
  }
  return text;
}

function invalid(name: string, rule: string): ApiError {
  const message = `${name}: ${rule}`;
  return new ApiError('invalid_parameter', message, {
    errors: [{ pointer: `/query/${name}`, rule: 'format', message }],
  });
}
