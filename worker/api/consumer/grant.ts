import { and, desc, eq, isNotNull, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { Call, Input } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { apps } from '../../resources/app.ts';
import { collectionParameters, messageSchema } from '../../resources/crud.ts';
import { grants } from '../../resources/grant.ts';
import { tokens } from '../../resources/token.ts';
import { endToken } from '../backend/token.ts';
import { ownedBy } from './own.ts';

const scope = 'consumer.grant';
const { startIndex, count, search } = collectionParameters;

/** What the user agreed to: apps that may get tokens in the user's name. */
export const consumerGrantOperations: readonly SystemOperation[] = [
  {
    name: `${scope}.getAll`,
    method: 'GET',
    path: '/consumer/grant',
    description: 'Lists the apps that the user has let in',
    scope,
    query: { startIndex: startIndex!, count: count!, search: search! },
    run: list,
  },
  {
    name: `${scope}.delete`,
    method: 'DELETE',
    path: '/consumer/grant/$grant_id<[0-9]+>',
    description: 'Takes an agreement back; the tokens of the app for this user end',
    scope,
    outgoing: messageSchema,
    run: remove,
  },
];

async function list(call: Call, input: Input) {
  const { startIndex: skip = 0, count: limit = 16 } = input.query as { startIndex?: number; count?: number };
  const word = String(input.query.search ?? '').trim();
  const mine = and(
    ownedBy(call, grants),
    eq(grants.status, 1),
    word === '' ? undefined : sql`instr(lower(${apps.name}), lower(${word})) > 0`,
  );
  const db = drizzle(call.runtime.env.DB);
  const [counted, rows] = await db.batch([
    db.select({ count: sql<number>`count(*)` }).from(grants).innerJoin(apps, eq(apps.id, grants.app_id)).where(mine),
    db
      .select({ grant: grants, app: { id: apps.id, name: apps.name, url: apps.url } })
      .from(grants)
      .innerJoin(apps, eq(apps.id, grants.app_id))
      .where(mine)
      .orderBy(desc(grants.id))
      .limit(limit)
      .offset(skip),
  ]);
  const entry = rows.map(({ grant, app }) => ({
    id: grant.id,
    allow: grant.allow ? 1 : 0,
    createDate: grant.date,
    app,
  }));
  return { totalResults: counted[0]?.count ?? 0, startIndex: skip, itemsPerPage: limit, entry };
}

async function remove(call: Call, input: Input) {
  const db = drizzle(call.runtime.env.DB);
  const mine = and(ownedBy(call, grants), eq(grants.status, 1), eq(grants.id, Number(input.path.grant_id)));
  const [grant] = await db.select().from(grants).where(mine);
  if (grant === undefined) {
    throw new ApiError('not_found', 'Could not find grant');
  }
  const held = await db
    .select()
    .from(tokens)
    .where(and(ownedBy(call, tokens), eq(tokens.app_id, grant.app_id), eq(tokens.status, 1), isNotNull(tokens.family)));
  for (const row of held) {
    await endToken(call, row);
  }
  await db.update(grants).set({ status: 0 }).where(eq(grants.id, grant.id));
  return { success: true, message: 'Grant successfully deleted', id: String(grant.id) };
}
