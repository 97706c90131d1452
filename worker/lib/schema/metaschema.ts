/**
 * What schemas of each draft must look like, for documents that say `$ref` to a metaschema. Written for this engine: one
 * document per draft instead of the official ones' many, with the same verdicts; nobody can extend them by `$dynamicRef`.
 */
export const metaschemas: Record<string, unknown> = {
  'http://json-schema.org/draft-07/schema': metaschema('http://json-schema.org/draft-07/schema#', false),
  'https://json-schema.org/draft/2019-09/schema': metaschema('https://json-schema.org/draft/2019-09/schema', true),
  'https://json-schema.org/draft/2020-12/schema': metaschema('https://json-schema.org/draft/2020-12/schema', true),
};

function metaschema(uri: string, newer: boolean): unknown {
  const schema = { $ref: '#' };
  const schemas = { type: 'array', minItems: 1, items: schema };
  const map = { type: 'object', additionalProperties: schema };
  const names = { type: 'array', items: { type: 'string' }, uniqueItems: true };
  const count = { type: 'integer', minimum: 0 };
  const text = { type: 'string' };
  const flag = { type: 'boolean' };
  const simple = ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string'];
  const schemaOrList = { anyOf: [schema, schemas] };
  const regexNames = { ...map, propertyNames: { format: 'regex' } };
  const properties: Record<string, unknown> = {
    $id: { type: 'string', format: 'uri-reference', ...(newer ? { pattern: '^[^#]*#?$' } : {}) },
    $schema: { type: 'string', format: 'uri' },
    $ref: { type: 'string', format: 'uri-reference' },
    $comment: text,
    title: text,
    description: text,
    readOnly: flag,
    writeOnly: flag,
    examples: { type: 'array' },
    multipleOf: { type: 'number', exclusiveMinimum: 0 },
    maximum: { type: 'number' },
    exclusiveMaximum: { type: 'number' },
    minimum: { type: 'number' },
    exclusiveMinimum: { type: 'number' },
    maxLength: count,
    minLength: count,
    pattern: { type: 'string', format: 'regex' },
    maxItems: count,
    minItems: count,
    uniqueItems: flag,
    maxProperties: count,
    minProperties: count,
    required: names,
    enum: { type: 'array' },
    type: { anyOf: [{ enum: simple }, { type: 'array', items: { enum: simple }, minItems: 1, uniqueItems: true }] },
    format: text,
    contentMediaType: text,
    contentEncoding: text,
    additionalProperties: schema,
    properties: map,
    patternProperties: regexNames,
    propertyNames: schema,
    dependencies: { type: 'object', additionalProperties: { anyOf: [schema, names] } },
    definitions: map,
    if: schema,
    // biome-ignore lint/suspicious/noThenProperty: a JSON Schema keyword
    then: schema,
    else: schema,
    allOf: schemas,
    anyOf: schemas,
    oneOf: schemas,
    not: schema,
    contains: schema,
    items: uri.includes('2020-12') ? schema : schemaOrList,
    ...(uri.includes('2020-12') ? {} : { additionalItems: schema }),
  };
  if (newer) {
    const anchor = { type: 'string', pattern: '^[A-Za-z_][-A-Za-z0-9._]*$' };
    Object.assign(properties, {
      $anchor: anchor,
      $defs: map,
      $vocabulary: { type: 'object', propertyNames: { type: 'string', format: 'uri' }, additionalProperties: flag },
      deprecated: flag,
      dependentRequired: { type: 'object', additionalProperties: names },
      dependentSchemas: map,
      contentSchema: schema,
      maxContains: count,
      minContains: count,
      unevaluatedItems: schema,
      unevaluatedProperties: schema,
    });
    if (uri.includes('2020-12')) {
      Object.assign(properties, {
        $dynamicAnchor: anchor,
        $dynamicRef: { type: 'string', format: 'uri-reference' },
        prefixItems: schemas,
      });
    } else {
      Object.assign(properties, { $recursiveAnchor: flag, $recursiveRef: { type: 'string', format: 'uri-reference' } });
    }
  }
  return { $schema: uri, $id: uri, type: ['object', 'boolean'], properties };
}
