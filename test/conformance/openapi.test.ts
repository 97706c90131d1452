import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Management, manage, request } from '../helpers/management.ts';
import { installedModule } from './installed.ts';

// Documents are judged by OpenAPI's own JSON Schema (npm @seriousme/openapi-schema-validator), and by what it cannot say.

type Members = Record<string, any>;

let gateway: Gateway;
let api: Management;
let validate: (document: Members) => Promise<{ valid: boolean; errors?: unknown }>;

beforeAll(async () => {
  gateway = await startGateway();
  api = await manage(gateway);
  const { Validator } = await installedModule('@seriousme/openapi-schema-validator/index.js');
  validate = (document) => new Validator().validate(structuredClone(document));
  await describeSeeds();
}, 120_000);

afterAll(() => gateway?.stop());

/** An API with what can be declared: both schema languages, references between schemas, media types, failures, patterns. */
async function describeSeeds(): Promise<void> {
  const named = (name: string, source: unknown) => api.must('POST', '/backend/schema', { name, source });
  await named('Seed', {
    definitions: {
      Base: { type: 'struct', properties: { id: { type: 'integer', nullable: false } } },
      Seed: {
        type: 'struct',
        parent: { type: 'reference', target: 'Base' },
        properties: {
          sown: { type: 'string', format: 'date' },
          tags: { type: 'array', schema: { type: 'string' } },
          next: { type: 'reference', target: 'Seed' },
        },
      },
    },
    root: 'Seed',
  });
  await named('Old', {
    $schema: 'http://json-schema.org/draft-07/schema#',
    $id: 'https://example.com/old.json',
    definitions: { Seed: { type: 'string', maxLength: 9 } },
    type: 'object',
    required: ['name'],
    properties: {
      name: { $ref: '#/definitions/Seed' },
      pair: { type: 'array', items: [{ type: 'integer' }, { type: 'string' }], additionalItems: false },
      self: { $ref: '#' },
      other: { $ref: 'schema://Seed' },
      choice: { oneOf: [{ type: 'string' }, { type: 'null' }] },
    },
  });
  await named('Text', { type: 'string', minLength: 1 });
  const action = 'action://Static-seeds-get';
  await api.publish({
    ...{
      name: 'seeds.get',
      httpPath: '/seeds/$id<^[0-9]+$>',
      outgoing: 'schema://Seed',
      throws: { 404: 'Old', 999: 'Text' },
    },
    ...{ description: 'Returns a seed', scopes: ['default', 'orchard'] },
    parameters: { verbose: { type: 'boolean', description: 'More' }, id: { type: 'integer' } },
  });
  const publish = (operation: Members) =>
    api.must('POST', '/backend/operation', { active: true, public: true, scopes: ['default'], action, ...operation });
  await publish({ name: 'seeds.word', httpMethod: 'GET', httpPath: '/seeds/:word', outgoing: 'schema://Text' });
  await publish({
    name: 'seeds.put',
    httpMethod: 'PUT',
    httpPath: '/seeds/:key',
    incoming: 'schema://Old',
    stability: 0,
  });
  await publish({
    name: 'seeds.file',
    httpMethod: 'POST',
    httpPath: '/files/*path',
    incoming: 'mime://application/octet-stream',
    outgoing: 'mime://text/plain',
    httpCode: 202,
  });
}

async function openApi(filter: string): Promise<Members> {
  const { status, body, headers } = await request(gateway, 'GET', `/system/generator/spec-openapi?filter=${filter}`);
  expect([status, headers.get('content-type')]).toEqual([200, 'application/json']);
  return body;
}

it.each([
  'app',
  'fusio',
  'frontend',
  'backend',
  'consumer',
  'system',
  'authorization',
])('the document for %s is valid, and leads nowhere that is not there', async (filter) => {
  const document = await openApi(filter);
  expect(document.openapi).toMatch(/^3\.1\./);
  expect(await validate(document)).toMatchObject({ valid: true });
  const operations = operationsOf(document);
  expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length);
  expect(operations.length).toBeGreaterThan(0);
  for (const { path, operation } of operations) {
    const inPath = (operation.parameters ?? []).filter((parameter: Members) => parameter.in === 'path');
    expect(
      inPath.map(({ name }: Members) => `{${name}}`),
      operation.operationId,
    ).toEqual(path.match(/\{[^}]+\}/g) ?? []);
    for (const requirement of operation.security) {
      const scopes = document.components.securitySchemes.app.flows.clientCredentials.scopes;
      expect(Object.keys(scopes)).toEqual(expect.arrayContaining(requirement.app));
    }
  }
  for (const reference of referencesIn(document)) {
    expect(resolve(document, reference), reference).toBeDefined();
  }
});

