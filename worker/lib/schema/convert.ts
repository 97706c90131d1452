import { compile, type Violation } from './engine.ts';
import { escapePointer } from './problem.ts';
import { type Shape, shapeOf } from './shape.ts';

/** What became of textual values: by name, with what broke the rules (pointers `/name`). */
export interface ConvertedTexts {
  values: Record<string, unknown>;
  violations: Violation[];
}

/** Names and texts as a request carries them; a name may come several times. */
export type Texts = Iterable<[string, string]>;

/**
 * Turns the texts of a query, path or form into values by the types that the contract admits. What cannot be converted
 * stays text, so that the check that follows says what is wrong with it. Lists come repeated (`?id=1&id=2`) or with commas
 * (`?id=1,2`). Numbers, booleans and lists that are empty count as not given. Undeclared names stay text; of repeated ones
 * the last counts, as in Fusio. A repeated scalar is a violation.
 */
export function convertTexts(texts: Texts, shape: Shape): ConvertedTexts {
  const given = new Map<string, string[]>();
  for (const [name, text] of texts) {
    const list = given.get(name);
    if (list === undefined) {
      given.set(name, [text]);
    } else {
      list.push(text);
    }
  }
  const values: [string, unknown][] = [];
  const violations: Violation[] = [];
  for (const [name, list] of given) {
    const member = shape.properties.get(name);
    if (member === undefined || member.types.has('array')) {
      const value = member === undefined ? list.at(-1) : convertList(list, member);
      if (value !== undefined) {
        values.push([name, value]);
      }
    } else if (list.length > 1) {
      violations.push({
        pointer: `/${escapePointer(name)}`,
        rule: 'type',
        message: 'must not be given more than once',
      });
    } else if (list[0] !== '' || takesText(member)) {
      values.push([name, convertText(list[0]!, member)]);
    }
  }
  // From entries, so that `__proto__` is a name like any other.
  return { values: Object.fromEntries(values), violations };
}

function convertList(list: string[], shape: Shape): unknown {
  const texts = itemTexts(list);
  if (texts.length === 0) {
    return undefined;
  }
  return texts.map((text) => (shape.items === undefined ? text : convertText(text, shape.items)));
}

function itemTexts(list: string[]): string[] {
  const [only] = list;
  return list.length > 1 || only === undefined ? list : only === '' ? [] : only.split(',');
}

function takesText({ types }: Shape): boolean {
  return types.size === 0 || types.has('string');
}

function convertText(text: string, shape: Shape): unknown {
  const { types } = shape;
  if (takesText(shape)) {
    return text;
  }
  if (types.has('integer') && /^-?\d{1,400}$/.test(text)) {
    return Number(text);
  }
  if (
    types.has('number') &&
    /^-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) &&
    Number.isFinite(Number(text))
  ) {
    return Number(text);
  }
  if (types.has('boolean')) {
    if (text === 'true' || text === '1') {
      return true;
    }
    if (text === 'false' || text === '0') {
      return false;
    }
  }
  return types.has('null') && text === 'null' ? null : text;
}

/** The contract of textual parameters, compiled. */
export interface Parameters {
  convert(texts: Texts): ConvertedTexts;
}

/**
 * Compiles the contract of query or path parameters: name → JSON Schema, `format` asserted, and `required: true` where one
 * must be given. Integers that a double cannot hold are checked as numbers, but handed on as text: an id must not change.
 * Throws SchemaError.
 */
export function compileParameters(declared: Record<string, Record<string, unknown>>): Parameters {
  if (Object.keys(declared).length === 0) {
    return { convert: (texts) => ({ values: Object.fromEntries(texts), violations: [] }) };
  }
  const required = Object.keys(declared).filter((name) => declared[name]!.required === true);
  const properties = Object.fromEntries(
    Object.entries(declared).map(([name, parameter]) => {
      const { required: _, ...schema } = parameter ?? {};
      return [name, schema];
    }),
  );
  const schema = { type: 'object', properties, required };
  const shape = shapeOf(schema);
  const contract = compile(schema, { assertFormat: true });
  return {
    convert(texts) {
      const given = [...texts];
      const { values, violations } = convertTexts(given, shape);
      const broken = new Set(violations.map(({ pointer }) => pointer));
      // A repeated scalar has no value; that it is missing too is not worth saying.
      const others = contract.check(values).filter(({ pointer }) => !broken.has(pointer));
      for (const [name, value] of Object.entries(values)) {
        const texts = () => given.filter(([other]) => other === name).map(([, text]) => text);
        if (isInexact(value)) {
          replace(values, name, texts()[0]);
        } else if (Array.isArray(value) && value.some(isInexact)) {
          const items = itemTexts(texts());
          replace(
            values,
            name,
            value.map((item, index) => (isInexact(item) ? items[index] : item)),
          );
        }
      }
      return { values, violations: [...violations, ...others] };
    },
  };
}

function isInexact(value: unknown): boolean {
  return Number.isInteger(value) && !Number.isSafeInteger(value);
}

function replace(values: Record<string, unknown>, name: string, value: unknown): void {
  Object.defineProperty(values, name, { value, writable: true, enumerable: true, configurable: true });
}
