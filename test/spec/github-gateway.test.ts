import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compile } from '../../worker/lib/schema/engine.ts';
import { importOpenApi, type OpenApiImport } from '../../worker/spec/import-openapi.ts';
import { postern } from '../cli/postern.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { githubDescription, githubDescriptionFile } from './github-description.ts';
import { sample } from './sample.ts';

// The importer's judge: GitHub's own description goes in by one command, and its 1,223 operations are called through the
// gateway with URLs that are made from the description. `npm run verify` calls all of them, `npm test` every thirteenth.

const step = process.env.POSTERN_FULL === undefined ? 13 : 1;
const methods = ['get', 'post', 'put', 'patch', 'delete'];

let gateway: Gateway;
let upstream: Server;
const folder = mkdtempSync(join(tmpdir(), 'postern-github-'));
let env: Record<string, string>;
let bearer: string;
let expected: OpenApiImport;
let operations: { operation: OpenApiImport['operations'][number]; path: string }[];

beforeAll(async () => {
  const document = await githubDescription();
  // The mock answers each call with what arrived.
  upstream = createServer((request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    request.resume().on('end', () => response.end(JSON.stringify({ method: request.method, url: request.url })));
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  gateway = await startGateway();
  const admin = await gateway.setup();
  env = { POSTERN_CONFIG: join(folder, 'session.json') };
  const login = ['login', '--url', gateway.url, '--user', admin.name, '--password', admin.password];
  expect((await postern(login, env)).code).toBe(0);
  const grant = await gateway.fetch('/authorization/token', {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'default' }),
    headers: { Authorization: `Basic ${btoa(`${admin.name}:${admin.password}`)}` },
  });
  bearer = `Bearer ${((await grant.json()) as { access_token: string }).access_token}`;
  expected = importOpenApi(document, { prefix: '/github' });
  const templates = Object.entries<any>(document.paths).flatMap(([template, item]) =>
    methods
      .filter((method) => method in item)
      .map((method) => ({ template, parameters: item[method].parameters ?? [] })),
  );
  operations = expected.operations.map((operation, index) => ({
    operation,
    path: fill(document, templates[index]!.template, templates[index]!.parameters),
  }));
}, 180_000);

afterAll(async () => {
  await gateway?.stop();
  upstream?.close();
  rmSync(folder, { recursive: true, force: true });
});

it('is imported by one command, in under a minute', async () => {
  const { port } = upstream.address() as AddressInfo;
  const args = ['import', 'openapi', await githubDescriptionFile(), '--prefix', '/github'];
  const started = Date.now();
  const imported = await postern([...args, '--server', `http://127.0.0.1:${port}/up`, '--json'], env);
  const seconds = (Date.now() - started) / 1000;
  expect(imported.json().counts, imported.err).toEqual({
    schema: { create: expected.schemas.length },
    action: { create: 1223 },
    operation: { create: 1223 },
  });
  expect(seconds).toBeLessThan(60);
}, 180_000);

it('has every operation routed to its own upstream path', async () => {
  const wrong: string[] = [];
  await each(operations, async ({ operation, path }) => {
    const body = validBody(operation);
    const response = await gateway.fetch(
      path === '/' ? '/github' : `/github${path}`,
      request(operation.httpMethod, body),
    );
    const text = await response.text();
    if (text !== JSON.stringify({ method: operation.httpMethod, url: `/up${path}` })) {
      wrong.push(`${operation.name}: ${response.status} ${text.slice(0, 300)}`);
    }
  });
  expect(wrong).toEqual([]);
}, 300_000);

it('answers 400 to bodies that break their schema, and names what is wrong', async () => {
  const guarded = operations.filter(
    ({ operation }) => operation.httpMethod !== 'DELETE' && brokenBody(operation) !== undefined,
  );
  expect(guarded.length).toBeGreaterThan(300);
  const wrong: string[] = [];
  await each(guarded, async ({ operation, path }) => {
    const response = await gateway.fetch(`/github${path}`, request(operation.httpMethod, brokenBody(operation)));
    const text = await response.text();
    if (response.status !== 400 || !text.includes('"pointer"')) {
      wrong.push(`${operation.name}: ${response.status} ${text.slice(0, 300)}`);
    }
  });
  expect(wrong).toEqual([]);
}, 300_000);

