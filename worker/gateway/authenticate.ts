import { baseUrlOf } from '../core/base-url.ts';
import { anonymous, type Call, type Caller } from '../core/call.ts';
import { ApiError, type ErrorCode } from '../core/errors.ts';
import { headerValue } from '../lib/headers.ts';
import { type Soon, soon } from '../lib/soon.ts';
import { type VerifiedToken, verifyAccessToken } from '../oauth/access-token.ts';
import { contextOf } from '../oauth/context.ts';
import { verificationKeys } from '../oauth/keys.ts';
import { rememberToken, tokenFrom } from './token-cache.ts';

/**
 * Who calls: the bearer of an access token (RFC 6750 §2.1), or nobody. On a public operation a missing or invalid token means
 * nobody; elsewhere it is 401 with `WWW-Authenticate`. A token is verified once per isolate and without a look-up; whether
 * it was revoked is asked of the snapshot's feed on every call. Throws 400 for more than one credential, and 503 when
 * revocations cannot be checked and the configuration then refuses tokens.
 */
export function authenticate(call: Call): Soon<Caller> {
  const { received, request } = call;
  const credential = readBearer(
    received === undefined ? request.headers.get('Authorization') : headerValue(received, 'authorization'),
  );
  if (!credential.ok && credential.error === 'invalid_request') {
    const message = 'The request holds more than one credential';
    throw new ApiError('invalid_request', message, { headers: challenge(call, 'invalid_request', message) });
  }
  return credential.ok
    ? soon(callerOf(call, credential.token), (caller) => admitted(call, credential, caller))
    : admitted(call, credential, null);
}

/** Who calls, by the credential and whose it was found to be. */
function admitted(call: Call, credential: Credential, caller: Caller | null): Caller {
  if (caller !== null && call.snapshot.stale && call.snapshot.config('revocation_unreachable') === 'refuse') {
    throw new ApiError('unavailable', 'Revoked tokens cannot be told at the moment', {
      headers: { 'Retry-After': '1' },
    });
  }
  if (caller !== null) {
    return caller;
  }
  if (call.operation!.public) {
    return anonymous;
  }
  // Only a token that was presented gets an error code (RFC 6750 §3.1).
  const error = credential.ok
    ? new ApiError('invalid_token', undefined, { headers: challenge(call, 'invalid_token', 'Invalid access token') })
    : new ApiError(credential.error, undefined, { headers: challenge(call) });
  throw error;
}

type Credential = { ok: true; token: string } | { ok: false; error: ErrorCode };

/** The token of an Authorization header. Two headers arrive joined by a comma. */
export function readBearer(header: string | null): Credential {
  if (header === null) {
    return { ok: false, error: 'missing_authorization' };
  }
  const usual = usualBearer.exec(header);
  if (usual !== null) {
    return { ok: true, token: usual[1]! };
  }
  if (header.trim() === '') {
    return { ok: false, error: 'missing_authorization' };
  }
  const [, scheme = '', rest = ''] = /^\s*([^\s,]*)[ \t]*(.*?)\s*$/s.exec(header) ?? [];
  if (/,\s*(bearer|basic)\b/i.test(header)) {
    return { ok: false, error: 'invalid_request' };
  }
  if (scheme.toLowerCase() !== 'bearer') {
    return { ok: false, error: 'invalid_authorization_type' };
  }
  return rest === '' ? { ok: false, error: 'missing_token' } : { ok: true, token: rest };
}

/** As every client writes it; what is written otherwise is looked at closely. */
const usualBearer = /^Bearer ([\w.-]+)$/;

/** Null when the token is not good. */
function callerOf(call: Call, token: string): Soon<Caller | null> {
  const known = tokenFrom(token, call.tenant, call.runtime.now());
  if (known === undefined) {
    return verified(call, token);
  }
  return verificationKeys(call.snapshot).some(({ kid }) => kid === known.kid) ? living(call, known) : null;
}

async function verified(call: Call, token: string): Promise<Caller | null> {
  const verdict = await verifyAccessToken(token, contextOf(call));
  if (!verdict.ok) {
    return null;
  }
  rememberToken(token, call.tenant, verdict.value);
  return living(call, verdict.value);
}

/** The token's caller, unless it was revoked. */
function living({ snapshot }: Call, { caller }: VerifiedToken): Caller | null {
  const { jti, family, issued } = caller.token!;
  const revoked = snapshot.revoked({ jti, family, userId: caller.userId!, appId: caller.appId, issued });
  return revoked ? null : caller;
}

/** The challenge of a refusal (RFC 6750 §3, RFC 9728 §5.1); `error` and `scope` when a token was presented. */
export function challenge(call: Call, error?: string, description?: string, scope?: string): Record<string, string> {
  const base = baseUrlOf(call.runtime.env, call.url, call.tenant);
  const parts = [
    ...(scope === undefined ? [] : [`error="${error}"`, `scope="${scope}"`]),
    'realm="Fusio"',
    `resource_metadata="${base}/.well-known/oauth-protected-resource"`,
    ...(error === undefined || scope !== undefined ? [] : [`error="${error}"`]),
    ...(description === undefined ? [] : [`error_description="${description}"`]),
  ];
  return { 'WWW-Authenticate': `Bearer ${parts.join(', ')}` };
}
