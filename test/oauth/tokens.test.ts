import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Administrator, type Gateway, startGateway } from '../helpers/gateway.ts';
import { manage as asAdministrator } from '../helpers/management.ts';
import {
  askToken,
  basic,
  bearer,
  createApp,
  createUser,
  manage,
  renew,
  type Tokens,
  tokensOf,
  whoami,
} from './clients.ts';

let gateway: Gateway;
let admin: Administrator;
let token: string;
let dora: Awaited<ReturnType<typeof createUser>>;
let app: Awaited<ReturnType<typeof createApp>>;

beforeAll(async () => {
  gateway = await startGateway();
  admin = await gateway.setup();
  token = (await tokensOf(gateway, admin)).access_token;
  dora = await createUser(gateway, token, 'dora');
  app = await createApp(gateway, token, dora.id, 'shop', ['consumer', 'backend', 'default']);
});
afterAll(() => gateway?.stop());

async function tokens(response: Response): Promise<Tokens> {
  expect(response.status, await response.clone().text()).toBe(200);
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  return (await response.json()) as Tokens;
}

async function refusal(response: Response) {
  expect(response.headers.get('Cache-Control')).toBe('no-store');
  return { status: response.status, ...((await response.json()) as object) };
}

describe('client_credentials', () => {
  it('gives a user by name and password everything that the user may do', async () => {
    const issued = await tokens(
      await askToken(gateway, { grant_type: 'client_credentials' }, basic(dora.name, dora.password)),
    );
    expect(issued).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      token_type: 'bearer',
      expires_in: 172_800,
      refresh_token: expect.stringMatching(/^[0-9a-f]{20}-[0-9a-f]{48}-[0-9a-f]{10}$/),
      scope: expect.any(String),
    });
    const scopes = issued.scope.split(',');
    expect(scopes).toEqual(
      expect.arrayContaining(['consumer', 'consumer.app', 'consumer.webhook', 'authorization', 'default']),
    );
    expect(scopes.some((scope) => scope.startsWith('backend'))).toBe(false);
  });

  it('knows the user by mail address, from the body, and from JSON', async () => {
    await tokens(await askToken(gateway, { grant_type: 'client_credentials' }, basic(dora.email, dora.password)));
    const inBody = { grant_type: 'client_credentials', client_id: dora.name, client_secret: dora.password };
    await tokens(await askToken(gateway, inBody));
    const response = await gateway.fetch('/authorization/token', {
      method: 'POST',
      headers: { ...basic(dora.name, dora.password), 'Content-Type': 'application/json' },
      body: JSON.stringify({ grant_type: 'client_credentials', scope: 'consumer,authorization' }),
    });
    expect((await tokens(response)).scope).toBe('consumer,authorization');
  });

  it('reads credentials that the client percent-encoded', async () => {
    const encoded = basic(dora.name, encodeURIComponent(dora.password).replaceAll('!', '%21'));
    await tokens(await askToken(gateway, { grant_type: 'client_credentials' }, encoded));
  });

  it('gives an app what both it and its owner may do', async () => {
    const issued = await tokens(
      await askToken(gateway, { grant_type: 'client_credentials' }, basic(app.key, app.secret)),
    );
    expect(issued.scope).toBe('consumer,default');
    expect(await (await whoami(gateway, issued.access_token)).json()).toMatchObject({ status: 403 });
    const wanted = { grant_type: 'client_credentials', scope: 'consumer.app default backend' };
    expect((await tokens(await askToken(gateway, wanted, basic(app.key, app.secret)))).scope).toBe('default');
  });
});

describe('password', () => {
  it('is for apps that present themselves', async () => {
    const form = { grant_type: 'password', username: dora.email, password: dora.password, scope: 'default' };
    expect((await tokens(await askToken(gateway, form, basic(app.key, app.secret)))).scope).toBe('default');
  });
});

