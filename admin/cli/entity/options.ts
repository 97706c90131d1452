import type { ArgsDef } from 'citty';
import { optionOf } from './arguments.ts';
import { classOf, type Member, registry } from './registry.ts';

/** How deep the options of nested members are listed. */
const depth = 3;

/** The options that the members of an entity make, for its help. With a class, those of its configuration. */
export function memberOptions(noun: string, members: Record<string, Member>, creating: boolean): ArgsDef {
  const needed = creating ? registry.entities[noun]!.required : [];
  return Object.fromEntries(
    Object.entries(members).flatMap(([member, schema]) =>
      optionsOf(optionOf(member), schema, needed.includes(member), depth),
    ),
  );
}

/** The options of filters. */
export function filterOptions(filters: Record<string, Member>): ArgsDef {
  return Object.fromEntries(
    Object.entries(filters).map(([name, schema]) => [
      optionOf(name),
      { type: 'string', description: describe(schema, false), valueHint: hint(schema) },
    ]),
  );
}

/** The class that a command line names, if it is one of the noun's. */
export function classIn(noun: string, words: readonly string[]): string | undefined {
  const at = words.findIndex((word) => /^--class(=|$)/.test(word));
  const word = words[at] ?? '';
  const named = word.includes('=') ? word.slice('--class='.length) : words[at + 1];
  return at !== -1 && named !== undefined && classOf(noun, named) !== undefined ? named : undefined;
}

function optionsOf(name: string, schema: Member, needed: boolean, levels: number): [string, ArgsDef[string]][] {
  const type = schema.type === 'boolean' ? 'boolean' : 'string';
  const own: [string, ArgsDef[string]] = [
    name,
    { type, description: describe(schema, needed), ...(type === 'string' ? { valueHint: hint(schema) } : {}) },
  ];
  const inner =
    levels === 1
      ? []
      : Object.entries(schema.properties ?? {}).flatMap(([member, property]) =>
          optionsOf(`${name}.${optionOf(member)}`, property, schema.required?.includes(member) ?? false, levels - 1),
        );
  return [own, ...inner];
}

function describe(schema: Member, needed: boolean): string {
  const { minimum, maximum } = schema;
  const parts = [
    ...(needed ? ['needed'] : []),
    ...(schema.secret ? ['secret'] : []),
    ...(minimum === undefined && maximum === undefined ? [] : [`${minimum ?? ''}…${maximum ?? ''}`]),
    ...(schema.type === 'array' ? [schema.items?.type === 'object' ? 'one JSON object each' : 'several'] : []),
  ];
  const text = (schema.description ?? '').replace(/<\/?code>/g, '');
  return [text, ...(parts.length === 0 ? [] : [`(${parts.join(', ')})`])].filter((part) => part !== '').join(' ');
}

function hint(schema: Member): string {
  if (schema.enum !== undefined) {
    return schema.enum.join('|');
  }
  switch (schema.type) {
    case 'integer':
    case 'number':
      return 'NUMBER';
    case 'boolean':
      return 'true|false';
    case 'object':
      return 'JSON|@FILE';
    case 'array':
      return schema.items?.type === 'object' ? 'JSON' : hint(schema.items ?? {});
    default:
      return 'TEXT';
  }
}
