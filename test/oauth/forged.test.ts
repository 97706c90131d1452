import { existsSync, readFileSync } from 'node:fs';
import { importJWK, type JWTPayload, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { open } from '../../worker/lib/seal.ts';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { tokensOf, whoami } from './clients.ts';
import { joseSuite } from './suite.ts';

const base = 'https://api.test';
let gateway: Gateway;
let good: string;
let key: CryptoKey;

beforeAll(async () => {
  gateway = await startGateway({ vars: { PUBLIC_URL: base } });
  good = (await tokensOf(gateway, await gateway.setup())).access_token;
  const row = await gateway.DB.prepare('SELECT kid, private FROM signing_key').first<{
    kid: string;
    private: string;
  }>();
  const text = await open(JSON.parse(row!.private), `/signing_key/${row!.kid}/private`, gateway.secretKey);
  key = (await importJWK(JSON.parse(text), 'ES256')) as CryptoKey;
});
afterAll(() => gateway?.stop());

const [header, payload] = [0, 1].map(
  (index) => (token: string) => JSON.parse(Buffer.from(token.split('.')[index]!, 'base64url').toString()),
) as [(token: string) => Record<string, unknown>, (token: string) => JWTPayload];

/** A token signed with the installation's own key, whatever it says. */
function sign(claims: Record<string, unknown>, changed: Record<string, unknown> = {}): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ ...header(good), ...changed } as never).sign(key);
}

/** The tokens that are accepted, out of a list; 20 at a time. */
async function accepted<T>(items: T[], tokenOf: (item: T) => string): Promise<T[]> {
  const found: T[] = [];
  for (let start = 0; start < items.length; start += 20) {
    const part = items.slice(start, start + 20);
    const statuses = await Promise.all(part.map(async (item) => (await whoami(gateway, tokenOf(item))).status));
    found.push(...part.filter((_, index) => statuses[index] !== 401));
  }
  return found;
}

describe('a token signed with our own key', () => {
  it('is good when it says the same as ours', async () => {
    expect((await whoami(gateway, await sign(payload(good)))).status).toBe(200);
  });

  it('is refused when a claim is missing or of another type', async () => {
    const required = ['iss', 'aud', 'exp', 'iat', 'jti', 'tenant', 'user_id', 'app_id', 'family'];
    const values: unknown[] = [undefined, '', 'x', true, {}, [], [1], '7', { toString: 'x' }];
    const cases = [];
    for (const claim of required) {
      for (const value of values) {
        // Any text is a jti and a family.
        if (typeof value !== 'string' || !['jti', 'family'].includes(claim)) {
          if (!(claim === 'tenant' && value === '')) {
            cases.push({ claim, value, token: await sign({ ...payload(good), [claim]: value }) });
          }
        }
      }
    }
    expect(cases.length).toBeGreaterThan(60);
    expect(await accepted(cases, ({ token }) => token)).toEqual([]);
  });

  it('is refused when it is of another type, or brings a key or an extension', async () => {
    const claims = payload(good);
    const headers = [
      { typ: 'JWT' },
      { typ: undefined },
      { typ: 'application/at+jwt' },
      { kid: undefined },
      { kid: 'other' },
      { kid: ['a'] },
      { kid: '__proto__' },
      { jku: `${base}/.well-known/jwks.json` },
      { x5u: `${base}/cert` },
      { x5c: ['AAAA'] },
      { jwk: { kty: 'oct', k: 'AAAA' } },
      { zip: 'DEF' },
    ];
    const tokens = await Promise.all(headers.map(async (changed) => ({ changed, token: await sign(claims, changed) })));
    expect(await accepted(tokens, ({ token }) => token)).toEqual([]);
  });

  it('is refused when it is over, not yet valid, or for another audience', async () => {
    const now = Math.floor(Date.now() / 1000);
    const changes = [
      { exp: now - 61 },
      { iat: now + 120 },
      { nbf: now + 120 },
      { iss: 'https://other.test' },
      { aud: 'https://other.test' },
      { aud: ['https://other.test'] },
      { tenant: 'other' },
    ];
    const tokens = await Promise.all(
      changes.map(async (changed) => ({ changed, token: await sign({ ...payload(good), ...changed }) })),
    );
    expect(await accepted(tokens, ({ token }) => token)).toEqual([]);
  });
});

describe('a changed token', () => {
  it('is refused, whatever part of it was changed', async () => {
    const [head, body, signature] = good.split('.') as [string, string, string];
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const values = [null, '', 0, 1, -1, true, 'x', [], {}, 'none', 'HS256', 'RS256', 'ES384', '../../x', "' OR 1=1"];
    const headers = Object.keys(header(good)).flatMap((name) =>
      values.map((value) => `${part({ ...header(good), [name]: value })}.${body}.${signature}`),
    );
    const bodies = Object.keys(payload(good)).flatMap((name) =>
      values.map((value) => `${head}.${part({ ...payload(good), [name]: value })}.${signature}`),
    );
    const others = [
      `${head}.${body}.`,
      `${head}.${body}`,
      `..`,
      `.${body}.${signature}`,
      `${good}.x`,
      `${good}=`,
      good.slice(1),
    ];
    const changed = [...headers, ...bodies, ...others].filter((token) => token !== good);
    expect(await accepted(changed, (token) => token)).toEqual([]);
    expect((await whoami(gateway, good)).status).toBe(200);
  });
});

describe.runIf(existsSync(joseSuite))('Wycheproof', () => {
  it.each([
    'json_web_signature_test.json',
    'json_web_key_test.json',
    'json_web_crypto_test.json',
  ])('no token of %s is let in', async (name) => {
    const { testGroups } = JSON.parse(readFileSync(`${joseSuite}/${name}`, 'utf8')) as {
      testGroups: { tests: { tcId: number; jws?: unknown; jwe?: unknown }[] }[];
    };
    const tokens = testGroups
      .flatMap(({ tests }) => tests)
      .map(({ tcId, jws, jwe }) => ({ tcId, token: text(jws ?? jwe) }))
      // Line breaks cannot be sent in a header, and nothing is no token.
      .filter(({ token }) => token.trim() !== '' && !/[\r\n\0]|[^\x20-\x7e]/.test(token));
    expect(tokens.length).toBeGreaterThan(20);
    expect(await accepted(tokens, ({ token }) => token)).toEqual([]);
  });
});

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}
