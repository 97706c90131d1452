import { and, desc, eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { Call, Input } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { differences } from '../../lib/json-difference.ts';
import { commits } from '../../resources/commit.ts';
import { changeEntity, collectionParameters, findRow } from '../../resources/crud.ts';
import { toSeconds } from '../../resources/define.ts';
import { resources } from '../../resources/index.ts';
import { users } from '../../resources/user.ts';

/** The history of an action's configuration or a schema's source: list, look, compare, restore. */
export function commitOperations(object: 'action' | 'schema'): SystemOperation[] {
  const [name, scope] = [`backend.${object}`, `backend.${object}`];
  const all = `/backend/${object}/$${object}_id<[0-9]+|^~>/commit`;
  const one = `${all}/$commit_hash<^[0-9a-f]{40}$>`;
  return [
    {
      name: `${name}.getCommits`,
      method: 'GET',
      path: all,
      description: `Lists the commits of one ${object}, newest first`,
      scope,
      query: collectionParameters,
      run: (call, input) => listCommits(call, input, object),
    },
    {
      name: `${name}.getCommit`,
      method: 'GET',
      path: one,
      description: `Returns one commit of a ${object}`,
      scope,
      async run(call, input) {
        const { row } = await findObject(call, input, object);
        return shown(await findCommit(call, object, row.id, String(input.path.commit_hash)), object);
      },
    },
    {
      name: `${name}.compareCommits`,
      method: 'GET',
      path: `${one}/compare/$other<^[0-9a-f]{40}$>`,
      description: `Returns where a second commit of a ${object} differs from the first`,
      scope,
      run: (call, input) => compare(call, input, object),
    },
    {
      name: `${name}.restoreCommit`,
      method: 'POST',
      path: `${one}/restore`,
      description: `Makes what a ${object} was at a commit its current state, as a new commit`,
      scope,
      run: (call, input) => restore(call, input, object),
    },
  ];
}

/** What Fusio calls the content of a commit, and the member of the object that holds it. */
const members = { action: ['config', 'config'], schema: ['schema', 'source'] } as const;

type Kind = keyof typeof members;

interface Found {
  commit: typeof commits.$inferSelect;
  userName: string | null;
  userStatus: number | null;
}

async function findObject(call: Call, input: Input, object: Kind) {
  const resource = resources.get(object)!;
  try {
    return { resource, row: await findRow(call, resource, String(input.path[`${object}_id`])) };
  } catch (thrown) {
    throw thrown instanceof ApiError && thrown.code === 'not_found'
      ? new ApiError('not_found', `Provided an invalid ${object} id`)
      : thrown;
  }
}

function commitsOf(call: Call) {
  return drizzle(call.runtime.env.DB)
    .select({ commit: commits, userName: users.name, userStatus: users.status })
    .from(commits)
    .leftJoin(users, and(eq(users.tenant_id, commits.tenant_id), eq(users.id, commits.user_id)));
}

async function findCommit(call: Call, object: Kind, id: number, hash: string): Promise<Found> {
  const [found] = await commitsOf(call)
    .where(
      and(
        eq(commits.tenant_id, call.tenant),
        eq(commits.object, object),
        eq(commits.object_id, id),
        eq(commits.commit_hash, hash),
      ),
    )
    .limit(1);
  if (found === undefined) {
    throw new ApiError('not_found', 'Could not find commit');
  }
  return found;
}

function shown({ commit, userName, userStatus }: Found, object: Kind) {
  return {
    id: commit.id,
    user: { id: commit.user_id, status: userStatus ?? undefined, name: userName ?? undefined },
    commitHash: commit.commit_hash,
    [members[object][0]]: commit.content,
    insertDate: toSeconds(commit.insert_date),
  };
}

async function compare(call: Call, input: Input, object: Kind) {
  const { row } = await findObject(call, input, object);
  const [from, to] = await Promise.all(
    [input.path.commit_hash, input.path.other].map((hash) => findCommit(call, object, row.id, String(hash))),
  );
  return {
    from: from!.commit.commit_hash,
    to: to!.commit.commit_hash,
    differences: differences(from!.commit.content, to!.commit.content),
  };
}

async function restore(call: Call, input: Input, object: Kind) {
  const { resource, row } = await findObject(call, input, object);
  const { commit } = await findCommit(call, object, row.id, String(input.path.commit_hash));
  const id = await changeEntity(call, resource, {
    resource: object,
    verb: 'update',
    key: String(row.id),
    data: { [members[object][1]]: commit.content },
  });
  return { success: true, message: `${resource.title} successfully restored`, id: String(id) };
}

async function listCommits(call: Call, input: Input, object: Kind) {
  const { row } = await findObject(call, input, object);
  const { startIndex = 0, count = 16 } = input.query as { startIndex?: number; count?: number };
  const condition = and(eq(commits.tenant_id, call.tenant), eq(commits.object, object), eq(commits.object_id, row.id));
  const [counted, found] = await Promise.all([
    drizzle(call.runtime.env.DB).select({ count: sql<number>`count(*)` }).from(commits).where(condition),
    commitsOf(call).where(condition).orderBy(desc(commits.id)).limit(count).offset(startIndex),
  ]);
  return {
    totalResults: counted[0]?.count ?? 0,
    startIndex,
    itemsPerPage: count,
    entry: found.map((commit) => shown(commit, object)),
  };
}
