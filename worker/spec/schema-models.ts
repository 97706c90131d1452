import { canonicalJson, isObject } from '../lib/json.ts';
import { assertFormatKeyword } from '../lib/schema/engine.ts';
import { schemaName } from '../lib/schema/references.ts';
import { kindOfSchema } from '../lib/schema/typeschema.ts';
import type { JsonSchema, Models, TypeSchema } from './description.ts';
import { mapSchemas, referenceTo } from './references.ts';
import { typesOf } from './typeschema-of.ts';

/** A named schema as it is to be documented: of today, or at a commit. */
export interface NamedSchema {
  name: string;
  /** As written. */
  source: JsonSchema;
  /** As JSON Schema; `$ref: "schema://Name"` points to another one. */
  compiled: JsonSchema;
}

/** The models of named schemas, and which one stands for a schema. */
export interface SchemaModels extends Models {
  /** Reference without its `schema://` → model. */
  roots: ReadonlyMap<string, string>;
}

/**
 * Lays the definitions of many schemas out under names of their own: those of the definitions where they are free, else with the
 * name of their schema in front. `schemas` is by reference: `Name` or `Name@commit`; `taken` are names that are not free.
 */
export function schemaModels(schemas: ReadonlyMap<string, NamedSchema>, taken: Iterable<string>): SchemaModels {
  const names = new Names(taken);
  const places = new Map([...schemas].map(([reference, schema]) => [reference, placesOf(schema, names)]));
  const models: Models = { schemas: {}, types: {} };
  for (const [reference, { compiled, source }] of schemas) {
    const place = places.get(reference)!;
    const moved = (schema: unknown) => mapSchemas(schema, (part) => portable(part, place, places)) as JsonSchema;
    const { $defs, definitions, ...root } = compiled;
    for (const [key, definition] of Object.entries({ ...(definitions as JsonSchema), ...($defs as JsonSchema) })) {
      models.schemas[place.definitions.get(key)!] = moved(definition);
    }
    if (!isAlias(root)) {
      models.schemas[place.root] = moved(root);
    }
    Object.assign(models.types, writtenTypes(source, place));
  }
  models.types = { ...typesOf(models.schemas), ...models.types };
  return { ...models, roots: new Map([...places].map(([reference, { root }]) => [reference, root])) };
}

/** The model of each part of a schema. */
interface Places {
  root: string;
  definitions: ReadonlyMap<string, string>;
}

function placesOf({ name, compiled }: NamedSchema, names: Names): Places {
  const all = { ...(compiled.definitions as JsonSchema), ...(compiled.$defs as JsonSchema) };
  // Schemas that were written with the same definitions share them.
  const book = canonicalJson(all);
  const definitions = new Map(Object.keys(all).map((key) => [key, names.take(key, name, `${key} ${book}`)]));
  const { $defs: _, definitions: __, ...root } = compiled;
  const alias = isAlias(root) ? definitions.get(definitionIn(root.$ref)?.[0] ?? '') : undefined;
  return { root: alias ?? names.take(name, name, canonicalJson(compiled)), definitions };
}

/** A schema that is nothing but a reference to one of its own definitions. */
function isAlias({ $ref, $schema: _, [assertFormatKeyword]: __, ...others }: JsonSchema): boolean {
  return definitionIn($ref)?.[1] === '' && Object.keys(others).length === 0;
}

