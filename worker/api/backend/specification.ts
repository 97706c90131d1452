import { and, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { Type } from 'typebox';
import type { SystemOperation } from '../../core/system-operation.ts';
import { visibleTo } from '../../resources/authority-read.ts';
import { actorOf, messageSchema } from '../../resources/crud.ts';
import { operation, operations } from '../../resources/operation.ts';

/** Versions of the API product: a tag keeps what every operation does today under a number that clients may ask for. */
export const specificationOperations: readonly SystemOperation[] = [
  {
    name: 'backend.specification.tag',
    method: 'POST',
    path: '/backend/specification/tag',
    description: 'Keeps the current actions and schemas of all operations as a version',
    scope: 'backend.specification',
    incoming: Type.Object({
      version: Type.String({ pattern: '^[0-9]{1,9}\\.[0-9]{1,9}\\.[0-9]{1,9}$', description: 'Version, 1.2.0' }),
    }),
    outgoing: messageSchema,
    async run(call, input) {
      const { version } = input.body as { version: string };
      const rows = await drizzle(call.runtime.env.DB)
        .select({ id: operations.id })
        .from(operations)
        .where(and(eq(operations.tenant_id, call.tenant), eq(operations.status, 1), visibleTo(call, operation)));
      await call.runtime.publishing.commit({
        tenant: call.tenant,
        changes: rows.map(({ id }) => ({
          resource: 'operation',
          verb: 'update',
          key: String(id),
          data: { tag: version },
        })),
        actor: actorOf(call),
        message: `Tagged ${version}`,
      });
      return { success: true, message: 'Specification tag successfully created' };
    },
  },
];
