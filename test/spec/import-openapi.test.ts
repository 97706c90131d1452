import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ApiError } from '../../worker/core/errors.ts';
import { importOpenApi } from '../../worker/spec/import-openapi.ts';

/** A description with the given paths and schemas. */
function openapi(paths: object, schemas: object = {}, more: object = {}): object {
  return {
    openapi: '3.0.3',
    info: {},
    servers: [{ url: 'https://up.example' }],
    paths,
    components: { schemas },
    ...more,
  };
}

function ok(more: object = {}): object {
  return { responses: { 200: { description: 'ok' } }, ...more };
}

function problems(document: unknown, options = {}): { pointer: string; rule: string; message: string }[] {
  try {
    importOpenApi(document, options);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(ApiError);
    expect((thrown as ApiError).status).toBe(400);
    return (thrown as ApiError).errors ?? [{ pointer: '', rule: '', message: (thrown as ApiError).message }];
  }
  throw new Error('The import was expected to fail');
}

describe('names', () => {
  it('come from the operationId and the prefix', () => {
    const { operations, actions } = importOpenApi(
      openapi({ '/a': { get: ok({ operationId: 'issues/list-for:repo' }) } }),
      { prefix: '/github/v3' },
    );
    expect(operations[0]).toMatchObject({
      name: 'github.v3.issues.list_for.repo',
      httpPath: '/github/v3/a',
      action: 'action://Github_V3_issues-list-for-repo',
    });
    expect(actions[0]!.name).toBe('Github_V3_issues-list-for-repo');
  });

  it('come from method and path where there is no operationId', () => {
    const { operations } = importOpenApi(openapi({ '/pets/{petId}/toys': { post: ok() } }));
    expect(operations[0]!.name).toBe('post.pets.petId.toys');
  });

  it('are cut and hashed over the limit, so that two long ones stay apart', () => {
    const long = 'a'.repeat(70);
    const { operations } = importOpenApi(
      openapi({ '/a': { get: ok({ operationId: `${long}x` }) }, '/b': { get: ok({ operationId: `${long}y` }) } }),
    );
    const names = operations.map((operation) => operation.name);
    expect(names.every((name) => /^a{55}_[0-9a-f]{8}$/.test(name))).toBe(true);
    expect(new Set(names).size).toBe(2);
  });

  it('that are exactly as long as allowed stay', () => {
    const { operations } = importOpenApi(openapi({ '/a': { get: ok({ operationId: 'b'.repeat(64) }) } }));
    expect(operations[0]!.name).toBe('b'.repeat(64));
  });

  it('under three characters are lengthened', () => {
    expect(importOpenApi(openapi({ '/a': { get: ok({ operationId: 'x' }) } })).operations[0]!.name).toBe('x__');
  });
});

describe('collisions are errors', () => {
  it.each([
    ['operation', openapi({ '/a': { get: ok({ operationId: 'x-y' }) }, '/b': { get: ok({ operationId: 'x_y' }) } })],
    ['schema', openapi({}, { 'A.B': { type: 'string' }, 'A-B': { type: 'string' } })],
    ['route', openapi({ '/a/{x}': { get: ok() }, '/a/{y}': { get: ok() } })],
    ['route', openapi({ '/a': { get: ok({ operationId: 'one' }) }, '/a/': { get: ok({ operationId: 'two' }) } })],
  ])('between two %ss', (kind, document) => {
    const [first] = problems(document);
    expect(first).toMatchObject({ rule: 'collision' });
    expect(first!.message).toContain(kind);
  });

  it('between two query parameters', () => {
    const parameters = ['per-page', 'per.page'].map((name) => ({ name, in: 'query', schema: { type: 'string' } }));
    expect(problems(openapi({ '/a': { get: ok({ parameters }) } }))).toEqual([
      { pointer: '/paths/~1a/get/parameters/1', rule: 'collision', message: expect.stringContaining('"per_page"') },
    ]);
  });

  it('and all of them are told', () => {
    const document = openapi(
      {},
      { 'A.B': {}, 'A-B': { type: 'string' }, 'C.D': { type: 'string' }, 'C-D': { type: 'string' } },
    );
    expect(problems(document)).toHaveLength(1);
    const more = openapi({ '/a/{x}': { get: ok() }, '/a/{y}': { get: ok() }, b: { get: ok() } });
    expect(problems(more).map((problem) => problem.rule)).toEqual(['collision', 'path']);
  });
});