it('tells of an own operation all there is', async () => {
  const { paths, components } = await openApi('app');
  expect(paths['/seeds/{id}'].get).toMatchObject({
    operationId: 'seeds.get',
    description: 'Returns a seed',
    tags: ['default', 'orchard'],
    parameters: [
      { name: 'id', in: 'path', required: true, schema: { type: 'integer', pattern: '^[0-9]+$' } },
      { name: 'verbose', in: 'query', required: false, description: 'More', schema: { type: 'boolean' } },
    ],
    responses: {
      200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Seed' } } } },
      404: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Old' } } } },
      '4XX': { content: { 'application/json': { schema: { $ref: '#/components/schemas/Text' } } } },
    },
    security: [{ app: ['default'] }, { app: ['orchard'] }],
    'x-stability': 'experimental',
    'x-alternatives': [{ operationId: 'seeds.word', parameters: [{ name: 'id', in: 'path' }] }],
  });
  expect(paths['/seeds/{id}'].put).toMatchObject({ deprecated: true, parameters: [{ name: 'id' }], security: [] });
  expect(paths['/files/{path}'].post).toMatchObject({
    requestBody: { content: { 'application/octet-stream': {} } },
    responses: { 202: { content: { 'text/plain': {} } } },
  });
  expect(components.schemas).toMatchObject({
    Seed: {
      required: ['id'],
      properties: {
        id: { type: 'integer' },
        next: { anyOf: [{ $ref: '#/components/schemas/Seed' }, { type: 'null' }] },
      },
    },
    Old: {
      properties: {
        name: { $ref: '#/components/schemas/Old_Seed' },
        pair: { prefixItems: [{ type: 'integer' }, { type: 'string' }], items: false },
        self: { $ref: '#/components/schemas/Old' },
        other: { $ref: '#/components/schemas/Seed' },
      },
    },
    Old_Seed: { type: 'string', maxLength: 9 },
    Text: { type: 'string', minLength: 1 },
  });
  expect(components.schemas.Old).not.toHaveProperty('$id');
});

it('says the same in TypeAPI', async () => {
  const { body } = await request(gateway, 'GET', '/system/generator/typeapi');
  expect(body.operations['seeds.get']).toEqual({
    path: '/seeds/$id<^[0-9]+$>',
    method: 'GET',
    return: { code: 200, schema: { type: 'reference', target: 'Seed' } },
    arguments: {
      id: { in: 'path', schema: { type: 'integer' } },
      verbose: { in: 'query', schema: { type: 'boolean', description: 'More' } },
    },
    throws: [
      { code: 404, schema: { type: 'reference', target: 'Old' } },
      { code: 999, schema: { type: 'string' } },
    ],
    description: 'Returns a seed',
    stability: 1,
    security: ['default', 'orchard'],
    authorization: true,
    tags: ['default', 'orchard'],
  });
  expect(body.definitions).toMatchObject({
    Seed: { type: 'struct', parent: { target: 'Base' }, properties: { next: { type: 'reference', target: 'Seed' } } },
    Base: { type: 'struct', properties: { id: { type: 'integer', nullable: false } } },
    Old: {
      type: 'struct',
      properties: {
        name: { type: 'string', nullable: false },
        pair: { type: 'array', schema: { type: 'any' } },
        self: { type: 'reference', target: 'Old' },
        other: { type: 'reference', target: 'Seed' },
        choice: { type: 'string' },
      },
    },
  });
  expect(body.operations['seeds.file']).toMatchObject({
    return: { code: 202, contentType: 'text/plain' },
    arguments: { path: { in: 'path' }, payload: { in: 'body', contentType: 'application/octet-stream' } },
  });
});

it('has every operation of the management API, with its body', async () => {
  const document = await openApi('fusio');
  const { body } = await request(gateway, 'GET', '/system/generator/spec-typeapi?filter=fusio');
  const found = new Map(operationsOf(document).map(({ operation }) => [operation.operationId, operation]));
  for (const [name, operation] of Object.entries<Members>(body.operations)) {
    const written = found.get(name)!;
    const named = Object.entries<Members>(operation.arguments).filter(([, { in: place }]) => place !== 'body');
    expect((written.parameters ?? []).map((parameter: Members) => parameter.name).sort(), name).toEqual(
      named.map(([argument]) => argument).sort(),
    );
    expect(written.requestBody === undefined, name).toBe(operation.arguments.payload === undefined);
    expect(written.responses[operation.return.code], name).toBeDefined();
  }
  expect(found.size).toBe(Object.keys(body.operations).length);
});

it('is linked where clients look, and refuses what it does not know', async () => {
  const catalog = await request(gateway, 'GET', '/.well-known/api-catalog');
  expect(catalog.headers.get('content-type')).toContain('application/linkset+json');
  const { body: about } = await request(gateway, 'GET', '/system/about');
  const links = [...catalog.body.linkset[0]['service-desc'], ...catalog.body.linkset[0].status, ...about.links];
  expect(links.length).toBeGreaterThan(10);
  for (const { href } of links) {
    expect((await fetch(href)).status, href).not.toBe(404);
  }
  const bad = await request(gateway, 'GET', '/system/generator/spec-raml');
  expect(bad).toMatchObject({ status: 400, body: { message: 'Provided an invalid type' } });
  expect((await request(gateway, 'GET', '/system/generator/spec-openapi?filter=nowhere')).status).toBe(400);
  expect((await request(gateway, 'GET', '/.well-known/security.txt')).status).toBe(404);
  await api.must('PUT', '/backend/config/~info_contact_email', { value: 'security@example.com' });
  const contact = await request(gateway, 'GET', '/.well-known/security.txt');
  expect(contact.body).toMatch(/^Contact: mailto:security@example\.com\nExpires: 20/);
});

function operationsOf({ paths }: Members): { path: string; operation: Members }[] {
  return Object.entries<Members>(paths).flatMap(([path, item]) =>
    Object.values<Members>(item).flatMap((operation) =>
      [operation, ...(operation['x-alternatives'] ?? [])].map((one) => ({ path, operation: one })),
    ),
  );
}

function referencesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  const { $ref } = value as Members;
  return [...(typeof $ref === 'string' ? [$ref] : []), ...Object.values(value).flatMap(referencesIn)];
}

function resolve(document: Members, reference: string): unknown {
  expect(reference).toMatch(/^#\//);
  return reference
    .slice(2)
    .split('/')
    .reduce<any>((value, key) => value?.[decodeURIComponent(key)], document);
}
