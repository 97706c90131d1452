import { and, desc, eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { Call, Input } from '../../core/call.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { commits } from '../../resources/commit.ts';
import { collectionParameters, findRow } from '../../resources/crud.ts';
import { resources } from '../../resources/index.ts';
import { users } from '../../resources/user.ts';

/** The history of an action or a schema, newest first; `member` is what Fusio calls the content. */
export function commitList(object: 'action' | 'schema', member: 'config' | 'schema'): SystemOperation {
  return {
    name: `backend.${object}.getCommits`,
    method: 'GET',
    path: `/backend/${object}/$${object}_id<[0-9]+|^~>/commit`,
    description: `Lists the commits of one ${object}`,
    scope: `backend.${object}`,
    query: collectionParameters,
    run: (call, input) => listCommits(call, input, object, member),
  };
}

async function listCommits(call: Call, input: Input, object: 'action' | 'schema', member: string) {
  const row = await findRow(call, resources.get(object)!, String(input.path[`${object}_id`]));
  const { startIndex = 0, count = 16 } = input.query as { startIndex?: number; count?: number };
  const condition = and(eq(commits.tenant_id, call.tenant), eq(commits.object, object), eq(commits.object_id, row.id));
  const db = drizzle(call.runtime.env.DB);
  const [counted, found] = await db.batch([
    db.select({ count: sql<number>`count(*)` }).from(commits).where(condition),
    db
      .select({ commit: commits, userName: users.name, userStatus: users.status })
      .from(commits)
      .leftJoin(users, and(eq(users.tenant_id, commits.tenant_id), eq(users.id, commits.user_id)))
      .where(condition)
      .orderBy(desc(commits.id))
      .limit(count)
      .offset(startIndex),
  ]);
  return {
    totalResults: counted[0]?.count ?? 0,
    startIndex,
    itemsPerPage: count,
    entry: found.map(({ commit, userName, userStatus }) => ({
      id: commit.id,
      user: { id: commit.user_id, status: userStatus ?? undefined, name: userName ?? undefined },
      commitHash: commit.commit_hash,
      [member]: commit.content,
      insertDate: commit.insert_date.replace(/\.\d+Z$/, 'Z'),
    })),
  };
}