describe('paths', () => {
  const map = (template: string, parameters: object[] = []) => {
    const { operations, actions } = importOpenApi(openapi({ [template]: { get: ok({ parameters }) } }), {
      prefix: '/p',
    });
    return { route: operations[0]!.httpPath, url: actions[0]!.config.url, operation: operations[0]! };
  };

  it.each([
    ['/', '/p', 'https://up.example/'],
    ['/a/{id}', '/p/a/:id', 'https://up.example/a/:id'],
    ['/a/{the-id}/', '/p/a/:the_id', 'https://up.example/a/:the_id/'],
    ['/c/{base}...{head}', '/p/c/$base_head<^(.+)\\.\\.\\.(.+)$>', 'https://up.example/c/:base_head'],
    ['/f/{id}.json', '/p/f/$id<^(.+)\\.json$>', 'https://up.example/f/:id'],
    ['/v1/{name}:cancel', '/p/v1/$name<^(.+)\\:cancel$>', 'https://up.example/v1/:name'],
    ['/:batch', '/p/%3Abatch', 'https://up.example/:batch'],
    ['/$metadata', '/p/%24metadata', 'https://up.example/$metadata'],
  ])('%s', (template, route, url) => {
    expect(map(template)).toMatchObject({ route, url });
  });

  it('call a path parameter apart from a query parameter of its name', () => {
    const parameters = [
      { name: 'id', in: 'path', schema: { type: 'integer' } },
      { name: 'id', in: 'query', schema: { type: 'boolean' } },
    ];
    const { route, url, operation } = map('/a/{id}', parameters);
    expect([route, url]).toEqual(['/p/a/:path_id', 'https://up.example/a/:path_id']);
    expect(operation.parameters).toMatchObject({ path_id: { type: 'integer' }, id: { type: 'boolean' } });
  });

  it('allow an encoded slash where the description says so', () => {
    const parameters = [{ name: 'path', in: 'path', 'x-multi-segment': true, schema: { type: 'string' } }];
    expect(map('/contents/{path}', parameters).operation.options).toEqual({ encodedSlash: ['path'] });
    expect(map('/contents/{path}').operation.options).toBeUndefined();
  });

  it.each([
    ['a', 'does not start'],
    ['/a/{b', 'braces'],
    ['/a/{b}{c}', 'between two parameters'],
    ['/a/{b}/{b}', 'called "b"'],
    ['/{go}/x:go', 'reads like a parameter'],
  ])('%s is refused with its reason', (template, reason) => {
    const [first] = problems(openapi({ [template]: { get: ok() } }));
    expect(first!.message).toContain(reason);
    expect(first!.pointer).toBe(`/paths/${template.replaceAll('/', '~1')}`);
  });
});

