import { invalidAt } from '../../core/errors.ts';
import { isObject } from '../../lib/json.ts';
import { isPlainName } from '../../lib/sql/names.ts';

/** An entity that becomes a table `app_<name>`. */
export interface Entity {
  name: string;
  description: string | undefined;
  table: string;
  properties: Property[];
}

export interface Property {
  name: string;
  description: string | undefined;
  /** The column; for lists and maps of entities the name of none. */
  column: string;
  /** `scalar`: a value of `type`; `json`: anything else without an identity; the others refer to entities. */
  kind: 'scalar' | 'json' | 'object' | 'array' | 'map';
  /** TypeSchema of a scalar or of what is kept as JSON. */
  schema: Record<string, unknown>;
  /** The entity that is referred to. */
  target: string | null;
}

const scalars = ['string', 'integer', 'number', 'boolean'];

/**
 * Reads the entities of a document: that of Fusio's designer (`types` with `properties`), or TypeSchema (`definitions`). A
 * property `id` is left out, for every entity has one. Throws 400 that points into the configuration.
 */
export function readEntities(source: unknown): Entity[] {
  const parsed = typeof source === 'string' ? parse(source) : source;
  const types = Array.isArray(isObject(parsed) ? parsed.types : undefined)
    ? ((parsed as { types: unknown[] }).types.filter(isObject) as Record<string, unknown>[])
    : fromTypeSchema(parsed);
  const structs = types.filter(({ type }) => ['object', 'struct', undefined].includes(type as string));
  const names = new Set(structs.map(({ name }) => String(name)));
  const tables = new Set<string>();
  const entities = structs.map((type, index) => {
    const name = String(type.name ?? '');
    const at = `/schema/types/${index}`;
    const table = `app_${snake(name)}`;
    if (!isPlainName(name) || !isPlainName(table) || tables.has(table)) {
      throw invalidAt(`${at}/name`, `"${name}" cannot be the name of an entity, or is there twice`);
    }
    tables.add(table);
    const given = (Array.isArray(type.properties) ? type.properties : []).filter(isObject);
    const properties = given
      .filter((property) => property.name !== 'id')
      .map((property, position) => readProperty(property, names, `${at}/properties/${position}`));
    const columns = properties.map(({ column }) => column);
    const twice = columns.find((column, position) => columns.indexOf(column) !== position);
    if (twice !== undefined) {
      throw invalidAt(at, `Two properties of ${name} become the column ${twice}`);
    }
    return { name, description: textOf(type.description), table, properties };
  });
  if (entities.length === 0) {
    throw invalidAt('/schema', 'The schema has no entity');
  }
  return entities;
}

/** `firstName` → `first_name`. */
export function snake(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
}

function readProperty(given: Record<string, unknown>, names: Set<string>, at: string): Property {
  const name = String(given.name ?? '');
  if (!isPlainName(name) || !isPlainName(snake(name))) {
    throw invalidAt(`${at}/name`, `"${name}" cannot be the name of a property`);
  }
  const type = String(given.type ?? 'string');
  const reference = typeof given.reference === 'string' ? given.reference : null;
  const target = reference !== null && names.has(reference) ? reference : null;
  const described = textOf(given.description);
  const property = { name, description: described, column: snake(name), target };
  if (scalars.includes(type)) {
    const { format } = given;
    const schema = { type, ...(typeof format === 'string' && format !== '' ? { format } : {}) };
    return { ...property, kind: 'scalar', schema, target: null };
  }
  if (type === 'object' || type === 'reference') {
    if (target === null) {
      throw invalidAt(`${at}/reference`, `The property ${name} refers to "${reference}", which is no entity`);
    }
    return { ...property, column: `${snake(name)}_id`, kind: 'object', schema: {} };
  }
  if (type === 'array' || type === 'map') {
    if (target !== null) {
      return { ...property, kind: type, schema: {} };
    }
    if (reference !== null && !scalars.includes(reference) && reference !== 'any') {
      throw invalidAt(`${at}/reference`, `The property ${name} refers to "${reference}", which is no entity`);
    }
    return { ...property, kind: 'json', schema: { type, schema: { type: reference ?? 'any' } } };
  }
  if (type === 'any' || type === 'generic') {
    return { ...property, kind: 'json', schema: { type: 'any' } };
  }
  throw invalidAt(`${at}/type`, `The type "${type}" of the property ${name} is not known`);
}

/** TypeSchema in the designer's form. */
function fromTypeSchema(document: unknown): Record<string, unknown>[] {
  const definitions = isObject(document) && isObject(document.definitions) ? document.definitions : null;
  if (definitions === null) {
    throw invalidAt('/schema', 'The schema must be a TypeSchema document with definitions, or a list of types');
  }
  return Object.entries(definitions)
    .filter((pair): pair is [string, Record<string, unknown>] => isObject(pair[1]))
    .map(([name, { type, description, properties }]) => ({
      ...{ name, type, description },
      properties: Object.entries(isObject(properties) ? properties : {}).map(([member, value]) => {
        const property = isObject(value) ? value : {};
        const inner = isObject(property.schema) ? property.schema : isObject(property.items) ? property.items : {};
        const reference = property.target ?? inner.target ?? inner.type;
        return { ...property, name: member, reference };
      }),
    }));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalidAt('/schema', 'The schema is not valid JSON');
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
