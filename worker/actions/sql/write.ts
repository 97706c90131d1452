import { valueError } from '../../connections/database.ts';
import { ApiError } from '../../core/errors.ts';
import { isObject } from '../../lib/json.ts';
import type { Column, Table } from '../../lib/sql/introspect.ts';
import { quoteName } from '../../lib/sql/names.ts';
import type { ListRelation, Shape } from './shape.ts';
import { type Bound, toStored } from './values.ts';

/** What a payload writes: columns of the row itself, and rows of relations that replace the present ones. */
export interface Written {
  values: Map<string, Bound>;
  lists: { list: ListRelation; links: Link[] }[];
}

/** One related entry: its id, and its name in a map. */
interface Link {
  id: Bound;
  name?: string;
}

/**
 * Reads the payload of an insert or update. Members that are no property of the table are ignored, and so is a key that
 * numbers itself, for clients put whole objects back. Throws 400 that names the property.
 */
export function readWritten(payload: unknown, shape: Shape, verb: 'insert' | 'update'): Written {
  if (!isObject(payload)) {
    throw new ApiError('invalid_body', 'The request body must be a JSON object', {
      errors: [{ pointer: '/body', rule: 'type', message: 'must be an object' }],
    });
  }
  const values = new Map<string, Bound>();
  const own = (property: string) => (Object.hasOwn(payload, property) ? payload[property] : undefined);
  for (const { property, column } of shape.fields) {
    const isKey = column.name === shape.key?.name;
    if (column.generated || (isKey && (column.automatic || verb === 'update'))) {
      continue;
    }
    const given = isKey && column.kind === 'guid' ? (own(property) ?? uuid()) : own(property);
    take(values, column, property, given, verb, (value) => toStored(column, value, property));
  }
  for (const { property, column, target } of shape.objects) {
    take(values, column, property, own(property), verb, (value) =>
      readLink(value, property, keyColumn(target) ?? column),
    );
  }
  const lists = shape.lists.flatMap((list) => {
    const given = own(list.property);
    return given === undefined ? [] : [{ list, links: readLinks(given, list) }];
  });
  return { values, lists };
}

function take(
  values: Map<string, Bound>,
  column: Column,
  property: string,
  given: unknown,
  verb: 'insert' | 'update',
  read: (value: unknown) => Bound,
): void {
  const absent = given === undefined;
  if (column.notNull && (given === null || (absent && verb === 'insert' && column.default === null))) {
    // A null where the column has a default asks for it.
    if (given === null && column.default !== null && verb === 'insert') {
      return;
    }
    throw valueError(property, 'required', `Property ${property} must not be null`);
  }
  if (!absent) {
    values.set(column.name, read(given));
  }
}

/** A related entry is an object with an `id`, or the id itself. */
function readLink(value: unknown, property: string, column: Column): Bound {
  const id = isObject(value) ? value.id : value;
  if (value === null) {
    return null;
  }
  if (id === undefined || id === null || typeof id === 'object') {
    throw valueError(property, 'required', `Property ${property} must be an entry with an id`);
  }
  return toStored({ ...column, length: null }, id, property);
}

function readLinks(given: unknown, { property, kind, relation, other }: ListRelation): Link[] {
  const column = relation.columns.find(({ name }) => name === other)!;
  const at = (place: string | number, value: unknown) => {
    const id = readLink(value, `${property}.${place}`, column);
    if (id === null) {
      throw valueError(property, 'required', `Property ${property} must hold entries with an id`);
    }
    return id;
  };
  if (given === null) {
    return [];
  }
  if (kind === 'array' && Array.isArray(given)) {
    return [...new Set(given.map((value, index) => at(index, value)))].map((id) => ({ id }));
  }
  if (kind === 'map' && isObject(given)) {
    return Object.entries(given).map(([name, value]) => ({ id: at(name, value), name }));
  }
  throw valueError(
    property,
    'type',
    `Property ${property} must be ${kind === 'array' ? 'a list' : 'an object'} of entries`,
  );
}

/**
 * The statements that make the rows of relations what a payload says. `owner` is SQL for the key of the row, `bound` what it
 * binds first; `fresh` rows have no relations yet.
 */
export function relationStatements(
  { database }: Shape,
  lists: Written['lists'],
  owner: string,
  bound: Bound[],
  fresh: boolean,
): D1PreparedStatement[] {
  return lists.flatMap(({ list, links }) => {
    const [table, own, other] = [quoteName(list.relation.name), quoteName(list.own), quoteName(list.other)];
    const columns = list.kind === 'map' ? `${own}, ${other}, "name"` : `${own}, ${other}`;
    const picked = `json_extract(l.value, '$.id')${list.kind === 'map' ? ", json_extract(l.value, '$.name')" : ''}`;
    const clear = database.prepare(`DELETE FROM ${table} WHERE ${own} = ${owner}`).bind(...bound);
    const insert = database
      .prepare(
        `INSERT INTO ${table} (${columns}) SELECT o.id, ${picked} FROM (SELECT ${owner} AS id) o JOIN json_each(?) l WHERE o.id IS NOT NULL`,
      )
      .bind(...bound, JSON.stringify(links));
    return [...(fresh ? [] : [clear]), ...(links.length === 0 ? [] : [insert])];
  });
}

function keyColumn(target: Table | null): Column | undefined {
  return target?.columns.find(({ name }) => name === target.primaryKey[0]);
}

/** A UUID version 7 (RFC 9562 §5.7): sorts by its time. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const now = Date.now();
  for (let index = 0; index < 6; index++) {
    bytes[index] = Math.floor(now / 2 ** (8 * (5 - index))) & 0xff;
  }
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** The property that callers know a column by. */
export function propertyNames(shape: Shape): (column: string) => string {
  return (name) => [...shape.fields, ...shape.objects].find(({ column }) => column.name === name)?.property ?? name;
}

/** What writing actions answer. */
export function written(status: number, verb: 'created' | 'updated' | 'deleted', id: unknown): Response {
  return Response.json({ success: true, message: `Entry successfully ${verb}`, id: String(id) }, { status });
}
