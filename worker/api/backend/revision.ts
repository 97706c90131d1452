import { and, desc, eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { Type } from 'typebox';
import type { Call, Input } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import { categories, type SystemOperation } from '../../core/system-operation.ts';
import { sameJson } from '../../lib/json.ts';
import { mayRestore } from '../../resources/authority.ts';
import { authorityOf } from '../../resources/authority-read.ts';
import { actorOf, collectionParameters } from '../../resources/crud.ts';
import type { Row } from '../../resources/define.ts';
import { revisions } from '../../resources/tables.ts';
import { loadContents } from '../../snapshot/content.ts';
import type { Manifest } from '../../snapshot/manifest.ts';
import { compareManifests } from '../../snapshot/restore.ts';

const one = '/backend/revision/$revision_id<^[0-9]+$>';

/** The history of the configuration: list, look, compare, roll back. */
export const revisionOperations: readonly SystemOperation[] = [
  {
    name: 'backend.revision.getAll',
    method: 'GET',
    path: '/backend/revision',
    description: 'Lists the revisions of the configuration, newest first',
    scope: 'backend.revision',
    query: { startIndex: collectionParameters.startIndex!, count: collectionParameters.count! },
    run: list,
  },
  {
    name: 'backend.revision.get',
    method: 'GET',
    path: one,
    description: 'Returns one revision with its changes',
    scope: 'backend.revision',
    async run(call, input) {
      const revision = describe(await find(call, Number(input.path.revision_id)));
      const authority = await authorityOf(drizzle(call.runtime.env.DB), call.tenant, actorOf(call));
      // A revision does not keep whose objects its changes are of.
      return authority === null || authority.categoryId === categories.default
        ? revision
        : { ...revision, changes: [] };
    },
  },
  {
    name: 'backend.revision.compare',
    method: 'GET',
    path: `${one}/compare/$other<^[0-9]+$>`,
    description: 'Returns what differs in the second revision',
    scope: 'backend.revision',
    run: compare,
  },
  {
    name: 'backend.revision.rollback',
    method: 'POST',
    path: `${one}/rollback`,
    description: 'Restores the configuration of a revision as a new one, as far as it is of the own category',
    scope: 'backend.revision',
    incoming: Type.Object({ plan: Type.Optional(Type.Boolean({ description: 'Show the changes, apply none' })) }),
    async run(call, input) {
      const { plan = false } = (input.body ?? {}) as { plan?: boolean };
      const to = Number(input.path.revision_id);
      const { head, results } = await call.runtime.publishing.rollback(call.tenant, to, actorOf(call), plan);
      call.headers.set('X-Config-Revision', String(head.revision));
      return { revision: head.revision, results };
    },
  },
];

async function list(call: Call, input: Input) {
  const { startIndex = 0, count = 16 } = input.query as { startIndex?: number; count?: number };
  const db = drizzle(call.runtime.env.DB);
  const condition = eq(revisions.tenant_id, call.tenant);
  const [counted, rows] = await db.batch([
    db.select({ count: sql<number>`count(*)` }).from(revisions).where(condition),
    db.select().from(revisions).where(condition).orderBy(desc(revisions.number)).limit(count).offset(startIndex),
  ]);
  const entry = rows.map(describe).map(({ changes: _changes, ...rest }) => rest);
  return { totalResults: counted[0]?.count ?? 0, startIndex, itemsPerPage: count, entry };
}

async function find(call: Call, number: number) {
  const [row] = await drizzle(call.runtime.env.DB)
    .select()
    .from(revisions)
    .where(and(eq(revisions.tenant_id, call.tenant), eq(revisions.number, number)));
  if (row === undefined) {
    throw new ApiError('not_found', `Could not find revision ${number}`);
  }
  return row;
}

function describe(row: typeof revisions.$inferSelect) {
  return {
    revision: row.number,
    hash: row.manifest,
    userId: row.user_id,
    message: row.message,
    changeCount: row.change_count,
    changes: (row.changes as [string, string, string][]).map(([verb, resource, name]) => ({ verb, resource, name })),
    date: row.date,
  };
}

async function compare(call: Call, input: Input) {
  const { env } = call.runtime;
  const [from, to] = await Promise.all([
    find(call, Number(input.path.revision_id)),
    find(call, Number(input.path.other)),
  ]);
  const [manifests, authority] = await Promise.all([
    loadContents<Manifest>(env, call.tenant, [from.manifest, to.manifest]),
    authorityOf(drizzle(env.DB), call.tenant, actorOf(call)),
  ]);
  const all = await compareManifests(env, call.tenant, manifests.get(from.manifest)!, manifests.get(to.manifest)!);
  const differences = all.filter(({ resource, from, to }) => mayRestore(authority, resource, [from, to]));
  return {
    from: from.number,
    to: to.number,
    differences: differences.map(({ resource, id, from: before, to: after }) => ({
      resource: resource.name,
      verb: before === null ? 'create' : after === null ? 'delete' : 'update',
      id,
      name: String((after ?? before)!.name ?? id),
      difference: members(before, after),
    })),
  };
}

function members(before: Row | null, after: Row | null): Record<string, [unknown, unknown]> {
  const names = new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})]);
  const changed = [...names].filter(
    (name) => !['compiled', 'route_key'].includes(name) && !sameJson(before?.[name], after?.[name]),
  );
  return Object.fromEntries(changed.map((name) => [name, [masked(before?.[name]), masked(after?.[name])]]));
}

/** Secrets differ visibly, but are never shown, not even sealed. */
function masked(value: unknown): unknown {
  return value === undefined
    ? null
    : JSON.parse(
        JSON.stringify(value, (_key, member) =>
          member !== null && typeof member === 'object' && '$sealed' in member ? '********' : member,
        ),
      );
}
