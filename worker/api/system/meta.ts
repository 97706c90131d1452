import { and, asc, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { Type } from 'typebox';
import { categories, type SystemOperation } from '../../core/system-operation.ts';
import { findRow } from '../../resources/crud.ts';
import { operations } from '../../resources/operation.ts';
import { schema } from '../../resources/schema.ts';

/** What clients ask about the API: its routes, its schemas, and what a request looks like from here. */
export const metaOperations: readonly SystemOperation[] = [
  {
    name: 'system.meta.getRoutes',
    method: 'GET',
    path: '/system/route',
    description: 'Lists the routes of the API: path → method → operation',
    scope: null,
    async run(call) {
      const rows = await drizzle(call.runtime.env.DB)
        .select({ name: operations.name, method: operations.http_method, path: operations.http_path })
        .from(operations)
        .where(
          and(
            eq(operations.tenant_id, call.tenant),
            eq(operations.status, 1),
            eq(operations.active, true),
            eq(operations.category_id, categories.default),
          ),
        )
        .orderBy(asc(operations.http_path));
      const routes: Record<string, Record<string, string>> = { '/': { GET: 'meta.getAbout' } };
      for (const { name, method, path } of rows) {
        routes[path] = { ...routes[path], [method]: name };
      }
      return { routes };
    },
  },
  {
    name: 'system.meta.getSchema',
    method: 'GET',
    path: '/system/schema/:name',
    description: 'Returns a schema as it is written, and the hints for its form',
    scope: null,
    async run(call, input) {
      const row = await findRow(call, schema, `~${String(input.path.name).replace(/^~/, '')}`);
      return { schema: row.source, form: row.form };
    },
  },
  {
    name: 'system.meta.getDebug',
    method: 'POST',
    path: '/system/debug',
    description: 'Returns what was sent',
    scope: null,
    incoming: Type.Unknown(),
    run: async (call, input) => ({
      arguments: Object.fromEntries(call.url.searchParams),
      payload: input.body ?? null,
    }),
  },
];
