import { isObject } from '../json.ts';
import { escapePointer, SchemaError } from './problem.ts';

type Members = Record<string, unknown>;
/** What the generic names of a definition stand for: a reference target, resolved where the template was written. */
type Bindings = ReadonlyMap<string, Members>;

const noBindings: Bindings = new Map();

/** Keywords that mean the same in both languages. */
const kept = [
  'title',
  'description',
  'deprecated',
  'readOnly',
  'writeOnly',
  'default',
  'examples',
  'format',
  'const',
  'enum',
  'minLength',
  'maxLength',
  'pattern',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minItems',
  'maxItems',
  'uniqueItems',
  'minProperties',
  'maxProperties',
];

const scalars = new Set(['string', 'integer', 'number', 'boolean']);

/**
 * One conversion from TypeSchema to JSON Schema 2020-12, with Fusio's semantics: members may be null or missing unless
 * they say `nullable: false`, unknown members are allowed. Every definition becomes one under `$defs`, so that other
 * schemas can import it; a generic one becomes another one for each set of arguments. Structs hold what they inherit.
 */
export class TypeSchemaConversion {
  readonly #source: Members;
  readonly #definitions: Members;
  readonly #imports: Members;
  readonly #made = new Map<string, unknown>();

  constructor(source: Members) {
    this.#source = source;
    this.#definitions = this.#members(source, 'definitions', '');
    this.#imports = { ...this.#members(source, '$import', ''), ...this.#members(source, 'import', '') };
  }

