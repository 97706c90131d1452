import { isObject } from '../../lib/json.ts';
import type { Column } from '../../lib/sql/introspect.ts';
import { readSqlTemplate, type SqlTemplate } from '../../lib/sql/template.ts';
import { fromStored } from './values.ts';

/**
 * A tree of queries (JQL, as Fusio's SQL-Builder reads it), its queries compiled. `$collection`, `$entity`, `$column` and
 * `$value` hold SQL, `$params` what its `:names` stand for (`$context`: an argument of the call, `$ref`: a column of the row
 * around it), `$definition` what becomes of a row: members with `$field` (a type) and `$key` (a column), or further queries.
 */
export type Node =
  | { kind: 'literal'; value: unknown }
  | { kind: 'parameter'; parameter: Parameter }
  | { kind: 'object'; members: [string, Node][] }
  | { kind: 'field'; column: string | null; type: string }
  | Query;

export interface Query {
  kind: 'collection' | 'entity' | 'column' | 'value';
  template: SqlTemplate;
  parameters: Map<string, Parameter>;
  /** An object of fields, or one field for `$column` and `$value`. */
  definition: Node | null;
  offset: Parameter | null;
  limit: Parameter | null;
  /** Makes a map of a collection: the column that holds the keys. */
  key: string | null;
}

export interface Parameter {
  context?: string;
  reference?: string;
  fixed?: unknown;
}

const queries = { $collection: 'collection', $entity: 'entity', $column: 'column', $value: 'value' } as const;
const deepest = 8;

/** Reads a tree. Throws a plain Error that says where and what is wrong. */
export function readJql(source: unknown): Node {
  return readNode(typeof source === 'string' ? JSON.parse(source) : source, '', 0);
}

function readNode(source: unknown, place: string, depth: number): Node {
  if (depth > deepest * 2) {
    throw new Error(`${place || '/'} is nested too deeply`);
  }
  if (!isObject(source)) {
    return { kind: 'literal', value: source };
  }
  const query = Object.entries(queries).find(([member]) => Object.hasOwn(source, member));
  if (query !== undefined) {
    return readQuery(source, query[0], query[1], place, depth);
  }
  if (Object.hasOwn(source, '$field')) {
    return { kind: 'field', column: textOf(source.$key), type: String(source.$field) };
  }
  if (Object.hasOwn(source, '$context') || Object.hasOwn(source, '$ref')) {
    return { kind: 'parameter', parameter: readParameter(source) };
  }
  const members = Object.entries(source).map(([name, member]): [string, Node] => [
    name,
    readNode(member, `${place}/${name}`, depth + 1),
  ]);
  return { kind: 'object', members };
}

function readQuery(
  source: Record<string, unknown>,
  member: string,
  kind: Query['kind'],
  place: string,
  depth: number,
): Query {
  const parameters = isObject(source.$params) ? Object.entries(source.$params) : [];
  let template: SqlTemplate;
  try {
    template = readSqlTemplate(String(source[member]));
  } catch (thrown) {
    throw new Error(`${place}/${member}: ${(thrown as Error).message}`);
  }
  return {
    kind,
    template,
    parameters: new Map(parameters.map(([name, value]) => [name, readParameter(value)])),
    definition:
      source.$definition === undefined ? null : readNode(source.$definition, `${place}/$definition`, depth + 1),
    offset: source.$offset === undefined ? null : readParameter(source.$offset),
    limit: source.$limit === undefined ? null : readParameter(source.$limit),
    key: textOf(source.$key),
  };
}

function readParameter(source: unknown): Parameter {
  if (!isObject(source)) {
    return { fixed: source };
  }
  return {
    context: textOf(source.$context) ?? undefined,
    reference: textOf(source.$ref) ?? undefined,
    fixed: source.$default,
  };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The column of a field, as comparing and showing need it. */
export function columnOf(name: string, { column, type }: { column: string | null; type: string }): Column {
  const kinds: Record<string, Column['kind']> = {
    ...{ integer: 'integer', number: 'number', float: 'number', boolean: 'boolean' },
    ...{ datetime: 'datetime', date: 'date', time: 'time', json: 'json' },
  };
  return {
    name: column ?? name,
    declared: '',
    kind: kinds[type] ?? 'text',
    ...{ length: null, notNull: false, default: null, automatic: false, generated: false },
  };
}

/** A field's value of a row. */
export function fieldValue(name: string, field: { column: string | null; type: string }, row: Record<string, unknown>) {
  const value = row[field.column ?? name] ?? null;
  if (value === null) {
    return null;
  }
  switch (field.type) {
    case 'integer':
    case 'number':
    case 'float':
      return Number.isFinite(Number(value)) ? Number(value) : value;
    case 'string':
      return String(value);
    case 'csv':
      return String(value).split(',');
    default:
      return fromStored(columnOf(name, field), value);
  }
}
