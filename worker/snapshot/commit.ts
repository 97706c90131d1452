import { and, desc, eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { Committer, Pointer } from '../core/committer.ts';
import { ApiError } from '../core/errors.ts';
import type { Actor, Change, ChangeResult, Outcome } from '../core/ports.ts';
import type { Env } from '../env.ts';
import { isTakenId } from '../lib/platform-failure.ts';
import { activeRules } from '../resources/firewall-rules.ts';
import { openView } from '../resources/index.ts';
import { upserts } from '../resources/statements.ts';
import { revisions, signingKeys } from '../resources/tables.ts';
import type { View } from '../resources/view.ts';
import { collect } from './collect.ts';
import { loaderOf, offerContents, readDatabase } from './content.ts';
import type { Placed } from './derive.ts';
import type { Manifest } from './manifest.ts';
import { prefetch } from './prefetch.ts';
import { restoreChanges } from './restore.ts';
import { seedChanges, seedRows } from './seeds.ts';
import type { Content } from './tree.ts';
import { writeRevision } from './write-revision.ts';

/** What the committer takes from outside. */
export interface CommitterOptions {
  env: Env;
  now(): number;
  /** A fresh signing key as a row of `signing_key`. */
  generateKey(tenant: string): Promise<Record<string, unknown>>;
  /** An error of ours, which the caller is told about without its details. */
  report(thrown: unknown): void;
}

/** Milliseconds in which KV has to take what it did not take at once. */
const latePatience = 15_000;

/** How often a publish is computed anew because another tenant took an id. */
const mostRaces = 12;

/** Changes that are applied without a pause. */
const mostAtOnce = 100;

const nobody: Actor = { userId: 0, appId: null, ip: '' };

/**
 * Computes the state after a change, validates it, and writes rows, history, audit, content and the revision in one D1
 * batch. Runs inside the Publisher object, which serialises it; the unique revision number is the backstop.
 */
export function createCommitter({ env, now, generateKey, report }: CommitterOptions): Committer {
  const db = drizzle(env.DB);

  async function newest(tenant: string): Promise<Pointer | null> {
    const [row] = await db
      .select({ revision: revisions.number, manifest: revisions.manifest })
      .from(revisions)
      .where(eq(revisions.tenant_id, tenant))
      .orderBy(desc(revisions.number))
      .limit(1);
    return row ?? null;
  }

  return {
    rules: (tenant) => activeRules(env, tenant, now()),
    newest,
    async seed(tenant) {
      const generated = await generateKey(tenant);
      return withFreeIds(async () => {
        const view = openView(env, tenant, nobody, now());
        for (const { resource, row } of await seedRows(tenant, now(), view.nextId)) {
          view.put(resource, row as never, undefined);
        }
        for (const change of seedChanges()) {
          await view.change(change);
        }
        const [{ id }] = (await db.select({ id: sql<number>`coalesce(max(id), 0) + 1` }).from(signingKeys)) as [
          { id: number },
        ];
        const key = { id, status: 1, ...generated };
        const placed: Placed = { kind: 'key', id, key: id, row: key };
        const inserted = upserts(env.DB, signingKeys, [{ ...key, tenant_id: tenant }]);
        return writeRevision(env, null, view, {
          actor: nobody,
          message: 'Seeded',
          placed: [placed],
          statements: inserted,
        });
      });
    },
    async commit(from, requests) {
      const first = requests[0]!;
      return withFreeIds(async () => {
        const view = openView(env, first.tenant, first.actor, now());
        const outcomes: Outcome<ChangeResult[]>[] = [];
        await prefetch(
          view,
          requests.flatMap(({ changes }) => changes),
        );
        for (const request of requests) {
          const undo = view.savepoint();
          try {
            outcomes.push({ ok: true, value: await applyAll(view, request.changes) });
            if (request.plan) {
              undo();
            }
          } catch (thrown) {
            undo();
            const error = ApiError.from(thrown);
            outcomes.push({ ok: false, error: error.toPlain() });
            if (error.code === 'internal') {
              report(thrown);
            }
          }
        }
        const changed = view.mutations.length > 0;
        const committed = changed
          ? await writeRevision(env, from, view, { actor: first.actor, message: first.message ?? '' })
          : { pointer: from, unoffered: [] };
        return { ...committed, outcomes };
      });
    },
    async rollback(from, tenant, to, actor, plan) {
      const [target] = await db
        .select({ manifest: revisions.manifest })
        .from(revisions)
        .where(and(eq(revisions.tenant_id, tenant), eq(revisions.number, to)));
      if (target === undefined) {
        return {
          pointer: from,
          unoffered: [],
          outcome: { ok: false, error: new ApiError('not_found', `Could not find revision ${to}`).toPlain() },
        };
      }
      const manifests = await loaderOf(env, tenant)<Manifest>([from.manifest, target.manifest]);
      const view = openView(env, tenant, actor, now());
      const results = await restoreChanges(env, view, manifests.get(from.manifest)!, manifests.get(target.manifest)!);
      if (plan || view.mutations.length === 0) {
        return { pointer: from, unoffered: [], outcome: { ok: true, value: results } };
      }
      const committed = await writeRevision(env, from, view, { actor, message: `Rolled back to revision ${to}` });
      return { ...committed, outcome: { ok: true, value: results } };
    },
    collect: (tenant, pointer) => collect(env, tenant, pointer.revision, now()),
    async writtenSince(tenant, revision) {
      const { results } = await env.DB.prepare('SELECT hash FROM content WHERE tenant_id = ? AND revision > ?')
        .bind(tenant, revision)
        .all<{ hash: string }>();
      return results.map(({ hash }) => hash);
    },
    async offer(tenant, hashes) {
      const contents: Content[] = [];
      await readDatabase(env, tenant, hashes, (hash, body) => contents.push({ hash, body }), 'AND dropped IS NULL');
      // What D1 has no more, or no revision any longer, is not to be offered.
      return offerContents(env, contents, latePatience);
    },
  };

  /** Another tenant may be faster to take the next id: then everything is computed again, with its row in sight. */
  async function withFreeIds<T>(attempt: () => Promise<T>): Promise<T> {
    for (let left = mostRaces; ; left--) {
      try {
        return await attempt();
      } catch (thrown) {
        if (left === 0 || !(thrown instanceof ApiError && isTakenId(thrown.cause))) {
          throw thrown;
        }
      }
    }
  }
}

/** Applies the changes of one request in order; an error names the change by its position. */
async function applyAll(view: View, changes: readonly Change[]): Promise<ChangeResult[]> {
  const results: ChangeResult[] = [];
  for (const { resource, verb, data } of changes.length > 1 ? changes : []) {
    if (verb !== 'delete' && typeof data?.name === 'string') {
      view.promise(resource, data.name);
    }
  }
  for (const [position, change] of changes.entries()) {
    if (position % mostAtOnce === mostAtOnce - 1) {
      // Everything is in memory: without a pause nothing else would have its turn, not even who asks for the head.
      await new Promise((resolve) => setTimeout(resolve));
    }
    try {
      results.push(await view.change(change));
    } catch (thrown) {
      if (thrown instanceof ApiError && changes.length > 1) {
        const where = `/changes/${position}/data`;
        const errors = (thrown.errors ?? [{ pointer: '', rule: thrown.code, message: thrown.message }]).map(
          (error) => ({ ...error, pointer: where + error.pointer }),
        );
        const name = String(change.data?.name ?? change.key ?? '');
        throw new ApiError(thrown.code, `${change.resource} ${name}: ${thrown.message}`, { errors });
      }
      throw thrown;
    }
  }
  return results;
}
