import { and, desc, eq, lt, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { Committed, Committer, Pointer } from '../core/committer.ts';
import { ApiError } from '../core/errors.ts';
import type { Actor, Change, ChangeResult, Outcome } from '../core/ports.ts';
import type { Env } from '../env.ts';
import { isTakenId } from '../lib/platform-failure.ts';
import { commits } from '../resources/commit.ts';
import { activeRules } from '../resources/firewall-rules.ts';
import { openView } from '../resources/index.ts';
import { outboxStatements, raisedAny } from '../resources/outbox.ts';
import { convert } from '../resources/schema.ts';
import { statementsOf, upserts } from '../resources/statements.ts';
import { revisions, signingKeys } from '../resources/tables.ts';
import type { View } from '../resources/view.ts';
import { keepContents, loaderOf, offerContents, readDatabase, withdrawContents } from './content.ts';
import { type Placed, pinsOf, place } from './derive.ts';
import { emptyManifest, encodeManifest, identityOf, type Manifest, shapeOf, sharesIds } from './manifest.ts';
import { prefetch } from './prefetch.ts';
import { restoreChanges } from './restore.ts';
import { seedChanges, seedRows } from './seeds.ts';
import { type Content, type Edit, rewriteTree } from './tree.ts';

/** What the committer takes from outside. */
export interface CommitterOptions {
  env: Env;
  now(): number;
  /** A fresh signing key as a row of `signing_key`. */
  generateKey(tenant: string): Promise<Record<string, unknown>>;
  /** An error of ours, which the caller is told about without its details. */
  report(thrown: unknown): void;
}

/** Revisions and days that are kept; content that none of them references is collected. */
export const retention = { revisions: 1_000, days: 90 };

/**
 * Contents that one publish puts into KV: the platform allows 1,000 operations in an invocation. The rest follows behind the
 * answer, and so does what KV does not take within so many milliseconds: one change fits, a hundred need not wait.
 */
const mostOffered = 500;
const offerPatience = 300;
/** The same for what follows. */
const latePatience = 15_000;
/** Contents that one run of the collector deletes. */
const mostCollected = 500;

/** How often a publish is computed anew because another tenant took an id. */
const mostRaces = 12;

/** A revision's row lists its first changes only. */
const listedChanges = 100;

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

  /** Writes what a view holds as the revision after `from`. */
  async function write(
    from: Pointer | null,
    view: View,
    extra: Placed[],
    request: { actor: Actor; message: string },
    more: D1PreparedStatement[] = [],
  ): Promise<Committed> {
    const placed = view.mutations
      .filter(({ resource }) => resource.versioned)
      .flatMap(({ resource, before, after }) => place(resource, before, after));
    const pins = await pinsOf(view, (object, id, hash) => commitContent(view, object, id, hash), convert);
    const next = await rewrite(view.tenant, from, [...placed, ...pins, ...extra]);
    const pointer: Pointer = { revision: (from?.revision ?? 0) + 1, manifest: next.manifest };
    const attempt = crypto.randomUUID();
    // What the tenant begins with is told to nobody.
    const events = from === null ? [] : outboxStatements(env.DB, view);
    const statements = [
      ...dropStatements(view.tenant, next.dropped, pointer.revision),
      ...contentStatements(view.tenant, next.written, pointer.revision),
      ...statementsOf(env.DB, view),
      ...more,
      ...upserts(env.DB, revisions, [revisionRow(view, pointer, attempt, request)]),
      ...events,
    ];
    // Content is immutable: what a failed batch leaves behind in KV is only never looked for.
    const offered = offerContents(env, next.written.slice(0, mostOffered), offerPatience);
    const [batch, late] = await Promise.allSettled([env.DB.batch(statements), offered]);
    if (batch.status === 'rejected' && !(await landed(view.tenant, pointer.revision, attempt))) {
      if (isTakenId(batch.reason)) {
        // It will be made with other ids: what was offered is nobody's.
        await withdrawContents(
          env,
          next.written.map(({ hash }) => hash),
        ).catch(() => undefined);
      }
      throw unavailable(batch.reason);
    }
    if (batch.status === 'rejected' || raisedAny(batch.value, events)) {
      // A lost wake-up is made good by cron.
      env.EVENTS.send({ tenant: view.tenant, outbox: 'database' }).catch(() => undefined);
    }
    keepContents(next.written);
    const unoffered = [
      ...(late.status === 'fulfilled' ? late.value : []),
      ...next.written.slice(mostOffered).map(({ hash }) => hash),
    ];
    return { pointer, unoffered };
  }

  /** After an error: whether the batch was applied and only its reply was lost. */
  async function landed(tenant: string, number: number, attempt: string): Promise<boolean> {
    const found = await db
      .select({ number: revisions.number })
      .from(revisions)
      .where(and(eq(revisions.tenant_id, tenant), eq(revisions.number, number), eq(revisions.attempt, attempt)));
    return found.length > 0;
  }

  /** The trees after a change: the nodes that come, what every isolate loads first, and those that go. */
  async function rewrite(
    tenant: string,
    from: Pointer | null,
    placed: Placed[],
  ): Promise<{ manifest: string; written: Content[]; dropped: string[] }> {
    const load = loaderOf(env, tenant);
    const manifest = from === null ? emptyManifest : (await load<Manifest>([from.manifest])).get(from.manifest)!;
    const edits = new Map<string, Edit[]>();
    for (const { kind, id, key, row } of placed) {
      const edit: Edit = { key, identity: sharesIds(kind) ? String(key) : id, row };
      edits.set(kind, [...(edits.get(kind) ?? []), edit]);
    }
    const kinds = { ...manifest.kinds };
    const rewritten = await Promise.all(
      [...edits].map(async ([kind, list]) => {
        const tree = await rewriteTree(manifest.kinds[kind], list, shapeOf(kind), identityOf(kind), load);
        return { kind, ...tree };
      }),
    );
    for (const { kind, root } of rewritten) {
      if (root === undefined) {
        delete kinds[kind];
      } else {
        kinds[kind] = root;
      }
    }
    const next = encodeManifest({ ...manifest, kinds });
    const rank = ({ kind }: { kind: string }) => (kind === 'route' ? 0 : 1);
    const nodes = rewritten.sort((a, b) => rank(a) - rank(b));
    const written = new Map([next, ...nodes.flatMap((tree) => tree.written)].map((node) => [node.hash, node]));
    const dropped = [...(from === null ? [] : [from.manifest]), ...nodes.flatMap((tree) => tree.dropped)];
    return {
      manifest: next.hash,
      written: [...written.values()],
      dropped: dropped.filter((hash) => !written.has(hash)),
    };
  }

  /** What a revision is the first to be without stays until no kept revision is older. */
  function dropStatements(tenant: string, hashes: string[], revision: number): D1PreparedStatement[] {
    return hashes.length === 0
      ? []
      : [
          env.DB.prepare(
            'UPDATE content SET dropped = ? WHERE tenant_id = ? AND hash IN (SELECT value FROM json_each(?))',
          ).bind(revision, tenant, JSON.stringify(hashes)),
        ];
  }

  /** Content may exist already (a change and its undoing): then only the revision that needs it moves on. */
  function contentStatements(tenant: string, contents: readonly Content[], revision: number): D1PreparedStatement[] {
    const statements: D1PreparedStatement[] = [];
    let texts: string[] = [];
    let size = 0;
    const flush = () => {
      if (texts.length > 0) {
        statements.push(
          env.DB.prepare(
            `INSERT INTO content (tenant_id, hash, body, revision) SELECT ?, value ->> '$.hash', value ->> '$.body', ? FROM json_each(?) WHERE true
             ON CONFLICT (tenant_id, hash) DO UPDATE SET revision = excluded.revision, dropped = NULL`,
          ).bind(tenant, revision, `[${texts.join(',')}]`),
        );
      }
      texts = [];
      size = 0;
    };
    for (const content of contents) {
      const text = JSON.stringify(content);
      if (text.length > 1_900_000) {
        throw new ApiError(
          'invalid_body',
          'The configuration has a part that is larger than 1.9 MB; split the largest schemas',
        );
      }
      if (size + text.length > 1_500_000) {
        flush();
      }
      texts.push(text);
      size += text.length;
    }
    flush();
    return statements;
  }

  async function commitContent(view: View, object: 'action' | 'schema', id: number, hash: string): Promise<unknown> {
    const pending = view.commitRows.find(
      (row) => row.object === object && row.object_id === id && row.commit_hash === hash,
    );
    if (pending !== undefined) {
      return pending.content;
    }
    const [row] = await db
      .select({ content: commits.content })
      .from(commits)
      .where(
        and(
          eq(commits.tenant_id, view.tenant),
          eq(commits.object, object),
          eq(commits.object_id, id),
          eq(commits.commit_hash, hash),
        ),
      );
    return row?.content;
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
        return write(null, view, [placed], { actor: nobody, message: 'Seeded' }, inserted);
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
          ? await write(from, view, [], { actor: first.actor, message: first.message ?? '' })
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
      const committed = await write(from, view, [], { actor, message: `Rolled back to revision ${to}` });
      return { ...committed, outcome: { ok: true, value: results } };
    },
    async collect(tenant, pointer) {
      const oldest = new Date(now() - retention.days * 86_400_000).toISOString();
      const past: SQL = and(
        eq(revisions.tenant_id, tenant),
        lt(revisions.date, oldest),
        lt(revisions.number, pointer.revision),
      )!;
      const tooMany: SQL = and(
        eq(revisions.tenant_id, tenant),
        lt(revisions.number, pointer.revision - retention.revisions + 1),
      )!;
      await db.batch([db.delete(revisions).where(past), db.delete(revisions).where(tooMany)]);
      await collectContents(env, tenant);
    },
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

  function unavailable(cause: unknown): ApiError {
    return new ApiError('unavailable', 'The change could not be stored; nothing was changed', {
      cause,
      headers: { 'Retry-After': '1' },
    });
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

function revisionRow(view: View, pointer: Pointer, attempt: string, request: { actor: Actor; message: string }) {
  const versioned = view.mutations.filter(({ resource }) => resource.versioned);
  return {
    tenant_id: view.tenant,
    number: pointer.revision,
    manifest: pointer.manifest,
    attempt,
    user_id: request.actor.userId,
    app_id: request.actor.appId,
    message: request.message,
    changes: versioned
      .slice(0, listedChanges)
      .map(({ resource, before, after }) => [
        before === undefined ? 'create' : after.status === resource.deleted ? 'delete' : 'update',
        resource.name,
        String(after.name ?? after.id),
      ]),
    change_count: versioned.length,
    date: new Date(view.now).toISOString(),
  } as never;
}

/** Deletes what was dropped before the oldest kept revision, a bounded part at a time. Runs alone with the writers waiting. */
async function collectContents(env: Env, tenant: string): Promise<void> {
  const { results } = await env.DB.prepare(
    'SELECT hash FROM content WHERE tenant_id = ?1 AND dropped <= (SELECT min(number) FROM revision WHERE tenant_id = ?1) LIMIT ?2',
  )
    .bind(tenant, mostCollected)
    .all<{ hash: string }>();
  if (results.length > 0) {
    const hashes = results.map(({ hash }) => hash);
    await withdrawContents(env, hashes);
    await env.DB.prepare('DELETE FROM content WHERE tenant_id = ? AND hash IN (SELECT value FROM json_each(?))')
      .bind(tenant, JSON.stringify(hashes))
      .run();
  }
}
