import { isObject } from '../lib/json.ts';

type Json = Record<string, unknown>;

/**
 * Rewrites a Swagger 2.0 document in the shape of OpenAPI 3.0, as far as an import reads it: servers, paths, parameters,
 * bodies, responses and schemas. Positions of parameters in their lists are kept.
 */
export function fromSwagger2(document: Json): Json {
  const consumes = stringsIn(document.consumes, ['application/json']);
  const produces = stringsIn(document.produces, ['application/json']);
  const shared = objectIn(document.parameters);
  const upgraded = {
    openapi: '3.0.3',
    info: document.info,
    servers: serversOf(document),
    paths: mapValues(objectIn(document.paths), (item) =>
      mapValues(objectIn(item), (value, key) => {
        if (key === 'parameters') {
          return parametersOf(value, shared);
        }
        return methods.has(key) && isObject(value)
          ? operationOf(value, objectIn(item), shared, consumes, produces)
          : value;
      }),
    ),
    components: {
      schemas: objectIn(document.definitions),
      parameters: mapValues(shared, (parameter) => parameterOf(parameter)),
      responses: mapValues(objectIn(document.responses), (response) => responseOf(response, produces)),
      securitySchemes: objectIn(document.securityDefinitions),
    },
    security: document.security,
  };
  return rewriteReferences(upgraded) as Json;
}

const methods = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch']);

function serversOf(document: Json): Json[] {
  const base = typeof document.basePath === 'string' ? document.basePath : '';
  if (typeof document.host !== 'string') {
    return [{ url: base === '' ? '/' : base }];
  }
  const schemes = stringsIn(document.schemes, ['https']);
  const scheme = schemes.includes('https') ? 'https' : schemes[0]!;
  return [{ url: `${scheme}://${document.host}${base}` }];
}

function operationOf(operation: Json, item: Json, shared: Json, consumes: string[], produces: string[]): Json {
  const accepts = stringsIn(operation.consumes, consumes);
  const gives = stringsIn(operation.produces, produces);
  const own = listIn(operation.parameters).map((parameter) => resolved(parameter, shared));
  const inherited = listIn(item.parameters)
    .map((parameter) => resolved(parameter, shared))
    .filter((parameter) => !own.some((other) => other.name === parameter.name && other.in === parameter.in));
  const { parameters, consumes: _consumes, produces: _produces, ...rest } = operation;
  const body = bodyOf([...inherited, ...own], accepts);
  return {
    ...rest,
    parameters: parametersOf(parameters, shared),
    ...(body === null ? {} : { requestBody: body }),
    responses: mapValues(objectIn(operation.responses), (response) => responseOf(response, gives)),
  };
}

/** What is `in: body` or `in: formData` is no parameter in OpenAPI 3; its place in the list stays, empty. */
function parametersOf(parameters: unknown, shared: Json): Json[] {
  return listIn(parameters).map((parameter) => {
    const kind = resolved(parameter, shared).in;
    if (kind === 'body' || kind === 'formData') {
      return { name: '-', in: 'body' };
    }
    return isObject(parameter) && typeof parameter.$ref === 'string' ? parameter : parameterOf(parameter);
  });
}

function parameterOf(parameter: unknown): Json {
  const { name, in: place, description, required, deprecated, collectionFormat, ...schema } = objectIn(parameter);
  const style =
    collectionFormat === 'multi' ? { style: 'form', explode: true } : schema.type === 'array' ? { explode: false } : {};
  return { name, in: place, description, required, deprecated, ...style, schema };
}

function bodyOf(parameters: Json[], accepts: string[]): Json | null {
  const body = parameters.find((parameter) => parameter.in === 'body');
  if (body !== undefined) {
    return { required: body.required === true, content: contentOf(accepts, body.schema) };
  }
  const fields = parameters.filter((parameter) => parameter.in === 'formData');
  if (fields.length === 0) {
    return null;
  }
  const multipart = fields.some((field) => field.type === 'file') || accepts.includes('multipart/form-data');
  return {
    content: {
      [multipart ? 'multipart/form-data' : 'application/x-www-form-urlencoded']: { schema: { type: 'object' } },
    },
  };
}

function responseOf(response: unknown, produces: string[]): Json {
  const { schema, examples: _examples, headers: _headers, ...rest } = objectIn(response);
  if (schema === undefined) {
    return rest;
  }
  const file = isObject(schema) && schema.type === 'file';
  return { ...rest, content: contentOf(file ? ['application/octet-stream'] : produces, file ? {} : schema) };
}

function contentOf(mediaTypes: string[], schema: unknown): Json {
  return Object.fromEntries(mediaTypes.map((mediaType) => [mediaType, schema === undefined ? {} : { schema }]));
}

/** `#/definitions/X` → `#/components/schemas/X`, and so on, wherever a `$ref` stands. */
function rewriteReferences(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(rewriteReferences);
  }
  if (!isObject(value)) {
    return value;
  }
  return mapValues(value, (member, key) =>
    key === '$ref' && typeof member === 'string'
      ? member
          .replace(/^#\/definitions\//, '#/components/schemas/')
          .replace(/^#\/(parameters|responses)\//, '#/components/$1/')
      : rewriteReferences(member),
  );
}

function resolved(parameter: unknown, shared: Json): Json {
  const reference = objectIn(parameter).$ref;
  return typeof reference === 'string' ? objectIn(shared[reference.split('/').pop() ?? '']) : objectIn(parameter);
}

function mapValues(object: Json, change: (value: unknown, key: string) => unknown): Json {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value, key)]));
}

function objectIn(value: unknown): Json {
  return isObject(value) ? value : {};
}

function listIn(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function stringsIn(value: unknown, otherwise: string[]): string[] {
  const strings = listIn(value).filter((entry) => typeof entry === 'string');
  return strings.length > 0 ? strings : otherwise;
}
