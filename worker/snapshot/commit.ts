import { and, desc, eq, lt, type SQL } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { Committer, Pointer } from '../core/committer.ts';
import { ApiError } from '../core/errors.ts';
import type { Actor, Change, ChangeResult, Outcome } from '../core/ports.ts';
import type { Env } from '../env.ts';
import { commits } from '../resources/commit.ts';
import { openView, resources } from '../resources/index.ts';
import { convert } from '../resources/schema.ts';
import { statementsOf, upserts } from '../resources/statements.ts';
import { revisions, signingKeys } from '../resources/tables.ts';
import type { View } from '../resources/view.ts';
import {
  type Bucket,
  bucketOf,
  derivedKinds,
  emptyManifest,
  encodeBucket,
  encodeManifest,
  type Manifest,
} from './buckets.ts';
import { loadContents, offerContents } from './content.ts';
import { type Placed, pinsOf, place } from './derive.ts';
import { restoreChanges } from './restore.ts';
import { seedChanges, seedRows } from './seeds.ts';

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
  ): Promise<Pointer> {
    const placed = view.mutations
      .filter(({ resource }) => resource.versioned)
      .flatMap(({ resource, before, after }) => place(resource, before, after));
    const pins = await pinsOf(view, (object, id, hash) => commitContent(view, object, id, hash), convert);
    const manifest =
      from === null
        ? emptyManifest
        : (await loadContents<Manifest>(env, view.tenant, [from.manifest])).get(from.manifest)!;
    const next = await rewrite(view.tenant, manifest, [...placed, ...pins, ...extra]);
    const pointer: Pointer = { revision: (from?.revision ?? 0) + 1, manifest: next.manifest.hash };
    const attempt = crypto.randomUUID();
    const statements = [
      ...contentStatements(view.tenant, [...next.buckets, next.manifest], pointer.revision),
      ...statementsOf(env.DB, view),
      ...more,
      ...upserts(env.DB, revisions, [revisionRow(view, pointer, attempt, request)]),
    ];
    // KV first: content is immutable, so what a failed batch leaves behind is only never looked for.
    await offerContents(env, [...next.buckets, next.manifest]);
    try {
      await env.DB.batch(statements);
    } catch (thrown) {
      if (!(await landed(view.tenant, pointer.revision, attempt))) {
        throw unavailable(thrown);
      }
    }
    return pointer;
  }

  /** After an error: whether the batch was applied and only its reply was lost. */
  async function landed(tenant: string, number: number, attempt: string): Promise<boolean> {
    const found = await db
      .select({ number: revisions.number })
      .from(revisions)
      .where(and(eq(revisions.tenant_id, tenant), eq(revisions.number, number), eq(revisions.attempt, attempt)));
    return found.length > 0;
  }

  async function rewrite(
    tenant: string,
    manifest: Manifest,
    placed: Placed[],
  ): Promise<{ manifest: Bucket; buckets: Bucket[] }> {
    const touched = new Map<string, { kind: string; number: number; rows: Placed[] }>();
    for (const item of placed) {
      const sharding = derivedKinds[item.kind] ?? resources.get(item.kind)!.shard;
      const number = bucketOf(item.key, sharding.buckets);
      const id = `${item.kind}/${number}`;
      const bucket = touched.get(id) ?? { kind: item.kind, number, rows: [] };
      touched.set(id, bucket);
      bucket.rows.push(item);
    }
    const hashes = [...touched.values()].flatMap(({ kind, number }) => manifest.buckets[kind]?.[number] ?? []);
    const old = await loadContents<{ id: number; name?: string }[]>(env, tenant, hashes);
    const buckets: Bucket[] = [];
    const next: Manifest = {
      format: 1,
      buckets: Object.fromEntries(Object.entries(manifest.buckets).map(([kind, map]) => [kind, { ...map }])),
    };
    for (const { kind, number, rows } of touched.values()) {
      const identity = (row: { id: number; name?: unknown }) => (kind === 'pin' ? String(row.name) : row.id);
      const hash = manifest.buckets[kind]?.[number];
      const merged = new Map((hash === undefined ? [] : old.get(hash)!).map((row) => [identity(row), row]));
      for (const { id, key, row } of rows) {
        const place = kind === 'pin' ? String(key) : id;
        row === null ? merged.delete(place) : merged.set(place, row as { id: number });
      }
      const bucket = encodeBucket([...merged.values()]);
      next.buckets[kind] ??= {};
      if (bucket === null) {
        delete next.buckets[kind][number];
      } else {
        next.buckets[kind][number] = bucket.hash;
        if (bucket.hash !== hash) {
          buckets.push(bucket);
        }
      }
    }
    return { manifest: encodeManifest(next), buckets };
  }

  /** Content may exist already (a change and its undoing): then only the revision that needs it moves on. */
  function contentStatements(tenant: string, buckets: Bucket[], revision: number): D1PreparedStatement[] {
    const statements: D1PreparedStatement[] = [];
    let rows: { hash: string; body: string }[] = [];
    let size = 0;
    const flush = () => {
      if (rows.length > 0) {
        statements.push(
          env.DB.prepare(
            `INSERT INTO content (tenant_id, hash, body, revision) SELECT ?, value ->> '$.hash', value ->> '$.body', ? FROM json_each(?) WHERE true
             ON CONFLICT (tenant_id, hash) DO UPDATE SET revision = excluded.revision`,
          ).bind(tenant, revision, JSON.stringify(rows)),
        );
      }
      rows = [];
      size = 0;
    };
    for (const bucket of buckets) {
      const length = JSON.stringify(bucket).length;
      if (length > 1_900_000) {
        throw new ApiError(
          'invalid_body',
          'The configuration has a part that is larger than 1.9 MB; split the largest schemas',
        );
      }
      if (size + length > 1_500_000) {
        flush();
      }
      rows.push(bucket);
      size += length;
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
    newest,
    async seed(tenant) {
      const view = openView(env, tenant, nobody, now());
      for (const { resource, row } of seedRows(tenant)) {
        view.put(resource, row as never, undefined);
      }
      for (const change of seedChanges()) {
        await view.change(change);
      }
      const key = { id: 1, tenant_id: tenant, status: 1, ...(await generateKey(tenant)) } as never as {
        id: number;
      } & Record<string, unknown>;
      const { tenant_id: _tenant, ...content } = key;
      const placed: Placed = { kind: 'key', id: 1, key: 1, row: content as Placed['row'] };
      return write(null, view, [placed], { actor: nobody, message: 'Seeded' }, upserts(env.DB, signingKeys, [key]));
    },
    async commit(from, requests) {
      const first = requests[0]!;
      const view = openView(env, first.tenant, first.actor, now());
      const outcomes: Outcome<ChangeResult[]>[] = [];
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
      const pointer = changed
        ? await write(from, view, [], { actor: first.actor, message: first.message ?? '' })
        : from;
      return { pointer, outcomes };
    },
    async rollback(from, tenant, to, actor, plan) {
      const [target] = await db
        .select({ manifest: revisions.manifest })
        .from(revisions)
        .where(and(eq(revisions.tenant_id, tenant), eq(revisions.number, to)));
      if (target === undefined) {
        return {
          pointer: from,
          outcome: { ok: false, error: new ApiError('not_found', `Could not find revision ${to}`).toPlain() },
        };
      }
      const manifests = await loadContents<Manifest>(env, tenant, [from.manifest, target.manifest]);
      const view = openView(env, tenant, actor, now());
      const results = await restoreChanges(env, view, manifests.get(from.manifest)!, manifests.get(target.manifest)!);
      if (plan || view.mutations.length === 0) {
        return { pointer: from, outcome: { ok: true, value: results } };
      }
      const pointer = await write(from, view, [], { actor, message: `Rolled back to revision ${to}` });
      return { pointer, outcome: { ok: true, value: results } };
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
      await collectContents(env, tenant, pointer);
    },
  };

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
  if (changes.length > 1) {
    await prefetch(view, changes);
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

/** One query per resource and column instead of several per change. */
async function prefetch(view: View, changes: readonly Change[]): Promise<void> {
  const values = new Map<string, Set<string>>();
  const want = (resource: string, value: unknown, column = 'name') => {
    if (typeof value === 'string' && resources.has(resource)) {
      const key = `${resource}.${column}`;
      values.set(key, (values.get(key) ?? new Set()).add(value));
    }
  };
  for (const change of changes) {
    want(change.resource, change.key?.startsWith('~') ? change.key.slice(1) : change.data?.name);
    if (change.verb !== 'delete' && typeof change.data?.name === 'string') {
      view.promise(change.resource, change.data.name);
    }
    for (const [resource, name] of resources.get(change.resource)?.references?.(change.data ?? {}) ?? []) {
      want(resource, name);
    }
    for (const [column, value] of resources.get(change.resource)?.claims?.(change.data ?? {}) ?? []) {
      want(change.resource, value, column);
    }
  }
  for (const [key, wanted] of values) {
    const [resource, column] = key.split('.') as [string, string];
    await view.prefetch(resource, column, [...wanted]);
  }
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

/** Marks what the kept revisions reference, then deletes the rest in bounded steps. KV copies expire from use, not from here. */
async function collectContents(env: Env, tenant: string, pointer: Pointer): Promise<void> {
  const { results } = await env.DB.prepare('SELECT manifest FROM revision WHERE tenant_id = ?')
    .bind(tenant)
    .all<{ manifest: string }>();
  const kept = new Set<string>();
  for (let start = 0; start < results.length; start += 50) {
    const hashes = results.slice(start, start + 50).map((row) => row.manifest);
    for (const [hash, manifest] of await loadContents<Manifest>(env, tenant, hashes)) {
      kept.add(hash);
      for (const map of Object.values(manifest.buckets)) {
        for (const bucket of Object.values(map)) {
          kept.add(bucket);
        }
      }
    }
  }
  const stored = await env.DB.prepare('SELECT hash FROM content WHERE tenant_id = ? AND revision < ?')
    .bind(tenant, pointer.revision)
    .all<{ hash: string }>();
  const gone = stored.results.map((row) => row.hash).filter((hash) => !kept.has(hash));
  for (let start = 0; start < gone.length; start += 500) {
    const part = gone.slice(start, start + 500);
    await env.DB.prepare(
      'DELETE FROM content WHERE tenant_id = ? AND revision < ? AND hash IN (SELECT value FROM json_each(?))',
    )
      .bind(tenant, pointer.revision, JSON.stringify(part))
      .run();
    await Promise.allSettled(part.slice(0, 100).map((hash) => env.CONTENT.delete(hash)));
  }
}
