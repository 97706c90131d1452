import { ApiError } from '../../core/errors.ts';
import { quoteName } from '../../lib/sql/names.ts';
import type { Field } from './shape.ts';
import { type Bound, comparable } from './values.ts';

/** Which rows a caller asks for, in which order. */
export interface Page {
  startIndex: number;
  count: number;
  /** SQL conditions with `?`, and what they bind; empty when there is none. */
  where: string;
  values: Bound[];
  /** An SQL list of columns and directions; null when the caller asks for no order. */
  order: { column: string; direction: 'ASC' | 'DESC' } | null;
}

export const filterOperators = [
  ...['contains', 'equals', 'startsWith', 'present', 'notEquals', 'in'],
  ...['lessThan', 'lessOrEqual', 'greaterThan', 'greaterOrEqual'],
];

const comparisons: Record<string, string> = {
  lessThan: '<',
  lessOrEqual: '<=',
  greaterThan: '>',
  greaterOrEqual: '>=',
};

/**
 * Reads `startIndex`, `count` (at most `limit`), `sortBy`, `sortOrder`, `filterBy`, `filterOp` and `filterValue`; columns
 * are named as callers know them, or by their own name. Throws 400 that names the parameter.
 */
export function readPage(given: Record<string, unknown>, fields: readonly Field[], limit: number): Page {
  const startIndex = readCount(given, 'startIndex', 0);
  const count = readCount(given, 'count', limit);
  if (count === 0) {
    throw invalid('count', 'minimum', 'must be at least 1');
  }
  const sortBy = readText(given, 'sortBy');
  const sortOrder = readText(given, 'sortOrder').toUpperCase();
  if (!['', 'ASC', 'DESC'].includes(sortOrder)) {
    throw invalid('sortOrder', 'enum', 'must be one of: ASC, DESC');
  }
  const filter = readFilter(given, fields);
  return {
    startIndex,
    count: Math.min(count, limit),
    where: filter?.condition ?? '',
    values: filter?.values ?? [],
    order:
      sortBy === ''
        ? null
        : {
            column: fieldOf(fields, sortBy, 'sortBy').column.name,
            direction: sortOrder === 'DESC' ? 'DESC' : 'ASC',
          },
  };
}

/** The most rows of a page that a configuration allows. */
export function readLimit(config: Record<string, any>): number {
  const limit = Math.trunc(Number(config.limit ?? 16));
  return limit >= 1 ? Math.min(limit, 1024) : 16;
}

interface Filter {
  condition: string;
  values: Bound[];
}

/** An empty value filters nothing, for screens send what was left empty. */
function readFilter(given: Record<string, unknown>, fields: readonly Field[]): Filter | null {
  const by = readText(given, 'filterBy');
  const operator = readText(given, 'filterOp') || 'equals';
  const value = readText(given, 'filterValue');
  if (!filterOperators.includes(operator)) {
    throw invalid('filterOp', 'enum', `must be one of: ${filterOperators.join(', ')}`);
  }
  if (by === '') {
    return null;
  }
  const { column } = fieldOf(fields, by, 'filterBy');
  const name = quoteName(column.name);
  if (operator === 'present') {
    return { condition: `${name} IS NOT NULL`, values: [] };
  }
  if (value === '') {
    return null;
  }
  if (operator === 'contains' || operator === 'startsWith') {
    // Not LIKE: its patterns may have 50 bytes at most (D1), and end at a NUL.
    const found = `instr(lower(CAST(${name} AS TEXT)), lower(?))`;
    return { condition: `${found} ${operator === 'contains' ? '> 0' : '= 1'}`, values: [value] };
  }
  if (operator === 'in') {
    const parts = value.split(',').flatMap((part) => comparable(column, part) ?? []);
    const condition = `${name} IN (SELECT value FROM json_each(?))`;
    return { condition, values: [JSON.stringify(parts)] };
  }
  const wanted = comparable(column, value);
  if (operator === 'equals') {
    return wanted === undefined ? { condition: '0', values: [] } : { condition: `${name} = ?`, values: [wanted] };
  }
  if (operator === 'notEquals') {
    return wanted === undefined ? null : { condition: `${name} IS NOT ?`, values: [wanted] };
  }
  if (wanted === undefined) {
    throw invalid('filterValue', 'type', `is no value that ${by} could be compared with`);
  }
  return { condition: `${name} ${comparisons[operator]} ?`, values: [wanted] };
}

function fieldOf(fields: readonly Field[], name: string, parameter: string): Field {
  const found = fields.find(({ property }) => property === name) ?? fields.find(({ column }) => column.name === name);
  if (found === undefined) {
    const names = fields.map(({ property }) => property).join(', ');
    throw invalid(parameter, 'enum', `must be one of: ${names}`);
  }
  return found;
}

function readText(given: Record<string, unknown>, name: string): string {
  const value = given[name] ?? '';
  if (typeof value === 'object') {
    throw invalid(name, 'type', 'must be one value');
  }
  return String(value);
}

function readCount(given: Record<string, unknown>, name: string, otherwise: number): number {
  const text = readText(given, name);
  if (!/^\d{0,15}$/.test(text)) {
    throw invalid(name, 'type', 'must be an integer that is not negative');
  }
  return text === '' ? otherwise : Number(text);
}

function invalid(parameter: string, rule: string, message: string): ApiError {
  return new ApiError('invalid_parameter', `/${parameter} ${message}`, {
    errors: [{ pointer: `/query/${parameter}`, rule, message }],
  });
}
