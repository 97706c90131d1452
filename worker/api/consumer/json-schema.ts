import { isObject } from '../../lib/json.ts';

type Schema = Record<string, unknown>;

/**
 * A compiled schema as programs that draw forms read it: a root that only points to one of its definitions is replaced by
 * that definition, and a type that may be null as well is the type alone.
 */
export function formSchema(schema: Schema): Schema {
  return withoutNull(inlineRoot(schema)) as Schema;
}

function inlineRoot(schema: Schema): Schema {
  const [, member, name] = /^#\/(definitions|\$defs)\/([^/]+)$/.exec(String(schema.$ref ?? '')) ?? [];
  if (member === undefined || name === undefined) {
    return schema;
  }
  const definitions = schema[member];
  const key = decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~');
  const root = isObject(definitions) ? definitions[key] : null;
  if (!isObject(root)) {
    return schema;
  }
  const { $ref: _pointer, [member]: _all, ...rest } = schema;
  const needed = JSON.stringify(root).includes(`#/${member}/`);
  return { ...rest, ...root, ...(needed ? { [member]: definitions } : {}) };
}

function withoutNull(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withoutNull);
  }
  if (!isObject(value)) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([member, inner]) => {
      const types = member === 'type' && Array.isArray(inner) ? inner.filter((type) => type !== 'null') : [];
      return [member, types.length === 1 ? types[0] : withoutNull(inner)];
    }),
  );
}
