import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { sha1 } from '../lib/hash.ts';
import { canonicalJson, sameJson } from '../lib/json.ts';
import { json } from './columns.ts';
import type { Preparing } from './define.ts';
import type { View } from './view.ts';

/** The history of an action's configuration or a schema's source; `object` tells which. */
export const commits = sqliteTable(
  'object_commit',
  {
    id: integer().primaryKey({ autoIncrement: true }),
    tenant_id: text().notNull().default(''),
    object: text().notNull(),
    object_id: integer().notNull(),
    user_id: integer().notNull(),
    commit_hash: text().notNull(),
    content: json().notNull(),
    insert_date: text().notNull(),
  },
  (table) => [index('object_commit_object').on(table.tenant_id, table.object, table.object_id, table.commit_hash)],
);

/** Adds a commit when the content of an action or a schema changed. */
export async function commitIfChanged(
  { view, row, before }: Preparing,
  object: 'action' | 'schema',
  content: unknown,
): Promise<void> {
  const member = object === 'action' ? 'config' : 'source';
  if (before === undefined || !sameJson(before[member], content)) {
    await addCommit(view, object, row.id, content, before === undefined);
  }
}

/** Adds a commit. Its hash is Fusio's: sha1(tenant + user + object + previous + sha1(content)). */
export async function addCommit(
  view: View,
  object: 'action' | 'schema',
  id: number,
  content: unknown,
  first = false,
): Promise<void> {
  const previous = first ? '' : ((await view.headCommit(object, id)) ?? '');
  view.commit({
    tenant_id: view.tenant,
    object,
    object_id: id,
    user_id: view.actor.userId,
    commit_hash: sha1(`${view.tenant}${view.actor.userId}${id}${previous}${sha1(canonicalJson(content))}`),
    content,
    insert_date: new Date(view.now).toISOString(),
  });
}
