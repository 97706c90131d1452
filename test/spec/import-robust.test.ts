import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ApiError } from '../../worker/core/errors.ts';
import { importOpenApi } from '../../worker/spec/import-openapi.ts';

const numRuns = process.env.POSTERN_FULL ? 20_000 : 600;

const openapi = {
  openapi: '3.0.3',
  servers: [{ url: 'https://{host}/v1', variables: { host: { default: 'up.example' } } }],
  paths: {
    '/pets/{petId}': {
      parameters: [{ name: 'petId', in: 'path', required: true, schema: { type: 'integer', nullable: true } }],
      get: {
        operationId: 'getPet',
        parameters: [
          { $ref: '#/components/parameters/Limit' },
          {
            name: 'tags',
            in: 'query',
            schema: { oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }] },
          },
        ],
        responses: {
          200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Pet' } } } },
          '4XX': { $ref: '#/components/responses/Bad' },
          default: {},
        },
      },
      put: {
        requestBody: {
          content: {
            'application/json': { schema: { allOf: [{ $ref: '#/components/schemas/Pet' }, { required: ['id'] }] } },
          },
        },
        responses: {},
      },
    },
    '/files/{a}-{b}': { post: { requestBody: { content: { 'text/plain': {} } } } },
  },
  components: {
    parameters: {
      Limit: {
        name: 'page-limit',
        in: 'query',
        schema: { type: 'integer', minimum: 1, exclusiveMinimum: true, pattern: '^x' },
      },
    },
    responses: {
      Bad: { content: { 'application/json': { schema: { type: 'object', properties: { why: { type: 'string' } } } } } },
    },
    schemas: {
      Pet: {
        type: 'object',
        required: ['id', 'name'],
        properties: {
          id: { type: 'integer', readOnly: true },
          name: { type: 'string', pattern: '^[a-z]+$' },
          owner: { $ref: '#/components/schemas/Owner' },
        },
        discriminator: { propertyName: 'kind', mapping: { owner: 'Owner' } },
      },
      Owner: {
        type: 'object',
        properties: { pets: { type: 'array', items: { $ref: '#/components/schemas/Pet' } } },
        additionalProperties: false,
        not: {},
      },
    },
  },
};

const swagger = {
  swagger: '2.0',
  host: 'up.example',
  basePath: '/v1',
  consumes: ['application/json'],
  parameters: { limit: { name: 'limit', in: 'query', type: 'integer' } },
  responses: { bad: { schema: { $ref: '#/definitions/Pet' } } },
  paths: {
    '/pets': {
      post: {
        parameters: [
          { $ref: '#/parameters/limit' },
          { in: 'body', name: 'pet', schema: { $ref: '#/definitions/Pet' } },
          { in: 'formData', name: 'f', type: 'file' },
        ],
        responses: { 201: { schema: { $ref: '#/definitions/Pet' } }, 400: { $ref: '#/responses/bad' } },
      },
    },
  },
  definitions: { Pet: { type: 'object', discriminator: 'kind', properties: { next: { $ref: '#/definitions/Pet' } } } },
};

/** Every place of a document, as a list of keys. */
function places(value: unknown, path: string[] = []): string[][] {
  return typeof value === 'object' && value !== null
    ? [path, ...Object.entries(value).flatMap(([key, member]) => places(member, [...path, key]))]
    : [path];
}

function replaced(value: any, [key, ...rest]: string[], by: unknown): unknown {
  if (key === undefined) {
    return by;
  }
  const copy = Array.isArray(value) ? [...value] : { ...value };
  copy[key] = replaced(value[key], rest, by);
  return copy;
}

/** What authors put where it does not belong. */
const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(
    { $ref: '#/components/schemas/Pet' },
    { $ref: '#/components/responses/Bad' },
    { $ref: '#' },
    { $ref: '#/paths/~1pets~1{petId}' },
    { $ref: 7 },
    { allOf: [{ $ref: '#/components/schemas/Owner' }], nullable: true },
    { type: ['string', 'null'], enum: [null, 1] },
    '{',
    '/a//b',
    true,
    null,
  ),
);

it.each([
  ['OpenAPI 3.0', openapi],
  ['OpenAPI 3.1', { ...openapi, openapi: '3.1.0' }],
  ['Swagger 2.0', swagger],
])(
  '%s with anything in any place is imported or refused, never a defect',
  (_title, document) => {
    const everywhere = places(document);
    let imported = 0;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...everywhere), odd), { minLength: 1, maxLength: 2 }),
        (changes) => {
          let changed: unknown = document;
          for (const [path, value] of changes) {
            try {
              changed = replaced(changed, path, value);
            } catch {
              // The second place is gone with the first.
            }
          }
          try {
            const result = importOpenApi(changed, { prefix: '/p' });
            imported += 1;
            const names = new Set(
              result.schemas.map((schema) => `schema://${schema.name}`).concat('schema://Passthru'),
            );
            const text = JSON.stringify([
              result.operations.map(({ incoming, outgoing, throws }) => [incoming, outgoing, throws]),
            ]);
            expect((text.match(/schema:\/\/[^"]+/g) ?? []).filter((name) => !names.has(name))).toEqual([]);
          } catch (thrown) {
            if (!(thrown instanceof ApiError)) {
              throw thrown;
            }
            expect(thrown.status).toBe(400);
          }
        },
      ),
      { numRuns },
    );
    expect(imported).toBeGreaterThan(numRuns / 10);
  },
  60_000,
);
