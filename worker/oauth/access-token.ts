import { SignJWT } from 'jose';
import { configuredUrl } from '../core/base-url.ts';
import type { Caller } from '../core/call.ts';
import { type Reason, verifyToken } from '../lib/jws.ts';
import type { OAuthContext } from './context.ts';
import { OAuthError } from './errors.ts';
import { signingKey, verificationKeys } from './keys.ts';
import { subjectOf } from './subject.ts';

/** Clocks of the places that issue and verify may differ by this, seconds. */
const skew = 10;

/** Longest `scope` claim, characters: the whole token stays below the 8 KB that `verifyToken` reads. */
const longestScope = 4096;

/** Whose token it is to be. */
export interface Holder {
  user: { id: number; name: string; email: string | null };
  app: { id: number; key: string } | null;
}

export interface AccessToken {
  token: string;
  jti: string;
  /** Seconds since the epoch. */
  issued: number;
  expires: number;
}

/**
 * Signs an access token (RFC 9068): what a call needs to know of its caller is in it, so that no call looks anything up.
 * Beside the registered claims it carries `tenant`, `family`, `user_id` and `app_id`.
 */
export async function signAccessToken(
  { runtime, snapshot, tenant, baseUrl }: OAuthContext,
  { user, app }: Holder,
  family: string,
  scopes: readonly string[],
  lifetime: number,
): Promise<AccessToken> {
  const { kid, alg, key } = await signingKey(snapshot, runtime.env);
  const issued = Math.floor(runtime.now() / 1000);
  const expires = issued + lifetime;
  const jti = crypto.randomUUID();
  const token = await new SignJWT({
    iss: baseUrl,
    sub: subjectOf(baseUrl, user.id),
    aud: baseUrl,
    client_id: app?.key ?? user.name,
    iat: issued,
    exp: expires,
    jti,
    scope: scopeClaim(scopes),
    name: user.name,
    preferred_username: user.name,
    ...(user.email === null ? {} : { email: user.email }),
    tenant,
    family,
    user_id: user.id,
    app_id: app?.id ?? null,
  })
    .setProtectedHeader({ alg, kid, typ: 'at+jwt' })
    .sign(key);
  return { token, jti, issued, expires };
}

/** A long list is shortened to the scopes that grant the others; what is still too long has to be asked for in parts. */
function scopeClaim(scopes: readonly string[]): string {
  const all = scopes.join(' ');
  if (all.length <= longestScope) {
    return all;
  }
  const roots = new Set(scopes.filter((scope) => !scope.includes('.')));
  const least = scopes.filter((scope) => !scope.includes('.') || !roots.has(scope.slice(0, scope.indexOf('.'))));
  if (least.join(' ').length > longestScope) {
    throw new OAuthError('invalid_scope', 'The scopes do not fit into one token, please request fewer');
  }
  return least.join(' ');
}

/** The caller that a verified token speaks for, the id of the key that vouches for it, and when it ends (seconds, skew included). */
export interface VerifiedToken {
  caller: Caller;
  kid: string;
  expires: number;
}

/**
 * Verifies an access token without a look-up. The issuer is compared when the installation has a configured public URL; without
 * one it answers to every name that requests reach it by, so a token of one name is good under the other. Revocation is not
 * looked at here.
 */
export async function verifyAccessToken(
  token: string,
  { runtime, snapshot, tenant, baseUrl }: OAuthContext,
): Promise<{ ok: true; value: VerifiedToken } | { ok: false; reason: Reason }> {
  const named = configuredUrl(runtime.env, tenant) !== null ? { issuer: baseUrl, audience: baseUrl } : {};
  const keys = verificationKeys(snapshot);
  const verdict = await verifyToken(token, keys, { type: 'at+jwt', now: runtime.now(), skew, ...named });
  if (!verdict.ok) {
    return verdict;
  }
  const { claims, kid } = verdict.value;
  const { user_id: userId, app_id: appId, jti, iat, exp, family } = claims;
  if (
    claims.tenant !== tenant ||
    typeof userId !== 'number' ||
    (appId !== null && typeof appId !== 'number') ||
    typeof jti !== 'string' ||
    (family !== null && typeof family !== 'string')
  ) {
    return { ok: false, reason: 'claims' };
  }
  const caller: Caller = {
    userId,
    userName: text(claims.preferred_username),
    email: text(claims.email),
    appId,
    appKey: appId === null ? null : text(claims.client_id),
    scopes: Object.freeze((text(claims.scope) ?? '').split(' ').filter((scope) => scope !== '')),
    token: { jti, family, issued: iat!, expires: exp! },
  };
  return { ok: true, value: { caller: Object.freeze(caller), kid, expires: exp! + skew } };
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