describe('an access token', () => {
  it('is signed with a published key and says what RFC 9068 asks for', async () => {
    const { access_token } = await tokens(
      await askToken(gateway, { grant_type: 'client_credentials' }, basic(app.key, app.secret)),
    );
    const jwks = await (await gateway.fetch('/.well-known/jwks.json')).json();
    expect(JSON.stringify(jwks)).not.toContain('"d":');
    const { payload, protectedHeader } = await jwtVerify(access_token, createLocalJWKSet(jwks as never), {
      issuer: gateway.url,
      audience: gateway.url,
      typ: 'at+jwt',
      algorithms: ['ES256'],
      requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'client_id', 'scope'],
    });
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) });
    expect(payload).toMatchObject({
      client_id: app.key,
      scope: 'consumer default',
      name: 'dora',
      preferred_username: 'dora',
      email: dora.email,
      user_id: dora.id,
      app_id: app.id,
      tenant: '',
    });
    expect(payload.exp! - payload.iat!).toBe(172_800);
    expect(payload.sub).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('is never the same twice, and is kept nowhere', async () => {
    const [a, b] = await Promise.all([tokensOf(gateway, dora), tokensOf(gateway, dora, 'default')]);
    expect(a.access_token).not.toBe(b.access_token);
    const { results } = await gateway.DB.prepare('SELECT * FROM token').all();
    expect(results.length).toBeGreaterThan(1);
    for (const secret of [a.access_token, a.refresh_token, a.refresh_token.split('-')[1]!, dora.password]) {
      expect(JSON.stringify(results)).not.toContain(secret);
    }
    const stored = await gateway.DB.prepare('SELECT * FROM user').all();
    expect(JSON.stringify(stored.results)).not.toContain(dora.password);
    const apps = await gateway.DB.prepare('SELECT * FROM app').all();
    expect(JSON.stringify(apps.results)).not.toContain(app.secret);
  });

  it('tells who its user is', async () => {
    const { access_token } = await tokensOf(gateway, dora);
    const me = (await (await whoami(gateway, access_token)).json()) as Record<string, unknown>;
    expect(me).toMatchObject({ id: dora.id, status: 1, name: 'dora', email: dora.email });
    expect(me.scopes).toEqual(expect.arrayContaining(['consumer', 'consumer.app', 'authorization', 'default']));
    expect(JSON.stringify(me)).not.toContain('scrypt');
  });
});

describe('/consumer/login', () => {
  const login = (method: string, body: object) =>
    gateway.fetch('/consumer/login', {
      method,
      body: JSON.stringify(body),
      headers: { 'Content-Type': 'application/json' },
    });

  it('gives tokens by name and password, and by refresh token', async () => {
    const first = await login('POST', {
      username: 'dora',
      password: dora.password,
      scopes: ['consumer', 'authorization'],
    });
    expect(first.status).toBe(200);
    const issued = (await first.json()) as Record<string, string>;
    expect(issued).toEqual({
      token: expect.any(String),
      expires_in: 172_800,
      refresh_token: expect.any(String),
      scope: 'consumer,authorization',
    });
    const second = await login('PUT', { refresh_token: issued.refresh_token });
    expect(second.status).toBe(200);
    const renewed = (await second.json()) as Record<string, string>;
    expect(renewed.scope).toBe('consumer,authorization');
    expect((await whoami(gateway, renewed.token!)).status).toBe(200);
  });

  it('answers 400 to what is wrong', async () => {
    const wrong = await login('POST', { username: 'dora', password: 'x' });
    expect([wrong.status, ((await wrong.json()) as any).message]).toEqual([400, 'Invalid name or password']);
    const unknown = await login('POST', { username: 'nobody', password: 'x' });
    expect([unknown.status, ((await unknown.json()) as any).message]).toEqual([400, 'Invalid name or password']);
    const junk = await login('PUT', { refresh_token: 'foobar' });
    expect([junk.status, ((await junk.json()) as any).message]).toEqual([400, 'Invalid refresh token']);
    expect((await login('POST', { username: 'dora' })).status).toBe(400);
    const issued = await tokens(
      await askToken(gateway, { grant_type: 'client_credentials' }, basic(app.key, app.secret)),
    );
    expect((await login('PUT', { refresh_token: issued.refresh_token })).status).toBe(400);
  });
});

