import { isObject } from '../json.ts';

import { schemaName } from './references.ts';

/** The types that a schema admits, as far as they can be told without a value: what texts may be converted to. */
export interface Shape {
  /** Empty: not restricted. */
  types: ReadonlySet<string>;
  items: Shape | undefined;
  properties: ReadonlyMap<string, Shape>;
}

const open: Shape = { types: new Set(), items: undefined, properties: new Map() };

/** Finds the document of `schema://Name`. */
export type Resolve = (name: string) => unknown;

/** Reads the shape of a schema, through references and combinations. */
export function shapeOf(schema: unknown, resolve: Resolve = () => undefined): Shape {
  return read(schema, schema, resolve, 0);
}

/** Deep enough for references behind references; recursive schemas end here. */
const deepest = 12;

function read(schema: unknown, root: unknown, resolve: Resolve, depth: number): Shape {
  if (!isObject(schema) || depth > deepest) {
    return open;
  }
  const next = (child: unknown): Shape => read(child, root, resolve, depth + 1);
  const parts: Shape[] = [];
  if (typeof schema.$ref === 'string') {
    const target = follow(schema.$ref, root, resolve);
    if (target !== undefined) {
      parts.push(read(target.schema, target.root, resolve, depth + 1));
    }
  }
  for (const part of Array.isArray(schema.allOf) ? schema.allOf : []) {
    parts.push(next(part));
  }
  for (const keyword of ['anyOf', 'oneOf']) {
    if (Array.isArray(schema[keyword])) {
      parts.push(either(schema[keyword].map(next)));
    }
  }
  const members = isObject(schema.properties) ? Object.entries(schema.properties) : [];
  parts.push({
    types: typesOf(schema),
    items: schema.items === undefined ? undefined : next(schema.items),
    properties: new Map(members.map(([name, member]) => [name, next(member)])),
  });
  return both(parts);
}

function typesOf(schema: Record<string, unknown>): ReadonlySet<string> {
  if (schema.type !== undefined) {
    return new Set([schema.type].flat().filter((type) => typeof type === 'string'));
  }
  const values = Array.isArray(schema.enum) ? schema.enum : 'const' in schema ? [schema.const] : [];
  return new Set(values.map(typeOf));
}

function typeOf(value: unknown): string {
  if (typeof value === 'number') {
    return Number.isInteger(value) ? 'integer' : 'number';
  }
  return value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
}

/** All of the parts hold: the first that restricts the types decides. */
function both(parts: Shape[]): Shape {
  return {
    types: parts.find(({ types }) => types.size > 0)?.types ?? open.types,
    items: parts.find(({ items }) => items !== undefined)?.items,
    properties: new Map(parts.flatMap(({ properties }) => [...properties])),
  };
}

/** One of the parts holds. */
function either(parts: Shape[]): Shape {
  const restricted = parts.every(({ types }) => types.size > 0);
  return { ...both(parts), types: restricted ? new Set(parts.flatMap(({ types }) => [...types])) : open.types };
}

/** `#/…` in the same document, or the root or a pointer of a named one. */
function follow(reference: string, root: unknown, resolve: Resolve): { schema: unknown; root: unknown } | undefined {
  const [uri = '', pointer] = reference.split('#', 2);
  const name = schemaName(uri);
  if (name === undefined && uri !== '') {
    return undefined;
  }
  const document = name === undefined ? root : resolve(name);
  const fragment = pointer ?? '';
  if (fragment === '') {
    return { schema: document, root: document };
  }
  if (!fragment.startsWith('/')) {
    return undefined;
  }
  let schema = document;
  for (const step of fragment.slice(1).split('/')) {
    const key = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    if (!isObject(schema) || !Object.hasOwn(schema, key)) {
      return undefined;
    }
    schema = schema[key];
  }
  return { schema, root: document };
}
