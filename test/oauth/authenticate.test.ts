import { randomBytes } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { anonymous, type Call, type Caller, type CallOperation } from '../../worker/core/call.ts';
import type { ApiError } from '../../worker/core/errors.ts';
import type { KeyRecord } from '../../worker/core/records.ts';
import { grants } from '../../worker/core/scope-grant.ts';
import type { Snapshot } from '../../worker/core/snapshot.ts';
import { authenticate, readBearer } from '../../worker/gateway/authenticate.ts';
import { authorize } from '../../worker/gateway/authorize.ts';
import { rememberToken, tokenCacheSize, tokenFrom } from '../../worker/gateway/token-cache.ts';
import { signAccessToken } from '../../worker/oauth/access-token.ts';
import type { OAuthContext } from '../../worker/oauth/context.ts';
import { generateKey } from '../../worker/oauth/keys.ts';

const secret = randomBytes(32).toString('base64');
const base = 'https://api.test';
const holder = { user: { id: 7, name: 'dora', email: 'dora@example.com' }, app: { id: 3, key: 'k-e-y' } };
let now = Date.UTC(2027, 0, 1);
let keys: KeyRecord[];

beforeAll(async () => {
  keys = [{ id: 1, status: 1, ...(await generateKey('', now, secret)) }];
});
afterEach(() => {
  vi.restoreAllMocks();
});

interface Situation {
  authorization?: string;
  operation?: Partial<CallOperation>;
  snapshot?: Partial<Snapshot>;
  env?: Record<string, string>;
  url?: string;
  caller?: Caller;
}

/** A call as far as these steps look at it. */
function callOf({ authorization, operation, snapshot, env, url = `${base}/x`, caller }: Situation = {}): Call {
  const headers = new Headers(authorization === undefined ? {} : { Authorization: authorization });
  const config = snapshot?.config ?? (() => undefined);
  return {
    request: new Request(url, { headers }),
    url: new URL(url),
    tenant: '',
    ip: '',
    runtime: { env: { SECRET_KEY: secret, ...env }, now: () => now },
    snapshot: { tenant: '', stale: false, keys, revoked: () => false, ...snapshot, config },
    operation: { public: false, native: null, scopes: { todo: true }, ...operation },
    caller: caller ?? anonymous,
  } as unknown as Call;
}

function issue(changed: Partial<OAuthContext> = {}, lifetime = 3600) {
  const { runtime, snapshot } = callOf();
  const context = { runtime, snapshot, tenant: '', ip: '', userAgent: '', baseUrl: base, ...changed } as OAuthContext;
  return signAccessToken(context, holder, 'family', ['todo', 'backend.action'], lifetime);
}

async function refusal(call: Call): Promise<ApiError> {
  return (async () => authenticate(call))().then(
    () => Promise.reject(new Error('was accepted')),
    (thrown: ApiError) => thrown,
  );
}

describe('the Authorization header', () => {
  it.each([
    [null, 'missing_authorization'],
    ['', 'missing_authorization'],
    ['   ', 'missing_authorization'],
    ['Basic YTpi', 'invalid_authorization_type'],
    ['Digest realm="a", nonce="b"', 'invalid_authorization_type'],
    ['abc', 'invalid_authorization_type'],
    ['Bearer', 'missing_token'],
    ['Bearer   ', 'missing_token'],
    ['Bearer a, Bearer b', 'invalid_request'],
    ['Bearer a,Basic b', 'invalid_request'],
    ['Basic a, Bearer b', 'invalid_request'],
  ])('%j: %s', (header, error) => {
    expect(readBearer(header)).toEqual({ ok: false, error });
  });

  it.each(['Bearer a,b', 'bearer a,b', 'BEARER  a,b ', '\tBearer a,b'])('%j holds one token', (header) => {
    expect(readBearer(header)).toEqual({ ok: true, token: 'a,b' });
  });
});

