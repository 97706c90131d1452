import { and, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import type { Committed, Pointer } from '../core/committer.ts';
import { ApiError } from '../core/errors.ts';
import type { Actor } from '../core/ports.ts';
import type { Env } from '../env.ts';
import { isTakenId } from '../lib/platform-failure.ts';
import { commits } from '../resources/commit.ts';
import { outboxStatements, raisedAny } from '../resources/outbox.ts';
import { convert } from '../resources/schema.ts';
import { statementsOf, upserts } from '../resources/statements.ts';
import { revisions } from '../resources/tables.ts';
import type { View } from '../resources/view.ts';
import { keepContents, loaderOf, offerContents, withdrawContents } from './content.ts';
import { type Placed, pinsOf, place } from './derive.ts';
import { emptyManifest, encodeManifest, identityOf, type Manifest, shapeOf, sharesIds } from './manifest.ts';
import { type Content, type Edit, rewriteTree } from './tree.ts';

/**
 * Contents that one publish puts into KV: the platform allows 1,000 operations in an invocation. The rest follows behind the
 * answer, and so does what KV does not take within so many milliseconds: one change fits, a hundred need not wait.
 */
const mostOffered = 500;
const offerPatience = 300;

/** A revision's row lists its first changes only. */
const listedChanges = 100;

/** What a revision says of itself, and what it holds beside the changes of its view. */
export interface Making {
  actor: Actor;
  message: string;
  placed?: readonly Placed[];
  statements?: readonly D1PreparedStatement[];
}

/**
 * Writes what a view holds as the revision after `from`, in one D1 batch. Throws ApiError `unavailable` when nothing was written.
 */
export async function writeRevision(env: Env, from: Pointer | null, view: View, making: Making): Promise<Committed> {
  const placed = view.mutations
    .filter(({ resource }) => resource.versioned)
    .flatMap(({ resource, before, after }) => place(resource, before, after));
  const pins = await pinsOf(view, (object, id, hash) => commitContent(env, view, object, id, hash), convert);
  const next = await rewrite(env, view.tenant, from, [...placed, ...pins, ...(making.placed ?? [])]);
  const pointer: Pointer = { revision: (from?.revision ?? 0) + 1, manifest: next.manifest };
  const attempt = crypto.randomUUID();
  // What the tenant begins with is told to nobody.
  const events = from === null ? [] : outboxStatements(env.DB, view);
  const statements = [
    ...dropStatements(env, view.tenant, next.dropped, pointer.revision),
    ...contentStatements(env, view.tenant, next.written, pointer.revision),
    ...statementsOf(env.DB, view),
    ...(making.statements ?? []),
    ...upserts(env.DB, revisions, [revisionRow(view, pointer, attempt, making)]),
    ...events,
  ];
  // Content is immutable: what a failed batch leaves behind in KV is only never looked for.
  const offered = offerContents(env, next.written.slice(0, mostOffered), offerPatience);
  const [batch, late] = await Promise.allSettled([env.DB.batch(statements), offered]);
  if (batch.status === 'rejected' && !(await landed(env, view.tenant, pointer.revision, attempt))) {
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
async function landed(env: Env, tenant: string, number: number, attempt: string): Promise<boolean> {
  const found = await drizzle(env.DB)
    .select({ number: revisions.number })
    .from(revisions)
    .where(and(eq(revisions.tenant_id, tenant), eq(revisions.number, number), eq(revisions.attempt, attempt)));
  return found.length > 0;
}

/** The trees after a change: the nodes that come, what every isolate loads first, and those that go. */
async function rewrite(
  env: Env,
  tenant: string,
  from: Pointer | null,
  placed: Placed[],
): Promise<{ manifest: string; written: Content[]; dropped: string[] }> {
  const load = loaderOf(env, tenant, { stored: true });
  const manifest = from === null ? emptyManifest : (await load<Manifest>([from.manifest])).get(from.manifest)!;
  const edits = new Map<string, Edit[]>();
  for (const { kind, id, key, row } of placed) {
    const edit: Edit = { key, identity: sharesIds(kind) ? String(key) : id, row };
    const list = edits.get(kind);
    list === undefined ? edits.set(kind, [edit]) : list.push(edit);
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
function dropStatements(env: Env, tenant: string, hashes: string[], revision: number): D1PreparedStatement[] {
  return hashes.length === 0
    ? []
    : [
        env.DB.prepare(
          'UPDATE content SET dropped = ? WHERE tenant_id = ? AND hash IN (SELECT value FROM json_each(?))',
        ).bind(revision, tenant, JSON.stringify(hashes)),
      ];
}

/** Content may exist already (a change and its undoing): then only the revision that needs it moves on. */
function contentStatements(
  env: Env,
  tenant: string,
  contents: readonly Content[],
  revision: number,
): D1PreparedStatement[] {
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

async function commitContent(
  env: Env,
  view: View,
  object: 'action' | 'schema',
  id: number,
  hash: string,
): Promise<unknown> {
  const pending = view.commitRows.find(
    (row) => row.object === object && row.object_id === id && row.commit_hash === hash,
  );
  if (pending !== undefined) {
    return pending.content;
  }
  const [row] = await drizzle(env.DB)
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

function revisionRow(view: View, pointer: Pointer, attempt: string, making: Making) {
  const versioned = view.mutations.filter(({ resource }) => resource.versioned);
  return {
    tenant_id: view.tenant,
    number: pointer.revision,
    manifest: pointer.manifest,
    attempt,
    user_id: making.actor.userId,
    app_id: making.actor.appId,
    message: making.message,
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

function unavailable(cause: unknown): ApiError {
  return new ApiError('unavailable', 'The change could not be stored; nothing was changed', {
    cause,
    headers: { 'Retry-After': '1' },
  });
}
