import { isObject } from '../json.ts';
import type { Dialect } from './dialect.ts';
import { compilePattern, type Pattern, PatternError } from './pattern.ts';
import { escapePointer, SchemaError, type Violation } from './problem.ts';
import type { Node } from './run.ts';

/** What a keyword's compiler sees of the schema object that it stands in: typed access that refuses wrong values with their place. */
export interface Site {
  readonly dialect: Dialect;
  has(keyword: string): boolean;
  /** The raw value of a keyword of the validation vocabulary. */
  value(keyword: string): unknown;
  count(keyword: string): number | undefined;
  number(keyword: string): number | undefined;
  flag(keyword: string): boolean;
  text(keyword: string): string | undefined;
  /** The value of `format`, where it is asserted. */
  format(): string | undefined;
  names(keyword: string): string[] | undefined;
  /** A map of names to lists of names, `dependentRequired`. */
  nameLists(keyword: string): [string, string[]][];
  /** The schema of a keyword; `inPlace` when it looks at the same value. */
  one(keyword: string, inPlace?: boolean): Node | undefined;
  list(keyword: string, inPlace?: boolean): Node[];
  map(keyword: string, inPlace?: boolean): [string, Node][];
  /** Whether the keyword's value is a list (of schemas), where it may be either. */
  isList(keyword: string): boolean;
  /** `dependencies`: names → lists of names or schemas. */
  mixedDependencies(): [string, string[] | Node][];
  /** Whether the schema of a member says that it may be null. */
  admitsNull(member: string): boolean;
  /** The target of `$ref` and its kin. */
  reference(keyword: string): Reference | undefined;
  pattern(source: string, pointer: string): Pattern;
  refuse(keyword: string, message: string): never;
}

export interface Reference {
  node: Node;
  /** For dynamic references: the same anchor in another resource of the dynamic scope (2020-12 core §8.2.3.2). */
  elsewhere?(resource: object): Node | undefined;
}

/** What a site asks of the compiler. */
export interface Surroundings {
  dialect: Dialect;
  validates: boolean;
  assertsFormat: boolean;
  pointer: string;
  /** The node of a schema below this one. */
  child(schema: unknown, pointer: string): Node;
  reference(keyword: string, reference: string): Reference;
  /** Patterns of one compilation, by source; the sum of their sizes is bounded. */
  patterns: Map<string, Pattern>;
}

/** All patterns of one schema together, in instructions. */
const largestProgram = 200_000;

