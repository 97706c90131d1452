import { and, eq, gte, lte, type SQL, sql } from 'drizzle-orm';
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core';
import { invalidParameter } from '../../core/errors.ts';
import { categories } from '../../core/system-operation.ts';
import { logs } from '../../gateway/log-tables.ts';
import { canonicalAddress } from '../../lib/client-address.ts';
import { timeOfId } from '../../lib/time-id.ts';
import type { Walk } from '../../resources/growing-list.ts';
import { dateRange } from '../date-range.ts';

// Texts are compared by instr, never by LIKE: D1 takes patterns of 50 bytes only (local emulation takes more), and nothing has to
// be escaped. Functions that count characters (length, substr) end at a NUL.

type Query = Record<string, unknown>;

/** One thing that a query asks for. */
interface Term {
  condition: SQL;
  /** The same by the first columns of an index (log-tables.ts), where one knows it; the first such term is the key of the walk. */
  key?: SQL;
  /** Rows of that index that are examined, if not as many as usual. */
  examined?: number;
  /** Only rows of this moment meet it. */
  moment?: string;
}

/**
 * What the query of a log list asks for (dates, members, Fusio's search language, `after` an id): the rows that an index finds,
 * and the condition for the rest. Throws ApiError `invalid_parameter`.
 */
export function logWalk(tenant: string, query: Query, now: number): { walk: Walk; where: SQL | undefined } {
  const terms = termsOf(query);
  const conditions = terms.map(({ condition }) => condition);
  if (query.after !== undefined) {
    // A reader who follows wants all that is new, whatever its date, and ids miss nothing that was written late.
    const dated = query.from !== undefined || query.to !== undefined;
    const range = dated ? dateRange(query, now) : null;
    const dates = range === null ? undefined : and(gte(logs.date, range.from), lte(logs.date, range.to));
    return {
      walk: {
        ...{ table: logs, key: sql`true`, along: logs.id, ascending: true },
        ...{ from: Number(query.after) + 1, to: Number.MAX_SAFE_INTEGER },
      },
      where: and(exactly(logs.tenant_id, tenant), dates, ...conditions),
    };
  }
  const { from, to } = dateRange(query, now);
  const indexed = terms.find(({ key }) => key !== undefined);
  const moment = terms.find((term) => term.moment !== undefined)?.moment;
  return {
    walk: {
      ...{ table: logs, key: and(eq(logs.tenant_id, tenant), indexed?.key)!, along: logs.date },
      examined: indexed?.examined,
      // A moment outside the range leaves nothing between its ends.
      from: moment !== undefined && moment > from ? moment : from,
      to: moment !== undefined && moment < to ? moment : to,
    },
    where: and(...conditions),
  };
}

/** By how few rows the index of each leaves, as one may expect. */
function termsOf(query: Query): Term[] {
  const { operationId, appId, userId, categoryId, requestId, responseCode, search } = query as Record<
    string,
    number | string | undefined
  >;
  const given = <T>(value: T | undefined, term: (value: T) => Term) => (value === undefined ? [] : [term(value)]);
  const category = Number(categoryId ?? ((operationId ?? requestId) === undefined ? categories.default : 0));
  return [
    ...given(requestId, (id) => requestTerm(String(id))),
    ...given(operationId, (id) => keyed(logs.operation_id, Number(id))),
    ...given(userId, (id) => keyed(logs.user_id, Number(id))),
    ...given(appId, (id) => ({ condition: exactly(logs.app_id, Number(id)) })),
    ...memberTerms(query),
    ...searchTerms(String(search ?? '')),
    ...given(responseCode, (code) => statusTerm(String(code))),
    ...(category === 0 ? [] : [categoryTerm(category)]),
  ];
}

/** The plus keeps SQLite from walking an index for it, and then sorting all that it finds. */
const exactly = (column: SQLiteColumn, value: string | number) => sql`+${column} = ${value}`;
const keyed = (column: SQLiteColumn, value: number): Term => ({
  condition: exactly(column, value),
  key: eq(column, value),
});

/** Calls of the users' own operations unless another category is named; 0 names all. */
function categoryTerm(category: number): Term {
  const rare = sql`${eq(logs.category_id, category)} AND ${logs.category_id} <> 1`;
  return {
    condition: exactly(logs.category_id, category),
    ...(category === categories.default ? {} : { key: rare }),
  };
}

/** A request id tells when it was made, so that the index by date finds its row. */
function requestTerm(id: string): Term {
  const time = timeOfId(id);
  const condition = exactly(logs.request_id, time === null ? id : id.toLowerCase());
  return time === null ? { condition } : { condition, moment: new Date(time).toISOString() };
}

/** `404`, or `4xx` for all of them. */
function statusTerm(text: string): Term {
  const found = /^([1-5])(?:xx|(\d\d))$/i.exec(text.trim());
  if (found === null) {
    throw invalidParameter('responseCode', 'must be a status, 404, or a class of them, 4xx');
  }
  const [, first, rest] = found;
  const least = Number(first) * 100;
  return {
    condition:
      rest === undefined
        ? and(gte(logs.response_code, least), lte(logs.response_code, least + 99))!
        : eq(logs.response_code, Number(first + rest)),
    // They are far apart in the table: each is a page of its own to read.
    ...(least >= 400 ? { key: sql`${logs.response_code} >= 400`, examined: 20_000 } : {}),
  };
}

const contains = (column: SQL | typeof logs.user_agent, text: string) =>
  sql`instr(lower(${column}), lower(${text})) > 0`;
const begins = (column: typeof logs.path | typeof logs.ip, text: string) => sql`instr(${column}, ${text}) = 1`;

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

/** Few rows have a body, but it may be many times as long as the rest of them. */
function bodyTerm(text: string): Term {
  return { condition: contains(sql`${logs.body}`, text), key: sql`${logs.body} IS NOT NULL`, examined: 10_000 };
}

const members: Record<string, (value: string) => Term> = {
  body: bodyTerm,
  ip: (value) => ({ condition: addressCondition(value) }),
  userAgent: (value) => ({ condition: contains(logs.user_agent, value) }),
  method: (value) => ({ condition: eq(logs.method, value.toUpperCase()) }),
  path: (value) => ({ condition: begins(logs.path, value) }),
  header: (value) => ({ condition: headerCondition(value) }),
};

function memberTerms(query: Query): Term[] {
  return Object.entries(members).flatMap(([name, term]) =>
    query[name] === undefined || query[name] === '' ? [] : [term(bounded(name, String(query[name])))],
  );
}

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Comma separated terms, all of which must hold: an address, `/path`, METHOD, `Name: value`, a request id, else a part of the body. */
function searchTerms(search: string): Term[] {
  const terms = search
    .split(',')
    .map((term) => term.trim())
    .filter((term) => term !== '');
  if (terms.length > 16) {
    throw invalidParameter('search', 'must have at most 16 terms');
  }
  return terms.map((given) => {
    const term = bounded('search', given);
    if (canonicalAddress(term) !== null) {
      return { condition: addressCondition(term) };
    }
    if (term.startsWith('/')) {
      return { condition: begins(logs.path, term) };
    }
    if (methods.has(term)) {
      return { condition: eq(logs.method, term) };
    }
    if (uuid.test(term)) {
      return requestTerm(term.toLowerCase());
    }
    return /^[\w-]+:/.test(term) ? { condition: headerCondition(term) } : bodyTerm(term);
  });
}

function bounded(name: string, text: string): string {
  if (text.length > 1023) {
    throw invalidParameter(name, 'must have at most 1023 characters');
  }
  return text;
}
