import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { type Management, manage, request } from '../helpers/management.ts';

let gateway: Gateway;
let api: Management;
let upstream: Server;
let origin: string;

beforeAll(async () => {
  gateway = await startGateway();
  api = await manage(gateway);
  upstream = createServer((message, response) => {
    const parts: Buffer[] = [];
    message.on('data', (part) => parts.push(part));
    message.on('end', () => {
      const { method, url, headers } = message;
      response.writeHead(207, { 'Content-Type': 'application/json' });
      response.end(JSON.stringify({ method, url, headers, body: Buffer.concat(parts).toString() }));
    });
  });
  await new Promise<void>((listening) => upstream.listen(0, '127.0.0.1', listening));
  origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`;
});

afterAll(async () => {
  upstream?.close();
  await gateway?.stop();
});

describe('classes that do not run yet', () => {
  const inTranscripts = { actions: 43, connections: 19 };

  it.each(['action', 'connection'] as const)('every %s class is listed, has a form and can be saved', async (kind) => {
    const found = await api.must('GET', `/backend/${kind}/list`);
    const classes: { name: string; class: string }[] = found[`${kind}s`];
    expect(classes.length).toBeGreaterThanOrEqual(inTranscripts[`${kind}s`]);
    expect(classes.map(({ name }) => name)).toEqual([...classes.map(({ name }) => name)].sort());
    for (const [index, entry] of classes.entries()) {
      const form = await api.must('GET', `/backend/${kind}/form?class=${encodeURIComponent(entry.class)}`);
      expect(form.element).toBeInstanceOf(Array);
      const config = Object.fromEntries(form.element.map((element: any) => [element.name, sample(element)]));
      const saved = await api.call('POST', `/backend/${kind}`, { name: `saved-${index}`, class: entry.class, config });
      expect(saved, JSON.stringify([entry, config, saved.body])).toMatchObject({ status: 201 });
    }
  });

  it('says what is missing when one runs', async () => {
    await api.must('POST', '/backend/action', {
      name: 'Rows',
      class: 'Fusio\\Adapter\\GraphQL\\Action\\GraphQLProcessor',
      config: { url: 'https://graph.example.com' },
    });
    await api.must('POST', '/backend/operation', {
      ...{ name: 'rows.get', httpMethod: 'GET', httpPath: '/rows', public: true, action: 'action://Rows', scopes: [] },
    });
    const answer = await request(gateway, 'GET', '/rows');
    expect(answer).toMatchObject({ status: 503, body: { code: 'not_configured' } });
    expect(answer.body.message).toContain('the GraphQL client');
  });

  it('keeps the secrets of connections that cannot be opened', async () => {
    await api.must('POST', '/backend/connection', {
      name: 'Database',
      class: 'Fusio.Adapter.Sql.Connection.Sql',
      config: { type: 'pdo_mysql', host: 'db.example.com', username: 'u', password: 'sealed-password' },
    });
    expect((await api.must('GET', '/backend/connection/~Database')).config.password).toBe('********');
    const row = await gateway.DB.prepare("SELECT config FROM connection WHERE name = 'Database'").first<any>();
    expect(row.config).not.toContain('sealed-password');
  });
});

/** A value as the form's field would give it. */
function sample(element: { element: string; name: string; type?: string; options?: { key: string }[] }): unknown {
  switch (element.element) {
    case 'checkbox':
      return true;
    case 'collection':
      return ['https://example.com/a'];
    case 'map':
      return { a: 'b' };
    case 'select':
      return element.options?.[0]?.key ?? 'System';
    default:
      return element.type === 'number' ? 5 : element.name === 'response' ? '{}' : 'https://example.com/a';
  }
}

describe('sending a request through an HTTP connection', () => {
  const send = (body: unknown, name = 'Upstream') => api.call('POST', `/backend/connection/${name}/http`, body);

  beforeAll(async () => {
    await api.must('POST', '/backend/connection', {
      name: 'Upstream',
      class: 'Fusio.Adapter.Http.Connection.Http',
      config: { url: `${origin}/base`, authorization: 'Bearer upstream-token' },
    });
  });

  it('carries the credentials and gives the answer as it came', async () => {
    const answer = await send({
      method: 'post',
      uri: '/things?a=1',
      headers: { 'Content-Type': 'text/plain' },
      body: 'hello',
    });
    expect(answer).toMatchObject({ status: 200, body: { statusCode: 207 } });
    expect(JSON.parse(answer.body.body)).toMatchObject({
      method: 'POST',
      url: '/base/things?a=1',
      headers: { authorization: 'Bearer upstream-token', 'content-type': 'text/plain' },
      body: 'hello',
    });
  });

  it.each([
    'https://example.com/',
    'http://127.0.0.1:1/',
    '/../other',
    '/%2e%2e/other',
    '//example.com/',
    'http://',
  ])('does not leave the connection: %s', async (uri) => {
    const answer = await send({ uri });
    if (answer.status === 200) {
      expect(JSON.parse(answer.body.body).url).toMatch(/^\/base\//);
    } else {
      expect(answer.status).toBe(400);
    }
  });

  it('is for HTTP connections only', async () => {
    expect((await send({ uri: '/' }, 'System')).status).toBe(400);
    expect((await send({ uri: '/' }, 'Nowhere')).status).toBe(404);
    expect((await send({ method: 'CONNECT', uri: '/' })).status).toBe(400);
  });
});

describe('what clients ask about the API', () => {
  it('lists routes, shows schemas, repeats what was sent', async () => {
    await api.publish({ name: 'seeds.get', httpPath: '/seeds/:id', public: true });
    const { body } = await request(gateway, 'GET', '/system/route');
    expect(body.routes).toMatchObject({ '/': { GET: 'meta.getAbout' }, '/seeds/:id': { GET: 'seeds.get' } });
    const schema = await request(gateway, 'GET', '/system/schema/Message');
    expect(schema.body).toMatchObject({ schema: { root: 'Message' }, form: null });
    expect(await request(gateway, 'GET', '/system/schema/Nope')).toMatchObject({
      status: 404,
      body: { message: 'Could not find schema' },
    });
    const debug = await request(gateway, 'POST', '/system/debug?a=1', { foo: 'bar' });
    expect(debug.body).toMatchObject({ arguments: { a: '1' }, payload: { foo: 'bar' } });
    const about = await request(gateway, 'GET', '/system/about');
    for (const { href } of about.body.links) {
      expect((await fetch(href)).status, href).not.toBe(404);
    }
  });
});

describe('what others offer', () => {
  it.each([
    ['GET', '/backend/marketplace/action', 501, 'not_implemented'],
    ['POST', '/backend/marketplace/bundle', 501, 'not_implemented'],
    ['POST', '/backend/specification', 501, 'not_implemented'],
    ['POST', '/backend/user/1/resend', 503, 'not_configured'],
    ['POST', '/backend/user/999/resend', 404, 'not_found'],
  ])('%s %s answers %i', async (method, path, status, code) => {
    expect(await api.call(method, path, method === 'POST' ? {} : undefined)).toMatchObject({ status, body: { code } });
  });

  it('lists an agent’s tools and refuses to talk for it', async () => {
    await api.must('POST', '/backend/agent', { name: 'helper', public: true });
    expect((await api.must('GET', '/backend/agent/tools')).tools).toContainEqual({ name: 'seeds_get' });
    const answer = await api.call('POST', '/backend/agent/~helper/message', { input: 'hello' });
    expect(answer).toMatchObject({ status: 503, body: { code: 'not_configured' } });
  });
});

describe('the trail of changes', () => {
  it('is listed by its filters and tells who', async () => {
    const { id } = await api.must('POST', '/backend/category', { name: 'audited' });
    const found = await api.must('GET', '/backend/audit?event=category.create&message=audited');
    expect(found).toMatchObject({
      totalResults: 1,
      entry: [{ event: 'category.create', message: 'Created category audited' }],
    });
    const one = await api.must('GET', `/backend/audit/${found.entry[0].id}`);
    expect(one).toMatchObject({ user: { name: 'admin' }, content: { id: Number(id) } });
    expect((await api.call('GET', '/backend/audit/99999999')).status).toBe(404);
    expect((await api.must('GET', '/backend/audit?userId=999')).entry).toEqual([]);
    expect((await api.must('GET', '/backend/audit?to=2020-01-01')).entry).toEqual([]);
  });
});
