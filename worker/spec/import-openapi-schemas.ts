import { isObject } from '../lib/json.ts';
import { fromDialect30 } from './import-openapi-dialect.ts';
import {
  at,
  type Description,
  type Json,
  lookup,
  outsideReference,
  referenceTarget,
} from './import-openapi-document.ts';
import { type NamePrefix, resourceName } from './import-openapi-names.ts';
import { isUsablePattern } from './import-openapi-pattern.ts';

/** Which way a payload goes: what is required and read-only is not required of a caller, what is write-only not of the upstream. */
export type Direction = 'in' | 'out';

export interface NamedSchema {
  name: string;
  source: Json;
}

/** The named schemas that come of a description. */
export interface SchemaImport {
  /**
   * `schema://Name` for the schema at a JSON Pointer of the description, which becomes a named one. `id` names it when
   * it stands in no component. Null when it says nothing (`true`, `{}`).
   */
  reference(pointer: string, direction: Direction, id?: string): string | null;
  /** All of them, in the order in which they were asked for. */
  finish(): NamedSchema[];
}

/** Deeper nesting than any validator accepts. */
const maximumDepth = 60;

/**
 * Makes named schemas of the schemas of a description: nothing is inlined, a `$ref` becomes `schema://Name`, so circles
 * stay circles. A schema in which `readOnly` or `writeOnly` members are required means two things; it gets a second
 * name, with `_Input`, for request bodies, as has every schema that refers to it.
 */
