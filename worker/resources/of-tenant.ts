import { and, eq, inArray, or, type SQL } from 'drizzle-orm';
import type { Resource } from './define.ts';

/** The rows of a resource that a tenant has: its own, and those that every tenant has in common. */
export function ofTenant(resource: Pick<Resource, 'table' | 'common'>, tenant: string): SQL {
  const columns = resource.table as any;
  const own = eq(columns.tenant_id, tenant);
  return resource.common === undefined || tenant === ''
    ? own
    : or(own, and(eq(columns.tenant_id, ''), inArray(columns.id, [...resource.common])))!;
}
