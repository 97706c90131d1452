import { and, eq, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { apps } from '../resources/app.ts';
import { plans } from '../resources/plan.ts';
import { roles } from '../resources/role.ts';
import { scopes } from '../resources/scope.ts';
import { users } from '../resources/user.ts';
import type { OAuthContext } from './context.ts';
import { OAuthError } from './errors.ts';
import { expandScopes, rootsOf } from './scopes.ts';

const active = 1;

/** A user as far as tokens need it. */
export interface UserAccount {
  id: number;
  name: string;
  email: string | null;
  /** PHC string; null when the user has none. */
  password: string | null;
  active: boolean;
  categoryId: number;
  /** Assigned to the user, and those of the user's plan. */
  scopes: string[];
}

export interface AppAccount {
  id: number;
  userId: number;
  key: string;
  /** Sealed. */
  secret: unknown;
  active: boolean;
  scopes: string[];
}

/** The user, not deleted, with this name or, when there is an @ in it, mail address. */
export function findUser(context: OAuthContext, login: string): Promise<UserAccount | null> {
  return readUser(context, login.includes('@') ? eq(users.email, login) : eq(users.name, login));
}

export function userById(context: OAuthContext, id: number): Promise<UserAccount | null> {
  return readUser(context, eq(users.id, id));
}

export function findApp(context: OAuthContext, key: string): Promise<AppAccount | null> {
  return readApp(context, eq(apps.app_key, key));
}

export function appById(context: OAuthContext, id: number): Promise<AppAccount | null> {
  return readApp(context, eq(apps.id, id));
}

/** What a user may do: the assigned scopes and the sub-scopes of each scope without a dot. */
export async function scopesOfUser({ runtime, tenant }: OAuthContext, user: UserAccount): Promise<string[]> {
  const roots = JSON.stringify(rootsOf(user.scopes));
  // The roots come first, each a range of names ("/" follows "."): else SQLite would read every scope.
  const ids = sql`SELECT found.id FROM json_each(${roots}) AS root CROSS JOIN ${scopes} AS found
    WHERE found.tenant_id = ${tenant} AND found.status > 0
    AND found.name >= root.value || '.' AND found.name < root.value || '/'`;
  const found = await reading(() =>
    drizzle(runtime.env.DB)
      .select({ name: scopes.name })
      .from(scopes)
      .where(and(sql`${scopes.id} IN (${ids})`, eq(scopes.status, active)))
      .orderBy(scopes.id),
  );
  return expandScopes(
    user.scopes,
    found.map(({ name }) => name),
  );
}

/** Replaces a stored password after its parameters or its pepper have changed, unless it was changed meanwhile. */
export async function replacePassword(
  { runtime, tenant }: OAuthContext,
  user: UserAccount,
  password: string,
): Promise<void> {
  await drizzle(runtime.env.DB)
    .update(users)
    .set({ password })
    .where(and(eq(users.tenant_id, tenant), eq(users.id, user.id), eq(users.password, user.password ?? '')));
}

async function readUser({ runtime, tenant }: OAuthContext, condition: SQL): Promise<UserAccount | null> {
  const [row] = await reading(() =>
    drizzle(runtime.env.DB)
      .select({ user: users, categoryId: roles.category_id, planScopes: plans.scopes })
      .from(users)
      .leftJoin(roles, and(eq(roles.id, users.role_id), eq(roles.tenant_id, users.tenant_id)))
      .leftJoin(plans, and(eq(plans.id, users.plan_id), eq(plans.tenant_id, users.tenant_id), eq(plans.status, active)))
      // Written out, not bound: only so it is the condition of the indexes.
      .where(and(eq(users.tenant_id, tenant), sql`${users.status} > 0`, condition))
      .limit(1),
  );
  if (row === undefined) {
    return null;
  }
  const { id, name, email, password, status, scopes: assigned } = row.user;
  const scopes = [...new Set([...texts(assigned), ...texts(row.planScopes)])];
  const rest = { active: status === active, categoryId: row.categoryId ?? 1, scopes };
  return { id, name, email, password, ...rest };
}

async function readApp({ runtime, tenant }: OAuthContext, condition: SQL): Promise<AppAccount | null> {
  const [row] = await reading(() =>
    drizzle(runtime.env.DB)
      .select()
      .from(apps)
      .where(and(eq(apps.tenant_id, tenant), condition))
      .limit(1),
  );
  if (row === undefined) {
    return null;
  }
  const { id, user_id: userId, app_key: key, app_secret: secret, status, scopes: assigned } = row;
  return { id, userId, key, secret, active: status === active, scopes: texts(assigned) };
}

/** Without the database nobody can be told from anybody: fail closed, and say so. */
async function reading<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new OAuthError('temporarily_unavailable', undefined, { retryAfter: 1, cause });
  }
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
