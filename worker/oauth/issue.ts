import { and, eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { ApiError } from '../core/errors.ts';
import type { AccessMark, FamilyOwner } from '../core/ports.ts';
import { secretsOf } from '../lib/derive.ts';
import { durationSeconds } from '../lib/duration.ts';
import { isGuardViolation } from '../lib/platform-failure.ts';
import type { Row } from '../resources/define.ts';
import type { Limit } from '../resources/live.ts';
import { guardStatements, upserts } from '../resources/statements.ts';
import { tokens } from '../resources/token.ts';
import { type AccessToken, signAccessToken } from './access-token.ts';
import { type AppAccount, appById, scopesOfUser, type UserAccount, userById } from './accounts.ts';
import type { OAuthContext } from './context.ts';
import type { Principal } from './credentials.ts';
import { OAuthError } from './errors.ts';
import { newFamily, newRefreshToken, readRefreshToken } from './refresh-token.ts';
import { chooseScopes } from './scopes.ts';

/** What a client gets, before it is put into words. */
export interface Issued {
  accessToken: string;
  refreshToken: string;
  /** Seconds. */
  expiresIn: number;
  scopes: string[];
  principal: Principal;
}

const tokenActive = 1;
const tokenGone = 2;

/** A token that a user makes for a purpose: it has a name, ends when the user says so, and may take the row of an earlier one. */
export interface PersonalToken {
  name: string;
  /** Seconds since the epoch. */
  expires: number;
  /** Id of the row that it replaces. */
  row?: number;
  /** How many there may be, its row counted. */
  limit: Limit;
}

/** Starts a family of tokens for who has proved to be `principal`. Throws OAuthError `invalid_scope` when nothing is left of the scopes. */
export async function issueTokens(
  context: OAuthContext,
  principal: Principal,
  requested: string[],
  personal?: PersonalToken,
): Promise<Issued> {
  const scopes = await choose(context, principal, requested, null);
  const family = newFamily();
  const { tenant, runtime } = context;
  const { access, refresh, expires, expiresIn } = await prepare(context, principal, family, scopes, personal?.expires);
  const { user, app } = principal;
  await available(async () => {
    await runtime.env.TOKEN_FAMILY.getByName(objectName(tenant, family)).start({
      tenant,
      family,
      userId: user.id,
      appId: app?.id ?? null,
      scopes,
      refreshHash: refresh.hash,
      expires,
      access: markOf(access),
    });
    const row = { ...rowOf(context, principal, family, scopes, access), name: personal?.name ?? null };
    await keepRow(context, row, personal);
  });
  return { accessToken: access.token, refreshToken: refresh.token, expiresIn, scopes, principal };
}

/** Throws ApiError when the token is one too many: its family has begun by then, but nobody got to know it. */
async function keepRow({ runtime }: OAuthContext, row: typeof tokens.$inferInsert, personal?: PersonalToken) {
  const { DB } = runtime.env;
  const kept = { ...row, ...(personal?.row === undefined ? {} : { id: personal.row }) } as Row;
  try {
    await DB.batch([
      ...upserts(DB, tokens, [kept]),
      ...guardStatements(DB, personal === undefined ? [] : [personal.limit]),
    ]);
  } catch (thrown) {
    throw isGuardViolation(thrown) && personal !== undefined ? personal.limit.refusal() : thrown;
  }
}

/**
 * Exchanges a refresh token. Everything that can fail comes first; the rotation, which uses the token up, comes last, and
 * after it the answer is complete. `client` is who presented itself, if anybody did; `admit` throws unless that one may use a
 * token of this owner.
 * Throws OAuthError `invalid_request` for what is no token of ours, `invalid_grant` for one that is used up or over.
 */
export async function renewTokens(
  context: OAuthContext,
  presented: string,
  requested: string[],
  client: Principal | null,
  admit: (owner: Principal, client: Principal | null) => void,
): Promise<Issued> {
  const { runtime, tenant } = context;
  const read = readRefreshToken(secretsOf(runtime.env), tenant, presented);
  if (read === null) {
    throw new OAuthError('invalid_request', 'Invalid refresh token');
  }
  const family = runtime.env.TOKEN_FAMILY.getByName(objectName(tenant, read.family));
  const seen = await available(() => family.look());
  const principal = seen && (await principalOf(context, seen.owner, client));
  if (seen === null || principal === null || isRevoked(context, read.family, seen)) {
    throw new OAuthError('invalid_grant', 'Invalid refresh token');
  }
  admit(principal, client);
  const scopes = await choose(context, principal, requested, seen.owner.scopes);
  const { access, refresh, expires, expiresIn } = await prepare(context, principal, read.family, scopes);
  const rotation = await available(() =>
    family.rotate({
      presentedHash: read.hash,
      nextHash: refresh.hash,
      now: runtime.now(),
      expires,
      access: markOf(access),
    }),
  );
  if (rotation.outcome === 'reused') {
    await publishEnd(context, read.family, rotation.until);
    observeLogin(context, 'refresh_token', principal, 'reused');
  }
  if (rotation.outcome !== 'rotated') {
    throw new OAuthError('invalid_grant', 'Invalid refresh token');
  }
  await replaceAccess(context, read.family, rotation.replaced, access);
  runtime.defer(replaceRow(context, principal, read.family, scopes, access, rotation.replaced.jti));
  return { accessToken: access.token, refreshToken: refresh.token, expiresIn, scopes, principal };
}

/**
 * Ends everything that a token stands for: its family, its access tokens and its row in the lists. Afterwards it is dead in
 * this isolate, and within five seconds everywhere. Safe to repeat. Throws OAuthError `temporarily_unavailable`.
 */
export async function endTokens(
  context: OAuthContext,
  token: { jti: string; family: string | null; expires: number },
): Promise<void> {
  const { runtime, tenant } = context;
  const { jti, family, expires } = token;
  await available(async () => {
    if (family === null) {
      await runtime.publishing.revoke(tenant, [{ kind: 'token', id: jti, before: expires, until: expires }]);
    } else {
      const until = await runtime.env.TOKEN_FAMILY.getByName(objectName(tenant, family)).end();
      await publishEnd(context, family, Math.max(until, expires));
    }
    await drizzle(runtime.env.DB)
      .update(tokens)
      .set({ status: tokenGone })
      .where(and(eq(tokens.tenant_id, tenant), family === null ? eq(tokens.jti, jti) : eq(tokens.family, family)));
  });
}

/** What ends a user's or app's access tokens (a new password, a ban) ends their refresh tokens with them. */
function isRevoked(
  { snapshot }: OAuthContext,
  family: string,
  { owner, access }: { owner: FamilyOwner; access: AccessMark },
) {
  const { userId, appId } = owner;
  return snapshot.revoked({ jti: access.jti, family, userId, appId, issued: access.issued });
}

/** Who owns a family, read anew unless it is who has just presented itself; null when user or app are not active any more. */
async function principalOf(
  context: OAuthContext,
  { userId, appId }: FamilyOwner,
  client: Principal | null,
): Promise<Principal | null> {
  const [user, app] = await Promise.all([
    client?.user.id === userId ? client.user : userById(context, userId),
    appId === null || client?.app?.id === appId ? (client?.app ?? null) : appById(context, appId),
  ]);
  return user?.active && (appId === null || app?.active) ? { user, app: appId === null ? null : app } : null;
}

/** Records a login for the sinks. */
export function observeLogin(
  { runtime, tenant, ip }: OAuthContext,
  grant: string,
  principal: Principal | null,
  outcome: 'issued' | 'refused' | 'reused',
): void {
  const userId = principal?.user.id ?? null;
  const appId = principal?.app?.id ?? null;
  runtime.observer.observe({ kind: 'login', tenant, at: runtime.now(), grant, userId, appId, ip, outcome });
}

async function choose(
  context: OAuthContext,
  { user, app }: Principal,
  requested: string[],
  atMost: string[] | null,
): Promise<string[]> {
  const allowed = chooseScopes([], await scopesOfUser(context, user), app?.scopes ?? null);
  const scopes = chooseScopes(requested, allowed, atMost);
  if (scopes.length === 0) {
    throw new OAuthError('invalid_scope');
  }
  return scopes;
}

/** The tokens themselves, not known to anybody yet. */
async function prepare(
  context: OAuthContext,
  { user, app }: Principal,
  family: string,
  scopes: string[],
  ends?: number,
) {
  const { runtime, snapshot, tenant } = context;
  await passSecond(context, user.id, app?.id ?? null, family);
  const expiresIn =
    ends === undefined ? lifetime(snapshot.config('expire_token'), 172_800) : ends - Math.floor(runtime.now() / 1000);
  const access = await signAccessToken(context, { user, app }, family, scopes, expiresIn);
  const refresh = newRefreshToken(secretsOf(runtime.env), tenant, family);
  return {
    access,
    refresh,
    expiresIn,
    expires: Math.max(access.expires, access.issued + lifetime(snapshot.config('expire_refresh'), 259_200)),
  };
}

/**
 * What ended the tokens of a user or app (a new password) ended all of that second, for tokens know no finer time: one that is
 * asked for in the same second is issued in the next.
 */
async function passSecond({ runtime, snapshot }: OAuthContext, userId: number, appId: number | null, family: string) {
  const now = runtime.now();
  const second = Math.floor(now / 1000);
  const dead = (issued: number) => snapshot.revoked({ jti: '', family, userId, appId, issued });
  if (dead(second) && !dead(second + 1)) {
    await new Promise((resolve) => setTimeout(resolve, (second + 1) * 1000 - now + 5));
  }
}

/** A configured ISO 8601 duration in seconds. */
function lifetime(configured: unknown, initial: number): number {
  try {
    return typeof configured === 'string' && configured !== '' ? durationSeconds(configured) : initial;
  } catch {
    return initial;
  }
}

/**
 * The access token from before the refresh is dead from now on. One entry per family does it (the feed keeps only the newest),
 * but for tokens of the same second. When the feed cannot be told, the old token ends with its own expiry.
 */
async function replaceAccess(
  context: OAuthContext,
  family: string,
  replaced: AccessMark,
  access: AccessToken,
): Promise<void> {
  const { runtime, tenant } = context;
  const { jti, issued, expires } = replaced;
  if (expires * 1000 <= runtime.now()) {
    return;
  }
  const entry =
    issued < access.issued
      ? ({ kind: 'family', id: family, before: access.issued, until: expires } as const)
      : ({ kind: 'token', id: jti, before: expires, until: expires } as const);
  await runtime.publishing.revoke(tenant, [entry]).catch((thrown) => runtime.report('token.replace', thrown));
}

function markOf({ jti, issued, expires }: AccessToken): AccessMark {
  return { jti, issued, expires };
}

async function publishEnd({ runtime, tenant }: OAuthContext, family: string, until: number): Promise<void> {
  await available(() => runtime.publishing.revoke(tenant, [{ kind: 'family', id: family, before: until, until }]));
}

async function replaceRow(
  context: OAuthContext,
  principal: Principal,
  family: string,
  scopes: string[],
  access: AccessToken,
  replaced: string,
): Promise<void> {
  const db = drizzle(context.runtime.env.DB);
  await db.batch([
    db
      .update(tokens)
      .set({ status: tokenGone })
      .where(and(eq(tokens.tenant_id, context.tenant), eq(tokens.jti, replaced))),
    db.insert(tokens).values({
      ...rowOf(context, principal, family, scopes, access),
      // The name that the owner gave stays.
      name: sql`(SELECT former.name FROM token AS former WHERE former.jti = ${replaced})`,
    }),
  ]);
}

function rowOf(
  { tenant, ip, userAgent }: OAuthContext,
  { user, app }: { user: UserAccount; app: AppAccount | null },
  family: string,
  scopes: string[],
  { jti, issued, expires }: AccessToken,
): typeof tokens.$inferInsert {
  return {
    tenant_id: tenant,
    status: tokenActive,
    user_id: user.id,
    app_id: app?.id ?? null,
    category_id: user.categoryId,
    jti,
    family,
    scopes,
    ip,
    user_agent: userAgent,
    expire: new Date(expires * 1000).toISOString(),
    date: new Date(issued * 1000).toISOString(),
  };
}

function objectName(tenant: string, family: string): string {
  return `family:${tenant}:${family}`;
}

/** A part that cannot be reached: nothing is issued, and the client may try again. */
async function available<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw cause instanceof OAuthError || (cause instanceof ApiError && cause.code !== 'unavailable')
      ? cause
      : new OAuthError('temporarily_unavailable', undefined, { retryAfter: 1, cause });
  }
}
