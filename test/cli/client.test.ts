import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { openClient, readUrl } from '../../admin/cli/client.ts';
import { Failure } from '../../admin/cli/failure.ts';
import { findSession, forgetSession, keepSession, sessionFile } from '../../admin/cli/session.ts';

// Against a server that answers as it is told and remembers what it was asked.

let server: Server;
let url: string;
let folder: string;
let asked: { method: string; path: string; authorization: string | undefined; body: string }[];
let answer: (path: string, body: string) => [number, unknown];

beforeAll(async () => {
  server = createServer(async (request: IncomingMessage, response) => {
    let body = '';
    for await (const chunk of request) {
      body += chunk;
    }
    asked.push({ method: request.method!, path: request.url!, authorization: request.headers.authorization, body });
    const [status, value] = answer(request.url!, body);
    response.writeHead(status).end(typeof value === 'string' ? value : JSON.stringify(value));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-client-'));
  vi.stubEnv('POSTERN_CONFIG', join(folder, 'deep/session.json'));
  asked = [];
  answer = (path) =>
    path === '/authorization/token'
      ? [200, { access_token: 'new', expires_in: 3600, refresh_token: 'next' }]
      : [200, {}];
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

async function failure(run: () => Promise<unknown>): Promise<Failure> {
  const thrown = await run().then(
    () => undefined,
    (reason) => reason,
  );
  expect(thrown).toBeInstanceOf(Failure);
  return thrown;
}

const session = (more: object = {}) => ({
  user: 'jo',
  token: 'kept',
  refreshToken: 'old',
  expires: Date.now() / 1000 + 3600,
  ...more,
});

it('asks for a token with name and password, from options before the environment', async () => {
  const client = await openClient(
    { url, user: 'jo', password: 'pä:ss' },
    { POSTERN_USER: 'other', POSTERN_PASSWORD: 'x' },
  );
  await client.get('/backend/log', { count: 2, search: undefined });
  expect(asked).toMatchObject([
    {
      method: 'POST',
      path: '/authorization/token',
      authorization: `Basic ${Buffer.from('jo:pä:ss').toString('base64')}`,
      body: 'grant_type=client_credentials',
    },
    { method: 'GET', path: '/backend/log?count=2', authorization: 'Bearer new' },
  ]);
  expect(existsSync(sessionFile())).toBe(false);
});

it('uses a kept session, and renews it when it is over', async () => {
  keepSession(url, session(), true);
  await (await openClient({}, {})).get('/a');
  keepSession(url, session({ expires: 5 }), true);
  await (await openClient({}, {})).get('/b');
  expect(asked).toMatchObject([
    { path: '/a', authorization: 'Bearer kept' },
    { path: '/authorization/token', authorization: undefined, body: 'grant_type=refresh_token&refresh_token=old' },
    { path: '/b', authorization: 'Bearer new' },
  ]);
  expect(findSession(url)).toMatchObject({ user: 'jo', token: 'new', refreshToken: 'next' });
});

it('asks for a login where the session cannot be renewed, and tells a gateway that fails from one that refuses', async () => {
  keepSession(url, session({ expires: 5 }), true);
  answer = () => [400, { error: 'invalid_grant', error_description: 'used' }];
  expect(await failure(() => openClient({}, {}))).toMatchObject({
    exit: 3,
    message: expect.stringContaining('is over'),
  });
  answer = () => [503, { message: 'later' }];
  expect(await failure(() => openClient({}, {}))).toMatchObject({ exit: 4, message: expect.stringContaining('later') });
  keepSession(url, session({ expires: 5, refreshToken: null }), true);
  expect(await failure(() => openClient({}, {}))).toMatchObject({ exit: 3 });
  expect(await failure(() => openClient({ url: 'http://127.0.0.2:1' }, {}))).toMatchObject({ exit: 3 });
});

it.each([
  [401, { message: 'No' }, 3, 'No'],
  [403, { message: 'Not you' }, 3, 'Not you'],
  [400, { message: 'Bad', errors: [{ pointer: '/a', rule: 'type', message: 'wrong' }] }, 1, 'Bad'],
  [404, { detail: 'Gone' }, 1, 'Gone'],
  [500, { message: 'Oops' }, 4, 'Oops'],
  [200, '<html>', 4, 'without JSON'],
  [302, '', 1, '/x answered 302'],
])('an answer %i %j ends with %i', async (status, body, exit, message) => {
  const client = await openClient({ url, user: 'a', password: 'b' }, {});
  answer = () => [status, body];
  const found = await failure(() => client.send('POST', '/x', {}));
  expect(found).toMatchObject({ exit, status, message: expect.stringContaining(message) });
  expect(found.complaints).toEqual(status === 400 ? [{ pointer: '/a', rule: 'type', message: 'wrong' }] : []);
});

it('keeps the sessions of several gateways apart', () => {
  keepSession('http://a', session({ token: 'a' }), true);
  keepSession('http://b', session({ token: 'b' }), true);
  expect(JSON.parse(readFileSync(sessionFile(), 'utf8')).current).toBe('http://b');
  forgetSession('http://b');
  expect(JSON.parse(readFileSync(sessionFile(), 'utf8')).current).toBe('http://a');
  expect(findSession('http://b')).toBeNull();
  writeFileSync(sessionFile(), '{');
  expect(() => findSession('http://a')).toThrow('cannot be read');
});

it.each([
  ['https://api.example/base/', 'https://api.example/base'],
  ['localhost:8080', 'http://localhost:8080'],
  ['http://h', 'http://h'],
])('%s is the gateway %s', (given, expected) => {
  expect(readUrl(given)).toBe(expected);
});

it.each(['ftp://h', 'http://', 'a b'])('%s is no gateway', (given) => {
  expect(() => readUrl(given)).toThrow('not');
});
