import { describe, expect, it } from 'vitest';
import { applyCors, applyPreflight, type CorsPolicy } from '../../worker/gateway/cors.ts';

function answer(origin: string | null, policy: CorsPolicy = null): Record<string, string> {
  const headers = new Headers();
  applyCors(headers, origin, policy);
  return Object.fromEntries(headers);
}

function preflight(request: Record<string, string>, policy: CorsPolicy = null, allow = ['OPTIONS', 'HEAD', 'GET']) {
  const headers = new Headers();
  applyPreflight(headers, new Headers(request), allow, policy);
  return Object.fromEntries(headers);
}

const origin = 'https://app.example.com';
const listed = { origins: [origin, 'http://localhost:3000'] };

describe('CORS without a policy', () => {
  it('lets everybody in, without credentials', () => {
    expect(answer(origin)).toEqual({ 'access-control-allow-origin': '*', 'access-control-expose-headers': '*' });
    expect(answer('null')).toEqual(answer(origin));
    expect(answer(null)).toEqual({ 'access-control-allow-origin': '*' });
  });

  it('answers a preflight as Fusio does', () => {
    const request = {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type',
    };
    expect(preflight(request)).toEqual({
      allow: 'OPTIONS, HEAD, GET',
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'OPTIONS, HEAD, GET, POST, PUT, DELETE, PATCH',
      'access-control-allow-headers':
        'Accept, Accept-Language, Authorization, Content-Language, Content-Type, User-Agent',
      'access-control-expose-headers': '*',
    });
  });

  it('lists the methods in the order in which Fusio does', () => {
    expect(preflight({}, null, ['PUT', 'GET', 'HEAD', 'DELETE', 'OPTIONS']).allow).toBe(
      'OPTIONS, HEAD, DELETE, GET, PUT',
    );
    expect(preflight({}, null, ['POST', 'OPTIONS']).allow).toBe('OPTIONS, POST');
  });

  it('says no more than was asked', () => {
    const names = Object.keys(preflight({ origin, 'access-control-request-method': 'GET' }));
    expect(names).not.toContain('access-control-allow-headers');
    expect(preflight({})).toEqual({ allow: 'OPTIONS, HEAD, GET', 'access-control-allow-origin': '*' });
  });

  it('never sends credentials to everybody, whatever the policy says', () => {
    for (const policy of [
      { credentials: true },
      { origins: ['*'], credentials: true },
      { origins: [origin, '*'], credentials: true },
    ]) {
      expect(answer('https://evil.example', policy)).toEqual(answer(origin));
      expect(JSON.stringify(answer('https://evil.example', policy))).not.toContain('evil');
    }
  });
});

describe('CORS with a list of origins', () => {
  it('names the origin when it is on the list', () => {
    expect(answer(origin, listed)).toEqual({
      'access-control-allow-origin': origin,
      'access-control-expose-headers': '*',
      vary: 'Origin',
    });
    expect(answer('http://localhost:3000', listed)['access-control-allow-origin']).toBe('http://localhost:3000');
  });

  it('allows credentials only there, and then names what may be read', () => {
    const headers = answer(origin, { ...listed, credentials: true });
    expect(headers['access-control-allow-credentials']).toBe('true');
    expect(headers['access-control-expose-headers']).toMatch(/X-Request-Id.*RateLimit/);
    expect(headers['access-control-expose-headers']).not.toContain('*');
  });

  it('reads the list as a browser writes origins', () => {
    const policy = { origins: ['HTTPS://App.Example.com:443/', 'http://xn--bcher-kva.example'] };
    expect(answer(origin, policy)['access-control-allow-origin']).toBe(origin);
    expect(answer('http://xn--bcher-kva.example', policy)['access-control-allow-origin']).toBe(
      'http://xn--bcher-kva.example',
    );
  });

  it.each([
    'null',
    '',
    '*',
    'https://app.example.com.evil.example',
    'https://evil-app.example.com',
    'https://app.example.com:8443',
    'http://app.example.com',
    'https://app.example.com/',
    'https://app.example.com/path',
    'https://APP.example.com',
    'https://app.example.com.',
    'https://app.example.com@evil.example',
    'https://user@app.example.com',
    'https://app.example.com%00.evil.example',
    'https://app.example.com evil',
    'https://app.example.com,https://evil.example',
    'https://app.example.com https://evil.example',
    'https://sub.app.example.com',
    'https://example.com',
    'https://appXexample.com',
    'https://app_example.com',
    'app.example.com',
    '//app.example.com',
    'https:app.example.com',
    'https:///app.example.com',
    'file://',
    'data:text/html,x',
    'chrome-extension://app.example.com',
    'http://localhost:30000',
    'http://localhost',
  ])('has nothing to say to %j', (foreign) => {
    for (const policy of [listed, { ...listed, credentials: true }, { origins: [...listed.origins, 'null'] }]) {
      expect(answer(foreign, policy)).toEqual({ vary: 'Origin' });
      expect(preflight({ origin: foreign, 'access-control-request-method': 'GET' }, policy)).toEqual({
        allow: 'OPTIONS, HEAD, GET',
        vary: 'Origin',
      });
    }
  });

  it('varies also for those who name none, and allows nobody when it is empty', () => {
    expect(answer(null, listed)).toEqual({ vary: 'Origin' });
    expect(answer(origin, { origins: [] })).toEqual({ vary: 'Origin' });
  });

  it('answers a preflight with its own headers and age', () => {
    const request = { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'x-evil' };
    expect(preflight(request, { ...listed, headers: ['X-Key', 'Api-Version'], maxAge: 600.9 })).toMatchObject({
      'access-control-allow-headers': 'X-Key, Api-Version',
      'access-control-max-age': '600',
    });
  });

  it('adds to a Vary that is there', () => {
    const headers = new Headers({ vary: 'Accept' });
    applyCors(headers, origin, listed);
    expect(headers.get('vary')).toBe('Accept, Origin');
  });
});
