import { isObject } from '../lib/json.ts';
import type { JsonSchema, TypeSchema } from './description.ts';

const prefix = '#/components/schemas/';

/** The reference to a model from inside a JSON Schema of a description. */
export function referenceTo(model: string): string {
  return `${prefix}${model}`;
}

/** The model that such a reference leads to; undefined for places inside one and for other references. */
export function referredModel(reference: unknown): string | undefined {
  return typeof reference === 'string' && reference.startsWith(prefix) && !reference.includes('/', prefix.length)
    ? reference.slice(prefix.length)
    : undefined;
}

const single = [
  'additionalProperties',
  'unevaluatedProperties',
  'propertyNames',
  'items',
  'additionalItems',
  'contains',
];
const others = ['unevaluatedItems', 'not', 'if', 'then', 'else', 'contentSchema'];
const lists = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const maps = ['properties', 'patternProperties', 'dependentSchemas', 'definitions', '$defs'];

/** The schema with every schema in it replaced by what `change` makes of it, innermost first. Values (`const`, `default` …) stay. */
export function mapSchemas(schema: unknown, change: (schema: JsonSchema) => unknown): unknown {
  if (!isObject(schema)) {
    return schema;
  }
  const inner = (value: unknown) => mapSchemas(value, change);
  const copy: JsonSchema = { ...schema };
  for (const keyword of [...single, ...others, ...lists]) {
    const value = copy[keyword];
    if (value !== undefined) {
      copy[keyword] = Array.isArray(value) ? value.map(inner) : inner(value);
    }
  }
  for (const keyword of maps) {
    const value = copy[keyword];
    if (isObject(value)) {
      copy[keyword] = Object.fromEntries(Object.entries(value).map(([name, member]) => [name, inner(member)]));
    }
  }
  return change(copy);
}

/** The models that a JSON Schema of a description refers to, also to places inside them. */
export function modelsInSchema(schema: JsonSchema): string[] {
  const names: string[] = [];
  mapSchemas(schema, (part) => {
    if (typeof part.$ref === 'string' && part.$ref.startsWith(prefix)) {
      names.push(part.$ref.slice(prefix.length).split('/')[0]!);
    }
    return part;
  });
  return names;
}

/** The models that a type refers to: members, parents, arguments of generic ones, kinds. */
export function modelsInType(type: TypeSchema): string[] {
  const inner = [type.schema, type.parent, ...(isObject(type.properties) ? Object.values(type.properties) : [])];
  return [
    ...(type.type === 'reference' && typeof type.target === 'string' ? [type.target] : []),
    ...(isObject(type.template) ? Object.values(type.template).map(String) : []),
    ...(isObject(type.mapping) ? Object.keys(type.mapping) : []),
    ...inner.flatMap((part) => (isObject(part) ? modelsInType(part) : [])),
  ];
}
