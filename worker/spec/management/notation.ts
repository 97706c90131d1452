import type { TypeSchema } from '../description.ts';

/**
 * Reads models from their short notation into definitions of TypeSchema. A model begins at the start of a line and goes on in
 * indented ones:
 *
 *     Name { member type, … }                 a struct
 *     Name < Parent<T=Other> { … }            … that extends another, a generic one with its argument
 *     Name by member(value=Other, …) { … }    … whose member says which of others it is
 *     Name = {type}                           a map
 *
 * Types: `string`, `string:date-time`, `integer`, `number`, `boolean`, `any`, `[type]` a list, `{type}` a map, `$T` of a
 * generic model, `Name` another model. Throws where the notation is broken: a mistake in the bundle.
 */
export function readModels(text: string): Record<string, TypeSchema> {
  const lines = text.trim().split(/\n(?=\S)/);
  return Object.fromEntries(lines.map((line) => readModel(line.replace(/\s+/g, ' '))));
}

const model = /^(\w+)(?: < ([^ ]+))?(?: by (\w+)\(([^)]*)\))?(?: \{ (.*?) ?\})?$/;

function readModel(line: string): [string, TypeSchema] {
  const alias = /^(\w+) = (.+)$/.exec(line);
  if (alias !== null) {
    return [alias[1]!, readType(alias[2]!)];
  }
  const [, name, parent, discriminator, kinds, members] = model.exec(line) ?? fail(line);
  const definition: TypeSchema = { type: 'struct' };
  if (parent !== undefined) {
    definition.parent = readType(parent);
  }
  if (discriminator !== undefined) {
    definition.base = true;
  }
  if (members !== undefined) {
    definition.properties = Object.fromEntries(list(members).map(readMember));
  }
  if (discriminator !== undefined) {
    const entries = list(kinds!).map((kind) => kind.split('=').reverse());
    Object.assign(definition, { discriminator, mapping: Object.fromEntries(entries) });
  }
  return [name!, definition];
}

function readMember(member: string): [string, TypeSchema] {
  const [, name, type] = /^(\w+) (.+)$/.exec(member) ?? fail(member);
  return [name!, readType(type!)];
}

function readType(text: string): TypeSchema {
  const [, open, inner] = /^([[{])(.+)[\]}]$/.exec(text) ?? [];
  if (inner !== undefined) {
    return { type: open === '[' ? 'array' : 'map', schema: readType(inner) };
  }
  const [, scalar, format] = /^(string|integer|number|boolean|any)(?::([a-z-]+))?$/.exec(text) ?? [];
  if (scalar !== undefined) {
    return { type: scalar, ...(format === undefined ? {} : { format }) };
  }
  if (text.startsWith('$')) {
    return { type: 'generic', name: text.slice(1) };
  }
  const [, target, generic, argument] = /^(\w+)(?:<(\w+)=(\w+)>)?$/.exec(text) ?? fail(text);
  return {
    type: 'reference',
    target,
    ...(generic === undefined ? {} : { template: { [generic]: argument } }),
  };
}

function list(text: string): string[] {
  return text === '' ? [] : text.split(', ');
}

function fail(text: string): never {
  throw new Error(`Not in the notation of models: ${text}`);
}