describe('a refused request', () => {
  const form = { grant_type: 'client_credentials' };
  type Case = [name: string, send: () => Promise<Response>, status: number, error: string, description?: string];
  const cases: Case[] = [
    ['no grant', () => askToken(gateway, {}, basic(dora.name, dora.password)), 400, 'unsupported_grant_type'],
    [
      'an unknown grant',
      () => askToken(gateway, { grant_type: 'foo' }),
      400,
      'unsupported_grant_type',
      'Provided an invalid grant type',
    ],
    [
      'a grant named like a property',
      () => askToken(gateway, { grant_type: 'constructor' }),
      400,
      'unsupported_grant_type',
    ],
    ['no client', () => askToken(gateway, form), 400, 'invalid_request', 'Credentials not available'],
    [
      'a wrong password',
      () => askToken(gateway, form, basic(dora.name, 'wrong')),
      401,
      'invalid_client',
      'Unknown credentials',
    ],
    [
      'an unknown user',
      () => askToken(gateway, form, basic('nobody', 'wrong')),
      401,
      'invalid_client',
      'Unknown credentials',
    ],
    [
      'a wrong app secret',
      () => askToken(gateway, form, basic(app.key, 'f'.repeat(64))),
      401,
      'invalid_client',
      'Unknown credentials',
    ],
    [
      'an unknown app',
      () => askToken(gateway, form, basic(crypto.randomUUID(), 'f'.repeat(64))),
      401,
      'invalid_client',
    ],
    [
      'scopes of others',
      () => askToken(gateway, { ...form, scope: 'backend' }, basic(dora.name, dora.password)),
      400,
      'invalid_scope',
    ],
    [
      'a password without an app',
      () => askToken(gateway, { grant_type: 'password', username: 'dora', password: 'x' }),
      400,
      'invalid_request',
      'Credentials not available',
    ],
    [
      'a password with a user as client',
      () =>
        askToken(
          gateway,
          { grant_type: 'password', username: 'dora', password: dora.password },
          basic(dora.name, dora.password),
        ),
      401,
      'invalid_client',
    ],
    [
      'a wrong password through an app',
      () =>
        askToken(gateway, { grant_type: 'password', username: 'dora', password: 'wrong' }, basic(app.key, app.secret)),
      400,
      'invalid_grant',
    ],
    ['no refresh token', () => askToken(gateway, { grant_type: 'refresh_token' }), 400, 'invalid_request'],
    ['a made-up refresh token', () => renew(gateway, 'nope'), 400, 'invalid_request', 'Invalid refresh token'],
    [
      'a refresh token with a wrong check',
      () => renew(gateway, `${'a'.repeat(20)}-${'b'.repeat(48)}-${'c'.repeat(10)}`),
      400,
      'invalid_request',
      'Invalid refresh token',
    ],
    ['a bearer as client', () => askToken(gateway, form, bearer(token)), 400, 'invalid_request'],
  ];
  it.each(cases)('for %s', async (_name, send, status, error, description) => {
    const answer = await refusal(await send());
    expect(answer).toEqual({ status, error, error_description: description ?? expect.any(String) });
  });

  it('names the scheme when the client is refused', async () => {
    const response = await askToken(gateway, form, basic(dora.name, 'wrong'));
    expect(response.headers.get('WWW-Authenticate')).toMatch(/^Basic /);
  });

  it('for users and apps that are not active', async () => {
    const eve = await createUser(gateway, token, 'eve');
    const shop = await createApp(gateway, token, eve.id, 'eve-shop', ['default']);
    const before = await tokensOf(gateway, eve);
    for (const status of [2, 3]) {
      await manage(gateway, token, 'PUT', `/backend/app/${shop.id}`, { status });
      expect((await askToken(gateway, form, basic(shop.key, shop.secret))).status).toBe(401);
    }
    await manage(gateway, token, 'PUT', `/backend/app/${shop.id}`, { status: 1 });
    expect((await askToken(gateway, form, basic(shop.key, shop.secret))).status).toBe(200);
    await manage(gateway, token, 'PUT', `/backend/user/${eve.id}`, { status: 2 });
    expect(await refusal(await askToken(gateway, form, basic(eve.name, eve.password)))).toMatchObject({ status: 401 });
    expect((await askToken(gateway, form, basic(shop.key, shop.secret))).status).toBe(401);
    expect(await refusal(await renew(gateway, before.refresh_token))).toMatchObject({ error: 'invalid_grant' });
    expect((await whoami(gateway, before.access_token)).status).toBe(401);
  });
});

describe('a refresh token', () => {
  it('is good once; the access token before it is dead then', async () => {
    const first = await tokensOf(gateway, dora);
    const second = await tokens(await renew(gateway, first.refresh_token));
    expect(second.scope).toBe(first.scope);
    expect((await whoami(gateway, first.access_token)).status).toBe(401);
    expect((await whoami(gateway, second.access_token)).status).toBe(200);
    expect(await refusal(await renew(gateway, first.refresh_token))).toEqual({
      status: 400,
      error: 'invalid_grant',
      error_description: 'Invalid refresh token',
    });
    const third = await tokens(await renew(gateway, second.refresh_token));
    expect((await whoami(gateway, third.access_token)).status).toBe(200);
  });

  it('may ask for less, never for more, and gets the rest back later', async () => {
    const first = await tokensOf(gateway, dora, 'consumer default');
    const less = await tokens(
      await askToken(gateway, {
        grant_type: 'refresh_token',
        refresh_token: first.refresh_token,
        scope: 'default authorization',
      }),
    );
    expect(less.scope).toBe('default');
    expect((await tokens(await renew(gateway, less.refresh_token))).scope).toBe('consumer,default');
  });

  it('of an app is renewed by this app only', async () => {
    const other = await createApp(gateway, token, dora.id, 'other', ['default']);
    const issue = async () =>
      tokens(await askToken(gateway, { grant_type: 'client_credentials' }, basic(app.key, app.secret)));
    const { refresh_token } = await issue();
    expect((await refusal(await renew(gateway, refresh_token))).status).toBe(401);
    expect(await refusal(await renew(gateway, refresh_token, basic(other.key, other.secret)))).toMatchObject({
      error: 'invalid_grant',
    });
    expect(await refusal(await renew(gateway, refresh_token, basic(dora.name, dora.password)))).toMatchObject({
      error: 'invalid_grant',
    });
    await tokens(await renew(gateway, refresh_token, basic(app.key, app.secret)));
  });
});

