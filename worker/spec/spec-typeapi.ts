import {
  closureOf,
  type DescribedOperation,
  type Description,
  type Models,
  modelsOf,
  type Payload,
  pathParametersOf,
  payloadsIn,
  type TypeSchema,
  tagsOf,
} from './description.ts';
import { modelsInType } from './references.ts';
import { typeOfModel, typesOf } from './typeschema-of.ts';

/** The description as a TypeAPI document (typeapi.org), as Fusio's clients and code generators read it. */
export function typeApiOf({ baseUrl, scopes, operations, models, grants }: Description): Record<string, unknown> {
  const names = closureOf(modelsOf(operations.flatMap(payloadsIn)), models.types, modelsInType);
  return {
    baseUrl,
    security: {
      type: 'oauth2',
      tokenUrl: `${baseUrl}/authorization/token`,
      ...(grants.includes('authorization_code') ? { authorizationUrl: `${baseUrl}/authorization/authorize` } : {}),
      scopes: Object.keys(scopes),
    },
    operations: Object.fromEntries(operations.map((operation) => [operation.name, operationOf(operation, models)])),
    definitions: Object.fromEntries(names.map((name) => [name, models.types[name]])),
  };
}

function operationOf(operation: DescribedOperation, models: Models): Record<string, unknown> {
  const { path, method, description, stability, code, outgoing, throws, scopes } = operation;
  return {
    path,
    method,
    return: { code, ...contentOf(outgoing, models) },
    arguments: argumentsOf(operation, models),
    throws: throws.map(([status, payload]) => ({ code: status, ...contentOf(payload, models) })),
    description,
    stability,
    security: operation.public ? [] : scopes,
    authorization: !operation.public,
    tags: tagsOf(operation),
  };
}

function argumentsOf(operation: DescribedOperation, models: Models): Record<string, unknown> {
  const inPath = pathParametersOf(operation);
  const typed = (name: string): TypeSchema => parameterType(operation.parameters[name] ?? {});
  const query = Object.keys(operation.parameters).filter((name) => !inPath.includes(name));
  return Object.fromEntries([
    ...inPath.map((name) => [name, { in: 'path', schema: typed(name) }]),
    ...query.map((name) => [name, { in: 'query', schema: typed(name) }]),
    ...(operation.incoming === null ? [] : [['payload', { in: 'body', ...contentOf(operation.incoming, models) }]]),
  ]);
}

/** Parameters are scalars; a list of them is an array. */
function parameterType(declared: Record<string, unknown>): TypeSchema {
  const properties = { value: declared.type === undefined ? { type: 'string', ...declared } : declared };
  const { Parameter } = typesOf({ Parameter: { type: 'object', properties } });
  return (Parameter!.properties as Record<string, TypeSchema>).value!;
}

function contentOf(payload: Payload, models: Models): Record<string, unknown> {
  return 'media' in payload ? { contentType: payload.media } : { schema: typeOfModel(payload.model, models) };
}
