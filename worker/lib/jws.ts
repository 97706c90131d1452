import { compactVerify, importJWK, type JWK, type JWTPayload } from 'jose';
import { checkJwk } from './jwk.ts';

/** Longest token that is looked at, characters. */
const maxLength = 8192;

/** Header parameters (RFC 7515 §4.1) that would let a token choose its own key or change how it is read. */
const refusedHeaders = ['jwk', 'jku', 'x5u', 'x5c', 'crit', 'b64', 'enc', 'zip'];

/** A public key that tokens may be signed with; the algorithm is the key's, never the token's. */
export interface VerificationKey {
  kid: string;
  alg: string;
  jwk: JWK;
}

/** What a token must say beside its signature. */
export interface Expected {
  /** Media type of the token, `at+jwt` (RFC 9068 §2.1). */
  type: string;
  issuer?: string;
  audience?: string;
  /** Milliseconds since the epoch. */
  now: number;
  /** Accepted clock skew in seconds, at most 60. */
  skew: number;
}

export type Reason = 'malformed' | 'too_long' | 'header' | 'key' | 'signature' | 'claims' | 'expired';

export type Verdict<T> = { ok: true; value: T } | { ok: false; reason: Reason };

/**
 * Verifies an access token in compact form against a set of keys: strict form, key chosen by `kid` out of the set,
 * algorithm pinned by that key, then `typ` and the claims. Never throws.
 */
export async function verifyToken(
  token: string,
  keys: readonly VerificationKey[],
  expected: Expected,
): Promise<Verdict<{ claims: JWTPayload; kid: string }>> {
  const parsed = parseCompact(token);
  if (!parsed.ok) {
    return parsed;
  }
  const { kid, typ } = parsed.value.header;
  const key = keys.find((candidate) => candidate.kid === kid);
  if (key === undefined) {
    return { ok: false, reason: 'key' };
  }
  if (typeof typ !== 'string' || typ.toLowerCase() !== expected.type) {
    return { ok: false, reason: 'header' };
  }
  const verified = await verifySignature(token, key);
  if (!verified.ok) {
    return verified;
  }
  const claims = parseObject(verified.value);
  if (claims === null) {
    return { ok: false, reason: 'malformed' };
  }
  const refused = checkClaims(claims, expected);
  return refused === null ? { ok: true, value: { claims, kid: key.kid } } : { ok: false, reason: refused };
}

/** Verifies the form of a token and its signature under one key; gives the payload's bytes. Never throws. */
export async function verifySignature(token: string, key: VerificationKey): Promise<Verdict<Uint8Array>> {
  const parsed = parseCompact(token);
  if (!parsed.ok) {
    return parsed;
  }
  if (parsed.value.header.alg !== key.alg) {
    return { ok: false, reason: 'header' };
  }
  const cryptoKey = await importKey(key);
  if (cryptoKey === null) {
    return { ok: false, reason: 'key' };
  }
  try {
    return { ok: true, value: (await compactVerify(token, cryptoKey, { algorithms: [key.alg] })).payload };
  } catch {
    return { ok: false, reason: 'signature' };
  }
}

/** What is wrong with the claims that every access token must carry (RFC 9068 §2.2, §4); null when nothing is. */
function checkClaims(claims: Record<string, unknown>, expected: Expected): Reason | null {
  const { iss, aud, exp, iat, nbf = 0 } = claims;
  const audiences = typeof aud === 'string' ? [aud] : aud;
  const named =
    typeof iss === 'string' && Array.isArray(audiences) && audiences.every((item) => typeof item === 'string');
  if (!named || !isSeconds(exp) || !isSeconds(iat) || !isSeconds(nbf)) {
    return 'claims';
  }
  const wrongIssuer = expected.issuer !== undefined && expected.issuer !== iss;
  const wrongAudience = expected.audience !== undefined && !audiences.includes(expected.audience);
  const now = expected.now / 1000;
  const skew = Math.min(expected.skew, 60);
  if (wrongIssuer || wrongAudience || iat > now + skew || nbf > now + skew) {
    return 'claims';
  }
  return exp <= now - skew ? 'expired' : null;
}

function isSeconds(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

export interface Compact {
  header: Record<string, unknown>;
}

/**
 * The form of a token before any cryptography: three non-empty parts of canonical base64url (RFC 7515 §2: no padding, no
 * whitespace; unused bits zero), a JSON object as header without the parameters that we refuse. One token has one spelling.
 */
export function parseCompact(token: string): Verdict<Compact> {
  if (token.length > maxLength) {
    return { ok: false, reason: 'too_long' };
  }
  const [header, payload, signature, ...rest] = token.split('.');
  if (rest.length > 0 || !isBase64Url(header) || !isBase64Url(payload) || !isBase64Url(signature)) {
    return { ok: false, reason: 'malformed' };
  }
  const parsed = parseObject(Buffer.from(header, 'base64url'));
  if (parsed === null) {
    return { ok: false, reason: 'malformed' };
  }
  if (refusedHeaders.some((name) => Object.hasOwn(parsed, name))) {
    return { ok: false, reason: 'header' };
  }
  return { ok: true, value: { header: parsed } };
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Canonical base64url: the bits of the last character that carry no data are zero. */
function isBase64Url(text: string | undefined): text is string {
  if (text === undefined || !/^[A-Za-z0-9_-]+$/.test(text)) {
    return false;
  }
  const unused = [0, null, 0b1111, 0b11][text.length % 4];
  return typeof unused === 'number' && (alphabet.indexOf(text.at(-1) ?? '') & unused) === 0;
}

function parseObject(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}

const imported = new WeakMap<JWK, CryptoKey>();

/** Keys are imported once for the life of their record. Null when the key is below our policy (jwk.ts). */
async function importKey(key: VerificationKey): Promise<CryptoKey | null> {
  const known = imported.get(key.jwk);
  if (known !== undefined) {
    return known;
  }
  const policy = checkJwk(key.jwk);
  if (!policy.ok || policy.alg !== key.alg) {
    return null;
  }
  try {
    const made = await importJWK(key.jwk, key.alg);
    if (made instanceof Uint8Array) {
      return null;
    }
    imported.set(key.jwk, made);
    return made;
  } catch {
    return null;
  }
}
