import { createHash, timingSafeEqual } from 'node:crypto';
import { secretsOf } from '../lib/derive.ts';
import { hashPassword, verifyPassword } from '../lib/password.ts';
import { isEnvelope, open } from '../lib/seal.ts';
import { type AppAccount, findApp, findUser, replacePassword, type UserAccount, userById } from './accounts.ts';
import { openAttempt } from './attempts.ts';
import type { OAuthContext } from './context.ts';
import { OAuthError } from './errors.ts';

/** An id and a secret as a client presented them. Some clients percent-encode both (RFC 6749 §2.3.1), Fusio's do not. */
export interface ClientCredentials {
  id: string;
  /** As sent, and percent-decoded when that makes a difference. */
  secrets: string[];
}

/** Who stands behind credentials: an app (for its owner), or a user. */
export interface Principal {
  user: UserAccount;
  app: AppAccount | null;
}

/**
 * The active user with this name or mail address and password. The same path and the same work for users who do not exist,
 * are disabled, have no password or gave a wrong one; throws OAuthError `invalid_client` for all of them.
 */
export async function checkUser(context: OAuthContext, login: string, passwords: string[]): Promise<UserAccount> {
  const secrets = secretsOf(context.runtime.env);
  const attempt = await openAttempt(context);
  const user = await findUser(context, login);
  await attempt.account(user, login);
  const stored = user?.active ? user.password : null;
  for (const password of passwords) {
    const verdict = await verifyPassword(password, stored, secrets);
    if (verdict.ok && user !== null) {
      await attempt.succeeded();
      if (verdict.rehash) {
        context.runtime.defer(hashPassword(password, secrets).then((hash) => replacePassword(context, user, hash)));
      }
      return user;
    }
  }
  throw new OAuthError('invalid_client');
}

/** The client of a request: an app by key and secret, else a user by name and password. Throws OAuthError `invalid_client`. */
export async function checkClient(context: OAuthContext, client: ClientCredentials): Promise<Principal> {
  const app = isKey(client.id) ? await findApp(context, client.id) : null;
  if (app === null) {
    return { user: await checkUser(context, client.id, client.secrets), app: null };
  }
  await checkApp(context, app, client.secrets);
  const user = await userById(context, app.userId);
  if (!user?.active) {
    throw new OAuthError('invalid_client');
  }
  return { user, app };
}

/** The app that presents itself, without its owner. Throws OAuthError `invalid_client`. */
export async function checkAppClient(context: OAuthContext, client: ClientCredentials): Promise<AppAccount> {
  const app = isKey(client.id) ? await findApp(context, client.id) : null;
  if (app === null) {
    throw new OAuthError('invalid_client');
  }
  await checkApp(context, app, client.secrets);
  return app;
}

/** A secret is 256 random bits: guessing needs no guard, and no slow hash. */
async function checkApp({ runtime, tenant }: OAuthContext, app: AppAccount, secrets: string[]): Promise<void> {
  if (!isEnvelope(app.secret)) {
    throw new OAuthError('invalid_client');
  }
  const right = await open(app.secret, `${tenant}/app/${app.key}`, secretsOf(runtime.env));
  if (!app.active || !secrets.some((secret) => timingSafeEqual(digest(secret), digest(right)))) {
    throw new OAuthError('invalid_client');
  }
}

function isKey(id: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id);
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