// A quarter of a minute: only among the full figures; test/cli tries the same with smaller files.
if (step === 1) {
  it('is exported and deployed again without a change', async () => {
    const file = join(folder, '.fusio.yml');
    expect((await postern(['export', file], env)).code).toBe(0);
    const again = (await postern(['deploy', file, '--prune', '--json'], env)).json();
    expect(again.results.length).toBeGreaterThan(4_000);
    expect(again.results.filter((result: any) => result.verb !== 'none')).toEqual([]);
  }, 300_000);
}

/** Eight at a time, and every so many only. */
async function each<T>(list: T[], work: (item: T) => Promise<void>): Promise<void> {
  const chosen = list.filter((_, index) => index % step === 0).values();
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (const item of chosen) {
        await work(item);
      }
    }),
  );
}

function request(method: string, body: unknown): RequestInit {
  return {
    method,
    headers: { Authorization: bearer, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
}

function schemaOf(operation: OpenApiImport['operations'][number]) {
  const named = (name: string) =>
    expected.schemas.find((schema) => schema.name === name)!.source as Record<string, any>;
  const reference = operation.incoming;
  if (reference === null || !reference.startsWith('schema://Github_')) {
    return null;
  }
  const schema = named(reference.slice('schema://'.length));
  return { schema, named, check: compile(schema, { resolve: named }) };
}

function validBody(operation: OpenApiImport['operations'][number]): unknown {
  const contract = schemaOf(operation);
  if (contract === null || operation.httpMethod === 'DELETE') {
    return undefined;
  }
  // The smallest body of "set labels" fits two alternatives at once.
  const bodies = [sample(contract.schema, contract.named), { labels: ['sample'] }];
  const body = bodies.find((candidate) => contract.check.check(candidate).length === 0);
  expect(body, `a body for ${operation.name}`).toBeDefined();
  return body;
}

/** The first of some bodies that the contract refuses; undefined when it takes them all. */
function brokenBody(operation: OpenApiImport['operations'][number]): unknown {
  const contract = schemaOf(operation);
  return contract === null ? undefined : ['text', 5, [5], {}].find((body) => contract.check.check(body).length > 0);
}

/** A URL from a template: a value of the declared type for each parameter that is needed, with characters that must stay encoded. */
function fill(document: any, template: string, parameters: any[]): string {
  const resolved = parameters.map((entry) =>
    entry.$ref === undefined ? entry : document.components.parameters[entry.$ref.split('/').pop()],
  );
  const declared = new Map<string, any>(resolved.map((parameter) => [`${parameter.in} ${parameter.name}`, parameter]));
  const value = (parameter: any): string | undefined => {
    const named = parameter.schema.$ref?.split('/').pop();
    const schema = named === undefined ? parameter.schema : document.components.schemas[named];
    const free = (schema.type === 'string' || schema.oneOf) && !schema.pattern && !schema.enum && !schema.format;
    return free ? undefined : encodeURIComponent(String(sample(schema, () => ({})))).replaceAll('%3A', ':');
  };
  const path = template.replace(/\{([^{}]+)\}/g, (_, name: string) => {
    const parameter = declared.get(`path ${name}`) ?? { schema: { type: 'string' } };
    return value(parameter) ?? `${name}%20a${parameter['x-multi-segment'] === true ? '%2Fb' : ''}`;
  });
  const query = resolved.filter((parameter) => parameter.in === 'query' && parameter.required === true);
  return (
    path +
    query
      .map((parameter, index) => `${index === 0 ? '?' : '&'}${parameter.name}=${value(parameter) ?? 'a%20b'}`)
      .join('')
  );
}