describe('revoking', () => {
  it('ends the access token and its refresh token', async () => {
    const issued = await tokensOf(gateway, dora);
    const other = await tokensOf(gateway, dora);
    const response = await gateway.fetch('/authorization/revoke', {
      method: 'POST',
      headers: bearer(issued.access_token),
    });
    expect([response.status, await response.json()]).toEqual([200, { success: true }]);
    const dead = await whoami(gateway, issued.access_token);
    expect([dead.status, ((await dead.json()) as any).message]).toEqual([401, 'Invalid access token']);
    expect(await refusal(await renew(gateway, issued.refresh_token))).toMatchObject({ error: 'invalid_grant' });
    expect((await whoami(gateway, other.access_token)).status).toBe(200);
  });
});

describe('a new password', () => {
  it('ends every token of the user, refresh tokens too', async () => {
    const gus = await createUser(gateway, token, 'gus');
    const before = await tokensOf(gateway, gus);
    await manage(gateway, token, 'PUT', `/backend/user/${gus.id}`, { password: 'Another1!' });
    expect((await whoami(gateway, before.access_token)).status).toBe(401);
    expect(await refusal(await renew(gateway, before.refresh_token))).toMatchObject({ error: 'invalid_grant' });
    expect((await askToken(gateway, { grant_type: 'client_credentials' }, basic(gus.name, gus.password))).status).toBe(
      401,
    );
    // What is issued in the same second as the change is dead too: on the safe side.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const after = await tokensOf(gateway, { name: gus.name, password: 'Another1!' });
    expect((await whoami(gateway, after.access_token)).status).toBe(200);
    await tokens(await renew(gateway, after.refresh_token));
  });
});

describe('discovery', () => {
  it('describes the server as it is', async () => {
    const read = async (path: string) => (await (await gateway.fetch(path)).json()) as Record<string, any>;
    const server = await read('/.well-known/oauth-authorization-server');
    expect(server).toMatchObject({
      issuer: gateway.url,
      token_endpoint: `${gateway.url}/authorization/token`,
      userinfo_endpoint: `${gateway.url}/authorization/whoami`,
      jwks_uri: `${gateway.url}/.well-known/jwks.json`,
      grant_types_supported: ['client_credentials', 'password', 'refresh_token'],
    });
    expect(server.scopes_supported).toContain('default');
    expect(server.scopes_supported).not.toContain('backend');
    expect(await read('/.well-known/openid-configuration')).toMatchObject({
      issuer: gateway.url,
      id_token_signing_alg_values_supported: ['ES256'],
      request_uri_parameter_supported: false,
    });
    expect(await read('/.well-known/oauth-protected-resource')).toMatchObject({
      resource: gateway.url,
      authorization_servers: [gateway.url],
      resource_name: 'Postern',
    });
    // A list without entries is left out, and so is an address that nobody set.
    expect(Object.entries(server).filter(([, value]) => value.length === 0)).toEqual([
      ['response_types_supported', []],
    ]);
    expect(server).not.toHaveProperty('op_tos_uri');
    const api = await asAdministrator(gateway);
    await api.must('PUT', '/backend/config/~info_tos', { value: 'https://example.com/terms' });
    expect((await read('/.well-known/oauth-authorization-server')).op_tos_uri).toBe('https://example.com/terms');
    expect((await read('/.well-known/oauth-protected-resource')).resource_tos_uri).toBe('https://example.com/terms');
    await api.must('PUT', '/backend/config/~info_tos', { value: '' });
    expect((await read('/.well-known/oauth-protected-resource/mcp')).resource).toBe(`${gateway.url}/mcp`);
  });
});
