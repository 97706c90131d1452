type Json = Record<string, unknown>;

/**
 * One schema of OpenAPI 3.0 (or Swagger 2.0), without what is nested in it, in the words of JSON Schema 2020-12: `nullable`,
 * exclusive bounds and `example` are translated (OpenAPI 3.0.3 "Schema Object"), what stands beside a `$ref` is dropped, save
 * `nullable`, which authors mean although the specification ignores it there.
 */
export function fromDialect30(schema: Json): Json {
  const nullable = schema.nullable === true || schema['x-nullable'] === true;
  if (typeof schema.$ref === 'string') {
    return nullable ? { anyOf: [{ $ref: schema.$ref }, { type: 'null' }] } : { $ref: schema.$ref };
  }
  const { nullable: _nullable, 'x-nullable': _extension, example, minimum, maximum, ...rest } = schema;
  const converted: Json = { ...rest };
  if (schema.type === 'file') {
    delete converted.type;
  }
  if (example !== undefined) {
    converted.examples = [example];
  }
  for (const [bound, value, exclusive] of [
    ['minimum', minimum, 'exclusiveMinimum'],
    ['maximum', maximum, 'exclusiveMaximum'],
  ] as const) {
    const open = schema[exclusive] === true;
    if (typeof schema[exclusive] === 'boolean') {
      delete converted[exclusive];
    }
    if (value !== undefined) {
      converted[open ? exclusive : bound] = value;
    }
  }
  return nullable ? allowNull(converted) : converted;
}

function allowNull(schema: Json): Json {
  if (['allOf', 'anyOf', 'oneOf', 'not', '$ref'].some((keyword) => keyword in schema)) {
    const { description, title, ...constraints } = schema;
    const annotations = Object.fromEntries(
      Object.entries({ title, description }).filter(([, text]) => text !== undefined),
    );
    return { ...annotations, anyOf: [constraints, { type: 'null' }] };
  }
  const converted: Json = { ...schema };
  if (typeof schema.type === 'string') {
    converted.type = [schema.type, 'null'];
  }
  if (Array.isArray(schema.enum) && !schema.enum.includes(null)) {
    converted.enum = [...schema.enum, null];
  }
  return converted;
}
