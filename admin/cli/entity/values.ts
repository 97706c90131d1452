import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import type { Complaint } from '../failure.ts';
import { findName, type Option, optionOf } from './arguments.ts';
import type { Member } from './registry.ts';

/** Members that options gave. */
export interface Given {
  data: Record<string, unknown>;
  /** Which option gave the value at a JSON Pointer. */
  flags: Map<string, string>;
  /** Members of which an option gave a part only: an update keeps the rest of them. */
  partial: Set<string>;
  complaints: Complaint[];
}

/** The member that an option's name leads to; `path` in the spelling of the declarations. Undefined when there is none. */
export function findMember(
  members: Record<string, Member>,
  name: string,
): { path: string[]; schema: Member } | undefined {
  const path: string[] = [];
  let schema: Member = { type: 'object', properties: members };
  for (const part of name.split('.')) {
    const declared = schema.properties ?? {};
    const found = findName(Object.keys(declared), part);
    const open = schema.properties === undefined && takes(schema, 'object');
    if (part === '' || (found === undefined && !open)) {
      return undefined;
    }
    path.push(found ?? part);
    schema = found === undefined ? (Object.values(schema.patternProperties ?? {})[0] ?? {}) : declared[found]!;
  }
  return { path, schema };
}

/** Makes members of options; what is no member is a complaint, and so is a value of the wrong type. */
export function readMembers(options: readonly Option[], members: Record<string, Member>): Given {
  const given: Given = { data: {}, flags: new Map(), partial: new Set(), complaints: [] };
  for (const option of options) {
    const found = findMember(members, option.name);
    if (found === undefined) {
      given.complaints.push({ flag: option.flag, rule: 'option', message: 'There is no such option; see --help' });
      continue;
    }
    const { path, schema } = found;
    try {
      put(given.data, path, convert(option.value, schema, path.length === 1), schema);
    } catch (thrown) {
      given.complaints.push({ flag: option.flag, rule: 'type', message: (thrown as Error).message });
    }
    given.flags.set(`/${path.join('/')}`, option.flag);
    if (path.length > 1) {
      given.partial.add(path[0]!);
    }
  }
  return given;
}

/** Lays what options gave over an object; of what they gave in part, the rest stays. */
export function overlay(base: Record<string, unknown>, given: Given): Record<string, unknown> {
  const result = structuredClone(base);
  for (const pointer of given.flags.keys()) {
    const path = pointer.split('/').slice(1);
    const value = path.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), given.data);
    if (value !== undefined) {
      put(result, path, value, {});
    }
  }
  return result;
}

/** Says a complaint of the gateway by the option that gave the value, or could. */
export function flagOf(pointer: string, given: Given, members: Record<string, Member>): string | undefined {
  const inside = pointer.replace(/^\/body(?=\/|$)/, '');
  for (let at = inside; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const flag = given.flags.get(at);
    if (flag !== undefined) {
      return flag;
    }
  }
  const member = inside.split('/')[1] ?? '';
  return Object.hasOwn(members, member) ? `--${optionOf(member)}` : undefined;
}

/** Puts a value at a path; lists grow by each option that gives them. */
function put(data: Record<string, unknown>, path: readonly string[], value: unknown, schema: Member): void {
  let here = data;
  for (const key of path.slice(0, -1)) {
    const inner = here[key];
    here = here[key] = isObject(inner) ? inner : {};
  }
  const last = path.at(-1)!;
  const before = here[last];
  here[last] = schema.type === 'array' && Array.isArray(before) && Array.isArray(value) ? [...before, ...value] : value;
}

function convert(value: Option['value'], schema: Member, top: boolean): unknown {
  if (schema.type === 'boolean') {
    if (value === null || value === 'false') {
      return false;
    }
    if (value === true || value === 'true') {
      return true;
    }
    throw new Error(`must be true or false, not "${value}"`);
  }
  if (value === null) {
    return null;
  }
  const text = String(value);
  if (schema.enum !== undefined && !schema.enum.includes(text)) {
    throw new Error(`must be one of ${schema.enum.join(', ')}, not "${text}"`);
  }
  if (schema.type === 'integer' || schema.type === 'number') {
    const number = Number(text);
    if (text.trim() === '' || !Number.isFinite(number) || (schema.type === 'integer' && !Number.isInteger(number))) {
      throw new Error(`must be a ${schema.type === 'integer' ? 'whole ' : ''}number, not "${text}"`);
    }
    return number;
  }
  if (schema.type === 'array') {
    return list(text, schema.items ?? {}, top);
  }
  if (schema.type === 'object') {
    const parsed = structure(text);
    if (!isObject(parsed)) {
      throw new Error('must be a JSON object, or @FILE that holds one');
    }
    return parsed;
  }
  return schema.type === 'string' || schema.enum !== undefined ? text : guess(text, schema);
}

/** JSON, `@FILE`, or one element; of a list of names also several with commas. */
function list(text: string, items: Member, top: boolean): unknown[] {
  if (/^\s*\[/.test(text) || text.startsWith('@')) {
    const parsed = structure(text);
    if (!Array.isArray(parsed)) {
      throw new Error('must be a JSON list');
    }
    return parsed;
  }
  const parts = top && typeof items.type === 'string' && items.type !== 'object' ? text.split(',') : [text];
  return parts
    .map((part) => (top ? part.trim() : part))
    .filter((part) => part !== '')
    .map((part) => convert(part, items, false));
}

/** What has no one type: JSON where it is just that, else text. */
function guess(text: string, schema: Member): unknown {
  if (text.startsWith('@') && takes(schema, 'string')) {
    return text;
  }
  const wanted = (parsed: unknown) =>
    parsed !== null && (typeof parsed === 'object' || String(parsed) === text) && takes(schema, typeName(parsed));
  try {
    const parsed = structure(text);
    return wanted(parsed) ? parsed : text;
  } catch (thrown) {
    if (!takes(schema, 'string')) {
      throw thrown;
    }
    return text;
  }
}

/** JSON text, or the YAML or JSON of a file. */
function structure(text: string): unknown {
  if (text.startsWith('@')) {
    return parse(readFileSync(text.slice(1), 'utf8'));
  }
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`must be JSON, not "${text.length > 60 ? `${text.slice(0, 59)}…` : text}"`);
  }
}

function takes(schema: Member, type: string): boolean {
  if (schema.anyOf !== undefined) {
    return schema.anyOf.some((option) => takes(option, type));
  }
  return schema.type === undefined || (Array.isArray(schema.type) ? schema.type.includes(type) : schema.type === type);
}

function typeName(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