/** `#/$defs/Name/rest` → `[Name, /rest]`. */
function definitionIn(reference: unknown): [string, string] | undefined {
  const [, key, rest] =
    (typeof reference === 'string' && /^#\/(?:\$defs|definitions)\/([^/]+)(.*)$/.exec(reference)) || [];
  return key === undefined
    ? undefined
    : [decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~'), rest ?? ''];
}

/** A part of a schema with its references turned to models, and without what only holds in a document of its own. */
function portable(part: JsonSchema, place: Places, places: ReadonlyMap<string, Places>): JsonSchema {
  const { $schema, $id, $defs, definitions, $anchor, $dynamicAnchor, [assertFormatKeyword]: _, ...kept } = part;
  if (Array.isArray(kept.items)) {
    // A list by position was written `items` up to draft 2019-09.
    const { items, additionalItems, ...others } = kept;
    return portable(
      { ...others, prefixItems: items, ...(additionalItems === undefined ? {} : { items: additionalItems }) },
      place,
      places,
    );
  }
  if (typeof kept.$ref === 'string') {
    const target = modelOf(kept.$ref, place, places);
    if (target === undefined) {
      const { $ref, ...others } = kept;
      return others;
    }
    kept.$ref = target;
  }
  return kept;
}

/** Where a reference leads in a description; undefined when that cannot be said there. */
function modelOf(reference: string, place: Places, places: ReadonlyMap<string, Places>): string | undefined {
  const [uri = '', fragment = ''] = reference.split('#', 2);
  const target = uri === '' ? place : places.get(schemaName(uri) ?? '');
  if (target === undefined) {
    return undefined;
  }
  const [key, rest] = definitionIn(`#${fragment}`) ?? [];
  if (key !== undefined) {
    const model = target.definitions.get(key);
    return model === undefined ? undefined : referenceTo(model) + rest;
  }
  return fragment === '' || fragment.startsWith('/') ? referenceTo(target.root) + fragment : undefined;
}

/** The definitions of a TypeSchema as they were written: they hold what JSON Schema has no word for. */
function writtenTypes(source: JsonSchema, place: Places): Record<string, TypeSchema> {
  const plain = kindOfSchema(source) === 'typeschema' && typeof source.root === 'string' && source.import === undefined;
  if (!plain || !isObject(source.definitions) || JSON.stringify(source.definitions).includes('"$ref"')) {
    return {};
  }
  const entries = Object.entries(source.definitions).flatMap(([key, definition]) => {
    const model = place.definitions.get(key);
    return model === undefined || !isObject(definition) ? [] : [[model, renamed(definition, place)]];
  });
  return Object.fromEntries(entries);
}

function renamed(type: JsonSchema, place: Places): JsonSchema {
  const model = (key: string) => place.definitions.get(key) ?? key;
  const inner = (value: unknown) => (isObject(value) ? renamed(value, place) : value);
  return Object.fromEntries(
    Object.entries(type).map(([keyword, value]) => {
      switch (keyword) {
        case 'target':
          return [keyword, model(String(value))];
        case 'schema':
          return [keyword, inner(value)];
        case 'parent':
          return [keyword, typeof value === 'string' ? { type: 'reference', target: model(value) } : inner(value)];
        case 'template':
          return [keyword, mapped(value, ([name, target]) => [name, model(String(target))])];
        case 'mapping':
          return [keyword, mapped(value, ([key, tag]) => [model(key), tag])];
        case 'properties':
          return [keyword, mapped(value, ([name, member]) => [name, inner(member)])];
        default:
          return [keyword, value];
      }
    }),
  );
}

function mapped(value: unknown, change: (entry: [string, unknown]) => [string, unknown]): unknown {
  return isObject(value) ? Object.fromEntries(Object.entries(value).map(change)) : value;
}

/** Gives names out once; the same content under the same wish gets the same name. */
class Names {
  readonly #owners = new Map<string, string>();

  constructor(taken: Iterable<string>) {
    for (const name of taken) {
      this.#owners.set(name, '');
    }
  }

  take(wish: string, schema: string, content: string): string {
    const [short, long] = [clean(wish), clean(`${schema}_${wish}`)];
    for (let number = 1; ; number++) {
      for (const name of number === 1 ? [short, long] : [`${long}_${number}`]) {
        const owner = this.#owners.get(name);
        if (owner === undefined || owner === content) {
          this.#owners.set(name, content);
          return name;
        }
      }
    }
  }
}

/** OpenAPI's alphabet of component names, less the signs that TypeSchema gives a meaning. */
function clean(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/g, '_');
}
