import { isObject } from '../lib/json.ts';
import type { JsonSchema, Models, TypeSchema } from './description.ts';
import { referenceTo, referredModel } from './references.ts';

/**
 * JSON Schemas of a description as definitions of TypeSchema, by the same names. TypeSchema knows structs, maps, lists and
 * scalars; what it has no words for (choices, bounds) becomes `any` or is left out. Structs inside others become definitions
 * of their own, `Parent_Member`. A model that is no struct, map or list has no definition: it stands where it is used.
 */
export function typesOf(schemas: Readonly<Record<string, JsonSchema>>): Record<string, TypeSchema> {
  const conversion = new Conversion(schemas);
  for (const name of Object.keys(schemas)) {
    conversion.define(name);
  }
  return conversion.types;
}

/** What stands for a model where it is used: a reference, or the model itself when it has no definition. */
export function typeOfModel(model: string, { schemas, types }: Models): TypeSchema {
  return Object.hasOwn(types, model) ? { type: 'reference', target: model } : new Conversion(schemas).use(model);
}

/** Deeper references through scalars are a circle. */
const deepest = 20;
const formats = ['date', 'date-time', 'time'];
const scalars = ['string', 'integer', 'number', 'boolean'];

class Conversion {
  readonly types: Record<string, TypeSchema> = {};
  readonly #schemas: Readonly<Record<string, JsonSchema>>;

  constructor(schemas: Readonly<Record<string, JsonSchema>>) {
    this.#schemas = schemas;
  }

  define(name: string): void {
    const type = this.#convert(this.#schemas[name], name, 0, true);
    if (['struct', 'map', 'array'].includes(type.type as string)) {
      this.types[name] = type;
    }
  }

  use(model: string): TypeSchema {
    return this.#convert({ $ref: referenceTo(model) }, model, 0);
  }

  /** `name` is what a struct inside would be called; `own` says that the schema is the definition of that name itself. */
  #convert(schema: unknown, name: string, depth: number, own = false): TypeSchema {
    if (!isObject(schema) || depth > deepest) {
      return { type: 'any' };
    }
    return { ...about(schema), ...this.#bare(schema, name, depth, own) };
  }

  #bare(schema: JsonSchema, name: string, depth: number, own: boolean): TypeSchema {
    const target = referredModel(schema.$ref);
    if (target !== undefined && Object.hasOwn(this.#schemas, target)) {
      const model = this.#schemas[target]!;
      // A definition cannot be a mere reference, and a scalar has no definition.
      return own || !isDefinition(model) ? this.#bare(model, target, depth + 1, own) : { type: 'reference', target };
    }
    const choices = alternatives(schema);
    if (choices.length === 1) {
      return this.#convert(choices[0], name, depth + 1, own);
    }
    const whole = merged(schema);
    switch (typeIn(whole)) {
      case 'object':
        return isObject(whole.properties) && Object.keys(whole.properties).length > 0
          ? this.#struct(whole, name, depth, own)
          : { type: 'map', schema: this.#convert(whole.additionalProperties, `${name}_Value`, depth + 1) };
      case 'array':
        return { type: 'array', schema: this.#convert(whole.items, `${name}_Item`, depth + 1) };
      case 'string': {
        const format = formats.find((known) => known === whole.format);
        return { type: 'string', ...(format === undefined ? {} : { format }) };
      }
      case undefined:
        return { type: 'any' };
      default:
        return { type: typeIn(whole) };
    }
  }

  #struct(schema: JsonSchema, name: string, depth: number, own: boolean): TypeSchema {
    const required = Array.isArray(schema.required) ? schema.required : [];
    const members = Object.entries(schema.properties as JsonSchema).map(([member, inner]) => {
      const type = this.#convert(inner, `${name}_${capital(member)}`, depth + 1);
      return [member, required.includes(member) && !isNullable(inner) ? { ...type, nullable: false } : type];
    });
    const struct = { type: 'struct', properties: Object.fromEntries(members) };
    if (own) {
      return struct;
    }
    this.types[name] = { ...about(schema), ...struct };
    return { type: 'reference', target: name };
  }
}

function about({ description, deprecated }: JsonSchema): TypeSchema {
  return {
    ...(typeof description === 'string' ? { description } : {}),
    ...(deprecated === true ? { deprecated } : {}),
  };
}

/** Whether a model can be a definition, or only stand where it is used. */
function isDefinition(schema: JsonSchema): boolean {
  return typeof schema.$ref === 'string' || ['object', 'array'].includes(typeIn(merged(schema)) ?? '');
}

/** The choices of `anyOf` and `oneOf`, null aside. */
function alternatives(schema: JsonSchema): unknown[] {
  const list = schema.anyOf ?? schema.oneOf;
  return Array.isArray(list) ? list.filter((choice) => !(isObject(choice) && choice.type === 'null')) : [];
}

/** `allOf` of plain objects taken together with what stands beside it. */
function merged(schema: JsonSchema): JsonSchema {
  if (!Array.isArray(schema.allOf)) {
    return schema;
  }
  const parts = schema.allOf.filter(isObject).map(merged);
  const whole: JsonSchema = {};
  for (const part of [...parts, { ...schema, allOf: undefined }]) {
    const given = Object.fromEntries(Object.entries(part).filter(([, value]) => value !== undefined));
    const properties = { ...(whole.properties as object), ...(part.properties as object) };
    const required = [whole.required ?? [], part.required ?? []].flat();
    Object.assign(whole, given, Object.keys(properties).length > 0 ? { properties } : {}, { required });
  }
  return whole;
}

function typeIn(schema: JsonSchema): string | undefined {
  const types = [schema.type].flat().filter((type) => type !== 'null' && typeof type === 'string') as string[];
  if (types.length === 0) {
    return isObject(schema.properties) ? 'object' : typeOfValues(schema);
  }
  if (types.length === 2 && types.includes('integer') && types.includes('number')) {
    return 'number';
  }
  return types.length === 1 ? types[0] : undefined;
}

function typeOfValues(schema: JsonSchema): string | undefined {
  const values = Object.hasOwn(schema, 'const') ? [schema.const] : Array.isArray(schema.enum) ? schema.enum : [];
  const types = new Set(values.filter((value) => value !== null).map((value) => typeof value));
  const [type] = types;
  return types.size === 1 && scalars.includes(type!) ? type : undefined;
}

function isNullable(schema: unknown): boolean {
  if (!isObject(schema)) {
    return true;
  }
  const choices = [schema.anyOf ?? schema.oneOf ?? []].flat();
  return [schema.type].flat().includes('null') || choices.some((choice) => isObject(choice) && choice.type === 'null');
}

function capital(word: string): string {
  return (word[0]?.toUpperCase() ?? '') + word.slice(1).replace(/[^A-Za-z0-9_]/g, '_');
}