describe('parameters', () => {
  const record = (parameter: object, schemas: object = {}) => {
    const parameters = [{ name: 'q', in: 'query', ...parameter }];
    return importOpenApi(openapi({ '/a': { get: ok({ parameters }) } }, schemas)).operations[0]!.parameters!.q;
  };

  it.each([
    [
      { schema: { type: 'integer', minimum: 1, maximum: 100, default: 10 } },
      { type: 'integer', minimum: 1, maximum: 100, default: 10 },
    ],
    [{ schema: { type: 'number', minimum: 0, exclusiveMinimum: true } }, { type: 'number', exclusiveMinimum: 0 }],
    [{ schema: { type: 'string', nullable: true, enum: ['a', 'b', null] } }, { type: 'string', enum: ['a', 'b'] }],
    [{ schema: { $ref: '#/components/schemas/Sort' } }, { type: 'string', enum: ['up'] }],
    [{ schema: { oneOf: [{ type: 'integer' }, { type: 'string' }] } }, { type: 'string' }],
    [
      { schema: { type: 'array', maxItems: 3, items: { type: 'integer' } } },
      { type: 'array', maxItems: 3, items: { type: 'integer' } },
    ],
    [
      { schema: { oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string', enum: ['x'] } }] } },
      { type: 'array', items: { type: 'string' } },
    ],
    [{ schema: { allOf: [{ $ref: '#/components/schemas/Sort' }] } }, { type: 'string', enum: ['up'] }],
    [{ schema: { type: 'object', properties: {} } }, {}],
    [{ content: { 'application/json': { schema: { type: 'object' } } } }, { type: 'string' }],
    [
      { description: 'Which', deprecated: true, schema: { type: 'boolean' } },
      { type: 'boolean', description: 'Which', deprecated: true },
    ],
  ])('%j', (parameter, expected) => {
    expect(JSON.parse(JSON.stringify(record(parameter, { Sort: { type: 'string', enum: ['up'] } })))).toEqual(expected);
  });

  it('of the query that must be given say so', () => {
    expect(record({ required: true, schema: { type: 'string' } })).toMatchObject({ required: true });
  });

  it('with other characters are mapped, and mapped back for the upstream', () => {
    const parameters = [{ name: 'per-page', in: 'query', schema: { type: 'integer' } }];
    const { operations, actions } = importOpenApi(openapi({ '/a': { get: ok({ parameters }) } }));
    expect(operations[0]!.parameters).toEqual({ per_page: { type: 'integer' } });
    expect(actions[0]!.config.rename).toEqual({ per_page: 'per-page' });
  });

  it('of the path item are inherited and replaced', () => {
    const item = {
      parameters: [
        { name: 'id', in: 'path', schema: { type: 'string' } },
        { name: 'x', in: 'query', schema: { type: 'string' } },
      ],
      get: ok({ parameters: [{ name: 'id', in: 'path', schema: { type: 'integer' } }] }),
    };
    expect(importOpenApi(openapi({ '/a/{id}': item })).operations[0]!.parameters).toEqual({
      id: { type: 'integer' },
      x: { type: 'string' },
    });
  });
});

describe('schemas', () => {
  const json = (schema: object) => ({ content: { 'application/json': { schema } } });
  const post = (request: object, response: object = {}) => ({
    post: { operationId: 'send', requestBody: json(request), responses: { 201: { description: '', ...response } } },
  });
  const named = (imported: { schemas: { name: string; source: object }[] }, name: string) =>
    imported.schemas.find((schema) => schema.name === name)?.source;

  it('refer to each other by name, circles included', () => {
    const imported = importOpenApi(
      openapi(
        { '/a': post({ $ref: '#/components/schemas/Node' }) },
        {
          Node: {
            type: 'object',
            properties: { next: { $ref: '#/components/schemas/Node' }, leaf: { $ref: '#/components/schemas/Leaf' } },
          },
          Leaf: { type: 'string' },
        },
      ),
    );
    expect(imported.operations[0]!.incoming).toBe('schema://Node');
    expect(named(imported, 'Node')).toEqual({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: { next: { $ref: 'schema://Node' }, leaf: { $ref: 'schema://Leaf' } },
    });
  });

  it('in bodies are called after the operation, and what says nothing is Passthru', () => {
    const imported = importOpenApi(
      openapi({
        '/a': {
          post: {
            operationId: 'send',
            requestBody: json({ type: 'array', items: { type: 'integer' } }),
            responses: {
              200: { description: '', ...json({}) },
              404: { description: '', ...json({ type: 'string' }) },
              '5XX': { description: 'no body' },
              default: { description: '', ...json({ type: 'object' }) },
            },
          },
        },
      }),
    );
    expect(imported.operations[0]).toMatchObject({
      httpCode: 200,
      incoming: 'schema://send_Request',
      outgoing: 'schema://Passthru',
      throws: { 404: 'schema://send_Error404', 599: 'schema://Passthru', 999: 'schema://send_Error999' },
    });
  });

  it('in shared responses are shared', () => {
    const responses = {
      NotFound: { description: '', ...json({ type: 'object', properties: { why: { type: 'string' } } }) },
    };
    const failing = (operationId: string) => ({
      get: { operationId, responses: { 200: {}, 404: { $ref: '#/components/responses/NotFound' } } },
    });
    const imported = importOpenApi(
      openapi({ '/a': failing('one'), '/b': failing('two') }, {}, { components: { responses } }),
    );
    expect(imported.operations.map((operation) => operation.throws)).toEqual([
      { 404: 'schema://NotFound_Response' },
      { 404: 'schema://NotFound_Response' },
    ]);
  });

  it('at any place of the description get a name when a reference points there', () => {
    const imported = importOpenApi(
      openapi(
        {},
        {
          Aaa: { type: 'object', properties: { b: { type: 'string', minLength: 2 } } },
          Ccc: { type: 'array', items: { $ref: '#/components/schemas/Aaa/properties/b' } },
        },
      ),
    );
    expect(named(imported, 'Ccc')).toMatchObject({ items: { $ref: 'schema://Aaa-properties-b' } });
    expect(named(imported, 'Aaa-properties-b')).toMatchObject({ minLength: 2 });
  });

  it.each([
    [{ type: 'string', nullable: true }, { type: ['string', 'null'] }],
    [
      { type: 'string', nullable: true, enum: ['a'] },
      { type: ['string', 'null'], enum: ['a', null] },
    ],
    [
      { nullable: true, allOf: [{ type: 'object' }], description: 'x' },
      { description: 'x', anyOf: [{ allOf: [{ type: 'object' }] }, { type: 'null' }] },
    ],
    [
      { type: 'integer', minimum: 1, exclusiveMinimum: true, maximum: 9, exclusiveMaximum: false },
      { type: 'integer', exclusiveMinimum: 1, maximum: 9 },
    ],
    [
      { type: 'string', example: 'x', xml: {}, externalDocs: {}, 'x-mine': 1 },
      { type: 'string', examples: ['x'] },
    ],
    [
      { type: 'object', properties: { example: { type: 'string' }, 'x-y': { type: 'string' } } },
      { type: 'object', properties: { example: { type: 'string' }, 'x-y': { type: 'string' } } },
    ],
    [
      { $ref: '#/components/schemas/Other', nullable: true, description: 'ignored' },
      { anyOf: [{ $ref: 'schema://Other' }, { type: 'null' }] },
    ],
  ])('of OpenAPI 3.0 are translated: %j', (schema, expected) => {
    const imported = importOpenApi(openapi({}, { Some: schema, Other: { type: 'string' } }));
    expect(named(imported, 'Some')).toEqual({ $schema: expect.any(String), ...expected });
  });

  it('of OpenAPI 3.1 are kept as they are', () => {
    const schema = {
      type: ['string', 'null'],
      exclusiveMinimum: 3,
      const: 'x',
      $ref: '#/components/schemas/Other',
      description: 'beside',
    };
    const imported = importOpenApi({ ...openapi({}, { Some: schema, Other: { type: 'string' } }), openapi: '3.1.0' });
    expect(named(imported, 'Some')).toMatchObject({ ...schema, $ref: 'schema://Other' });
  });

  it('with required read-only members ask for them in answers, not in requests', () => {
    const imported = importOpenApi(
      openapi(
        { '/a': post({ $ref: '#/components/schemas/List' }, json({ $ref: '#/components/schemas/List' })) },
        {
          List: { type: 'array', items: { $ref: '#/components/schemas/Thing' } },
          Thing: {
            type: 'object',
            required: ['id', 'name'],
            properties: { id: { type: 'integer', readOnly: true }, name: { type: 'string' } },
          },
        },
      ),
    );
    expect(imported.operations[0]).toMatchObject({ incoming: 'schema://List_Input', outgoing: 'schema://List' });
    expect(named(imported, 'List_Input')).toMatchObject({ items: { $ref: 'schema://Thing_Input' } });
    expect(named(imported, 'Thing_Input')).toMatchObject({ required: ['name'] });
    expect(named(imported, 'Thing')).toMatchObject({ required: ['id', 'name'] });
  });

  it('with read-only members in another part of an allOf, too', () => {
    const imported = importOpenApi(
      openapi(
        { '/a': post({ $ref: '#/components/schemas/Thing' }) },
        {
          Base: { properties: { id: { type: 'integer', readOnly: true } } },
          Thing: { allOf: [{ $ref: '#/components/schemas/Base' }, { required: ['id', 'name'] }] },
        },
      ),
    );
    expect(named(imported, 'Thing_Input')).toMatchObject({
      allOf: [{ $ref: 'schema://Base' }, { required: ['name'] }],
    });
  });

  it.each([
    ['#/components/schemas/Nowhere', 'is no schema'],
    ['other.yaml#/Pet', 'join the files'],
    ['https://example.com/pet.json', 'join the files'],
  ])('refuse the reference %s', (reference, reason) => {
    const [first] = problems(openapi({}, { A: { properties: { b: { $ref: reference } } } }));
    expect(first).toMatchObject({ pointer: '/components/schemas/A/properties/b/$ref', rule: 'reference' });
    expect(first!.message).toContain(reason);
  });

  it('refuse responses and parameters that lead in a circle or nowhere', () => {
    const paths = {
      '/a': {
        get: {
          parameters: [{ $ref: '#/components/parameters/P' }],
          responses: { 404: { $ref: '#/components/responses/R' } },
        },
      },
    };
    const components = { parameters: { P: { $ref: '#/components/parameters/P' } } };
    expect(problems(openapi(paths, {}, { components })).map((problem) => problem.message)).toEqual([
      'The reference leads in a circle',
      '/components/responses/R is not an object of the description',
    ]);
  });

  it('lose patterns that cannot be checked, which is told', () => {
    const imported = importOpenApi(
      openapi(
        {
          '/a': { get: ok({ parameters: [{ name: 'q', in: 'query', schema: { type: 'string', pattern: '(?!x)' } }] }) },
        },
        { Aaa: { type: 'string', pattern: '^(?=a)b', minLength: 1 }, Bbb: { type: 'string', pattern: '^b$' } },
      ),
    );
    expect(named(imported, 'Aaa')).toEqual({ $schema: expect.any(String), type: 'string', minLength: 1 });
    expect(named(imported, 'Bbb')).toMatchObject({ pattern: '^b$' });
    expect(imported.operations[0]!.parameters!.q).toEqual({ type: 'string' });
    expect(imported.warnings.map((warning) => warning.split(':')[0])).toEqual([
      '/paths/~1a/get/parameters/0/schema/pattern',
      '/components/schemas/Aaa/pattern',
    ]);
  });

  it('survive members called __proto__', () => {
    const imported = importOpenApi(openapi({}, { Aaa: JSON.parse('{"properties":{"__proto__":{"type":"string"}}}') }));
    expect(JSON.stringify(named(imported, 'Aaa'))).toContain('"__proto__":{"type":"string"}');
  });

  it('nested too deeply are refused', () => {
    let deep: object = { type: 'string' };
    for (let level = 0; level < 100; level++) {
      deep = { items: deep };
    }
    expect(problems(openapi({}, { Deep: deep }))[0]).toMatchObject({
      rule: 'schema',
      message: 'The schema is nested too deeply',
    });
  });
});

describe('bodies that are not JSON', () => {
  it.each([
    ['multipart/form-data', 'mime://multipart/form-data', 'multipart'],
    ['application/x-www-form-urlencoded', 'mime://application/x-www-form-urlencoded', 'form'],
    ['text/plain', 'mime://text/plain', 'text'],
    ['application/xml', 'mime://application/xml', 'xml'],
    ['image/png', 'mime://image/png', 'octet-stream'],
  ])('%s', (mediaType, incoming, type) => {
    const requestBody = { content: { [mediaType]: { schema: { type: 'string' } } } };
    const { operations, actions } = importOpenApi(openapi({ '/a': { post: ok({ requestBody }) } }));
    expect(operations[0]!.incoming).toBe(incoming);
    expect(actions[0]!.config.type).toBe(type);
  });

  it('of several media types are taken as they come', () => {
    const requestBody = { content: { 'text/plain': {}, 'text/x-markdown': {} } };
    const { operations, actions } = importOpenApi(openapi({ '/a': { post: ok({ requestBody }) } }));
    expect(operations[0]!.incoming).toBe('mime://application/octet-stream');
    expect(actions[0]!.config.type).toBe('octet-stream');
  });

  it('stand behind JSON, which is told', () => {
    const requestBody = { content: { 'application/xml': {}, 'application/json': { schema: { type: 'object' } } } };
    const imported = importOpenApi(openapi({ '/a': { post: ok({ requestBody, operationId: 'add' }) } }));
    expect(imported.operations[0]!.incoming).toBe('schema://add_Request');
    expect(imported.warnings).toEqual([
      '/paths/~1a/post/requestBody: Only JSON bodies are accepted, not application/xml',
    ]);
  });
});

describe('the upstream', () => {
  const url = (more: object, options = {}) =>
    importOpenApi({ ...openapi({ '/a/{id}': { get: ok() } }), ...more }, options).actions[0]!.config;

  it('is the first server, its variables filled', () => {
    const servers = [
      { url: 'https://{region}.example/{base}/', variables: { region: { default: 'eu' }, base: { default: 'v2' } } },
    ];
    expect(url({ servers })).toEqual({ url: 'https://eu.example/v2/a/:id' });
  });

  it('is the one that is asked for', () => {
    expect(url({}, { server: 'http://127.0.0.1:8080/base/' })).toEqual({ url: 'http://127.0.0.1:8080/base/a/:id' });
  });

  it('is a connection', () => {
    expect(url({}, { connection: 'Upstream' })).toEqual({ connection: 'Upstream', url: '/a/:id' });
  });

  it('may differ by operation', () => {
    const paths = {
      '/a': {
        servers: [{ url: 'https://item.example' }],
        get: ok(),
        put: ok({ servers: [{ url: 'https://own.example' }] }),
      },
    };
    expect(importOpenApi(openapi(paths)).actions.map((action) => action.config.url)).toEqual([
      'https://item.example/a',
      'https://own.example/a',
    ]);
  });

  it.each([
    [[]],
    [[{ url: '/v1' }]],
    [[{ url: 'ftp://files.example' }]],
    [[{ url: 'https://{host}/' }]],
  ])('%j is refused', (servers) => {
    expect(problems({ ...openapi({ '/a': { get: ok() }, '/b': { get: ok() } }), servers })).toHaveLength(1);
  });
});

describe('an operation', () => {
  it('has the caller-facing members that Fusio knows', () => {
    const operation = ok({
      operationId: 'pets/list',
      summary: 'List pets',
      description: 'All of them.',
      deprecated: true,
    });
    const imported = importOpenApi(openapi({ '/pets': { get: operation } }), { scopes: ['pets'], public: true });
    expect(imported.operations).toEqual([
      {
        name: 'pets.list',
        httpMethod: 'GET',
        httpPath: '/pets',
        httpCode: 200,
        description: 'Deprecated.\n\nList pets\n\nAll of them.',
        stability: 1,
        active: true,
        public: true,
        incoming: null,
        outgoing: 'schema://Passthru',
        action: 'action://pets-list',
        scopes: ['pets'],
      },
    ]);
    expect(imported.actions).toEqual([
      {
        name: 'pets-list',
        class: 'Fusio.Adapter.Http.Action.HttpProcessor',
        config: { url: 'https://up.example/pets' },
      },
    ]);
  });

  it('has at most 500 characters of description', () => {
    const [operation] = importOpenApi(openapi({ '/a': { get: ok({ description: 'word '.repeat(200) }) } })).operations;
    expect(operation!.description!.length).toBeLessThanOrEqual(500);
    expect(operation!.description!.length).toBeGreaterThan(490);
    expect(operation!.description).toMatch(/word…$/);
  });
});

describe('a Swagger 2.0 description', () => {
  const swagger = {
    swagger: '2.0',
    host: 'pets.example',
    basePath: '/v1',
    schemes: ['http', 'https'],
    consumes: ['application/json'],
    parameters: { limit: { name: 'limit', in: 'query', type: 'integer', maximum: 100 } },
    responses: { Missing: { description: 'gone', schema: { $ref: '#/definitions/Error' } } },
    paths: {
      '/pets': {
        get: {
          operationId: 'listPets',
          parameters: [
            { $ref: '#/parameters/limit' },
            { name: 'tags', in: 'query', type: 'array', items: { type: 'string' }, collectionFormat: 'multi' },
          ],
          responses: {
            200: { description: 'ok', schema: { type: 'array', items: { $ref: '#/definitions/Pet' } } },
            404: { $ref: '#/responses/Missing' },
          },
        },
        post: {
          operationId: 'addPet',
          parameters: [{ name: 'pet', in: 'body', required: true, schema: { $ref: '#/definitions/Pet' } }],
          responses: { 201: { description: 'made', schema: { $ref: '#/definitions/Pet' } } },
        },
      },
      '/pets/{id}/photo': {
        parameters: [{ name: 'id', in: 'path', required: true, type: 'integer', format: 'int64' }],
        post: {
          operationId: 'photo',
          parameters: [{ name: 'file', in: 'formData', type: 'file' }],
          responses: { 204: { description: 'done' } },
        },
      },
    },
    definitions: {
      Pet: {
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string', example: 'Rex' }, owner: { type: 'string', 'x-nullable': true } },
      },
      Error: { type: 'object', discriminator: 'kind', properties: { kind: { type: 'string' } } },
    },
  };

  it('is imported like its OpenAPI 3 form', () => {
    const imported = importOpenApi(swagger, { prefix: 'pet' });
    expect(imported.operations).toMatchObject([
      {
        name: 'pet.listPets',
        parameters: { limit: { type: 'integer', maximum: 100 }, tags: { type: 'array', items: { type: 'string' } } },
        outgoing: 'schema://Pet_listPets_Response',
        throws: { 404: 'schema://Pet_Error' },
      },
      { name: 'pet.addPet', httpCode: 201, incoming: 'schema://Pet_Pet', outgoing: 'schema://Pet_Pet' },
      {
        httpPath: '/pet/pets/:id/photo',
        httpCode: 204,
        incoming: 'mime://multipart/form-data',
        parameters: { id: { type: 'integer', format: 'int64' } },
      },
    ]);
    expect(imported.actions.map((action) => action.config)).toEqual([
      { url: 'https://pets.example/v1/pets' },
      { url: 'https://pets.example/v1/pets' },
      { url: 'https://pets.example/v1/pets/:id/photo', type: 'multipart' },
    ]);
    expect(imported.schemas.find((schema) => schema.name === 'Pet_Pet')!.source).toMatchObject({
      properties: { name: { examples: ['Rex'] }, owner: { type: ['string', 'null'] } },
    });
  });

  it('is told its problems where its author finds them', () => {
    const broken = {
      ...swagger,
      definitions: { Pet: swagger.definitions.Pet, Error: { properties: { a: { $ref: '#/definitions/No' } } } },
    };
    expect(problems(broken)[0]!.pointer).toBe('/definitions/Error/properties/a/$ref');
  });
});

describe('other documents', () => {
  it.each([
    [null, 'must be an object'],
    [[], 'must be an object'],
    [{}, 'names no version'],
    [{ openapi: '4.0.0' }, 'version is "4.0.0"'],
    [{ swagger: '1.2' }, 'version is "1.2"'],
  ])('%j is refused', (document, reason) => {
    expect(() => importOpenApi(document)).toThrow(reason);
  });

  it('a prefix that is no static path is refused', () => {
    expect(() => importOpenApi(openapi({}), { prefix: '/a/:b' })).toThrow('prefix');
    expect(() => importOpenApi(openapi({}), { prefix: '/../x' })).toThrow('prefix');
  });

  it('a YAML file is imported like JSON', () => {
    const document = parse(`
openapi: 3.1.0
servers: [{ url: https://up.example }]
paths:
  /notes/{id}:
    get:
      operationId: getNote
      parameters:
        - { name: id, in: path, required: true, schema: { type: string, pattern: "^[a-z]+$" } }
      responses:
        200: { description: A note, content: { application/json: { schema: { $ref: "#/components/schemas/Note" } } } }
components:
  schemas:
    Note: { type: object, properties: { text: { type: [string, "null"] } } }
`);
    const imported = importOpenApi(document);
    expect(imported.operations[0]).toMatchObject({
      httpPath: '/notes/:id',
      parameters: { id: { type: 'string', pattern: '^[a-z]+$' } },
      outgoing: 'schema://Note',
    });
  });
});
