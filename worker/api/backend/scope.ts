import { and, asc, eq, gt } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { categories, type SystemOperation } from '../../core/system-operation.ts';
import { scopes } from '../../resources/scope.ts';

/** What scopes have beyond CRUD: the list by category. */
export const scopeOperations: readonly SystemOperation[] = [
  {
    name: 'backend.scope.getCategories',
    method: 'GET',
    path: '/backend/scope/categories',
    description: 'Lists all scopes by category',
    scope: 'backend.scope',
    async run(call) {
      const rows = await drizzle(call.runtime.env.DB)
        .select()
        .from(scopes)
        .where(and(eq(scopes.tenant_id, call.tenant), gt(scopes.status, 0)))
        .orderBy(asc(scopes.name));
      const entries = Object.entries(categories).sort(([a], [b]) => (a < b ? -1 : 1));
      return {
        categories: entries.map(([name, id]) => ({
          id,
          name,
          scopes: rows
            .filter((row) => row.category_id === id)
            .map((row) => ({ id: row.id, name: row.name, description: row.description })),
        })),
      };
    },
  },
];
