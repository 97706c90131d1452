import type { ParameterRecord } from '../core/records.ts';
import { isObject } from '../lib/json.ts';
import { fromDialect30 } from './import-openapi-dialect.ts';
import {
  at,
  type Description,
  follow,
  type Json,
  lookup,
  outsideReference,
  referenceTarget,
} from './import-openapi-document.ts';
import { isUsablePattern } from './import-openapi-pattern.ts';

/** A parameter of a description, with the JSON Pointer of where it is written. */
export interface Parameter {
  name: string;
  in: string;
  node: Json;
  pointer: string;
}

/** The parameters of an operation: those of the path item, replaced by its own of the same name and place. */
export function parametersOf(description: Description, item: string, operation: string): Parameter[] {
  const found = new Map<string, Parameter>();
  for (const list of [at(item, 'parameters'), at(operation, 'parameters')]) {
    const entries = lookup(description.root, list);
    for (const index of Array.isArray(entries) ? entries.keys() : []) {
      const opened = follow(description, at(list, index));
      if (opened === null) {
        continue;
      }
      const { name, in: place } = opened.node;
      if (typeof name !== 'string' || typeof place !== 'string') {
        description.refuse(opened.pointer, 'parameter', 'A parameter needs "name" and "in"');
      } else {
        found.set(`${place} ${name}`, { name, in: place, node: opened.node, pointer: opened.pointer });
      }
    }
  }
  return [...found.values()];
}

/**
 * The contract of a parameter. Alternatives are merged to the widest one, since the text of a parameter says nothing of
 * its type; objects have no form here and come out without a type, so that they pass unchecked.
 */
export function parameterRecord(description: Description, parameter: Parameter): ParameterRecord {
  const { node } = parameter;
  // A parameter with `content` is a text in that media type (OpenAPI 3.0.3 "Fixed Fields for use with content").
  const written = 'content' in node ? { type: 'string' } : (node.schema ?? {});
  const schema = simplify(description, written, at(parameter.pointer, 'schema'), 0);
  const text = node.description ?? schema.description;
  return {
    ...schema,
    ...(typeof text === 'string' && text !== '' ? { description: cut(text, 500) } : { description: undefined }),
    ...(node.deprecated === true ? { deprecated: true } : {}),
    ...(node.required === true && parameter.in === 'query' ? { required: true } : {}),
  };
}

/** Cuts a text at a limit, between words where there are any, and ends it with `…`. */
export function cut(text: string, limit: number): string {
  if (text.length <= limit) {
    return text;
  }
  const short = text.slice(0, limit - 1);
  const space = short.search(/\s\S*$/);
  return `${(space > limit / 2 ? short.slice(0, space) : short.toWellFormed()).trimEnd()}…`;
}

const kept = [
  'type',
  'format',
  'enum',
  'const',
  'default',
  'description',
  'minimum',
  'maximum',
  'exclusiveMinimum',
  'exclusiveMaximum',
  'multipleOf',
  'minLength',
  'maxLength',
  'pattern',
  'minItems',
  'maxItems',
  'uniqueItems',
];
const scalars = ['string', 'integer', 'number', 'boolean'];

function simplify(description: Description, value: unknown, pointer: string, depth: number): ParameterRecord {
  if (!isObject(value) || depth > 16) {
    return {};
  }
  if (typeof value.$ref === 'string') {
    const target = referenceTarget(value.$ref);
    if (target === null) {
      description.refuse(pointer, 'reference', outsideReference(value.$ref));
      return {};
    }
    return simplify(description, lookup(description.root, target), target, depth + 1);
  }
  const schema = description.dialect === '3.0' ? fromDialect30(value) : value;
  const record: ParameterRecord = {};
  for (const keyword of kept) {
    const usable =
      keyword !== 'pattern' ||
      schema.pattern === undefined ||
      isUsablePattern(description, schema.pattern, at(pointer, keyword));
    if (schema[keyword] !== undefined && usable) {
      record[keyword] = schema[keyword];
    }
  }
  for (const part of listOf(schema.allOf)) {
    Object.assign(record, { ...simplify(description, part, pointer, depth + 1), ...record });
  }
  const choices = [...listOf(schema.oneOf), ...listOf(schema.anyOf)].map((part) =>
    simplify(description, part, pointer, depth + 1),
  );
  if (choices.length > 0) {
    Object.assign(record, { ...widest(choices), ...record });
  }
  if (Array.isArray(record.type)) {
    Object.assign(record, widest(record.type.map((type) => ({ ...record, type }))));
  }
  if (Array.isArray(record.enum)) {
    record.enum = record.enum.filter((entry) => entry !== null);
  }
  return typed(record, () => simplify(description, schema.items, at(pointer, 'items'), depth + 1));
}

/** Keeps the types that an operation's parameter may have. */
function typed(record: ParameterRecord, items: () => ParameterRecord): ParameterRecord {
  const type = record.type as string | undefined;
  if (type === 'array') {
    const { description: _description, default: _default, ...element } = items();
    return { ...record, items: record.items ?? element };
  }
  if (type === undefined || scalars.includes(type)) {
    return record;
  }
  return record.description === undefined ? {} : { description: record.description };
}

/** What accepts everything that one of the alternatives accepts. */
function widest(choices: ParameterRecord[]): ParameterRecord {
  const real = choices.filter((choice) => (choice.type as string | undefined) !== 'null');
  const list = real.find((choice) => (choice.type as string | undefined) === 'array');
  if (list !== undefined) {
    const elements = real.map((choice) => ((choice.type as string | undefined) === 'array' ? choice.items : choice));
    return { ...list, items: elements.length > 1 ? widest(elements as ParameterRecord[]) : list.items };
  }
  const types = new Set(real.map((choice) => choice.type));
  if (real.length === 1) {
    return { ...real[0] };
  }
  const type =
    types.size === 1
      ? [...types][0]
      : types.has('integer') && types.has('number') && types.size === 2
        ? 'number'
        : 'string';
  const values = real.map((choice) => (choice.const !== undefined ? [choice.const] : choice.enum));
  const closed = values.every((list) => Array.isArray(list)) && types.size === 1;
  return { type: type ?? 'string', ...(closed ? { enum: [...new Set(values.flat())] } : {}) } as ParameterRecord;
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
