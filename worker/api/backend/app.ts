import { and, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { ApiError } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { messageSchema } from '../../resources/crud.ts';
import { tokens } from '../../resources/token.ts';

/** What apps have beyond CRUD: taking a token away. */
export const appOperations: readonly SystemOperation[] = [
  {
    name: 'backend.app.deleteToken',
    method: 'DELETE',
    path: '/backend/app/$app_id<[0-9]+>/token/:token_id',
    description: 'Revokes one token of an app',
    scope: 'backend.app',
    outgoing: messageSchema,
    async run(call, input) {
      const db = drizzle(call.runtime.env.DB);
      const condition = and(
        eq(tokens.tenant_id, call.tenant),
        eq(tokens.app_id, Number(input.path.app_id)),
        eq(tokens.id, Number(input.path.token_id)),
        eq(tokens.status, 1),
      );
      const [token] = await db.update(tokens).set({ status: 2 }).where(condition).returning();
      if (token === undefined) {
        throw new ApiError('not_found', 'Could not find token');
      }
      const until = Math.floor(Date.parse(token.expire) / 1000) + 60;
      const before = Math.floor(call.runtime.now() / 1000) + 1;
      const family =
        token.family === null ? [] : [{ kind: 'family' as const, id: token.family, before, until: until + 400_000 }];
      await call.runtime.publishing.revoke(call.tenant, [{ kind: 'token', id: token.jti, before, until }, ...family]);
      return { success: true, message: 'Removed token successful' };
    },
  },
];