describe('authenticate', () => {
  it('knows the caller from the token alone', async () => {
    const { token, jti, issued, expires } = await issue();
    expect(await authenticate(callOf({ authorization: `Bearer ${token}` }))).toEqual({
      userId: 7,
      userName: 'dora',
      email: 'dora@example.com',
      appId: 3,
      appKey: 'k-e-y',
      scopes: ['todo', 'backend.action'],
      token: { jti, family: 'family', issued, expires },
    });
  });

  it('verifies a token once, and asks about revocation every time', async () => {
    const { token } = await issue();
    const verify = vi.spyOn(crypto.subtle, 'verify');
    const revoked = vi.fn(() => false);
    for (let turn = 0; turn < 5; turn++) {
      await authenticate(callOf({ authorization: `Bearer ${token}`, snapshot: { revoked } }));
    }
    expect(verify).toHaveBeenCalledTimes(1);
    expect(revoked).toHaveBeenCalledTimes(5);
    revoked.mockReturnValue(true);
    const error = await refusal(callOf({ authorization: `Bearer ${token}`, snapshot: { revoked } }));
    expect(error).toMatchObject({ code: 'invalid_token', status: 401, message: 'Invalid access token' });
  });

  it('forgets a remembered token when it ends', async () => {
    const { token } = await issue({}, 60);
    const call = callOf({ authorization: `Bearer ${token}` });
    expect((await authenticate(call)).userId).toBe(7);
    now += 71_000;
    expect((await refusal(call)).code).toBe('invalid_token');
    now -= 71_000;
  });

  it('refuses a remembered token whose key is withdrawn', async () => {
    const { token } = await issue();
    const authorization = `Bearer ${token}`;
    await authenticate(callOf({ authorization }));
    const retired = [{ ...keys[0]!, status: 2 }];
    expect((await authenticate(callOf({ authorization, snapshot: { keys: retired } }))).userId).toBe(7);
    const withdrawn = [{ ...keys[0]!, status: 0 }];
    expect((await refusal(callOf({ authorization, snapshot: { keys: withdrawn } }))).status).toBe(401);
  });

  it('refuses a token of another tenant, also when it is remembered', async () => {
    const { token } = await issue();
    const authorization = `Bearer ${token}`;
    await authenticate(callOf({ authorization }));
    expect((await refusal({ ...callOf({ authorization }), tenant: 'other' })).code).toBe('invalid_token');
  });

  it('compares the issuer with the configured public URL, and with nothing when there is none', async () => {
    const { token } = await issue({ baseUrl: 'https://elsewhere.test' });
    const authorization = `Bearer ${token}`;
    const strict = callOf({ authorization, env: { PUBLIC_URL: base } });
    expect((await refusal(strict)).code).toBe('invalid_token');
    expect((await authenticate(callOf({ authorization }))).userId).toBe(7);
  });

  it.each([
    [undefined, 'Missing authorization header', false],
    ['Basic YTpi', 'Invalid authorization type', false],
    ['Bearer ', 'No authorization token was provided', false],
    ['Bearer nope', 'Invalid access token', true],
    ['Bearer a.b.c', 'Invalid access token', true],
  ])('%s: 401 "%s"', async (authorization, message, presented) => {
    const error = await refusal(callOf(authorization === undefined ? {} : { authorization }));
    expect(error).toMatchObject({ status: 401, message });
    const expected = `Bearer realm="Fusio", resource_metadata="${base}/.well-known/oauth-protected-resource"`;
    const challenge = error.headers['WWW-Authenticate']!;
    expect(challenge.startsWith(expected)).toBe(true);
    expect(challenge.includes('error="invalid_token"')).toBe(presented);
  });

  it("takes a public operation's caller for nobody when the token is missing or bad, and for somebody when it is good", async () => {
    const operation = { public: true };
    expect(await authenticate(callOf({ operation }))).toBe(anonymous);
    expect(await authenticate(callOf({ operation, authorization: 'Bearer nope' }))).toBe(anonymous);
    expect(await authenticate(callOf({ operation, authorization: 'Basic YTpi' }))).toBe(anonymous);
    const { token } = await issue();
    expect((await authenticate(callOf({ operation, authorization: `Bearer ${token}` }))).userId).toBe(7);
    const twice = await refusal(callOf({ operation, authorization: 'Bearer a, Bearer b' }));
    expect(twice).toMatchObject({ code: 'invalid_request', status: 400 });
  });

  it('refuses tokens while revocations cannot be checked, if the configuration says so', async () => {
    const { token } = await issue();
    const authorization = `Bearer ${token}`;
    const refuse = { stale: true, config: () => 'refuse' };
    expect(await refusal(callOf({ authorization, snapshot: refuse }))).toMatchObject({ status: 503 });
    const accept = { stale: true, config: () => 'accept' };
    expect((await authenticate(callOf({ authorization, snapshot: accept }))).userId).toBe(7);
  });
});

describe('the token cache', () => {
  it('is bounded by bytes and drops what was not used longest', async () => {
    const { token } = await issue();
    await authenticate(callOf({ authorization: `Bearer ${token}` }));
    const verified = tokenFrom(token, '', now)!;
    const filler = (number: number) => `${number}.${'x'.repeat(2000)}`;
    for (let number = 0; number < 2000; number++) {
      rememberToken(filler(number), '', verified);
      tokenFrom(token, '', now);
    }
    expect(tokenCacheSize().bytes).toBeLessThanOrEqual(8 * 2 ** 20);
    expect(tokenCacheSize().entries).toBeLessThan(1000);
    expect(tokenFrom(token, '', now)).toBeDefined();
    expect(tokenFrom(filler(0), '', now)).toBeUndefined();
    expect(tokenFrom(filler(1999), '', now)).toBeDefined();
  });
});

describe('authorize', () => {
  const callerWith = (...scopes: string[]): Caller => ({ ...anonymous, userId: 1, scopes });

  it('a scope without a dot grants all below it, and nothing else', () => {
    expect(grants(['backend'], 'backend.action')).toBe(true);
    expect(grants(['backend'], 'backend')).toBe(true);
    expect(grants(['backend.action'], 'backend.action')).toBe(true);
    expect(grants(['backend.action'], 'backend')).toBe(false);
    expect(grants(['backend.action'], 'backend.action.delete')).toBe(false);
    expect(grants(['back'], 'backend.action')).toBe(false);
    expect(grants(['backend'], 'backendx')).toBe(false);
    expect(grants([''], '.hidden')).toBe(false);
  });

  it('asks for one of the allowed scopes of an operation', () => {
    const operation = { scopes: { todo: true, secret: false } };
    expect(() => authorize(callOf({ operation, caller: callerWith('todo') }))).not.toThrow();
    expect(() => authorize(callOf({ operation, caller: callerWith('secret') }))).toThrow();
    expect(() => authorize(callOf({ operation: { scopes: {} }, caller: callerWith('todo') }))).toThrow();
    expect(() => authorize(callOf({ operation: { scopes: {}, public: true } }))).not.toThrow();
  });

  it('says in the challenge what would do', () => {
    const call = callOf({ operation: { scopes: { todo: true, list: true } }, caller: callerWith('other') });
    let error: unknown;
    try {
      authorize(call);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      status: 403,
      message: 'Access to this operation is not in the scope of the provided token',
      headers: { 'WWW-Authenticate': expect.stringContaining('Bearer error="insufficient_scope", scope="todo list"') },
    });
  });
});
