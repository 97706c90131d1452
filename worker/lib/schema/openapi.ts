import { dialects, holdingOf } from './dialect.ts';
import { isObject } from './problem.ts';

type Schema = Record<string, unknown>;

/**
 * A schema object of OpenAPI 3.0 as JSON Schema 2020-12: `nullable`, flags for exclusive bounds and `example` become what
 * JSON Schema has, members beside `$ref` do not count, and what only documents (`discriminator`, `xml`, `externalDocs`)
 * goes. `rename` maps the target of each `$ref`. Pure; the input stays as it is.
 */
export function fromOpenApi30(
  schema: unknown,
  rename: (reference: string) => string = (reference) => reference,
): unknown {
  if (!isObject(schema)) {
    return schema;
  }
  if (typeof schema.$ref === 'string') {
    return { $ref: rename(schema.$ref) };
  }
  const converted: Schema = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (!dropped.has(keyword)) {
      define(converted, keyword, convertHeld(keyword, value, rename));
    }
  }
  convertBound(converted, 'exclusiveMinimum', 'minimum');
  convertBound(converted, 'exclusiveMaximum', 'maximum');
  if ('example' in schema && !('examples' in schema)) {
    converted.examples = [schema.example];
  }
  return schema.nullable === true ? nullable(converted) : converted;
}

const dropped = new Set(['nullable', 'example', 'discriminator', 'xml', 'externalDocs']);

function convertHeld(keyword: string, value: unknown, rename: (reference: string) => string): unknown {
  const holding = holdingOf(keyword, dialects['2020-12']);
  if (holding === undefined) {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map((one) => fromOpenApi30(one, rename));
  }
  if (holding === 'map' && isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, fromOpenApi30(one, rename)]));
  }
  return holding === 'one' ? fromOpenApi30(value, rename) : value;
}

/** `minimum: 5, exclusiveMinimum: true` → `exclusiveMinimum: 5`. */
function convertBound(schema: Schema, exclusive: string, bound: string): void {
  const flag = schema[exclusive];
  if (typeof flag !== 'boolean') {
    return;
  }
  delete schema[exclusive];
  if (flag && schema[bound] !== undefined) {
    schema[exclusive] = schema[bound];
    delete schema[bound];
  }
}

/** OpenAPI 3.0.3 lets null in where the `type` beside `nullable` would not; elsewhere it is an alternative. */
function nullable(schema: Schema): Schema {
  if (typeof schema.type !== 'string') {
    const { description, title, ...rest } = schema;
    if (Object.keys(rest).length === 0) {
      return schema;
    }
    const about = Object.fromEntries(Object.entries({ title, description }).filter(([, value]) => value !== undefined));
    return { ...about, anyOf: [rest, { type: 'null' }] };
  }
  const open: Schema = { ...schema, type: [schema.type, 'null'] };
  if (Array.isArray(schema.enum) && !schema.enum.includes(null)) {
    open.enum = [...schema.enum, null];
  }
  return open;
}

/** Assigns without the setter of `__proto__`. */
function define(target: Schema, name: string, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, enumerable: true, configurable: true });
}