export function createSchemaImport(
  description: Description,
  prefix: NamePrefix,
  claim: (name: string, pointer: string) => void,
): SchemaImport {
  const named = new Map<string, { name: string; source: Json | null }>();
  const order: string[] = [];
  const queue: { key: string; pointer: string; direction: Direction }[] = [];
  const twofold = createTwofold(description);

  function reference(pointer: string, direction: Direction, id?: string): string | null {
    const value = lookup(description.root, pointer);
    if (value === true || (isObject(value) && Object.keys(value).length === 0)) {
      return null;
    }
    if (!isObject(value) && value !== false) {
      description.refuse(pointer, 'schema', 'Expected a schema');
      return null;
    }
    const component = /^\/components\/schemas\/[^/]+$/.test(pointer);
    const alias = !component && isObject(value) && isBareReference(value) ? referenceTarget(String(value.$ref)) : null;
    if (alias !== null && alias !== pointer) {
      return reference(alias, direction);
    }
    return `schema://${name(pointer, direction, id)}`;
  }

  function name(pointer: string, direction: Direction, id?: string): string {
    const input = direction === 'in' && twofold(pointer);
    const own = pointer.startsWith('/components/') ? undefined : id;
    const key = `${input ? 'in' : 'out'} ${pointer}`;
    let entry = named.get(key);
    if (entry === undefined) {
      entry = { name: resourceName(prefix, (own ?? idOf(pointer)) + (input ? '_Input' : '')), source: null };
      named.set(key, entry);
      order.push(key);
      queue.push({ key, pointer, direction: input ? 'in' : 'out' });
      claim(entry.name, pointer);
    }
    return entry.name;
  }

  function convert(
    value: unknown,
    pointer: string,
    direction: Direction,
    inherited: ReadonlySet<string>,
    depth: number,
  ): unknown {
    if (typeof value === 'boolean') {
      return value;
    }
    if (!isObject(value) || depth > maximumDepth) {
      description.refuse(pointer, 'schema', isObject(value) ? 'The schema is nested too deeply' : 'Expected a schema');
      return true;
    }
    const schema = description.dialect === '3.0' ? fromDialect30(value) : value;
    const optional = new Set([...inherited, ...oneWay(description, schema, direction)]);
    const members: [string, unknown][] = [];
    for (const [keyword, member] of Object.entries(schema)) {
      const place = at(pointer, keyword);
      if (keyword === '$ref') {
        members.push([keyword, target(member, place, direction)]);
      } else if (keyword === 'discriminator') {
        members.push([keyword, discriminator(member, direction)]);
      } else if (keyword === 'required') {
        const required = Array.isArray(member) ? member.filter((entry) => !optional.has(String(entry))) : [];
        if (required.length > 0) {
          members.push([keyword, required]);
        }
      } else if (schemaKeywords.has(keyword)) {
        members.push([keyword, convert(member, place, direction, none, depth + 1)]);
      } else if (listKeywords.has(keyword) && Array.isArray(member)) {
        const passed = keyword === 'allOf' ? optional : none;
        members.push([
          keyword,
          member.map((entry, index) => convert(entry, at(place, index), direction, passed, depth + 1)),
        ]);
      } else if (mapKeywords.has(keyword) && isObject(member)) {
        const usable = Object.entries(member).filter(
          ([key]) => keyword !== 'patternProperties' || isUsablePattern(description, key, at(place, key)),
        );
        const converted = usable.map(([key, entry]): [string, unknown] => [
          key,
          convert(entry, at(place, key), direction, none, depth + 1),
        ]);
        members.push([keyword, Object.fromEntries(converted)]);
      } else if (keyword === 'pattern' && !isUsablePattern(description, member, place)) {
        // Told as a warning: the rest of the contract still holds.
      } else if (!dropped.has(keyword) && !keyword.startsWith('x-')) {
        members.push([keyword, member]);
      }
    }
    return Object.fromEntries(members);
  }

  function target(ref: unknown, place: string, direction: Direction): string {
    const pointer = typeof ref === 'string' ? referenceTarget(ref) : null;
    if (pointer === null) {
      description.refuse(place, 'reference', outsideReference(String(ref)));
      return '#';
    }
    const value = lookup(description.root, pointer);
    if (!isObject(value) && typeof value !== 'boolean') {
      description.refuse(place, 'reference', `"${ref}" is no schema of the description`);
      return '#';
    }
    return `schema://${name(pointer, direction)}`;
  }

  /** Only a hint for generators of code: the alternatives are in `oneOf`. What it names and does not exist is left out. */
  function discriminator(member: unknown, direction: Direction): Json {
    const { propertyName, mapping } = isObject(member) ? member : { propertyName: member, mapping: undefined };
    const targets = Object.entries(isObject(mapping) ? mapping : {}).flatMap(([value, named]): [string, string][] => {
      const pointer = referenceTarget(String(named)) ?? at('/components/schemas', String(named));
      return isObject(lookup(description.root, pointer)) ? [[value, `schema://${name(pointer, direction)}`]] : [];
    });
    return { propertyName, ...(targets.length > 0 ? { mapping: Object.fromEntries(targets) } : {}) };
  }

  function finish(): NamedSchema[] {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const converted = convert(lookup(description.root, next.pointer), next.pointer, next.direction, none, 0);
      const source = isObject(converted) ? converted : converted === true ? {} : { not: {} };
      named.get(next.key)!.source = { $schema: 'https://json-schema.org/draft/2020-12/schema', ...source };
    }
    return order.map((key) => ({ name: named.get(key)!.name, source: named.get(key)!.source! }));
  }

  return { reference, finish };
}

const none: ReadonlySet<string> = new Set();

const schemaKeywords = new Set([
  'items',
  'additionalProperties',
  'unevaluatedProperties',
  'unevaluatedItems',
  'additionalItems',
  'contains',
  'propertyNames',
  'not',
  'if',
  'then',
  'else',
  'contentSchema',
]);
const listKeywords = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const mapKeywords = new Set(['properties', 'patternProperties', 'dependentSchemas']);
/** No part of a payload's contract; what a reference points to gets a name of its own, so identifiers and definitions have no use. */
const dropped = new Set(['xml', 'externalDocs', '$schema', '$id', '$anchor', '$comment', '$defs', 'definitions']);

