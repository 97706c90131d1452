import { createHmac, timingSafeEqual } from 'node:crypto';
import { and, eq, gt } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { ApiError } from '../../core/errors.ts';
import type { Env } from '../../env.ts';
import { isObject } from '../../lib/json.ts';
import { openView } from '../../resources/index.ts';
import { roles } from '../../resources/role.ts';
import { statementsOf } from '../../resources/statements.ts';
import { users } from '../../resources/user.ts';

/**
 * Makes the first administrator: `POST /system/setup {token, name, email, password}`, only while there is none. The token is
 * the tenant's (`setupTokenOf`). 201, 400, 403, 410.
 */
export async function setup(env: Env, tenant: string, body: unknown, now: number): Promise<Record<string, unknown>> {
  if (!isObject(body) || !rightToken(env, tenant, body.token)) {
    throw new ApiError('forbidden', 'The setup token is not valid');
  }
  const id = await makeAdministrator(env, tenant, body, now);
  return { success: true, message: 'User successfully created', id: String(id) };
}

/** Makes the first administrator and gives the user's id. Throws 400, and 410 when there is one. */
export async function makeAdministrator(
  env: Env,
  tenant: string,
  { name, email, password }: Record<string, unknown>,
  now: number,
): Promise<number> {
  const role = await roleOf(env, tenant);
  if (role === undefined || (await administrated(env, tenant))) {
    throw new ApiError('deleted', 'There is an administrator already');
  }
  const view = openView(env, tenant, { userId: 0, appId: null, ip: '' }, now);
  if (typeof password !== 'string') {
    throw new ApiError('invalid_body', '/password must be of type string', {
      errors: [{ pointer: '/password', rule: 'type', message: 'must be of type string' }],
    });
  }
  const { id } = await view.change({
    resource: 'user',
    verb: 'create',
    data: { roleId: role, name, email, password },
  });
  await env.DB.batch(statementsOf(env.DB, view));
  return id;
}

/** Whether a tenant has an administrator. */
export async function administrated(env: Env, tenant: string): Promise<boolean> {
  const taken = await drizzle(env.DB)
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.tenant_id, tenant), eq(users.role_id, (await roleOf(env, tenant)) ?? 0), gt(users.status, 0)))
    .limit(1);
  return taken.length > 0;
}

async function roleOf(env: Env, tenant: string): Promise<number | undefined> {
  const [role] = await drizzle(env.DB)
    .select({ id: roles.id })
    .from(roles)
    .where(and(eq(roles.tenant_id, tenant), eq(roles.name, 'Administrator')));
  return role?.id;
}

/**
 * What lets somebody make the first administrator: the HMAC-SHA-256 of `postern:setup` under the root secret, hex, so that only
 * who holds that secret has it; of another tenant than the root one, of `postern:setup:<key>`.
 */
export function setupTokenOf(env: Env, tenant: string): string {
  return tokenBytes(env, tenant).toString('hex');
}

function tokenBytes(env: Env, tenant: string): Buffer {
  const text = tenant === '' ? 'postern:setup' : `postern:setup:${tenant}`;
  return createHmac('sha256', Buffer.from(env.SECRET_KEY, 'base64')).update(text).digest();
}

function rightToken(env: Env, tenant: string, token: unknown): boolean {
  const wanted = tokenBytes(env, tenant);
  const given = Buffer.from(typeof token === 'string' ? token : '', 'hex');
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