  /** Throws SchemaError with the place of the first thing that is wrong. */
  run(assertFormatKeyword: string): Members {
    if (Object.hasOwn(this.#source, '$class')) {
      refuse('/$class', 'reference', 'names a class of PHP, which cannot be read here');
    }
    const root = this.#root();
    for (const name of Object.keys(this.#definitions)) {
      this.#reference(name, `/definitions/${escapePointer(name)}`, noBindings);
    }
    return {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      [assertFormatKeyword]: true,
      ...root,
      ...(this.#made.size > 0 ? { $defs: Object.fromEntries(this.#made) } : {}),
    };
  }

  #root(): Members {
    const { root, $ref, type } = this.#source;
    if (typeof root === 'string') {
      return this.#reference(root, '/root', noBindings);
    }
    if (typeof $ref === 'string') {
      return this.#reference($ref, '/$ref', noBindings);
    }
    if (root !== undefined || $ref !== undefined) {
      refuse(root === undefined ? '/$ref' : '/root', 'root', 'must be the name of a definition');
    }
    // A library of definitions without a root accepts anything; a type can also stand at the top itself.
    return type === undefined ? {} : this.#definition(this.#source, '', noBindings);
  }

  /** A reference to a definition, which is made when this is the first one. */
  #reference(target: string, pointer: string, bindings: Bindings): Members {
    const colon = target.indexOf(':');
    if (colon > 0) {
      return this.#imported(target.slice(0, colon), target.slice(colon + 1), pointer);
    }
    const name = target.replace(/^#\/definitions\//, '');
    const definition = Object.hasOwn(this.#definitions, name) ? this.#definitions[name] : undefined;
    if (!isObject(definition)) {
      return refuse(pointer, 'reference', `refers to ${name}, which is not defined`);
    }
    const given = [...bindings].map(([parameter, bound]) => `${parameter}=${JSON.stringify(bound)}`);
    const key = given.length === 0 ? name : `${name}<${given.join()}>`;
    if (!this.#made.has(key)) {
      this.#made.set(key, {});
      this.#made.set(key, this.#definition(definition, `/definitions/${escapePointer(name)}`, bindings));
    }
    return { $ref: `#/$defs/${encodeURIComponent(escapePointer(key))}` };
  }

  #imported(alias: string, name: string, pointer: string): Members {
    const uri = Object.hasOwn(this.#imports, alias) ? this.#imports[alias] : undefined;
    if (typeof uri !== 'string') {
      return refuse(pointer, 'reference', `refers to the import ${alias}, which is not declared`);
    }
    const schema = /^schema:\/{2,3}([^/#]+)$/.exec(uri)?.[1];
    if (schema === undefined) {
      return refuse(
        `/import/${escapePointer(alias)}`,
        'import',
        'must be schema://Name; nothing is loaded from elsewhere',
      );
    }
    // Some name the schema where they mean its root.
    return {
      $ref:
        schema === name ? `schema://${schema}` : `schema://${schema}#/$defs/${encodeURIComponent(escapePointer(name))}`,
    };
  }

  /** A definition: what a reference leads to, never null by itself. */
  #definition(type: Members, pointer: string, bindings: Bindings): Members {
    switch (type.type) {
      case 'struct':
        return this.#struct(type, pointer, bindings);
      case 'object':
        return isObject(type.additionalProperties) || type.additionalProperties === true
          ? this.#map(type, type.additionalProperties, `${pointer}/additionalProperties`, bindings)
          : this.#struct(type, pointer, bindings);
      case 'map':
        return this.#map(type, type.schema ?? type.additionalProperties, `${pointer}/schema`, bindings);
      default:
        return this.#plain(type, pointer, bindings);
    }
  }

  #struct(type: Members, pointer: string, bindings: Bindings): Members {
    const { own, foreign } = this.#inherited(type, pointer, bindings, []);
    const properties: Members = {};
    const required = new Set<string>();
    for (const level of own) {
      const members = this.#members(level.type, 'properties', level.pointer);
      for (const [name, member] of Object.entries(members)) {
        const at = `${level.pointer}/properties/${escapePointer(name)}`;
        if (!isObject(member)) {
          return refuse(at, 'type', 'must be an object');
        }
        properties[name] = this.#member(member, at, level.bindings);
        if (member.nullable === false) {
          required.add(name);
        }
      }
      // Of the older style, where it was JSON Schema still.
      for (const name of Array.isArray(level.type.required) ? level.type.required : []) {
        required.add(String(name));
      }
    }
    return {
      ...pick(type),
      type: 'object',
      ...(Object.keys(properties).length > 0 ? { properties } : {}),
      ...(required.size > 0 ? { required: [...required] } : {}),
      ...this.#kinds(type, pointer, foreign, bindings),
    };
  }

  /** The struct after all that it extends, outermost ancestor first, so that later members replace earlier ones. */
  #inherited(
    type: Members,
    pointer: string,
    bindings: Bindings,
    below: Members[],
  ): { own: Level[]; foreign: Members[] } {
    const parent = parentOf(type);
    const level: Level = { type, pointer, bindings };
    if (parent === undefined) {
      return { own: [level], foreign: [] };
    }
    const at = `${pointer}/parent`;
    if (below.includes(type)) {
      return refuse(at, 'parent', 'leads back to the definition itself');
    }
    if (parent.target.includes(':')) {
      return { own: [level], foreign: [this.#reference(parent.target, at, noBindings)] };
    }
    const definition = Object.hasOwn(this.#definitions, parent.target) ? this.#definitions[parent.target] : undefined;
    if (!isObject(definition)) {
      return refuse(at, 'parent', `refers to ${parent.target}, which is not defined`);
    }
    const inner = this.#arguments(parent.template, at, bindings);
    const above = this.#inherited(definition, `/definitions/${escapePointer(parent.target)}`, inner, [...below, type]);
    return { own: [...above.own, level], foreign: above.foreign };
  }

  /** What a struct asks beyond its members: an imported parent, and of a base with a discriminator its kinds. */
  #kinds(type: Members, pointer: string, foreign: Members[], bindings: Bindings): Members {
    const { discriminator, mapping } = discriminatorOf(type);
    if (discriminator === undefined || mapping === undefined) {
      return foreign.length === 0 ? {} : { allOf: foreign };
    }
    const kinds = Object.entries(mapping).map(([key, value]): [string, string] => {
      if (typeof value !== 'string') {
        return refuse(`${pointer}/mapping/${escapePointer(key)}`, 'mapping', 'must be a text');
      }
      return Object.hasOwn(this.#definitions, key) ? [key, value] : [value, key];
    });
    const rules = kinds.map(([name, value]) => ({
      if: { properties: { [discriminator]: { const: value } }, required: [discriminator] },
      // biome-ignore lint/suspicious/noThenProperty: a JSON Schema keyword
      then: this.#reference(name, `${pointer}/mapping`, bindings),
    }));
    const tag = {
      properties: { [discriminator]: { enum: kinds.map(([, value]) => value) } },
      required: [discriminator],
    };
    return { allOf: [...foreign, tag, ...rules] };
  }

  #map(type: Members, value: unknown, pointer: string, bindings: Bindings): Members {
    return { ...pick(type), type: 'object', additionalProperties: this.#held(value, pointer, bindings) };
  }

  /** What a map or list holds. */
  #held(value: unknown, pointer: string, bindings: Bindings): unknown {
    if (value === undefined || value === true) {
      return true;
    }
    return isObject(value) ? this.#member(value, pointer, bindings) : refuse(pointer, 'schema', 'must be a type');
  }

  /** A type in use: it may be null unless it says otherwise. */
  #member(type: Members, pointer: string, bindings: Bindings): Members {
    const schema = this.#definition(type, pointer, bindings);
    if (type.nullable === false) {
      // `any` is everything but null then.
      return Object.keys(schema).some((keyword) =>
        ['type', '$ref', 'const', 'enum', 'anyOf', 'allOf', 'oneOf'].includes(keyword),
      )
        ? schema
        : { ...schema, type: ['string', 'number', 'boolean', 'object', 'array'] };
    }
    if (typeof schema.type !== 'string') {
      const { title, description, deprecated, ...rest } = schema;
      const about = pick({ title, description, deprecated });
      const open = Object.keys(rest).length === 0;
      return open ? about : { ...about, anyOf: [rest, { type: 'null' }] };
    }
    const nullable: Members = { ...schema, type: [schema.type, 'null'] };
    if (Array.isArray(schema.enum) && !schema.enum.includes(null)) {
      nullable.enum = [...schema.enum, null];
    }
    if (Object.hasOwn(schema, 'const')) {
      delete nullable.const;
      nullable.enum = [schema.const, null];
    }
    return nullable;
  }

  /** Everything but structs and maps. */
  #plain(type: Members, pointer: string, bindings: Bindings): Members {
    const { $ref, $generic } = type;
    if (type.type === 'reference' || typeof $ref === 'string') {
      const target = type.target ?? $ref;
      if (typeof target !== 'string') {
        return refuse(`${pointer}/target`, 'reference', 'must be the name of a definition');
      }
      const inner = target.includes(':')
        ? noBindings
        : this.#arguments(type.template ?? type.$template, pointer, bindings);
      return { ...pick(type), ...this.#reference(target, pointer, inner) };
    }
    if (type.type === 'generic' || typeof $generic === 'string') {
      return { ...pick(type), ...bindings.get(String(type.name ?? $generic)) };
    }
    if (type.type === 'array') {
      const items = type.schema === undefined ? type.items : type.schema;
      const at = `${pointer}/${type.schema === undefined ? 'items' : 'schema'}`;
      return { ...pick(type), type: 'array', items: this.#held(items, at, bindings) };
    }
    if (scalars.has(type.type as string)) {
      return { ...pick(type), type: type.type };
    }
    for (const keyword of ['oneOf', 'anyOf', 'allOf']) {
      const list = type[keyword];
      if (Array.isArray(list)) {
        const converted = list.map((one, index) => {
          const at = `${pointer}/${keyword}/${index}`;
          return isObject(one) ? this.#definition(one, at, bindings) : refuse(at, 'type', 'must be an object');
        });
        return { ...pick(type), [keyword]: converted };
      }
    }
    if (type.type === undefined || type.type === 'any') {
      return pick(type);
    }
    return refuse(`${pointer}/type`, 'type', `must be a type of TypeSchema, not ${JSON.stringify(type.type)}`);
  }

  /** What the generic names of a target stand for. */
  #arguments(template: unknown, pointer: string, bindings: Bindings): Bindings {
    if (template === undefined) {
      return noBindings;
    }
    if (!isObject(template)) {
      return refuse(`${pointer}/template`, 'template', 'must be an object');
    }
    const entries = Object.entries(template).map(([name, target]): [string, Members] => {
      const at = `${pointer}/template/${escapePointer(name)}`;
      if (typeof target !== 'string') {
        return refuse(at, 'template', 'must be the name of a definition');
      }
      return [name, bindings.get(target) ?? this.#reference(target, at, noBindings)];
    });
    return new Map(entries);
  }

  #members(type: Members, keyword: string, pointer: string): Members {
    const value = type[keyword];
    return value === undefined || isObject(value)
      ? (value ?? {})
      : refuse(`${pointer}/${keyword}`, keyword, 'must be an object');
  }
}

/** One struct of a line of inheritance. */
interface Level {
  type: Members;
  pointer: string;
  bindings: Bindings;
}

function parentOf(type: Members): { target: string; template: unknown } | undefined {
  const { parent, $extends } = type;
  if (isObject(parent) && typeof parent.target === 'string') {
    return { target: parent.target, template: parent.template };
  }
  const target = parent ?? $extends;
  return typeof target === 'string' ? { target, template: type.$template } : undefined;
}

function discriminatorOf(type: Members): { discriminator?: string; mapping?: Members } {
  const { discriminator, mapping } = type;
  return typeof discriminator === 'string' && isObject(mapping) ? { discriminator, mapping } : {};
}

function pick(type: Members): Members {
  return Object.fromEntries(
    kept.filter((keyword) => type[keyword] !== undefined).map((keyword) => [keyword, type[keyword]]),
  );
}

function refuse(pointer: string, rule: string, message: string): never {
  throw new SchemaError([{ pointer, rule, message }]);
}
