import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OAuthError } from '../../worker/oauth/errors.ts';
import { newFamily, newRefreshToken, readRefreshToken } from '../../worker/oauth/refresh-token.ts';
import { chooseScopes, expandScopes, parseScopes } from '../../worker/oauth/scopes.ts';
import { subjectOf } from '../../worker/oauth/subject.ts';
import { readBasic, readTokenRequest } from '../../worker/oauth/token-request.ts';

const secret = randomBytes(32).toString('base64');

describe('refresh tokens', () => {
  it("have Fusio's shape and come back to their family", () => {
    const family = newFamily();
    const { token, hash } = newRefreshToken(secret, 'acme', family);
    expect(token).toMatch(/^[0-9a-f]{20}-[0-9a-f]{48}-[0-9a-f]{10}$/);
    expect(readRefreshToken(secret, 'acme', token)).toEqual({ family, hash });
    expect(hash).not.toContain(token.split('-')[1]);
  });

  it('are refused without a look-up when a digit, the tenant or the root secret differs', () => {
    const { token } = newRefreshToken(secret, 'acme', newFamily());
    for (let position = 0; position < token.length; position++) {
      const digit = token[position] === '0' ? '1' : '0';
      const changed = token.slice(0, position) + digit + token.slice(position + 1);
      expect(readRefreshToken(secret, 'acme', changed), `character ${position}`).toBeNull();
    }
    expect(readRefreshToken(secret, 'other', token)).toBeNull();
    expect(readRefreshToken(randomBytes(32).toString('base64'), 'acme', token)).toBeNull();
    expect(readRefreshToken(secret, 'acme', token.toUpperCase())).toBeNull();
    expect(readRefreshToken(secret, 'acme', `${token}\n`)).toBeNull();
    expect(readRefreshToken(['AAAA', secret], 'acme', token)).not.toBeNull();
  });
});

describe('scopes', () => {
  it('are read with commas and spaces, each once', () => {
    expect(parseScopes('a,b c,,  a')).toEqual(['a', 'b', 'c']);
    expect(parseScopes('')).toEqual([]);
    expect(parseScopes(undefined)).toEqual([]);
  });

  it('without a dot stand for what is below them', () => {
    expect(expandScopes(['todo', 'list.read'], ['todo.write', 'list.write', 'todos.x'])).toEqual([
      'todo',
      'todo.write',
      'list.read',
    ]);
  });

  it('of a token are never more than those of the user, of the app and of the request', () => {
    const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'a.x', 'a.y', 'b.x', 'c'), { maxLength: 6 });
    fc.assert(
      fc.property(names, names, fc.option(names), (requested, user, app) => {
        for (const scope of chooseScopes(requested, user, app)) {
          expect(user).toContain(scope);
          expect(app ?? user).toContain(scope);
          expect(requested.length === 0 ? user : requested).toContain(scope);
        }
      }),
    );
    expect(chooseScopes([], ['a', 'b'], null)).toEqual(['a', 'b']);
    expect(chooseScopes([], ['a', 'b'], ['b', 'c'])).toEqual(['b']);
    expect(chooseScopes(['b', 'x'], ['a', 'b'], null)).toEqual(['b']);
  });
});

describe('the subject', () => {
  it('is the one that Fusio gives the same user at the same address', () => {
    // Recorded from a running Fusio 8.
    expect(subjectOf('http://127.0.0.1:28080', 1)).toBe('c013d0b5-664b-53b1-8999-95a56b41e06b');
    expect(subjectOf('http://127.0.0.1:28080', 2)).toBe('d173da81-6a88-54cb-b886-6d8a114af14e');
    expect(subjectOf('http://127.0.0.1:28080', 3)).toBe('7642321c-4e19-5a86-bee9-9a87c674556f');
  });
});

