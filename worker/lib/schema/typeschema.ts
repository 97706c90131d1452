import { isObject } from '../json.ts';
import { assertFormatKeyword, compile } from './engine.ts';
import { escapePointer, SchemaError } from './problem.ts';
import { namedReferences } from './references.ts';
import { TypeSchemaConversion } from './typeschema-conversion.ts';

/** A source as JSON Schema, and the names of the other schemas that it refers to by `schema://Name`. */
export interface Converted {
  schema: Record<string, unknown>;
  references: string[];
}

/**
 * What people write as a schema, TypeSchema (typeschema.org, as Fusio reads it) or JSON Schema, as JSON Schema. The result
 * is compiled once to prove that it is good, named schemas aside. Throws SchemaError with pointers into the source.
 */
export function toJsonSchema(source: unknown): Converted {
  if (!isObject(source)) {
    throw new SchemaError([{ pointer: '', rule: 'schema', message: 'must be an object' }]);
  }
  const schema =
    kindOfSchema(source) === 'typeschema' ? new TypeSchemaConversion(source).run(assertFormatKeyword) : source;
  try {
    compile(schema, { ignoreNamed: true });
  } catch (thrown) {
    throw schema !== source && thrown instanceof SchemaError ? inSource(thrown) : thrown;
  }
  return { schema, references: namedReferences(schema) };
}

/**
 * Which of the two a source is. TypeSchema shows by `root`, `import`, its own types (`struct`, `map`, `reference`, …) or,
 * in the older style, by references that are bare names. What could be both is read as JSON Schema.
 */
export function kindOfSchema(source: unknown): 'typeschema' | 'jsonschema' {
  if (!isObject(source) || ['$schema', '$id', '$defs'].some((keyword) => Object.hasOwn(source, keyword))) {
    return 'jsonschema';
  }
  const named =
    typeof source.root === 'string' || isObject(source.import) || isObject(source.$import) || '$class' in source;
  return named || isOfTypeSchema(source, 0) ? 'typeschema' : 'jsonschema';
}

const ownTypes = new Set(['struct', 'map', 'reference', 'generic', 'any', 'union', 'intersection']);

/** Looks for what only TypeSchema has, where types can be. */
function isOfTypeSchema(type: unknown, depth: number): boolean {
  if (!isObject(type) || depth > 20) {
    return false;
  }
  const bare = typeof type.$ref === 'string' && /^(?:\w[\w-]*:)?[A-Za-z_][\w.-]*$/.test(type.$ref);
  if (
    bare ||
    ownTypes.has(type.type as string) ||
    type.nullable === false ||
    '$generic' in type ||
    '$extends' in type
  ) {
    return true;
  }
  const below = [type.schema, type.items, type.additionalProperties, type.oneOf, type.allOf].flat();
  const maps = [type.definitions, type.properties].flatMap((map) => (isObject(map) ? Object.values(map) : []));
  return [...below, ...maps].some((child) => isOfTypeSchema(child, depth + 1));
}

/** Pointers into the converted schema, as close as they come to the source. */
function inSource(error: SchemaError): SchemaError {
  const violations = error.violations.map((violation) => {
    const pointer = violation.pointer.replace(/^\/\$defs\//, `/${escapePointer('definitions')}/`);
    return { ...violation, pointer };
  });
  return new SchemaError(violations);
}
