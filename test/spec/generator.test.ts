import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';

const generator = '/backend/generator/Fusio.Impl.Provider.Generator.OpenAPI';
let gateway: Gateway;
let bearer: string;

beforeAll(async () => {
  gateway = await startGateway();
  const admin = await gateway.setup();
  const response = await gateway.fetch('/authorization/token', {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
    headers: { Authorization: `Basic ${btoa(`${admin.name}:${admin.password}`)}` },
  });
  bearer = `Bearer ${((await response.json()) as { access_token: string }).access_token}`;
}, 120_000);

afterAll(() => gateway?.stop());

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: any }> {
  const bytes = body instanceof Uint8Array;
  const response = await gateway.fetch(path, {
    method,
    headers: {
      Authorization: bearer,
      ...(body === undefined ? {} : { 'Content-Type': bytes ? 'application/octet-stream' : 'application/json' }),
    },
    ...(body === undefined ? {} : { body: bytes ? (body as BodyInit) : JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

function description(paths: object): string {
  return JSON.stringify({ openapi: '3.0.0', servers: [{ url: 'http://127.0.0.1:9' }], paths });
}

const ping = { '/ping': { get: { operationId: 'ping' }, post: { operationId: 'pong' } } };

async function upload(value: unknown, size = 1_000_000): Promise<string> {
  const id = randomUUID();
  const bytes = gzipSync(typeof value === 'string' ? value : JSON.stringify(value));
  for (let part = 0; part * size < bytes.length; part++) {
    const stored = await call('PUT', `/backend/upload/${id}/${part}`, bytes.subarray(part * size, (part + 1) * size));
    expect(stored).toMatchObject({ status: 200, body: { success: true, id } });
  }
  return id;
}

describe('generators', () => {
  it('are listed, and have a form', async () => {
    const list = await call('GET', '/backend/generator');
    expect(list.body).toEqual({
      providers: [
        { name: 'File-Directory', class: 'Fusio.Adapter.File.Generator.FileDirectory' },
        { name: 'Import-OpenAPI', class: 'Fusio.Impl.Provider.Generator.OpenAPI' },
        { name: 'SQL-Database', class: 'Fusio.Adapter.Sql.Generator.SqlDatabase' },
        { name: 'SQL-Entity', class: 'Fusio.Adapter.Sql.Generator.SqlEntity' },
        { name: 'SQL-Table', class: 'Fusio.Adapter.Sql.Generator.SqlTable' },
      ],
    });
    const form = await call('GET', generator);
    expect(form.body.element.map((element: any) => [element.element, element.name])).toEqual([
      ['textarea', 'spec'],
      ['input', 'server'],
      ['select', 'connection'],
    ]);
    expect((await call('GET', '/backend/generator/Nope')).status).toBe(404);
  });

  it('show in Fusio’s form what they would make, and make nothing', async () => {
    const { status, body } = await call('PUT', generator, { spec: description(ping) });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      schemas: [],
      actions: [
        { name: 'ping', class: 'Fusio.Adapter.Http.Action.HttpProcessor', config: { url: 'http://127.0.0.1:9/ping' } },
        { name: 'pong' },
      ],
      operations: [{ name: 'ping', httpMethod: 'GET', httpPath: '/ping' }, { name: 'pong' }],
      counts: { action: { create: 2 }, operation: { create: 2 } },
    });
    expect((await gateway.fetch('/ping')).status).toBe(404);
  });

  it('make all of it in one publish', async () => {
    const before = (await call('GET', '/backend/revision')).body.totalResults;
    const body = { path: '/made', scopes: ['default', 'made.new'], public: true, config: { spec: description(ping) } };
    expect(await call('POST', generator, body)).toMatchObject({ status: 201, body: { success: true } });
    expect((await call('GET', '/backend/revision')).body.totalResults).toBe(before + 1);
    const { body: made } = await call('GET', '/backend/operation/~made.ping');
    expect(made).toMatchObject({
      public: true,
      stability: 1,
      scopes: ['default', 'made.new'],
      action: 'action://Made_ping',
    });
  });

  it('change nothing when one name of many is taken, unless they may update', async () => {
    const spec = description({ '/new': { get: { operationId: 'fresh' } }, ...ping });
    const body = { path: '/made', public: true, scopes: ['default'], config: { spec } };
    const taken = await call('POST', generator, body);
    expect(taken).toMatchObject({ status: 400, body: { errors: [{ pointer: '/actions/1/name', rule: 'unique' }] } });
    expect(taken.body.message).toContain('Made_ping');
    expect((await call('GET', '/backend/operation/~made.fresh')).status).toBe(404);
    expect((await call('POST', generator, { ...body, update: true })).status).toBe(201);
    expect((await call('GET', '/backend/operation/~made.fresh')).status).toBe(200);
  });

  it.each([
    [{}, '/body/config/spec', 400],
    [{ config: { spec: '' } }, '/body/config/spec', 400],
    [{ config: { spec: '{"openapi": "3.0.0", ' } }, '/body/config/spec/openapi', 400],
    [{ config: { spec: 'openapi: 3.0.0\npaths: [1' } }, '/body/config/spec', 400],
    [{ config: { spec: '{"openapi":"3.0.0","openapi":"3.1.0"}' } }, '/body/config/spec/openapi', 400],
    [{ config: { spec: '[]' } }, undefined, 400],
    [{ config: { spec: description({ '/a/{': { get: {} } }) } }, '/body/config/spec/paths/~1a~1{', 400],
    [{ path: '/a/:b', config: { spec: description(ping) } }, undefined, 400],
    [{ path: '/backend', config: { spec: description(ping) } }, '/operations/0/httpPath', 400],
    [{ config: { spec: description(ping), connection: 7 } }, '/body/config/connection', 400],
    [{ config: { spec: `upload:${randomUUID()}` } }, undefined, 404],
  ])('refuse %j and say where', async (body, pointer, status) => {
    const refused = await call('POST', generator, body);
    expect(refused.status, JSON.stringify(refused.body)).toBe(status);
    expect(refused.body.errors?.[0]?.pointer).toBe(pointer);
  });
});

describe('uploads', () => {
  it('are joined from any parts', async () => {
    const spec = description({ '/up/{id}': { get: { operationId: 'uploaded', description: 'x'.repeat(400) } } });
    const id = await upload(spec, 50);
    const { status, body } = await call('PUT', generator, { spec: `upload:${id}` });
    expect([status, body.operations[0].name]).toEqual([200, 'uploaded']);
    const yaml = await upload(
      'openapi: 3.1.0\nservers: [{ url: http://a }]\npaths: { /y: { get: { operationId: from.yaml } } }',
    );
    expect((await call('PUT', generator, { spec: `upload:${yaml}` })).body.operations[0].name).toBe('from.yaml');
  });

  it('carry deployments too', async () => {
    const changes = [{ resource: 'schema', verb: 'put', data: { name: 'Uploaded', source: { type: 'object' } } }];
    const deployed = await call('POST', '/backend/deploy', { upload: await upload({ changes }), plan: false });
    expect(deployed).toMatchObject({ status: 200, body: { results: [{ verb: 'create', name: 'Uploaded' }] } });
  });

  it('with a hole, cut off, or that are no gzip are refused', async () => {
    const whole = gzipSync(description(ping));
    const put = async (parts: Record<number, Uint8Array>) => {
      const id = randomUUID();
      for (const [part, bytes] of Object.entries(parts)) {
        expect((await call('PUT', `/backend/upload/${id}/${part}`, bytes)).status).toBe(200);
      }
      return call('PUT', generator, { spec: `upload:${id}` });
    };
    expect(await put({ 1: whole })).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('Part 0') },
    });
    expect(await put({ 0: whole.subarray(0, -9) })).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('gzip') },
    });
    expect(await put({ 0: Buffer.from('plain text') })).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('gzip') },
    });
  });

  it('over their limits are refused', async () => {
    const id = randomUUID();
    expect((await call('PUT', `/backend/upload/${id}/0`, new Uint8Array(1_048_577))).status).toBe(413);
    expect((await call('PUT', `/backend/upload/${id}/0`, new Uint8Array(0))).status).toBe(400);
    expect((await call('PUT', `/backend/upload/${id}/64`, new Uint8Array(9))).status).toBe(400);
    expect((await call('PUT', '/backend/upload/short/0', new Uint8Array(9))).status).toBe(404);
    // 70 MB of spaces are 68 KB of gzip.
    const bomb = await upload(`{"openapi": "3.0.0"${' '.repeat(70_000_000)}}`);
    expect(await call('PUT', generator, { spec: `upload:${bomb}` })).toMatchObject({
      status: 413,
      body: { message: expect.stringContaining('64 MB') },
    });
  }, 60_000);

  it('are gone after a day', async () => {
    const id = await upload(description(ping));
    await gateway.DB.prepare('UPDATE upload SET created = ? WHERE id = ?')
      .bind(new Date(Date.now() - 86_500_000).toISOString(), id)
      .run();
    expect((await call('PUT', generator, { spec: `upload:${id}` })).status).toBe(404);
    await upload('later');
    const kept = await gateway.DB.prepare('SELECT count(*) AS count FROM upload WHERE id = ?')
      .bind(id)
      .first<{ count: number }>();
    expect(kept!.count).toBe(0);
  });

  it('need a token with the scope', async () => {
    const response = await gateway.fetch(`/backend/upload/${randomUUID()}/0`, {
      method: 'PUT',
      body: new Uint8Array(9),
    });
    expect(response.status).toBe(401);
  });
});