/** Typed access to one schema object. Throws SchemaError. */
export function siteOf(schema: Record<string, unknown>, node: Node, around: Surroundings): Site {
  const { dialect } = around;
  const has = (keyword: string): boolean =>
    Object.hasOwn(schema, keyword) && schema[keyword] !== undefined && dialect.has(keyword);
  const place = (keyword: string): string => `${around.pointer}/${escapePointer(keyword)}`;
  const refuse = (keyword: string, message: string, below = ''): never => {
    const violation: Violation = { pointer: place(keyword) + below, rule: keyword, message };
    throw new SchemaError([violation]);
  };
  /** A keyword of the validation vocabulary, which a metaschema can leave out. */
  const asserted = (keyword: string): unknown => (around.validates && has(keyword) ? schema[keyword] : undefined);
  const adopt = (child: Node, inPlace: boolean | undefined): Node => {
    if (inPlace === true) {
      node.inPlace.push(child);
    }
    return child;
  };
  const checkNames = (keyword: string, value: unknown, below = ''): string[] => {
    const valid = Array.isArray(value) && value.every((name) => typeof name === 'string');
    return valid ? value : refuse(keyword, 'must be a list of names', below);
  };
  return {
    dialect,
    has,
    value: asserted,
    count(keyword) {
      const value = asserted(keyword);
      const valid = value === undefined || (Number.isInteger(value) && (value as number) >= 0);
      return valid ? (value as number | undefined) : refuse(keyword, 'must be an integer that is not negative');
    },
    number(keyword) {
      const value = asserted(keyword);
      const valid = value === undefined || Number.isFinite(value);
      return valid ? (value as number | undefined) : refuse(keyword, 'must be a number');
    },
    flag(keyword) {
      const value = asserted(keyword);
      return value === undefined || typeof value === 'boolean'
        ? value === true
        : refuse(keyword, 'must be true or false');
    },
    text(keyword) {
      const value = asserted(keyword);
      return value === undefined || typeof value === 'string' ? value : refuse(keyword, 'must be a text');
    },
    format() {
      // It belongs to a vocabulary of its own, so it counts where `minLength` does not.
      const value = has('format') ? schema.format : undefined;
      const name = value === undefined || typeof value === 'string' ? value : refuse('format', 'must be a text');
      return around.assertsFormat ? name : undefined;
    },
    names(keyword) {
      const value = asserted(keyword);
      return value === undefined ? undefined : checkNames(keyword, value);
    },
    nameLists(keyword) {
      const value = asserted(keyword) ?? {};
      const entries = Object.entries(isObject(value) ? value : refuse(keyword, 'must be an object'));
      return entries.map(([name, list]) => [name, checkNames(keyword, list, `/${escapePointer(name)}`)]);
    },
    one(keyword, inPlace) {
      return has(keyword) ? adopt(around.child(schema[keyword], place(keyword)), inPlace) : undefined;
    },
    list(keyword, inPlace) {
      const value = has(keyword) ? schema[keyword] : [];
      const list = Array.isArray(value) ? value : refuse(keyword, 'must be a list of schemas');
      if (list.length === 0 && has(keyword) && keyword !== 'items') {
        refuse(keyword, 'must not be empty');
      }
      return list.map((child, index) => adopt(around.child(child, `${place(keyword)}/${index}`), inPlace));
    },
    map(keyword, inPlace) {
      const value = has(keyword) ? schema[keyword] : {};
      const entries = Object.entries(isObject(value) ? value : refuse(keyword, 'must be an object of schemas'));
      return entries.map(([name, child]) => {
        return [name, adopt(around.child(child, `${place(keyword)}/${escapePointer(name)}`), inPlace)];
      });
    },
    isList: (keyword) => has(keyword) && Array.isArray(schema[keyword]),
    mixedDependencies() {
      const held = isObject(schema.dependencies) ? schema.dependencies : refuse('dependencies', 'must be an object');
      return Object.entries(held).map(([name, value]): [string, string[] | Node] => {
        const below = `/${escapePointer(name)}`;
        return Array.isArray(value)
          ? [name, checkNames('dependencies', value, below)]
          : [name, adopt(around.child(value, place('dependencies') + below), true)];
      });
    },
    admitsNull(member) {
      const { properties } = schema;
      const type =
        isObject(properties) && Object.hasOwn(properties, member) && isObject(properties[member])
          ? properties[member].type
          : [];
      return type === 'null' || (Array.isArray(type) && type.includes('null'));
    },
    reference(keyword) {
      if (!has(keyword)) {
        return undefined;
      }
      const value = schema[keyword];
      const reference = around.reference(
        keyword,
        typeof value === 'string' ? value : refuse(keyword, 'must be a text'),
      );
      adopt(reference.node, true);
      return reference;
    },
    pattern(source, pointer) {
      let pattern = around.patterns.get(source);
      if (pattern === undefined) {
        pattern = compileAt(source, around.pointer + pointer);
        around.patterns.set(source, pattern);
        const total = [...around.patterns.values()].reduce((sum, { size }) => sum + size, 0);
        if (total > largestProgram) {
          throw new SchemaError([{ pointer: '', rule: 'budget', message: 'has too many large patterns' }]);
        }
      }
      return pattern;
    },
    refuse,
  };
}

function compileAt(source: string, pointer: string): Pattern {
  try {
    return compilePattern(source);
  } catch (thrown) {
    if (thrown instanceof PatternError) {
      const message = `is a pattern that cannot be used: ${thrown.message} (at position ${thrown.position})`;
      throw new SchemaError([{ pointer, rule: 'pattern', message }]);
    }
    throw thrown;
  }
}
