import { and, eq, type SQL, sql } from 'drizzle-orm';
import type { DrizzleD1Database } from 'drizzle-orm/d1';
import type { Call } from '../core/call.ts';
import type { Actor } from '../core/ports.ts';
import { categories } from '../core/system-operation.ts';
import { type Authority, givable } from './authority.ts';
import type { Resource } from './define.ts';
import { plans } from './plan.ts';
import { roles } from './role.ts';
import { users } from './user.ts';

/** The authority of an actor; null for the platform itself, which may do everything. */
export async function authorityOf(db: DrizzleD1Database, tenant: string, actor: Actor): Promise<Authority | null> {
  if (actor.userId === 0) {
    return null;
  }
  const [row] = await db
    .select({ category: roles.category_id, own: users.scopes, bought: plans.scopes })
    .from(users)
    .leftJoin(roles, and(eq(roles.id, users.role_id), eq(roles.tenant_id, users.tenant_id)))
    .leftJoin(plans, and(eq(plans.id, users.plan_id), eq(plans.tenant_id, users.tenant_id), eq(plans.status, 1)))
    .where(and(eq(users.tenant_id, tenant), eq(users.id, actor.userId), eq(users.status, 1)));
  const held = [...texts(row?.own), ...texts(row?.bought)];
  return {
    categoryId: row?.category ?? categories.default,
    scopes: actor.scopes === undefined ? held : givable(held, actor.scopes),
  };
}

/** Who reads, where. A call is one; so is the platform itself, which sees what administrators of the API product see. */
export interface Reader {
  tenant: string;
  runtime: { env: Call['runtime']['env'] };
  caller: { userId: number | null };
}

/**
 * The rows of a resource that the caller's role lets him see, as a condition; undefined: all. The role is read by the same
 * statement, so that a list costs no further one.
 */
export function visibleTo(call: Reader, resource: Resource): SQL | undefined {
  if (resource.categorised === false) {
    return undefined;
  }
  const { userId } = call.caller;
  const { category_id: column } = resource.table as unknown as Record<string, SQL>;
  const own =
    userId === null
      ? sql`${column} = ${categories.default}`
      : sql`${column} = coalesce((SELECT ${roles.category_id} FROM ${users} JOIN ${roles} ON ${roles.id} = ${users.role_id}
          WHERE ${users.tenant_id} = ${call.tenant} AND ${users.id} = ${userId}), ${categories.default})`;
  return resource.categorised === 'shared' ? sql`(${own} OR ${column} = ${categories.backend})` : own;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
}