describe('token requests', () => {
  const post = (body: string, headers: Record<string, string> = {}) =>
    readTokenRequest(new Request('https://a.test/authorization/token', { method: 'POST', body, headers }));
  const json = { 'Content-Type': 'application/json' };
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };

  it('are forms or JSON', async () => {
    const asForm = await post('grant_type=password&scope=a+b', form);
    expect(Object.fromEntries(asForm.parameters)).toEqual({ grant_type: 'password', scope: 'a b' });
    const asJson = await post('{"grant_type":"password","scope":["a","b"],"n":1,"o":{}}', json);
    expect(Object.fromEntries(asJson.parameters)).toEqual({ grant_type: 'password', scope: 'a b' });
  });

  it('name their client by Basic or in the body', async () => {
    expect((await post('client_id=a&client_secret=b', form)).client).toEqual({ id: 'a', secrets: ['b'] });
    expect((await post('client_id=a', form)).client).toBeNull();
    const basic = { ...form, Authorization: `Basic ${btoa('a:b:c')}` };
    expect((await post('client_id=a', basic)).client).toEqual({ id: 'a', secrets: ['b:c'] });
  });

  it('may hold Basic credentials that are percent-encoded', () => {
    expect(readBasic(`Basic ${btoa('a%2Db:p%21q')}`)).toEqual({ id: 'a-b', secrets: ['p%21q', 'p!q'] });
    expect(readBasic(`Basic ${btoa('a:100%')}`)).toEqual({ id: 'a', secrets: ['100%'] });
    expect(readBasic(`basic ${btoa('a:')}`)).toEqual({ id: 'a', secrets: [''] });
    for (const wrong of [
      'Basic',
      'Basic !',
      'Bearer YTpi',
      'Basic YWI',
      `Basic ${btoa(':b')}`,
      'Basic YTpi, Basic YTpi',
    ]) {
      expect(readBasic(wrong), wrong).toBeNull();
    }
  });

  it.each([
    ['a parameter twice', 'a=1&a=2', form],
    ['broken JSON', '{"a":', json],
    ['JSON that is no object', '[1]', json],
    ['more than 64 KB', `a=${'x'.repeat(65_536)}`, form],
    ['two sets of credentials', 'client_id=a&client_secret=b', { ...form, Authorization: `Basic ${btoa('a:b')}` }],
    ['two clients', 'client_id=x', { ...form, Authorization: `Basic ${btoa('a:b')}` }],
    ['another scheme', 'a=1', { ...form, Authorization: 'Bearer abc' }],
    ['joined headers', 'a=1', { ...form, Authorization: `Basic ${btoa('a:b')}, Basic ${btoa('c:d')}` }],
  ])('are refused with %s', async (_name, body, headers) => {
    await expect(post(body, headers as Record<string, string>)).rejects.toMatchObject({
      code: 'invalid_request',
      status: 400,
    });
  });
});

describe('OAuth errors', () => {
  it('are answers that nobody keeps', async () => {
    const response = new OAuthError('slow_down', undefined, { retryAfter: 7 }).toResponse();
    expect(response.status).toBe(429);
    expect(response.headers.get('Retry-After')).toBe('7');
    expect(response.headers.get('Cache-Control')).toBe('no-store');
    const refused = new OAuthError('invalid_client').toResponse();
    expect(refused.status).toBe(401);
    expect(refused.headers.get('WWW-Authenticate')).toMatch(/^Basic realm=/);
    expect(await refused.json()).toEqual({ error: 'invalid_client', error_description: 'Unknown credentials' });
  });

  it('say so when a part of the platform is gone, however deep that is in the causes', () => {
    const gone = new Error('Failed query', { cause: new Error('D1_ERROR: Network connection lost.') });
    const response = OAuthError.from(new Error('while signing', { cause: gone })).toResponse();
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2']);
  });

  it('hide what went wrong inside', async () => {
    const response = OAuthError.from(new TypeError('secret detail')).toResponse();
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secret detail');
  });
});
