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
 * Makes the first administrator: `POST /system/setup {token, name, email, password}`. The token is the HMAC-SHA-256 of
 * `postern:setup` under the root secret, hex, so only who holds that secret can call it, and only while there is no
 * administrator. 201, 400, 403, 410.
 */
export async function setup(env: Env, tenant: string, body: unknown, now: number): Promise<Record<string, unknown>> {
  if (!isObject(body) || !rightToken(env, body.token)) {
    throw new ApiError('forbidden', 'The setup token is not valid');
  }
  const db = drizzle(env.DB);
  const [role] = await db
    .select()
    .from(roles)
    .where(and(eq(roles.tenant_id, tenant), eq(roles.name, 'Administrator')));
  const taken = await db
    .select({ id: users.id })
    .from(users)
    .where(and(eq(users.tenant_id, tenant), eq(users.role_id, role?.id ?? 0), gt(users.status, 0)))
    .limit(1);
  if (role === undefined || taken.length > 0) {
    throw new ApiError('deleted', 'There is an administrator already');
  }
  const view = openView(env, tenant, { userId: 0, appId: null, ip: '' }, now);
  const { name, email, password } = body;
  if (typeof password !== 'string') {
    throw new ApiError('invalid_body', '/password must be of type string', {
      errors: [{ pointer: '/password', rule: 'type', message: 'must be of type string' }],
    });
  }
  const { id } = await view.change({
    resource: 'user',
    verb: 'create',
    data: { roleId: role.id, name, email, password },
  });
  await env.DB.batch(statementsOf(env.DB, view));
  return { success: true, message: 'User successfully created', id: String(id) };
}

function rightToken(env: Env, token: unknown): boolean {
  const wanted = createHmac('sha256', Buffer.from(env.SECRET_KEY, 'base64')).update('postern:setup').digest();
  const given = Buffer.from(typeof token === 'string' ? token : '', 'hex');
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