/** `/components/schemas/Pet` → `Pet`; a place inside it → `Pet/properties/owner`; a shared answer → `NotFound_Response`. */
function idOf(pointer: string): string {
  return pointer
    .replace(/^\/components\/schemas\//, '')
    .replace(/^\/components\/responses\/([^/]+)\/content\/[^/]+\/schema/, '$1_Response')
    .replace(/^\/components\/requestBodies\/([^/]+)\/content\/[^/]+\/schema/, '$1_Request')
    .replace(/^\//, '')
    .replaceAll('~1', '/')
    .replaceAll('~0', '~');
}

function isBareReference(schema: Json): boolean {
  return (
    typeof schema.$ref === 'string' &&
    Object.keys(schema).every((key) => ['$ref', 'description', 'summary'].includes(key))
  );
}

/** Names of the members that travel the other way only, also those that parts of an `allOf` bring. */
function oneWay(
  description: Description,
  schema: Json,
  direction: Direction,
  seen: ReadonlySet<unknown> = new Set(),
): string[] {
  const flag = direction === 'in' ? 'readOnly' : 'writeOnly';
  const own = Object.entries(isObject(schema.properties) ? schema.properties : {})
    .filter(
      ([, member]) => isObject(member) && (member[flag] === true || referred(description, member)?.[flag] === true),
    )
    .map(([name]) => name);
  const parts = Array.isArray(schema.allOf) ? schema.allOf : [];
  const others = [...parts, referred(description, schema)];
  return own.concat(
    others.flatMap((part) =>
      isObject(part) && !seen.has(part) ? oneWay(description, part, direction, new Set([...seen, part])) : [],
    ),
  );
}

/** The schema that a `$ref` points to. */
function referred(description: Description, schema: Json): Json | undefined {
  const pointer = typeof schema.$ref === 'string' ? referenceTarget(schema.$ref) : null;
  const target = pointer === null ? undefined : lookup(description.root, pointer);
  return isObject(target) ? target : undefined;
}

/** Whether a schema, or one that it refers to, differs between the directions. */
function createTwofold(description: Description): (pointer: string) => boolean {
  const facts = new Map<string, { own: boolean; targets: string[] }>();
  const known = new Map<string, boolean>();

  function factsOf(pointer: string) {
    let found = facts.get(pointer);
    if (found === undefined) {
      found = { own: false, targets: [] };
      facts.set(pointer, found);
      collect(lookup(description.root, pointer), found, [], 0);
    }
    return found;
  }

  function collect(
    schema: unknown,
    found: { own: boolean; targets: string[] },
    inherited: string[],
    depth: number,
  ): void {
    if (!isObject(schema) || depth > maximumDepth) {
      return;
    }
    const oneWayNames = [...inherited, ...oneWay(description, schema, 'in'), ...oneWay(description, schema, 'out')];
    found.own ||= Array.isArray(schema.required) && schema.required.some((name) => oneWayNames.includes(String(name)));
    const target = typeof schema.$ref === 'string' ? referenceTarget(schema.$ref) : null;
    if (target !== null) {
      found.targets.push(target);
    }
    for (const [keyword, member] of Object.entries(schema)) {
      if (schemaKeywords.has(keyword)) {
        collect(member, found, [], depth + 1);
      } else if (listKeywords.has(keyword) && Array.isArray(member)) {
        for (const entry of member) {
          collect(entry, found, keyword === 'allOf' ? oneWayNames : [], depth + 1);
        }
      } else if (mapKeywords.has(keyword) && isObject(member)) {
        for (const entry of Object.values(member)) {
          collect(entry, found, [], depth + 1);
        }
      }
    }
  }

  return (pointer) => {
    let answer = known.get(pointer);
    if (answer === undefined) {
      const reached = new Set([pointer]);
      for (const next of reached) {
        const { targets } = factsOf(next);
        for (const target of targets) {
          reached.add(target);
        }
      }
      answer = [...reached].some((next) => factsOf(next).own);
      known.set(pointer, answer);
    }
    return answer;
  };
}
