import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { Call } from '../../core/call.ts';
import { categories, type SystemOperation } from '../../core/system-operation.ts';
import { scopesOfUser } from '../../oauth/accounts.ts';
import { contextOf } from '../../oauth/context.ts';
import { collectionParameters, listEntities } from '../../resources/crud.ts';
import { scope as resource, scopes } from '../../resources/scope.ts';
import { callerAccount, pickAll } from './own.ts';

const scope = 'consumer.scope';

/** The scopes that a user may give to own apps and tokens. */
export const consumerScopeOperations: readonly SystemOperation[] = [
  {
    name: `${scope}.getAll`,
    method: 'GET',
    path: '/consumer/scope',
    description: 'Lists the own scopes of the API',
    scope,
    query: collectionParameters,
    async run(call, { query }) {
      const listed = listEntities(call, resource, query, await ownScopes(call));
      return pickAll(listed, ['id', 'name', 'description', 'metadata']);
    },
  },
  {
    name: `${scope}.getCategories`,
    method: 'GET',
    path: '/consumer/scope/categories',
    description: 'Lists the own scopes by category',
    scope,
    async run(call) {
      const rows = await drizzle(call.runtime.env.DB)
        .select()
        .from(scopes)
        .where(and(eq(scopes.tenant_id, call.tenant), eq(scopes.status, 1), await ownScopes(call)))
        .orderBy(asc(scopes.name));
      return {
        categories: Object.entries(categories)
          .sort(([left], [right]) => (left < right ? -1 : 1))
          .map(([name, id]) => ({
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

async function ownScopes(call: Call) {
  const names = await scopesOfUser(contextOf(call), await callerAccount(call));
  return inArray(scopes.name, sql`(SELECT value FROM json_each(${JSON.stringify(names)}))`);
}
